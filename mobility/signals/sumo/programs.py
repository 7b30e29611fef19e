"""Programs of SUMO as a plan for a network that is known: judged by its rules, not by their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mobility.errors import TableError
from mobility.findings import finding
from mobility.signals.plan import Indication, Plan, SignalPlan, StageTime
from mobility.signals.problem import GREENS
from mobility.signals.program import reference_at
from mobility.signals.sumo.net import programs_of
from mobility.signals.sumo.read import STATES

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.problem import Intersection, Network
    from mobility.signals.sumo.net import Phase, Program


def plan_of_programs(network: Network, path: str | Path) -> Plan:
    """Read the ``tlLogic`` elements of an additional file as a plan for a network.

    Where a signal has several programs, the last one counts, as in SUMO. Signals that the file
    does not name are left out.

    Raises
    ------
    TableError
        When the file cannot be read or has no program, names a signal that the network does not
        have, or shows two links of one group different lamps; ``findings`` tells all of it.
    """
    name = Path(path).name
    made: list[SignalPlan] = []
    found: list[Finding] = []
    for signal, programs in sorted(programs_of(path).items()):
        one = network.signal.get(signal)
        if one is None:
            found.append(finding("signal_unknown", file=name, column=signal, value=signal))
            continue
        told = _unfit(one, programs[-1], name)
        found += told
        if not told:
            made.append(_plan(one, programs[-1]))
    if found:
        raise TableError(found[0].where_what, mend=found[0].mend, findings=found)
    if not made:
        raise TableError(f"{path}: has no program", mend="name a file with tlLogic elements")
    return Plan(tuple(made), name=name.removesuffix(".xml").removesuffix(".add"))


def _unfit(one: Intersection, program: Program, name: str) -> list[Finding]:
    """Say why a program does not fit a signal's groups."""
    wide = max(link for group in one.groups for link in group.source) + 1
    for phase in program.phases:
        if len(phase.state) < wide:
            return [finding("signal_import_wrong_width", file=name, column=one.id,
                            value=phase.state)]  # fmt: skip
        unknown = sorted(set(phase.state) - set(STATES))
        if unknown:
            return [finding("signal_state_unknown", file=name, column=one.id, value=unknown[0])]
        for group in one.groups:
            if len({phase.state[link] for link in group.source}) > 1:
                return [finding("signal_import_group_split", file=name, column=f"{one.id}.{group.id}",
                                value=phase.state)]  # fmt: skip
    if program.cycle_s <= 0:
        return [finding("signal_cycle_wrong", file=name, column=one.id, value=program.cycle_s)]
    return []


def _plan(one: Intersection, program: Program) -> SignalPlan:
    phases = [phase for phase in program.phases if phase.duration_s > 0]
    starts = [sum(phase.duration_s for phase in phases[:k]) for k in range(len(phases) + 1)]
    cycle = starts[-1]
    shows: list[Indication] = []
    for group in one.groups:
        own: list[Indication] = []
        for k, phase in enumerate(phases):
            state = STATES[phase.state[group.source[0]]]
            start = starts[k]
            if own and own[-1].state is state:
                start = own.pop().from_s
            own.append(Indication(group.id, state, start, starts[k + 1]))
        shows += own
    stages = _stages(one, phases, starts)
    zero = program.offset_s % cycle
    named = one.reference_stage or (stages[0].stage if stages else "")
    offset = (zero + reference_at(one, stages, named)) % cycle
    return SignalPlan(
        one.id, cycle, zero, offset, tuple(stages), tuple(shows), one.reference, named
    )


def _stages(one: Intersection, phases: list[Phase], starts: list[float]) -> list[StageTime]:
    """Phases that show just a stage's lamps; one that runs over the cycle's end begins there."""
    known = {(frozenset(two.groups), frozenset(two.yields)): two.id for two in one.stages}
    found: list[StageTime] = []
    joined = False
    for k, phase in enumerate(phases):
        letters = {group.id: phase.state[group.source[0]] for group in one.groups}
        green = frozenset(name for name, letter in letters.items() if STATES[letter] in GREENS)
        gives = frozenset(name for name in green if letters[name] in "gs")
        stage = known.get((green, gives)) if not {"y", "Y", "u"} & set(letters.values()) else None
        if stage is not None and joined and found[-1].stage == stage:
            found[-1] = StageTime(stage, found[-1].from_s, found[-1].green_s + phase.duration_s)
        elif stage is not None:
            found.append(StageTime(stage, starts[k], phase.duration_s))
        joined = stage is not None
    runs_over = len(found) > 1 and found[0].from_s == 0 and joined
    if runs_over and found[0].stage == found[-1].stage:
        first = found.pop(0)
        found[-1] = StageTime(first.stage, found[-1].from_s, found[-1].green_s + first.green_s)
    return found
