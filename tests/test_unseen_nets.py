"""Nets of SUMO's package in the benchmark: written as configurations that the bridge reads; other demand of flows."""

from __future__ import annotations

from xml.etree.ElementTree import fromstring

import pytest

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")

from benchmarks import signals as bench
from benchmarks import unseen
from mobility.signals.sumo.config import read_config
from mobility.signals.sumo.demand import from_config


@pytest.mark.parametrize("net", ["game/cross", "game/corridor", "game/fkk_in", "rilsa/3"])
def test_a_net_of_the_package_is_read_with_programs_that_end(net):
    if why := unseen.missing(net):
        pytest.skip(why)
    source, begin, end, _, scale = bench.scenario_of(net)
    network = from_config(source, begin_s=begin, end_s=end, scale=scale)
    assert network.given is not None
    assert {one.cycle_s for one in network.given.signals} <= set(range(40, 181))
    assert sum(network.volumes[0].vehicles_h.values()) > 100
    assert all(lane.turns for lane in network.lanes)
    assert read_config(source).step_s == 1.0


def test_what_the_package_lacks_is_named(monkeypatch):
    gone = unseen.Unseen("tools/game/none/none.net.xml", (), 1.0)
    monkeypatch.setitem(unseen.UNSEEN, "game/none", gone)
    assert "tools/game/none/none.net.xml" in unseen.missing("game/none")


def test_flows_are_scaled_however_they_are_given():
    flow = fromstring('<flow number="10" vehsPerHour="100" probability="0.2" period="exp(0.1)"/>')
    bench._other_flow(flow, 1.5)
    assert flow.attrib == {"number": "15", "vehsPerHour": "150.0", "probability": "0.30000000000000004",
                           "period": "exp(0.15000000000000002)"}  # fmt: skip
    flow = fromstring('<flow period="30"/>')
    bench._other_flow(flow, 1.5)
    assert flow.attrib == {"period": "20.0"}
