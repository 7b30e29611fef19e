"""Fire engines in SUMO: the same alarms without and with pre-emption, and lamps that break no rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mobility.errors import ConfigError
from mobility.signals.actuator import Actuator
from mobility.signals.groups import Group, Sequence, State
from mobility.signals.intersection import Intersection, Stage

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
from town import make_town

from mobility.signals.sumo import rescue
from mobility.signals.sumo.engines import draw_engines


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return make_town(tmp_path_factory.mktemp("rescue")) / "town.sumocfg"


def test_engines_are_drawn_with_a_seed_and_pass_signals(town):
    drawn = draw_engines(town, 5, seed=3)
    assert drawn == draw_engines(town, 5, seed=3)
    assert drawn != draw_engines(town, 5, seed=4)
    assert [one.depart_s for one in drawn] == sorted(one.depart_s for one in drawn)
    for one in drawn:
        assert one.signals
        assert len(one.edges) > len(one.signals)
        assert one.free_s >= one.metres / 13.9  # the grid's speed
        assert 225 <= one.depart_s <= 540


def test_pre_emption_is_quicker_and_breaks_no_rule(town):
    done = rescue(town, "fixed", engines=6, end_s=700)
    told = done.to_dict()
    assert done.findings == ()
    assert told["after"]["arrived"] == 6
    assert told["after"]["mean_s"] < 0.9 * told["before"]["mean_s"]
    assert told["after"]["within_limit"] > told["before"]["within_limit"]
    assert {one.cause for one in done.before.log.commands} == {"plan"}
    assert "preemption" in {one.cause for one in done.after.log.commands}
    # Nobody else was lost, and nobody else is counted.
    assert told["others"]["vehicles"][0] == told["others"]["vehicles"][1]
    assert told["others"]["vehicles"][0] == done.before.figures["vehicles"] - 6
    # An engine asks at every signal ahead of it, not at the next one alone.
    asked = {one.signal for one in done.after.log.requests if one.id == "engine-1"}
    assert len(asked) >= 4
    # What takes longer than the limit is late.
    limit = float(done.alarms["after_s"].median())
    late = replace(done, alarms=done.alarms.assign(limit_s=limit))
    assert late.to_dict()["after"]["within_limit"] == (done.alarms["after_s"] <= limit).mean()


def test_what_cannot_be_driven_is_refused(town):
    with pytest.raises(ConfigError, match="takes no requests"):
        rescue(town, "shipped")
    with pytest.raises(ConfigError, match="target"):
        rescue(town, "fixed", target_s=0)
    with pytest.raises(ConfigError, match="0 fire engines"):
        rescue(town, "fixed", engines=0)


def test_people_of_the_last_green_are_out_of_the_way_before_traffic_that_gives_way():
    """Walk ends and begins again at once: those who turn still wait for the first ones' intergreen."""
    one = Intersection(
        "X", (Group("T", movements=("right",)), Group("P", kind="pedestrian", sequence=Sequence((), ()), walk_s=4)),
        (Stage("A", ("T", "P"), 20, yields=("T",)), Stage("B", (), 5)),
        intergreen_s={("T", "P"): 3, ("P", "T"): 11}, permissive=frozenset({("T", "P")}),
        order_free=True,
    )  # fmt: skip
    actuator = Actuator(one, stage="B")
    walk, both = {1}, {0, 1}
    rows = [actuator.step(walk) for _ in range(8)]
    rows += [actuator.step(set()) for _ in range(2)]  # the walk ends here, at 8 s
    rows += [actuator.step(both) for _ in range(20)]  # and begins again at 10 s
    greens = {State.GREEN, State.YIELD}
    assert rows[7][1] is State.GREEN
    assert rows[8][1] is not State.GREEN
    assert next(t for t in range(9, 30) if rows[t][1] is State.GREEN) == 10
    assert next(t for t in range(30) if rows[t][0] in greens) >= 8 + 11
