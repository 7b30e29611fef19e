"""Pages that the tests of the report open: small ones of the samples, one with a hostile name."""

import json
from dataclasses import replace

import pandas as pd

from mobility import fares, fleet, samples, signals
from mobility.feed import read_feed
from mobility.report import make_page

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>\"'&\u2028"


def write_fleet(folder, name, *, mode="plan", case=None):
    """A written plan of a sample, or of a feed's path."""
    path = samples.path(name) if name in samples.available else name
    day = read_feed(path, cache=False).day("2025-06-04" if name in samples.available else "typical")
    problem = fleet.problem(day, case=case)
    plan = fleet.plan(problem) if mode == "plan" else fleet.plan_blocks(problem)
    source = {
        "feed": str(path), "sha256": day.feed.sha256, "case": str(case) if case else None,
        "date": day.date.isoformat(), "modes": None,
    }  # fmt: skip
    return plan.write(folder, day=day, source=source)


def write_signals(path, name, **change):
    """The plan that came in with a sample, as JSON; every offset may be moved."""
    plan = signals.plan_of(signals.read_network(samples.case(name, "signals.toml")))
    path.write_text(json.dumps({**plan.to_dict(), **change}), "utf-8")
    return path


def moved(told, by_s):
    """The same plan, every second signal later by so much."""
    signals_ = [
        {**one, "zero_s": (one["zero_s"] + by_s * (at % 2)) % one["cycle_s"],
         "offset_s": (one["offset_s"] + by_s * (at % 2)) % one["cycle_s"]}
        for at, one in enumerate(told["signals"])
    ]  # fmt: skip
    return {**told, "signals": signals_, "name": "later"}


def ledger(riders=400):
    """A synthetic month in which a cap holds some riders."""
    return fares.settle(fares.synthetic_taps(riders, seed=0), "santiago-2025")


def hostile_page():
    """A plan in which routes, buses, stops, depots and findings are called what would break a page."""
    day = read_feed(samples.path("incheon"), cache=False).day("2025-06-04")
    problem = fleet.problem(day)
    plan = fleet.plan(problem)
    named = plan.blocks.assign(
        vehicle=plan.blocks["vehicle"] + HOSTILE, block=plan.blocks["block"] + HOSTILE,
        depot=HOSTILE,
    )  # fmt: skip
    sessions = plan.sessions.assign(vehicle=plan.sessions["vehicle"] + HOSTILE, site=HOSTILE)
    power = plan.power.assign(site=HOSTILE)
    trips = problem.trips.assign(route_id=HOSTILE)
    depots = tuple(replace(one, id=HOSTILE) for one in problem.depots)
    stops = problem.stops.assign(name=HOSTILE)
    hostile = replace(problem, trips=trips, depots=depots, stops=stops, assumptions=(HOSTILE,))
    return make_page(
        [replace(plan, problem=hostile, blocks=named, sessions=sessions, power=power,
                 assumptions=(HOSTILE,))],
        title=HOSTILE,
    )  # fmt: skip


def many_buses(copies):
    """Incheon's plan again and again: a fleet of another size, each bus with a name of its own."""
    day = read_feed(samples.path("incheon"), cache=False).day("2025-06-04")
    plan = fleet.plan(fleet.problem(day))
    tags = [f"-{at:03d}" for at in range(copies)]

    def again(table, *names):
        return pd.concat([table.assign(**{name: table[name] + tag for name in names}) for tag in tags],
                         ignore_index=True)  # fmt: skip

    trips = again(plan.problem.trips, "trip_id")
    blocks = again(plan.blocks, "vehicle", "block", "trip_id")
    problem = replace(plan.problem, trips=trips)
    return replace(plan, problem=problem, blocks=blocks, sessions=again(plan.sessions, "vehicle"),
                   vehicles=copies * plan.vehicles)  # fmt: skip
