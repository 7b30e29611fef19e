"""Studies of a fleet beside its plan: each reader takes a document and gives a part of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.report.growth import sizing_part, transition_part
from mobility.report.robust import comparison_part, simulation_part
from mobility.report.stays import stays_part
from mobility.report.week import week_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobility.report.page import Part
    from mobility.report.read import Answer

    Reader = Callable[[dict[str, Any], dict[str, Any] | None], Part]

# In the order in which they stand on the page.
READERS: dict[str, Reader] = {
    "fleet-week": week_part,
    "fleet-simulation": simulation_part,
    "fleet-comparison": comparison_part,
    "fleet-sizing": sizing_part,
    "fleet-transition": transition_part,
    "fleet-stays": stays_part,
}
# Of these an earlier one is set beside the later.
COMPARED = frozenset({"fleet-week", "fleet-simulation"})


def study_parts(now: dict[str, Answer], before: dict[str, Answer], currency: str) -> list[Part]:
    """Parts of all studies of a fleet, each with where it comes from.

    Parameters
    ----------
    currency
        That of the plan beside them, for documents that do not name their own; may be empty.
    """
    from dataclasses import replace

    parts = []
    for kind, read in READERS.items():
        if kind not in now:
            continue
        told = {"currency": currency, **now[kind].document}
        earlier = before[kind].document if kind in before else None
        part = read(told, earlier)
        parts.append(replace(part, provenance=(*source_of(now[kind]), *part.provenance)))
    return parts


def source_of(answer: Answer) -> list[tuple[str, str]]:
    """Where a study comes from: its name, how far it is proven, seed and versions."""
    told, rows = answer.document, [("Result", answer.name)]
    if told.get("status"):
        gap = told.get("gap")
        rows += [
            ("Status", f"{told['status']}, stopped: {told.get('stop_reason')}"),
            ("Gap", "no bound" if gap is None else f"{100 * abs(gap):.2f} %"),
            *([("What the bound covers", str(told["bound_scope"]))] if told.get("bound_scope") else []),
            ("Seed", str(told.get("seed"))),
            ("Time of the solve", f"{told.get('seconds')} s"),
            ("Versions", ", ".join(f"{a} {b}" for a, b in (told.get("versions") or {}).items())),
        ]  # fmt: skip
    return rows
