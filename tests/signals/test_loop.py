"""Controllers in SUMO's loop: lamps that break no rule, and answers that repeat."""

from __future__ import annotations

import pytest

pytest.importorskip("sumo", reason="SUMO is in the extra [sumo]")
from town import make_town

from mobility.signals.sumo import drive


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A grid of nine signals with crossings; one vehicle in ten is a bus, one is a fire engine."""
    folder = make_town(tmp_path_factory.mktemp("loop"))
    path = folder / "town.rou.xml"
    text = path.read_text()
    first = text.index("<vehicle ")
    types = '<vType id="BUS" vClass="bus"/><vType id="FIRE" vClass="emergency"/>'
    rows = text[first:].split("<vehicle ")
    for k in range(3, len(rows), 10):
        rows[k] = 'type="BUS" ' + rows[k]
    rows[8] = 'type="FIRE" ' + rows[8]
    path.write_text(text[:first] + types + "<vehicle ".join(rows))
    return folder


@pytest.mark.parametrize("name", ["actuated", "greedy", "max-pressure", "adaptive", "priority"])
def test_no_controller_breaks_a_rule_in_sumo(town, name):
    done = drive(town / "town.sumocfg", name, seed=1, end_s=240)
    assert done.findings == ()
    assert done.figures["vehicles"] > 100
    causes = {one.cause for one in done.log.commands}
    assert "preemption" in causes  # a fire engine goes first under every policy
    if name == "priority":
        assert "priority" in causes
        again = drive(town / "town.sumocfg", name, seed=1, end_s=240)
        assert again.figures == done.figures
