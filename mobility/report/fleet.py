"""Fleet plans: read with the day and the case they are of, and judged anew."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.report.numbers import rows_of, table_of
from mobility.report.page import Figure, Part
from mobility.units import format_money, minor_digits

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.fleet import BlockPlan, Plan
    from mobility.report.read import Answer

_COSTS = {
    "vehicles": "buses", "deadhead": "running empty", "waiting": "waiting", "energy": "energy",
    "demand": "billed peaks", "wear": "wear of batteries", "fuel": "fuel",
}  # fmt: skip
_DAY = "%A %-d %B %Y"


@dataclass(frozen=True, eq=False)
class Planned:
    """A plan with the day it is of.

    Parameters
    ----------
    findings
        What the independent checker says now.
    notes
        What was noticed while reading it, to be said loudly.
    files
        (what, value) of its inputs.
    """

    plan: Plan | BlockPlan
    day: ServiceDay | None
    findings: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()


def open_plan(
    answer: Answer, *, feed: str | Path | None = None, case: str | Path | None = None
) -> Planned | None:
    """Read a written plan with its feed and case; None where only its document is at hand.

    Parameters
    ----------
    feed, case
        By default those that the plan was made from; where that feed is gone, the one that was
        written beside the plan.

    Raises
    ------
    ConfigError
        When neither is there.
    TableError
        When a table of the plan cannot be read.
    """
    if answer.given is not None:
        return Planned(answer.given, None, tuple(answer.document.get("check", ())))
    if answer.folder is None:
        return None
    from mobility import fleet
    from mobility.feed import read_feed
    from mobility.fleet.shift import moved_by

    source = answer.document.get("source") or {}
    path, notes = _feed_path(answer, source, feed)
    read = read_feed(path)
    if source.get("sha256") not in {None, "", read.sha256} and not notes:
        notes = (f"the feed {path.name} is not byte for byte the one that the plan was made from",)
    day = read.day(source.get("date") or answer.document.get("date") or "typical")
    rules = _case_path(answer, source, case)
    modes = [int(one) for one in str(source["modes"]).split(",")] if source.get("modes") else None
    problem = fleet.problem(day, case=rules, modes=modes)
    if moves := source.get("moved"):
        problem = moved_by(problem, moves)
    plan = fleet.read_plan(answer.folder, problem)
    found = tuple(one.to_dict() for one in fleet.check(problem, plan))
    files = [("Feed", path.name), ("SHA-256 of the feed", read.sha256)]
    if rules is not None:
        digest = hashlib.sha256(rules.read_bytes()).hexdigest()
        files += [("Case", rules.name), ("SHA-256 of the case", digest)]
    else:
        files.append(("Case", "none was given: defaults, listed as assumptions"))
    return Planned(plan, day, found, notes, tuple(files))


def fleet_part(
    answer: Answer,
    opened: Planned | None,
    before: tuple[Answer, Planned | None] | None,
    crossings: tuple[Any, ...] = (),
) -> Part:
    """What a plan brings to the page, beside an earlier one where there is one.

    ``crossings`` are signals that its map shows too.
    """
    told = answer.document
    figures: tuple[Figure, ...] = ()
    if opened is not None and told.get("objective") is not None:
        figures = _figures(opened, before[1] if before else None, crossings)
    earlier = before[0].document if before else None
    notes = opened.notes if opened else ("only the plan's document was given: no map, no vehicles",)
    then = _numbers(earlier) if earlier else None
    if earlier and then and set(earlier.get("parts", ())) != set(told.get("parts", ())):
        # Blocks alone have no energy in their cost: the two would not be one thing.
        then |= dict.fromkeys(("objective", "bound", "gap"))
        parts = ", ".join(earlier.get("parts", ())) or "none"
        said = f"costs are not set side by side: before, they have other parts ({parts})"
        notes = (*notes, said)
    rows = rows_of(_numbers(told), then, _units(told))
    if told.get("parts"):
        alike = earlier if then and then.get("objective") is not None else None
        figures = (_costs(told, alike), *figures)
    findings = [*(opened.findings if opened else told.get("check", ())),
                *told.get("input_findings", ()), *told.get("findings", ())]  # fmt: skip
    return Part(
        domain="fleet",
        title="Fleet",
        headline=_headline(told, opened, earlier),
        kpis=table_of(rows),
        figures=figures,
        findings=tuple(findings),
        assumptions=(*notes, *told.get("assumptions", ())),
        provenance=_provenance(answer, opened),
    )


def _figures(
    opened: Planned, earlier: Planned | None, crossings: tuple[Any, ...]
) -> tuple[Figure, ...]:
    from mobility.report.buses import buses_figure
    from mobility.report.energy import energy_figures
    from mobility.report.gantt import gantt_figure
    from mobility.report.places import map_figure

    plan, day = opened.plan, opened.day
    figures = [
        gantt_figure(plan, day),
        buses_figure(plan),
        *energy_figures(plan, earlier.plan if earlier else None),
    ]
    drawn = map_figure(plan, day, crossings)
    return (drawn, *figures) if drawn is not None else tuple(figures)


def _costs(told: dict[str, Any], earlier: dict[str, Any] | None) -> Figure:
    """What a day costs, part by part, before and after."""
    currency = _currency(told)
    unit = 10 ** minor_digits(currency)
    plans = [*([("before", earlier)] if earlier else []), ("after" if earlier else "a day", told)]
    groups = [
        {"name": _COSTS.get(part, part), "bars": [
            {"series": name, "value": one["parts"].get(part, 0) / unit} for name, one in plans
        ]}
        for part in told["parts"]
    ]  # fmt: skip
    table = pd.DataFrame({"part": list(told["parts"])})
    for name, one in plans:
        column = f"{name.replace(' ', '_')}_minor"
        table[column] = [one["parts"].get(part, 0) for part in told["parts"]]
    return Figure(
        "costs", "summary", "bars", "What a day costs",
        f"The cost of the plan, part by part, in {currency} a day.",
        {"groups": groups, "series": [{"id": name, "name": name} for name, _ in plans], "unit": currency},
        table,
    )  # fmt: skip


def _numbers(told: dict[str, Any]) -> dict[str, Any]:
    """Figures of a plan's document: its KPIs, its least number of buses, its cost and proof."""
    kept = {name: told.get(name) for name in ("vehicles_bound", "objective", "bound", "gap")}
    return {**(told.get("kpis") or {}), **kept}


