"""Demand of SUMO's files: every vehicle counted once at every stop line that it passes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from mobility import signals
from mobility.errors import ConfigError

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
from defusedxml.ElementTree import parse
from town import make_town

from mobility.signals.sumo.demand import from_config


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return make_town(tmp_path_factory.mktemp("town"))


def routed(path):
    """Edges of the routes in a file that names them all."""
    return [one.find("route").get("edges").split() for one in parse(path).getroot().iter("vehicle")]


def test_volumes_are_the_vehicles_of_the_file(town):
    network = from_config(town / "town.sumocfg", period_s=900)
    signals_of = {edge: one.id for one in network.intersections for group in one.groups
                  for edge in group.approaches if not edge.startswith(":")}  # fmt: skip
    counted = Counter()
    for edges in routed(town / "town.rou.xml"):
        counted.update(signals_of[edge] for edge, _ in pairwise(edges) if edge in signals_of)
    found = Counter()
    for (signal, _, _), flow in network.volumes[0].vehicles_h.items():
        found[signal] += round(flow * 900 / 3600)
    assert found == counted
    assert sum(counted.values()) > 500
    assert signals.check(network) == []


def test_links_say_who_feeds_them_and_lanes_what_they_serve(town):
    network = from_config(town / "town.sumocfg")
    for link in (one for one in network.links if one.feeds):
        assert 100 < link.distance_m < 700
        assert link.lanes == 2
        assert link.travel_s > 0
        assert all(0 < share <= 1 for _, _, share in link.feeds)
    served = {
        (lane.signal, lane.approach, turn.movement): turn
        for lane in network.lanes
        for turn in lane.turns
    }
    volumes = network.volumes[0].vehicles_h
    assert set(volumes) <= set(served)
    for lane in network.lanes:
        for turn in lane.turns:
            group = network.signal[lane.signal].group[turn.group]
            assert lane.approach in group.approaches
            assert turn.movement in group.movements
            assert 900 < turn.saturation_vph < 2400
    assert from_config(town / "town.sumocfg", scale=2.0).volumes[0].vehicles_h == {
        key: 2 * flow for key, flow in volumes.items()
    }


def test_buses_flows_and_trips_are_read(town, tmp_path):
    edges = routed(town / "town.rou.xml")[0]
    longest = max(routed(town / "town.rou.xml"), key=len)
    (tmp_path / "more.rou.xml").write_text(
        '<routes><vType id="bus" vClass="bus"/>'
        f'<trip id="t" depart="1" from="{edges[0]}" to="{edges[-1]}"/>'
        f'<flow id="f" begin="0" end="600" number="20" from="{edges[0]}" to="{edges[-1]}"/>'
        f'<vehicle id="b.1" type="bus" line="7" depart="5"><route edges="{" ".join(longest)}"/>'
        f'<stop busStop="S" duration="25"/></vehicle></routes>'
    )
    (tmp_path / "stops.add.xml").write_text(
        f'<additional><busStop id="S" lane="{longest[1]}_1" startPos="10" endPos="30"/></additional>'
    )
    (tmp_path / "x.sumocfg").write_text(
        f'<configuration><input><net-file value="{town / "town.net.xml"}"/>'
        '<route-files value="more.rou.xml"/><additional-files value="stops.add.xml"/></input>'
        '<time><begin value="0"/><end value="900"/></time></configuration>'
    )
    network = from_config(tmp_path / "x.sumocfg", period_s=900)
    (line,) = network.bus_routes
    assert line.route_id == "7"
    assert len(line.signals) >= 2
    (stop,) = network.bus_stops
    assert stop.stop_id == "S"
    assert stop.link == line.signals[:2]
    assert stop.dwell_mean_s == 25
    assert stop.dwell_sd_s == 0
    assert 30 <= stop.after_m < 80
    assert sum(network.volumes[0].vehicles_h.values()) * 900 / 3600 >= 21


def test_nothing_to_drive_is_refused_with_how_to_mend(town):
    with pytest.raises(ConfigError, match="nothing departs") as raised:
        from_config(town / "town.sumocfg", begin_s=800)
    assert raised.value.mend


def test_real_scenarios_have_their_published_demand():
    shared = Path(__file__).parents[3] / "shared" / "sumo"
    if not shared.is_dir():
        pytest.skip("the folder of real nets (shared/sumo beside the checkout) is not here")
    for name, buses, stops in (("cologne3/cologne3", 0, 0), ("ingolstadt7/ingolstadt7", 18, 0),
                               ("bologna_acosta/run", 22, 11)):  # fmt: skip
        network = from_config(shared / f"{name}.sumocfg")
        assert (len(network.bus_routes), len(network.bus_stops)) == (buses, stops)
        assert signals.check(network) == []
        assert network.lanes
        assert network.links
