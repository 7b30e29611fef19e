"""After `mobility warmup` nothing compiles: a person never waits for a kernel twice."""

import json
import os
import subprocess
import sys
from pathlib import Path

from mobility import _jit

CHECKOUT = Path(__file__).parents[1]

WORK = """
import json, sys
from dataclasses import replace
from mobility import _jit
_jit.warm_up()
before = _jit.signatures()
from mobility import fleet
from mobility.feed import read_feed
from mobility.feed.statistics import route_statistics, trip_statistics
for name in ("santiago", "changsha", "incheon"):
    feed = read_feed(f"gtfs_samples/{name}", cache=False)
    day = feed.day()
    trip_statistics(feed), route_statistics(day), day.stop_events, day.overlapping()
    plan = fleet.plan(fleet.problem(day))
    assert fleet.check(plan.problem, plan) == []
fleet.plan_blocks(fleet.read_mdvsp("gtfs_samples/m2n40.inp"))
cached = read_feed("gtfs_samples/santiago", cache=True)
cached = read_feed("gtfs_samples/santiago", cache=True)  # memory-mapped, read only
trip_statistics(cached), fleet.plan(fleet.problem(cached.day()))
from benchmarks.devos import devos_size
from mobility.stop import Work
fleet.electrify(devos_size(0, trips=60), stop=Work(10))
import numpy as np
from mobility.fleet.dispatch import dispatch
from mobility.fleet.dual_bound import dual_bound
problem = fleet.problem(cached.day())
rows = np.arange(len(problem.trips), dtype=np.int32)
dispatch(problem, rows, 1000.0, effort=1.0), dual_bound(problem, rows, 1000.0)
from mobility.fleet import Scenarios
plan = fleet.plan(problem)
fleet.simulate(problem, plan, Scenarios(count=40, outage=0.2, temperature=0.0))
fleet.simulate(problem, plan, Scenarios(count=40, outage=0.2, queue=True, state_of_health=(0.8, 1.0)))
from benchmarks.charge_city import charge_city
stays = charge_city(0.25, buses=60, sites=2, need=1.2)
for asked in ({}, {"strategy": "first-come"}, {"relax": True}):
    fleet.charge_stays(stays, **asked)
fleet.charge_stays(charge_city(0.02, buses=30, sites=1), least_shortfall=True)
twice = stays.replace(sites=tuple(replace(one, plug_ins=2) for one in stays.sites))
fleet.charge_stays(twice, stop=Work(4))
fleet.charge(fleet.plan(problem))
from mobility import fares
taps = fares.synthetic_taps(300)
for columns in (None, ("charged",)):
    fares.settle(taps, "santiago", columns=columns)
state = fares.update(fares.State.new(fares.read_tariff("santiago")), taps).state
voids = taps.head(100).assign(kind=["on", "off", "on", "void"] * 25, riders=2, stop_id="a", tap_id=range(100, 0, -1))
fares.settle(voids, "opal-2019"), fares.update(state, voids.assign(card=voids["card"].astype(str)))
fares.optimise_caps(taps, fares.read_tariff("santiago"), response=fares.Assumptions())
fares.compare_policies(taps, fares.read_tariff("santiago"), {"month": [38000, 2**40]})
for name in ("fares_v1", "fares_v2"):
    tariff = fares.tariff_from_feed(read_feed(f"gtfs_samples/odd/{name}", cache=False))
    fares.settle(voids.assign(route_id="1", stop_id="P"), tariff)
from mobility import samples, signals
from mobility.signals.streams import Asked, Detection
network = signals.read_network(samples.case("incheon", "signals.toml"))
control = signals.PriorityController(network, policy=signals.Priority(signals.Weights(exchange=True)))
for t in range(120):
    rows = {one.id: len(signals.approaches_of(network).of(one.id)) for one in network.intersections}
    seen = [Detection(k, t, (2.0,) * n, (2.0,) * n, (((0.0, 1.0), (5.0, 1.0)),) * n) for k, n in rows.items()]
    control.step(t, seen, [Asked("b", "N01", "bus", "NS", t, t + 5.0, t + 9.0)])
from mobility import signals
signals.time_signals(signals.read_network("gtfs_samples/changsha/signals.toml"), stop=Work(300), period=0)
from mobility import samples, signals
network = signals.read_network(samples.case("incheon", "signals.toml"))
signals.simulate(network, end_s=network.volumes[0].from_s + 300).figures
from mobility.signals.timetable import buses_of, timetable_of
table = timetable_of(read_feed("gtfs_samples/incheon", cache=False).day(), network)
signals.guide(network, None, buses_of(network, table, {}, begin_s=25200, end_s=25800))
after = _jit.signatures()
print(json.dumps({name: sorted(after[name] - before[name]) for name in after}))
"""


def python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_compiles_after_warmup_kernel(tmp_path):
    """`warm` calls each kernel with every type that work calls it with: no new one, no wait."""
    place = {"MOBILITY_CACHE_DIR": str(tmp_path / "feeds")}
    new = json.loads(python(WORK, **place).splitlines()[-1])
    assert len(new) > 100
    assert not {name: types for name, types in new.items() if types}


def test_warmup_fills_the_disk_cache_kernel():
    warmed, again = (
        json.loads(python("from mobility.cli import main; main(['warmup', '--json'])"))
        for _ in range(2)
    )
    assert warmed["kernels"] == again["kernels"]
    assert again["compiled"] == 0


def test_every_module_of_kernels_is_known_to_warmup():
    found = {
        ".".join(path.relative_to(CHECKOUT).with_suffix("").parts)
        for path in (CHECKOUT / "mobility").rglob("_*kernels.py")
    }
    assert found == set(_jit.MODULES)
