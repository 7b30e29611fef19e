"""The independent checker of signals: plans and logs against fourteen invariants.

It knows the network, and the plan's or log's own tables. It shares no code with what makes them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mobility.signals.check_conflicts import check_conflicts
from mobility.signals.check_control import check_commands, check_promises, check_same
from mobility.signals.check_greens import check_greens
from mobility.signals.check_network import check_network
from mobility.signals.check_say import EPS, Lamps, Said, read
from mobility.signals.check_sequence import check_sequence
from mobility.signals.check_stages import check_coordination, check_order, check_rings
from mobility.signals.plan import Log, Plan, SignalPlan

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.check_stages import Claim
    from mobility.signals.problem import Intersection, Network

CYCLES = 3  # of a plan that are judged: every change between two cycles lies inside


def check(
    network: Network, shown: Plan | Log | None = None, *, again: Plan | Log | None = None
) -> list[Finding]:
    """Judge a plan, or a log of what was shown.

    Invariants: 1 minimum green; 2 maximum green and red; 3 sequences exact, yellow above all;
    4 intergreen of every pair in conflict; 5 walk and clearance complete; 6 no conflicting greens;
    7 order of rings, barriers crossed together; 8 no stage skipped or inserted; 9 coordination, and
    the way back to it; 10 rail before pre-emption before priority; 11 re-service and lock-out;
    12 a plan for the horizon before every command, no command on stale data; 13 published ends
    kept; 14 the same input gives the same answer. 1, 2 and 8 are suspended where a request for
    pre-emption or rail holds; 3 to 6 never are.

    Parameters
    ----------
    network
        What was asked; without a plan or log, only the network itself is judged.
    shown
        A plan is judged over three of its cycles.
    again
        A second answer to the same question, for invariant 14.

    Returns
    -------
    list[Finding]
        Empty when all invariants hold. ``column`` is ``signal.group`` or ``signal``.
    """
    said = Said(network.source)
    if shown is None:
        check_network(network, said)
    elif isinstance(shown, Plan):
        _plan(network, shown, said)
    else:
        _log(network, shown, said)
    if shown is not None and again is not None:
        check_same(shown, again, said)
    return said.findings()


def _plan(network: Network, plan: Plan, said: Said) -> None:
    base = Log(plan=plan)
    twice = Counter(one.signal for one in plan.signals)
    for one in plan.signals:
        if twice[one.signal] > 1:
            said.say("signal_planned_twice", one.signal, one.signal)
        signal = network.signal.get(one.signal)
        if signal is None:
            said.say("signal_unknown", one.signal, one.signal)
            continue
        if not one.cycle_s > 0:
            said.say("signal_cycle_wrong", one.signal, f"{one.cycle_s:g} s")
            continue
        _cycle(signal, one, said)
        rows, claims = _unroll(one)
        lamps = read(signal, rows, said)
        _missing(lamps, said)
        claims = [claim for claim in claims if claim[1] < lamps.to_s and claim[2] > lamps.from_s]
        _judge(network, lamps, claims, None, said)
        check_coordination(lamps, claims, one, base, network.rules, said)


def _cycle(signal: Intersection, one: SignalPlan, said: Said) -> None:
    least, most = signal.cycle_range_s
    if not least - EPS <= one.cycle_s <= most + EPS:
        said.say("signal_cycle_out_of_range", signal.id,
                 f"{one.cycle_s:g} s, allowed {least:g} to {most:g} s")  # fmt: skip
    for shown in one.shows:
        if shown.from_s < -EPS or shown.to_s > one.cycle_s + EPS:
            said.say("signal_lamps_do_not_tile", f"{signal.id}.{shown.group}",
                     f"{shown.from_s:g}-{shown.to_s:g} s of a cycle of {one.cycle_s:g} s")  # fmt: skip
    if signal.reference != one.reference:
        said.say("signal_not_in_coordination", signal.id, f"reference {one.reference}")


def _unroll(one: SignalPlan) -> tuple[list[tuple[str, str, float, float]], list[Claim]]:
    """Three cycles of a plan on the master clock, from its second 0."""
    starts = [one.zero_s + k * one.cycle_s for k in range(CYCLES)]
    rows = [
        (shown.group, str(shown.state), at + shown.from_s, at + shown.to_s)
        for at in starts
        for shown in one.shows
    ]
    claims = sorted(
        ((stage.stage, at + stage.from_s, at + stage.from_s + stage.green_s)
         for at in starts for stage in one.stages),
        key=lambda claim: claim[1],
    )  # fmt: skip
    return rows, claims


def _log(network: Network, log: Log, said: Said) -> None:
    shown = {str(name): part for name, part in log.shown.groupby("signal", sort=True)}
    for name in sorted(set(shown) - set(network.signal)):
        said.say("signal_unknown", name, name)
    for signal in sorted(network.intersections, key=lambda one: one.id):
        part = shown.get(signal.id)
        if part is None:
            continue
        rows = list(zip(*(part[one].tolist() for one in ("group", "state", "from_s", "to_s")),
                        strict=True))  # fmt: skip
        lamps = read(signal, rows, said)
        _missing(lamps, said)
        own = log.stages[log.stages["signal"] == signal.id].sort_values("from_s", kind="stable")
        claims: list[Claim] = [
            (str(stage), float(start), float(end))
            for stage, start, end in zip(own["stage"], own["from_s"], own["to_s"], strict=True)
        ]
        _judge(network, lamps, claims, log, said)
        check_commands(lamps, log, network.rules, said)
        check_promises(lamps, log, said)
        base = log.plan.signal.get(signal.id) if log.plan is not None else None
        if base is not None:
            check_coordination(lamps, claims, base, log, network.rules, said,
                               zero_s=network.zero_s)  # fmt: skip


def _missing(lamps: Lamps, said: Said) -> None:
    for group, runs in lamps.runs.items():
        if not runs:
            said.say("signal_group_missing", lamps.where(group), group)


def _judge(
    network: Network, lamps: Lamps, claims: list[Claim], log: Log | None, said: Said
) -> None:
    check_greens(lamps, log, said)
    check_sequence(lamps, said)
    check_conflicts(lamps, said)
    check_rings(lamps, log, said)
    check_order(lamps, claims, log, network.rules, said)