def _units(told: dict[str, Any]) -> dict[str, str]:
    from mobility.fleet.kpis import UNITS

    money = f"minor:{_currency(told)}"
    units = {"vehicles": "buses", "vehicles_bound": "buses"} | UNITS
    return units | {"objective": money, "bound": money, "gap": "of the cost"}


def _currency(told: dict[str, Any]) -> str:
    return str(told.get("currency") or str(told.get("objective_unit", "USD")).partition(" ")[0])


def _headline(
    told: dict[str, Any], opened: Planned | None, earlier: dict[str, Any] | None
) -> tuple[str, ...]:
    """What a council reads first: what is carried, with how little, at what cost, how sure."""
    if told["objective"] is None:
        return (f"There is no plan: {told.get('why') or told.get('status')}.",)
    kpis = told.get("kpis") or {}
    date = None if opened is None else opened.plan.problem.date
    when = f" of {date.strftime(_DAY)}" if date else ""
    said = [f"{told['vehicles']:,} buses carry all {kpis.get('trips', 0):,} trips{when}."]
    if earlier and earlier.get("vehicles"):
        fewer = earlier["vehicles"] - told["vehicles"]
        words = (
            "as many as" if not fewer else f"{abs(fewer):,} {'fewer' if fewer > 0 else 'more'} than"
        )
        said.append(f"That is {words} before.")
    least = told["vehicles_bound"]
    said.append(
        "It is proven that no fewer can do."
        if least >= told["vehicles"]
        else f"It is proven that at least {least:,} are needed."
    )
    money, gap = format_money(told["objective"], _currency(told)), told.get("gap")
    if gap is None:
        said.append(f"They cost {money} a day.")
    elif gap < 0.0005:
        said.append(f"They cost {money} a day, and no plan costs less.")
    else:
        least_money = format_money(told["bound"], _currency(told))
        said.append(f"They cost {money} a day; no plan can cost less than {least_money}.")
    return tuple(said)


def _provenance(answer: Answer, opened: Planned | None) -> tuple[tuple[str, str], ...]:
    told = answer.document
    rows = [("Plan", answer.name), *(opened.files if opened else ())]
    if told.get("date"):
        rows.append(("Service day", f"{told['date']}, times in {told.get('timezone', 'UTC')}"))
    gap = told.get("gap")
    rows += [
        ("Status", f"{told.get('status')}, stopped: {told.get('stop_reason')}"),
        ("Gap", "no bound" if gap is None else f"{100 * gap:.2f} %"),
        ("What the bound covers", str(told.get("bound_scope", ""))),
        ("Seed", str(told.get("seed"))),
        ("Time of the solve", f"{told.get('seconds')} s"),
        ("Checked", _checked(told, opened)),
        ("Versions", ", ".join(f"{a} {b}" for a, b in told.get("versions", {}).items())),
    ]
    return tuple(rows)


def _checked(told: dict[str, Any], opened: Planned | None) -> str:
    if opened is None or opened.day is None:
        count = len(told.get("check", ()))
        return f"{count} findings of the independent checker when the plan was made"
    return f"anew for this page, against feed and case: {len(opened.findings)} findings"


def _feed_path(
    answer: Answer, source: dict[str, Any], given: str | Path | None
) -> tuple[Path, tuple[str, ...]]:
    """Where the feed lies, and a note where it is not the one that was planned on."""
    if given is not None:
        return Path(given), ()
    made_from = Path(source["feed"]) if source.get("feed") else None
    if made_from is not None and made_from.exists():
        return made_from, ()
    beside = (answer.folder or Path()) / "feed"
    if beside.is_dir():
        return beside, ("the feed is the one written with the plan: its source is not at hand",)
    raise ConfigError(f"{answer.name}: its feed is not at hand", mend="name it: --feed FEED")


def _case_path(answer: Answer, source: dict[str, Any], given: str | Path | None) -> Path | None:
    path = given or source.get("case")
    if path is None:
        return None
    if not Path(path).is_file():
        raise ConfigError(
            f"{answer.name}: its case file {Path(path).name!r} is not at hand",
            mend="name it: --case fleet.toml",
        )
    return Path(path)
