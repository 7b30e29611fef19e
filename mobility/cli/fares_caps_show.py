"""What ``mobility fares caps`` prints and draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from mobility.fares import CapAnswer, GroupCaps
    from mobility.fares.problem import Tariff


def show_levels(
    table: pd.DataFrame,
    rules: Tariff,
    cap: str | None,
    levels: Sequence[int] | None,
    *,
    as_json: bool,
    quiet: bool,
) -> int:
    """Print what each level of one cap does."""
    from mobility import fares
    from mobility.cli.output import print_json, print_table, working
    from mobility.units import format_money

    with working("settling", quiet=quiet):
        found = fares.cap_levels(table, rules, cap=cap, levels=levels)
    plain = found.astype(object).where(found.notna(), None).to_dict("records")
    if as_json:
        print_json({"tariff": rules.name, "currency": rules.currency, "levels": plain})
        return EXIT_DONE
    money = rules.currency
    rows = [
        (
            "no cap" if row["level"] is None else f"{row['level']:,}",
            "under 10" if row["cards"] is None else f"{row['cards']:,}",
            f"{row['taps']:,}", format_money(row["charged"], money), format_money(row["change"], money),
        )
        for row in plain
    ]  # fmt: skip
    print_table(rows, columns=("level", "cards it holds", "taps it holds", "charged", "change"))
    return EXIT_DONE


def show_answer(answer: CapAnswer, *, quiet: bool) -> None:
    """Print an answer: the headline, the frontier, the proof."""
    from mobility.cli.output import print_findings, print_table
    from mobility.fares.policies import plain_rows
    from mobility.units import format_money

    print(answer)
    money, caps = answer.asked.currency, list(dict.fromkeys(one.id for one in answer.asked.caps))
    rows = []
    for row in plain_rows(answer.frontier):
        reached = bool(row["reaches"])
        cells = ["none" if row[one] is None else f"{row[one]:,}" for one in caps]
        rows.append(
            (
                f"{row['rise_percent']:+g} %", *(cells if reached else ["-"] * len(caps)),
                format_money(row["change"], money) if reached else "falls short",
                *(_count(row[one]) if reached else "-" for one in ("riders_helped", "riders_worse")),
                format_money(row["saved"], money) if reached else "-",
            )
        )  # fmt: skip
    print_table(rows, columns=("fares", *caps, "revenue", "pay less", "pay more", "saved by those"))
    print(f"proof: {answer.proof['method']}, {answer.report.bound_scope}")
    neighbour = answer.proof.get("neighbour")
    if neighbour is not None:
        name = next(one for one in neighbour if one not in {"charged", "short_by"})
        print(
            f"  {name} {neighbour[name]:,} is refused: "
            f"{format_money(neighbour['short_by'], money)} short of the revenue asked for"
        )
    if answer.levels:
        print("  checked: settled anew, equal to the unit")
    if answer.confidence is not None:
        told = answer.confidence
        low, high = told["change_percent"]
        print(
            f"5 to 95 % of {told['replicates']} draws of cards: revenue {low:+.2f} to {high:+.2f} %"
        )
        if told.get("level"):
            print("  the level that brings the revenue: {:,} to {:,}".format(*told["level"]))
    if answer.response is not None:
        print(f"where riders respond: {answer.response}")
    if answer.equity is not None:
        print(f"equity: {answer.equity}")
        print_findings(answer.equity.findings, quiet=quiet)
    print_findings(answer.findings, quiet=quiet)
    for one in answer.assumptions:
        print(f"assumed: {one}")


def _count(value: int | str | None) -> str:
    if isinstance(value, str):
        return value
    return "under 10" if value is None else f"{value:,}"


def draw(answer: CapAnswer | GroupCaps, path: Path) -> None:
    """Draw to a temporary name beside the picture, then rename."""
    import matplotlib as mpl

    from mobility.errors import ConfigError
    from mobility.pictures import pyplot

    plt = pyplot()
    mpl.use("Agg")
    part = path.with_name(f".{path.stem}.part{path.suffix or '.png'}")
    try:
        answer.plot()
        plt.gcf().savefig(part, dpi=110)
        part.replace(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be drawn: {error}", mend="--plot caps.png") from None
    finally:
        part.unlink(missing_ok=True)
        plt.close("all")


def answer_by_group(
    table: pd.DataFrame,
    rules: Tariff,
    groups: str,
    floor: str | None,
    riders: Path | None,
    zones: Path | None,
    *,
    as_json: bool,
    quiet: bool,
    plot: Path | None,
    in_order: bool,
    **asked: Any,
) -> int:
    """Find one level for each group of riders, and print it."""
    from mobility import fares
    from mobility.cli.output import print_findings, print_json, print_table, working
    from mobility.errors import ConfigError, MobilityError
    from mobility.fares.policies import plain_rows

    share, poor = 0.0, []
    if floor is not None:
        text, _, names = floor.partition("=")
        poor = [one for one in names.split(",") if one]
        share = numbers(text, "--floor")[0]
        if not poor:
            raise ConfigError(f"--floor: no groups (found {floor!r})", mend="--floor 0.4=1,2,3,4")
    of_card, found = fares.groups_of_riders(table, rules, groups, riders, zones)
    if in_order:
        known = {str(one) for one in of_card.dropna()}
        asked["ordered"] = sorted(known, key=lambda one: (len(one) if one.isdigit() else 99, one))
    with working("choosing a level for each group", quiet=quiet):
        answer = fares.optimise_group_caps(
            table, rules, of_card, floor=share, floor_groups=poor, **asked
        )
        wrong = fares.check_group_caps(answer, table, of_card)
    if wrong:
        raise MobilityError(wrong[0].where_what, mend=wrong[0].mend, findings=wrong)
    if plot is not None and len(answer.table):
        draw(answer, plot)
    if as_json:
        print_json(answer.to_dict() | {"findings": [one.to_dict() for one in found]})
    else:
        print(answer)
        if len(answer.table):
            blank = {"level": "none", "saved": "-"}
            columns = ("group", "level", "riders", "riders_helped", "saved", "riders_worse")
            rows = [
                [
                    blank.get(one, "under 10") if row[one] is None else _count(row[one])
                    for one in columns
                ]
                for row in plain_rows(answer.table)
            ]
            print_table(rows, columns=[one.replace("_", " ") for one in columns])
            if answer.floor_share is not None and poor:
                print(f"of what is saved {answer.floor_share:.1%} goes to groups {', '.join(poor)}")
            print(
                f"proof: CP-SAT, {answer.report.bound_scope}; checked: settled anew, equal to the unit"
            )
        print_findings(found, quiet=quiet)
    return EXIT_DONE if len(answer.table) else EXIT_FINDINGS


def numbers(text: str, option: str) -> list[float]:
    """Numbers of an option, with commas."""
    return options.list_of(float, text, option, "0,1,2")
