"""The kernels of the simulation against their slow twins."""

import naive_simulate as naive
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mobility.fleet import _simulate_kernels as kernels

SLOT_S = 300.0


def made_up(rng, buses, scenarios, measured):
    """Arrays of a few buses, whose legs, sessions and moves are drawn."""
    sizes = rng.integers(1, 9, buses)
    start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    legs = int(start[-1])
    kind = rng.integers(0, 2, legs).astype(np.int8)
    session = np.full(legs, -1, np.int32)
    held = [leg for leg in range(legs) if kind[leg] == 1 and rng.random() < 0.7]
    session[held] = np.arange(len(held))
    slots = rng.integers(1, 6, len(held))
    kwh = [rng.uniform(0, 12, one) for one in slots]
    sums = [np.concatenate([[0.0], np.cumsum(one)]) for one in kwh]
    moved = [
        (
            plug,
            at,
            float(rng.integers(0, 4) * 300),
            float(rng.integers(1, 5) * 300),
            float(rng.uniform(0, 40)),
        )
        for plug in range(len(held))
        for at in range(scenarios)
        if rng.random() < 0.15
    ]
    whole = {
        "leg_start": start, "kind": kind, "key": rng.integers(0, 2**32, legs, np.uint32),
        "seconds": rng.integers(60, 4000, legs).astype(float), "base_kwh": rng.uniform(0, 40, legs),
        "hvac_h": rng.uniform(0, 1, legs), "hour": rng.integers(0, 25, legs),
        "measured": np.where((kind == 0) & (rng.random(legs) < measured), rng.integers(0, 3, legs), -1)
        .astype(np.int32),
        "session": session, "offset_s": rng.integers(0, 900, len(held)).astype(float), "slot_s": SLOT_S,
        "given_start": np.concatenate([[0], np.cumsum([one.size for one in sums])]).astype(np.int64),
        "given_kwh": np.concatenate([np.zeros(0), *sums]), "target": rng.uniform(-30, 40, len(held)),
        "charger_key": rng.integers(0, 2**32, len(held), np.uint32),
        "moved_start": np.searchsorted([one[0] for one in moved], np.arange(len(held) + 1)).astype(np.int64),
        "moved_scenario": np.array([one[1] for one in moved], np.int64),
        "moved_begin": np.array([one[2] for one in moved], float),
        "moved_end": np.array([one[2] + one[3] for one in moved], float),
        "moved_kwh": np.array([one[4] for one in moved], float),
        "bus_key": rng.integers(0, 2**32, buses, np.uint32), "bus_type": rng.integers(0, 2, buses),
        "usable": rng.uniform(20, 120, buses), "window": rng.uniform(0.5, 0.9, buses),
        "top_kwh": rng.uniform(0, 40, buses),
        "soh_range": np.sort(rng.uniform(0.6, 1.0, (buses, 2)), axis=1),
        "scenario_key": rng.integers(0, 2**32, scenarios, np.uint32),
        "day_energy": rng.uniform(0.8, 1.3, scenarios), "day_time": rng.uniform(0.8, 1.4, scenarios),
        "measured_day": rng.integers(0, 2, scenarios), "ratio": rng.uniform(0.8, 1.5, (3, 2)),
        "held_s": rng.choice([0.0, 200.0, 900.0], (3, 2)), "hvac_kw": rng.uniform(0, 20, (2, 25, scenarios)),
        "bus_energy": rng.uniform(0.8, 1.2, 4096), "trip_energy": rng.uniform(0.8, 1.2, 4096),
        "trip_time": rng.uniform(0.8, 1.3, 4096), "late_s": rng.choice([0.0, 60.0, 700.0], 4096),
        "threshold": np.uint64(rng.integers(0, 2**31)),
    }  # fmt: skip
    return whole, kwh, moved


