"""What a UTDF file holds otherwise, or not at all: it is read back and compared by movement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.findings import finding
from mobility.signals.problem import GREENS, State
from mobility.signals.program import plan_of
from mobility.signals.utdf import read_utdf
from mobility.signals.utdf_detectors import MOST, placed_detectors
from mobility.signals.utdf_form import form_of, spans_of
from mobility.signals.utdf_write import sided_links

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mobility.findings import Finding
    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Group, Intersection, Network, Seconds
    from mobility.signals.utdf_form import Form

Spans = list[tuple[float, float]]  # (start on the master clock, length), seconds
_YELLOW = frozenset({State.YELLOW})
_SAME_S = 0.002
# Limits of a group that no record holds.
_LIMITS = ("max_green_s", "max_red_s", "min_red_s", "countdown_s", "walk_may_be_cut", "crossing_m")


def utdf_losses(network: Network, plan: Plan, path: str | Path) -> list[Finding]:
    """Read back what ``write_utdf`` wrote of a plan, and say what differs or is missing.

    Returns
    -------
    list[Finding]
        ``signal_written_otherwise`` (error) for a movement or crossing that is shown something
        else; ``signal_utdf_cannot_hold`` for what the format has no place for; and what the file
        breaks by itself, where the plan does not.

    Raises
    ------
    ConfigError, TableError
        When the plan does not fit into UTDF, or the file cannot be read.
    """
    again = read_utdf(path)
    shown = plan_of(again).signal
    name = again.source
    found: list[Finding] = []
    for one in plan.signals:
        signal, other = network.signal[one.signal], again.signal.get(one.signal)
        form = form_of(signal, one)
        if other is None or one.signal not in shown or shown[one.signal].cycle_s != one.cycle_s:
            found.append(finding("signal_written_otherwise", file=name, column=one.signal))
            continue
        found += _movements(signal, one, other, shown[one.signal], name)
        found += _people(signal, one, form, shown[one.signal], name)
        if told := "; ".join(_nowhere(signal, form)):
            found.append(
                finding("signal_utdf_cannot_hold", file=name, column=one.signal, value=told)
            )
    if told := "; ".join(_network(network, plan)):
        found.append(finding("signal_utdf_cannot_hold", file=name, value=told))
    known = {(one.code, one.column) for one in network.input_findings}
    found += [one for one in again.input_findings if (one.code, one.column) not in known]
    return found


def _movements(
    signal: Intersection, one: SignalPlan, other: Intersection, two: SignalPlan, file: str
) -> Iterator[Finding]:
    """Greens and yellows of every movement, on the master clock."""
    for side, turn in _all(signal.groups):
        for states, what in ((GREENS, "green"), (_YELLOW, "yellow")):
            before = _lamps(signal, one, side, turn, states)
            after = _lamps(other, two, side, turn, states)
            if not _same(before, after):
                yield finding("signal_written_otherwise", file=file,
                              column=f"{signal.id}.{side} {turn}",
                              value=f"{what} {_told(before)}, in the file {_told(after)}")  # fmt: skip


def _people(
    signal: Intersection, one: SignalPlan, form: Form, two: SignalPlan, file: str
) -> Iterator[Finding]:
    """Walks: Synchro's clearance is over when yellow begins, so a walk may have to end sooner."""
    for group in signal.groups:
        if not group.on_foot:
            continue
        before = spans_of(one.of_group.get(group.id, ()), one.cycle_s, one.zero_s)
        after = _union(
            [span for row in form.rows if row.people == group.id
             for span in spans_of(two.of_group.get(f"P{row.number}", ()), two.cycle_s, two.zero_s)],
            one.cycle_s,
        )  # fmt: skip
        if _same(before, after):
            continue
        told = f"walk {_told(before)}, in the file {_told(after)}"
        sooner = all(
            any((start - a) % one.cycle_s + length <= long + _SAME_S for a, long in before)
            for start, length in after
        )
        code = "signal_utdf_cannot_hold" if after and sooner else "signal_written_otherwise"
        yield finding(code, file=file, column=f"{signal.id}.{group.id}", value=told)


