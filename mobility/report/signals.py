"""Signals: what lamps show, how platoons and buses get through, and delay before and after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.report.alarms import (
    alarm_figures,
    alarm_headline,
    alarm_rows,
    worth_figures,
    worth_headline,
)
from mobility.report.corridor import corridor_figure
from mobility.report.delays import delay_figures, delay_rows
from mobility.report.numbers import SIGNAL_LABELS, rows_of, table_of
from mobility.report.page import Figure, Part
from mobility.report.punctual import punctual_figures, punctual_headline, punctual_rows
from mobility.signals.plan import Indication, Plan, SignalPlan, StageTime
from mobility.signals.problem import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.report.read import Answer
    from mobility.signals import Network


def open_network(source: str | Path | Network | None) -> Network | None:
    """Read the network of a plan, signals.toml or a net of SUMO; None where none is named.

    Raises
    ------
    ConfigError, TableError
        When it cannot be read.
    """
    if source is None or not isinstance(source, str | Path):
        return source
    from mobility import signals

    name = str(source)
    if name.endswith((".net.xml", ".net.xml.gz")):
        from mobility.signals.sumo import from_sumo

        return from_sumo(name)
    return signals.read_network(name)


def signals_part(
    now: dict[str, Answer], before: dict[str, Answer], network: Network | None
) -> Part:
    """What plans and runs of signals bring to the page.

    Raises
    ------
    ConfigError
        When the network named is not the plan's.
    """
    plans = [plan for one in now.values() for plan in plans_of(one.document)]
    figures: list[Figure] = []
    findings: list[dict[str, Any]] = []
    notes: list[str] = []
    earlier = [
        plan
        for one in before.values()
        if one.domain == "signals"
        for plan in plans_of(one.document)
    ]
    if network is not None and plans:
        findings = _judged(network, plans)
        if not earlier:
            from mobility.signals import plan_of

            came_in = plan_of(network)
            earlier = [came_in] if came_in.signals and not _same(came_in, plans) else []
    elif plans:
        notes.append(
            "the plan's network was not named: no time-space diagram, and nothing was checked"
        )
    if plans:
        shown = [*(("before", one) for one in earlier[:1] if not _same(one, plans)),
                 *((one.name or "plan", one) for one in plans)]  # fmt: skip
        shown = [(name, one) for name, one in shown if one.signals]
        if network is not None and shown and (street := corridor_figure(network, shown)):
            figures.append(street)
        if shown:
            figures.append(_stages(shown, network))
    documents = [one.document for one in now.values()]
    others = [one.document for kind, one in now.items() if kind != "signals-preempt"]
    then = [one.document for one in before.values()]
    figures += [*delay_figures(others, then), *worth_figures(others), *punctual_figures(documents)]
    rows = _rows(plans, earlier) + delay_rows(others, then) + punctual_rows(documents)
    if "signals-preempt" in now:
        rows += alarm_rows(now["signals-preempt"].document)
        figures += alarm_figures(now["signals-preempt"].document)
    told = [
        *documents,
        *(one for doc in documents for one in doc.get("plans") or () if isinstance(one, dict)),
    ]
    assumed = [*notes, *(network.assumptions if network else ()),
               *(text for doc in told for text in doc.get("assumptions", ()))]  # fmt: skip
    return Part(
        domain="signals",
        title="Signals",
        headline=_headline(plans, network, documents),
        kpis=table_of(rows),
        figures=tuple(figures),
        findings=(*findings, *(one for doc in told for one in doc.get("findings", ()))),
        assumptions=tuple(dict.fromkeys(assumed)),
        provenance=tuple(row for one in now.values() for row in _provenance(one, network)),
    )


def plans_of(told: dict[str, Any]) -> list[Plan]:
    """The plans of a document: one, those of a week, or the one inside another answer."""
    if isinstance(told.get("plans"), list):
        if "slots" in told and not any(isinstance(one, dict) for one in told["plans"]):
            raise ConfigError("a week without plans", mend="write it with `mobility signals time`")
        return [plan_of_document(one) for one in told["plans"] if isinstance(one, dict)]
    if "signals" in told and "digest" in told:
        return [plan_of_document(told)]
    inner = told.get("plan")
    return [plan_of_document(inner)] if isinstance(inner, dict) and "signals" in inner else []


def plan_of_document(told: dict[str, Any]) -> Plan:
    """Read a plan as ``Plan.to_dict`` tells it.

    Raises
    ------
    ConfigError
        When a name is missing or a state is unknown.
    """
    try:
        made = [
            SignalPlan(
                signal=one["signal"], cycle_s=one["cycle_s"], zero_s=one["zero_s"],
                offset_s=one["offset_s"], reference=one["reference"],
                reference_stage=one["reference_stage"],
                stages=tuple(StageTime(*two) for two in one["stages"]),
                shows=tuple(Indication(group, State(state), low, high)
                            for group, state, low, high in one["shows"]),
            )
            for one in told["signals"]
        ]  # fmt: skip
        return Plan(tuple(made), told["name"], told["from_s"], told["to_s"], told["digest"])
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"a signal plan cannot be read: {error}", mend="write it with `mobility signals time`"
        ) from None


def _judged(network: Network, plans: list[Plan]) -> list[dict[str, Any]]:
    """What the independent checker says of the plans now."""
    from mobility import signals

    known = {one.id for one in network.intersections}
    strange = sorted({one.signal for plan in plans for one in plan.signals} - known)
    if strange:
        raise ConfigError(
            f"the network has no signal {strange[0]!r}", mend="name the plan's own with --network"
        )
    return [one.to_dict() for plan in plans for one in signals.check(network, plan)]


def _same(one: Plan, plans: list[Plan]) -> bool:
    return any(one.signals == other.signals for other in plans)


def _rows(plans: list[Plan], earlier: list[Plan]) -> list[tuple[str, ...]]:
    """Signals and cycles, before and after."""
    if not plans:
        return []
    told = [
        {"signals": len(one.signals), "cycle_s": _cycles(one)} for one in (plans[0], *earlier[:1])
    ]
    units = {"signals": "signals", "cycle_s": "s"}
    return rows_of(told[0], told[1] if len(told) > 1 else None, units, SIGNAL_LABELS)


def _cycles(plan: Plan) -> str:
    return ", ".join(f"{one:g}" for one in sorted({one.cycle_s for one in plan.signals})[:4])


def _headline(
    plans: list[Plan], network: Network | None, documents: list[dict[str, Any]]
) -> tuple[str, ...]:
    said = []
    if plans:
        where = network.corridor if network is not None and network.corridor else "The plan"
        said.append(
            f"{where}: {len(plans[0].signals)} signals with a cycle of {_cycles(plans[0])} s."
        )
    for told in documents:
        periods = [one for one in told.get("plans") or () if isinstance(one, dict)]
        said += _saved([told]) or _saved(periods)
        said += [*worth_headline([told]), *punctual_headline([told])]
        if "others_lose_s_per_vehicle" in told:
            said.append(alarm_headline(told))
        for one in (told, *periods):
            if one.get("why"):
                said.append(str(one["why"]).strip().rstrip(".") + ".")
    return tuple(said) or ("Runs of signals.",)


def _saved(plans: Sequence[dict[str, Any]]) -> list[str]:
    """How much less time people lose, by period of the day where there are several."""
    told = [(str(one.get("name") or ""), 100 * one["saving"]) for one in plans
            if isinstance(one.get("saving"), int | float)]  # fmt: skip
    if not told:
        return []
    parts = [
        f"{abs(more):.1f} % {'less' if more >= 0 else 'more'}"
        + (f" from {name.replace('-', ' to ')}" if len(told) > 1 else "")
        for name, more in told
    ]
    return [f"People lose {', '.join(parts)} time at the signals than before, by one model for both."
            if len(told) == 1 else
            f"People lose less time at the signals than before, by one model for both: {', '.join(parts)}."
            if all(more >= 0 for _, more in told) else
            f"Time that people lose at the signals, against before: {', '.join(parts)}."]  # fmt: skip


def _stages(shown: Sequence[tuple[str, Plan]], network: Network | None) -> Figure:
    """What every group shows over the cycle, signal by signal."""
    names = {one.id: one.name for one in network.intersections} if network else {}
    plans = [
        {"name": name, "signals": [
            {"id": one.signal, "name": names.get(one.signal, ""), "cycle": one.cycle_s, "offset": one.offset_s,
             "stages": [[two.stage, two.from_s, two.green_s] for two in one.stages],
             "groups": [
                 {"id": group, "shows": [[str(two.state), two.from_s, two.to_s] for two in shows]}
                 for group, shows in one.of_group.items()
             ]}
            for one in plan.signals
        ]}
        for name, plan in shown
    ]  # fmt: skip
    tables = [plan.shows.assign(plan=name) for name, plan in shown]
    return Figure(
        "stages", "signals", "stages", "What the lamps show",
        "Each signal's cycle, group by group: green, yellow, red; people's clearance is striped. Seconds "
        "count from the start of the signal's own cycle.",
        {"plans": plans}, pd.concat(tables, ignore_index=True),
    )  # fmt: skip


def _provenance(answer: Answer, network: Network | None) -> list[tuple[str, str]]:
    told = answer.document
    rows = [("Result", answer.name)]
    if told.get("digest"):
        rows.append(("Digest of what was asked", str(told["digest"])))
    if network is not None:
        rows += [("Network", Path(network.source).name), ("Digest of the network", network.digest),
                 ("Clock", f"seconds of the cycle; the day in {network.timezone}")]  # fmt: skip
    report = told.get("report") if isinstance(told.get("report"), dict) else told
    if report and report.get("status"):
        gap = report.get("gap")
        rows += [
            ("Status", f"{report['status']}, stopped: {report.get('stop_reason')}"),
            ("Gap", "no bound" if gap is None else f"{100 * gap:.2f} %"),
            ("What the bound covers", str(report.get("bound_scope", ""))),
            ("Seed", str(report.get("seed"))),
            ("Versions", ", ".join(f"{a} {b}" for a, b in report.get("versions", {}).items())),
        ]
    return rows