def run(whole, ranks, parts):
    buses, legs = whole["bus_key"].size, whole["kind"].size
    count = whole["scenario_key"].size
    breaks, empty = np.zeros(buses, np.int64), np.zeros(buses, np.int64)
    required, worst = np.zeros((buses, ranks.size)), np.zeros((buses, ranks.size))
    first, broken, unfilled = (
        np.zeros(legs, np.int64),
        np.zeros(count, np.int32),
        np.zeros(count, np.int32),
    )
    for part in parts:
        kernels.simulate(np.array(part, np.int64), *whole.values(), ranks, breaks, empty, required, worst,
                         first, broken, unfilled)  # fmt: skip
    return breaks, empty, required, worst, first, broken, unfilled


def naively(whole, kwh, moved, ranks):
    count = whole["scenario_key"].size
    told = []
    for bus in range(whole["bus_key"].size):
        legs = []
        for leg in range(whole["leg_start"][bus], whole["leg_start"][bus + 1]):
            plug, row = int(whole["session"][leg]), int(whole["measured"][leg])
            legs.append((leg, {
                "kind": int(whole["kind"][leg]), "key": int(whole["key"][leg]), "hour": whole["hour"][leg],
                "seconds": whole["seconds"][leg], "kwh": whole["base_kwh"][leg], "hvac_h": whole["hvac_h"][leg],
                "measured": None if row < 0 else {name: whole[name][row] for name in ("ratio", "held_s")},
                "session": None if plug < 0 else {
                    "key": int(whole["charger_key"][plug]), "kwh": kwh[plug],
                    "offset_s": whole["offset_s"][plug], "target": whole["target"][plug],
                    "moved": [{"scenario": one[1], "begin_s": one[2], "end_s": one[2] + one[3], "kwh": one[4]}
                              for one in moved if one[0] == plug],
                },
            }))  # fmt: skip
        own = {
            "key": int(whole["bus_key"][bus]), "legs": legs, "usable": whole["usable"][bus],
            "window": whole["window"][bus], "top": whole["top_kwh"][bus], "low": whole["soh_range"][bus, 0],
            "high": whole["soh_range"][bus, 1],
        }  # fmt: skip
        told.append([
            naive.replay_bus(own, at, {
                "key": int(whole["scenario_key"][at]), "energy": whole["day_energy"][at],
                "time": whole["day_time"][at], "measured_day": whole["measured_day"][at], "slot_s": SLOT_S,
                "threshold": int(whole["threshold"]), "hvac_kw": whole["hvac_kw"][whole["bus_type"][bus], :, at],
                **{name: whole[name] for name in ("bus_energy", "trip_energy", "trip_time", "late_s")},
            })
            for at in range(count)
        ])  # fmt: skip
    return told


@given(
    st.integers(0, 2**32 - 1), st.integers(1, 4), st.integers(1, 12), st.sampled_from([0.0, 0.5])
)
def test_simulate_kernel_is_its_slow_twin(seed, buses, scenarios, measured):
    whole, kwh, moved = made_up(np.random.default_rng(seed), buses, scenarios, measured)
    ranks = np.unique([naive.rank_of(one, scenarios) for one in (0.5, 0.9, 0.95)]).astype(np.int64)
    breaks, empty, required, worst, first, broken, unfilled = run(whole, ranks, [(0, buses)])
    told = naively(whole, kwh, moved, ranks)
    for bus, days in enumerate(told):
        assert breaks[bus] == sum(day["first"] < naive.NEVER for day in days)
        assert empty[bus] == sum(day["used"] > 0.01 for day in days)
        for at, rank in enumerate(ranks):
            needed = naive.at_rank([day["required_kwh"] for day in days], rank)
            delay = naive.at_rank([day["worst_s"] for day in days], rank)
            np.testing.assert_allclose(required[bus, at], needed, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(worst[bus, at], delay, rtol=1e-6, atol=1e-6)
    for leg in range(first.size):
        assert first[leg] == sum(day["first"] == leg for days in told for day in days)
    for at in range(scenarios):
        assert broken[at] == sum(days[at]["first"] < naive.NEVER for days in told)
        assert unfilled[at] == sum(days[at]["used"] > 0.01 for days in told)


@given(st.integers(0, 2**32 - 1))
def test_simulate_kernel_does_not_care_who_takes_which_bus(seed):
    whole, _, _ = made_up(np.random.default_rng(seed), 4, 700, 0.3)  # more than one chunk
    ranks = np.array([350, 664], np.int64)
    at_once = run(whole, ranks, [(0, 4)])
    apart = run(whole, ranks, [(2, 4), (0, 1), (1, 2)])
    for one, other in zip(at_once, apart, strict=True):
        assert np.array_equal(one, other)


@given(st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60), st.data())
def test_select_kernel_puts_a_rank_in_its_place(values, data):
    rank = data.draw(st.integers(0, len(values) - 1))
    scratch = np.array(values, np.float32)
    assert kernels.select(scratch, 0, rank) == sorted(values)[rank]
    assert sorted(scratch.tolist()) == sorted(values)
    assert (scratch[:rank] <= scratch[rank]).all()
    assert (scratch[rank + 1 :] >= scratch[rank]).all()


