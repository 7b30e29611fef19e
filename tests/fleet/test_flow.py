"""The network simplex against OR-Tools' cost scaling: same cost, a bound that meets it, a real flow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from mobility.errors import ConfigError
from mobility.fleet.flow import min_cost_flow


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
