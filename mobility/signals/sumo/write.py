"""Plans as SUMO programs: an additional file that reads back to the same lamps."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4
from xml.sax.saxutils import quoteattr

from mobility.errors import ConfigError
from mobility.signals.sumo.read import LETTERS

if TYPE_CHECKING:
    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Intersection, Network


def phases_of(
    one: Intersection, plan: SignalPlan, width: int | None = None
) -> list[tuple[float, str]]:
    """Return (duration_s, state) of each phase of a program, letters by link number.

    Raises
    ------
    ConfigError
        When the signal was not read from SUMO: its groups know no link numbers.
    """
    links = [link for group in one.groups for link in group.source]
    if not links:
        raise ConfigError(f"signal {one.id} has no links of SUMO",
                          mend="read the network from a .net.xml")  # fmt: skip
    wide = max(links) + 1 if width is None else width
    cuts = sorted({0.0, float(plan.cycle_s), *(float(shown.from_s) for shown in plan.shows)})
    found: list[tuple[float, str]] = []
    for start, end in itertools.pairwise(cuts):
        letters = ["r"] * wide
        for group, shown in plan.of_group.items():
            state = next((two.state for two in shown if two.from_s <= start < two.to_s), None)
            for link in one.group[group].source:
                letters[link] = LETTERS[state] if state is not None else "r"
        state_text = "".join(letters)
        if found and found[-1][1] == state_text:
            found[-1] = found[-1][0] + end - start, state_text
        else:
            found.append((end - start, state_text))
    return found


def write_programs(
    network: Network, plan: Plan, path: str | Path, *, program: str = "mobility"
) -> Path:
    """Write a plan as ``tlLogic`` elements of an additional file; whole or not at all.

    Raises
    ------
    ConfigError
        When a signal of the plan was not read from SUMO.
    """
    target = Path(path)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<additional>"]
    for one in plan.signals:
        lines.append(
            f'    <tlLogic id={quoteattr(one.signal)} type="static" '
            f'programID={quoteattr(program)} offset="{round(one.zero_s, 6):.12g}">'
        )
        lines += [
            f'        <phase duration="{round(seconds, 6):.12g}" state="{state}"/>'
            for seconds, state in phases_of(network.signal[one.signal], one)
        ]
        lines.append("    </tlLogic>")
    lines.append("</additional>")
    part = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        part.write_text("\n".join(lines) + "\n", "utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target