@given(st.integers(0, 2**32 - 1))
def test_requeue_kernel_is_its_slow_twin(seed):
    rng = np.random.default_rng(seed)
    day, slot_h, scenarios = 24, 1.0, 5
    counts = rng.integers(1, 4, 2)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    names = rng.integers(0, 2**32, int(starts[-1]), np.uint32)
    limits, gaps = rng.choice([np.inf, 60.0, 140.0], (2, 24)), rng.integers(0, 3, 2)
    plugs, busy = [], set()
    for name in range(int(rng.integers(1, 9))):
        site = int(rng.integers(0, 2))
        charger, first, size = (
            int(rng.integers(0, counts[site])),
            int(rng.integers(0, 40)),
            int(rng.integers(1, 5)),
        )
        slots = {(site, charger, (first + at) % day) for at in range(size)}
        if slots & busy:
            continue
        busy |= slots
        arrive = first - int(rng.integers(0, 4))
        plugs.append({
            "name": name, "site": site, "charger": charger, "first": first, "arrive": max(arrive, 0),
            "kw": rng.integers(1, 60, size).astype(float).tolist(), "most_kw": float(rng.integers(20, 90)),
            "leave": first + size + int(rng.integers(0, 4)),
        })  # fmt: skip
    load = np.zeros((2, day))
    for one in plugs:
        for at, kw in enumerate(one["kw"]):
            load[one["site"], (one["first"] + at) % day] += kw
    limits = np.maximum(limits, load)  # a plan holds its sites' limits
    planned = np.zeros((len(plugs), 5))
    for at, one in enumerate(plugs):
        planned[at, : len(one["kw"])] = one["kw"]
    column = {
        name: np.array([one[name] for one in plugs])
        for name in ("site", "charger", "first", "arrive", "leave", "most_kw")
    }
    size = np.array([len(one["kw"]) for one in plugs], np.int64)
    keys = rng.integers(0, 2**32, scenarios, np.uint32)
    threshold, room = 2**31, scenarios * len(plugs)
    moved = [np.zeros(room, kind) for kind in (np.int64, np.int64, np.int64, np.int64, np.float64)]
    found = kernels.requeue(
        keys, np.arange(len(plugs)), starts[column["site"]] + column["charger"], names, np.uint64(threshold),
        column["first"], size, column["arrive"], column["leave"], planned, column["most_kw"], column["site"],
        starts, limits, gaps, load, np.int64(room), *moved, slot_h,
    )  # fmt: skip
    told = {
        (int(moved[1][at]), plugs[int(moved[0][at])]["name"]): (
            int(moved[2][at]),
            int(moved[3][at]),
            moved[4][at],
        )
        for at in range(found)
    }
    chargers = {
        site: {one: int(names[starts[site] + one]) for one in range(counts[site])}
        for site in (0, 1)
    }
    wanted = {}
    for at, key in enumerate(keys.tolist()):
        own = naive.look_for_chargers(plugs, chargers, limits, gaps, key, threshold, day, slot_h)
        wanted |= {(at, name): move for name, move in own.items()}
    assert told.keys() == wanted.keys()
    for key, (first, slots, kwh) in wanted.items():
        assert told[key][:2] == (first, slots)
        np.testing.assert_allclose(told[key][2], kwh, atol=1e-9)
