"""The network simplex against OR-Tools' cost scaling: same cost, a bound that meets it, a real flow."""

import itertools

import naive
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from mobility import fleet
from mobility.errors import ConfigError
from mobility.fleet import network
from mobility.fleet.flow import min_cost_flow
from mobility.fleet.rules import Terminal


@st.composite
def networks(draw):
    nodes = draw(st.integers(2, 9))
    arcs = draw(st.integers(1, 30))
    whole = lambda low, high, size: np.array(  # noqa: E731
        draw(st.lists(st.integers(low, high), min_size=size, max_size=size)), np.int64
    )
    tails, heads = whole(0, nodes - 1, arcs), whole(0, nodes - 1, arcs)
    supply = whole(-4, 4, nodes)
    supply[-1] -= supply.sum()
    costs = np.stack([whole(0, 50, arcs), whole(-3, 1, arcs)])
    return tails.astype(np.int32), heads.astype(np.int32), whole(0, 9, arcs), costs, supply


def oracle(tails, heads, capacities, costs, supply):
    solver = SimpleMinCostFlow()
    solver.add_arcs_with_capacity_and_unit_cost(tails, heads, capacities, costs)
    solver.set_nodes_supplies(np.arange(supply.size, dtype=np.int32), supply)
    return solver.optimal_cost() if solver.solve() == solver.OPTIMAL else None


@given(networks())
def test_kernel_network_simplex_finds_what_cost_scaling_finds(network):
    tails, heads, capacities, costs, supply = network
    flows = min_cost_flow(tails, heads, capacities, costs, supply)
    best = oracle(tails, heads, capacities, costs[0], supply)
    assert (flows is None) == (best is None)
    if flows is None:
        return
    for flow, cost in zip(flows, costs, strict=True):
        assert flow.cost == flow.bound == oracle(tails, heads, capacities, cost, supply)
        assert (flow.amount >= 0).all()
        assert (flow.amount <= capacities).all()
        net = np.zeros(supply.size, np.int64)
        np.add.at(net, tails, flow.amount)
        np.subtract.at(net, heads, flow.amount)
        np.testing.assert_array_equal(net, supply)


def test_costs_that_cannot_be_added_exactly_are_refused():
    one = np.ones(1, np.int32)
    with pytest.raises(ConfigError, match="too large"):
        min_cost_flow(
            0 * one,
            one,
            one.astype(np.int64),
            np.full((1, 1), 1 << 52),
            np.array([1, -1], np.int64),
        )


@st.composite
def unit_days(draw, limited=False):
    """Trips with a layover each, one depot, one or two bands of runs (pull-outs alike in both)."""
    spots = ("a", "b", "c")[: draw(st.integers(1, 3))]
    trips = []
    for at in range(draw(st.integers(1, 6))):
        start = draw(st.integers(20, 30)) * 1_800
        length = draw(st.sampled_from([600, 1_500, 2_700]))
        ends = [draw(st.sampled_from(spots)) for _ in range(2)]
        trips.append((f"t{at}", start, start + length, *ends))
    runs, cut = [], draw(st.sampled_from([0, 45_000]))
    for one, other in itertools.permutations(("home", *spots), 2):
        spans = [(0, cut), (cut, 10**6)] if cut and one != "home" else [(0, 10**6)]
        for begin, end in spans:
            minutes = draw(st.sampled_from([2, 10, 25]))
            runs.append((one, other, begin, end, 60 * minutes, minutes / 2))
    problem = fleet.Problem.from_tables(
        pd.DataFrame(trips, columns=["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop"]),
        deadheads=pd.DataFrame(
            runs, columns=["from_stop", "to_stop", "from_s", "to_s", "time_s", "distance_km"]
        ),
        depots=[{"id": "home", "stop_id": "home"}],
        costs={
            "vehicle_day_minor": draw(st.sampled_from([0, 700, 20_000])),
            "deadhead_km_minor": draw(st.sampled_from([0, 90])),
            "waiting_h_minor": draw(st.sampled_from([0, 360, 3_600])),
        },
    )
    layover = [draw(st.sampled_from([0, 120, 300, 900, 1_800])) for _ in trips]
    units = network.Units(
        problem.depart_s, problem.arrive_s, problem.from_place, problem.to_place,
        np.array(layover, np.int32),
    )  # fmt: skip
    waits = [
        draw(st.sampled_from([0, 600, 1_800, 10**6])) if limited else 10**6
        for _ in problem.deadheads.places
    ]
    terminals = tuple(
        Terminal((place,), wait)
        for place, wait in zip(problem.deadheads.places, waits, strict=True)
    )
    return problem.replace(**{"rules.terminals": terminals}), units, np.array(waits, np.int32)


def chained(problem, units):
    net = network.build(
        problem,
        units,
        problem.depot_place,
        minor_km=problem.costs.deadhead_km_minor,
    )
    return network.chain(net)


@settings(max_examples=300)
@given(unit_days())
def test_kernel_connections_with_a_layover_for_every_trip_are_exact(day):
    """Also across bands, where the runs from the depot are alike in all of them."""
    problem, units, waits = day
    every, answer = naive.any_chaining(problem, units, waits), chained(problem, units)
    assert answer.feasible == bool(every)
    if not every:
        return
    least = min(every.values())
    # Every arc is rounded down to 1/1000 minor unit.
    assert least - 0.1 <= answer.bound_minor <= least + 1e-6
    assert answer.vehicles_bound == min(every)
    chains = network.chains_of(answer)
    assert sorted(unit for chain in chains for unit in chain) == list(range(units.size))
    driven = naive.cost_of_chains(problem, units, chains, waits)
    assert driven <= least + 0.1


@settings(max_examples=200)
@given(unit_days(limited=True))
def test_kernel_connections_with_longest_waits_by_place_leave_the_bound_below(day):
    problem, units, waits = day
    every, answer = naive.any_chaining(problem, units, waits), chained(problem, units)
    if every:
        assert answer.feasible
        assert answer.bound_minor <= min(every.values()) + 1e-6
        assert answer.vehicles_bound <= min(every)