def _network(network: Network, plan: Plan) -> Iterator[str]:
    """What of the streets and the traffic no record of the format holds."""
    nodes = [one.signal for one in plan.signals]
    if named := [name for name in nodes if not name.isdigit()]:
        yield f"nodes without a number: {', '.join(named)} (Synchro numbers its nodes)"
    held = {id(link) for link, _ in sided_links(network, nodes)}
    if links := [
        f"{one.from_signal}-{one.to_signal}" for one in network.links if id(one) not in held
    ]:
        yield f"links from no side of the compass, or of other signals: {', '.join(links)}"
    if len(network.volumes) > 1:
        yield f"volumes of {len(network.volumes) - 1} of {len(network.volumes)} periods"
    if any(one.pedestrians_h for one in network.volumes):
        yield "people on foot an hour"
    for name, rows in (("bus routes", network.bus_routes), ("bus stops", network.bus_stops),
                       ("emergency routes", network.emergency_routes)):  # fmt: skip
        if rows:
            yield f"{len(rows)} {name}"


def _nowhere(one: Intersection, form: Form) -> Iterator[str]:
    """What no record of the format holds."""
    renamed = [group.id for group in one.groups if not group.on_foot and _renamed(one, form, group)]
    if renamed:
        yield f"names of groups {', '.join(renamed)} (they are phases' numbers)"
    for key in _LIMITS:
        if named := [group.id for group in one.groups if getattr(group, key)]:
            yield f"{key} of {', '.join(named)}"
    for state in (State.RED_AMBER, State.FLASHING_GREEN):
        if named := [
            group.id for group in one.groups
            if any(two is state for two, _ in (*group.sequence.start, *group.sequence.end))
        ]:  # fmt: skip
            yield f"{state} of {', '.join(named)}"
    if kinds := sorted({group.kind for group in one.groups} - {"vehicle", "pedestrian"}):
        yield f"that groups are for {', '.join(kinds)} alone"
    if optional := [stage.id for stage in one.stages if stage.optional]:
        yield f"that stages {', '.join(optional)} may be left out"
    placed = {two.id for rows in placed_detectors(one).values() for row in rows for two in row}
    if lost := [two.id for two in one.detectors if two.id not in placed]:
        yield f"detectors {', '.join(lost)} (of no movement, of another kind, or beyond {MOST})"


def _renamed(one: Intersection, form: Form, group: Group) -> bool:
    if one.rings is not None:
        return group.id not in form.phases
    return group.id.rstrip("bcdefghijklmno") != form.name_of(group.id)


def _all(groups: Iterable[Group]) -> list[tuple[str, str]]:
    return sorted({
        (side, turn) for group in groups if not group.on_foot
        for side in group.approaches for turn in group.movements
    })  # fmt: skip


def _lamps(
    signal: Intersection, plan: SignalPlan, side: str, turn: str, states: frozenset[State]
) -> Spans:
    found: Spans = []
    for group in signal.groups:
        if not group.on_foot and side in group.approaches and turn in group.movements:
            found += spans_of(plan.of_group.get(group.id, ()), plan.cycle_s, plan.zero_s, states)
    return _union(found, plan.cycle_s)


def _union(spans: Spans, cycle_s: Seconds) -> Spans:
    """Spans of a cycle that overlap or touch, as one."""
    if any(length >= cycle_s - _SAME_S for _, length in spans):
        return [(0.0, cycle_s)]
    merged: list[list[float]] = []
    for start, length in sorted(spans):
        if merged and start <= merged[-1][1] + _SAME_S:
            merged[-1][1] = max(merged[-1][1], start + length)
        else:
            merged.append([start, start + length])
    while len(merged) > 1 and merged[-1][1] - cycle_s >= merged[0][0] - _SAME_S:
        first = merged.pop(0)
        merged[-1][1] = max(merged[-1][1], first[1] + cycle_s)
    return [(start, min(end - start, cycle_s)) for start, end in merged]


def _same(one: Spans, other: Spans) -> bool:
    return len(one) == len(other) and all(
        abs(a - c) < _SAME_S and abs(b - d) < _SAME_S
        for (a, b), (c, d) in zip(one, other, strict=True)
    )


def _told(spans: Spans) -> str:
    return ", ".join(f"{length:g} s from {start:g} s" for start, length in spans) or "never"
