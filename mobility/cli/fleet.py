"""``mobility fleet plan|blocks|check``: vehicle blocks, charging, and the checker's verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options
from mobility.cli.source import FeedSource, open_feed

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.findings import Finding
    from mobility.fleet import BlockPlan, Plan, Problem

app = typer.Typer(
    help="Electric fleets: trips into blocks, blocks onto batteries, batteries onto chargers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Case = Annotated[
    Path | None,
    typer.Option(
        "--case", help="fleet.toml: depots, buses, chargers, prices, rules.", dir_okay=False
    ),
]
Date = Annotated[
    str | None,
    typer.Option(
        "--date", help="2025-03-05, typical or busiest; by default the case's, or typical."
    ),
]
Modes = Annotated[
    str | None,
    typer.Option("--modes", help="GTFS route types, as in 3,11; by default the bus types."),
]
Blocks = Annotated[
    str,
    typer.Option(
        "--blocks", help="optimise, given (keep the feed's blocks) or keep-filled (fill the gaps)."
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option("--plot", help="Draw the plan into this file (PNG, SVG, PDF).", dir_okay=False),
]
Parquet = Annotated[
    bool, typer.Option("--parquet", help="With --out: the tables as Parquet too, with units.")
]


@app.command("plan")
def plan(
    feed: FeedSource,
    case: Case = None,
    date: Date = None,
    modes: Modes = None,
    blocks: Blocks = "optimise",
    out: options.Out = None,
    parquet: Parquet = False,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    seconds: options.StopSeconds = None,
    work: options.StopWork = None,
    gap: options.StopGap = None,
    picture: Plot = None,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    config: options.Config = None,
) -> int:
    """Plan a day: blocks that the batteries carry, and who charges where and when.

    Exit 0: a plan that the checker accepts; 1: none, and why, or one that it does not accept.

    Examples:

      mobility fleet plan gtfs_samples/santiago --case gtfs_samples/santiago/fleet.toml

      mobility fleet plan gtfs_samples/santiago --date 2025-03-05 --out plan --json
    """
    del config
    from mobility import fleet
    from mobility.cli.output import log, print_json, working
    from mobility.fleet.files import may_write

    mode = _block_mode(blocks)
    if out is not None:
        may_write(out)  # before the work, not after it
    day, problem = _ask(feed, case, date, modes, seed, no_cache=no_cache, quiet=quiet)
    log(str(day), quiet=quiet)
    if (seconds, work, gap) != (None, None, None):
        log(
            "--seconds, --work and --gap change nothing yet: every step ends by itself", quiet=quiet
        )
    with working(f"planning {len(problem.trips):,} trips", quiet=quiet):
        answer = fleet.plan(
            problem, blocks=mode, stop=options.stop_from(seconds, work, gap), seed=seed
        )
    if verbose:
        log(f"{answer.report.seconds:.2f} s, stopped: {answer.report.stop_reason}", quiet=quiet)
    answered = answer.report.objective is not None
    if answered and out is not None:
        with working(f"writing {out}", quiet=quiet):
            source = _source(feed, case, day, modes)
            answer.write(out, day=day, source=source, parquet=parquet)
    if answered and picture is not None:
        _draw(answer, picture)
    if not answered and (out or picture):
        log(f"nothing is written to {out or picture}: there is no plan", quiet=quiet)
    if as_json:
        print_json(answer.to_dict())
    else:
        show_plan(answer)
        if answered and out is not None:
            print(f"written: {out} (blocks, sessions, power, plan.json, feed)")
        if answered and picture is not None:
            print(f"drawn: {picture}")
    return _exit_code(answer, (*answer.findings, *answer.input_findings))


@app.command("blocks")
def blocks(
    feed: FeedSource,
    case: Case = None,
    date: Date = None,
    modes: Modes = None,
    blocks: Blocks = "optimise",
    as_json: options.Json = False,
    seed: options.Seed = 0,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Chain a day's trips into the cheapest blocks, whatever their batteries.

    Examples:

      mobility fleet blocks gtfs_samples/santiago

      mobility fleet blocks gtfs_samples/changsha --date busiest --json
    """
    del config
    from mobility import fleet
    from mobility.cli.output import log, print_findings, print_json, print_table, working

    mode = _block_mode(blocks)
    day, problem = _ask(feed, case, date, modes, seed, no_cache=no_cache, quiet=quiet)
    log(str(day), quiet=quiet)
    with working(f"chaining {len(problem.trips):,} trips", quiet=quiet):
        answer = fleet.plan_blocks(problem, blocks=mode, seed=seed)
    checked = fleet.check(problem, answer)
    if as_json:
        print_json({**answer.to_dict(), "check": [one.to_dict() for one in checked]})
    else:
        print(answer)
        print_table(_money_rows(answer), columns=("", "a day"))
        print_findings([*checked, *answer.findings])
        _print_assumptions(answer.assumptions)
    return _exit_code(answer, (*checked, *answer.findings))


@app.command("check")
def check(
    plan: Annotated[Path, typer.Argument(help="Folder that `fleet plan --out` wrote.")],
    feed: Annotated[
        str | None,
        typer.Argument(metavar="[FEED]", help="The feed; by default the one it was made from."),
    ] = None,
    case: Case = None,
    as_json: options.Json = False,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Replay a written plan against its feed and case, and say what does not hold.

    The feed and the case are read anew: a plan cannot bring its own rules.

    Examples:

      mobility fleet check plan

      mobility fleet check plan gtfs_samples/santiago --json
    """
    del config
    from mobility import fleet
    from mobility.cli.output import log, print_findings, print_json
    from mobility.errors import ConfigError
    from mobility.fleet.files import read_document

    made_from = read_document(plan).get("source", {})
    feed = feed or made_from.get("feed")
    if not feed:
        raise ConfigError(
            f"{plan}: does not say which feed it is of", mend="name the feed after it"
        )
    case = case or (Path(made_from["case"]) if made_from.get("case") else None)
    day, problem = _ask(
        feed, case, made_from.get("date"), made_from.get("modes"), 0, no_cache=no_cache, quiet=quiet
    )
    if made_from.get("sha256") not in {None, "", day.feed.sha256}:
        log(f"{feed}: is not the feed that the plan was made from: its bytes differ", quiet=quiet)
    found = fleet.check(problem, fleet.read_plan(plan, problem))
    if as_json:
        print_json({"plan": str(plan), "check": [one.to_dict() for one in found]})
    else:
        print_findings(found)
        print(f"{plan}: {len(found)} findings" if found else f"{plan}: every check holds")
    return EXIT_FINDINGS if found else EXIT_DONE


def show_plan(answer: Plan) -> None:
    """Write a plan's tables to stdout: money, fleet, energy, what was assumed."""
    from mobility.cli.output import print_findings, print_table

    print(answer)
    if answer.report.objective is not None:
        print_table(_money_rows(answer), columns=("", "a day"))
        print_table(_kpi_rows(answer), columns=("", "", "unit"))
        print(
            f"checker: {len(answer.findings)} findings" if answer.findings else "every check holds"
        )
    print(f"the bound covers {answer.report.bound_scope}")
    if answer.not_electric:
        print(f"not electric: {len(answer.not_electric):,} trips, {answer.not_electric[0]!r} first")
    _print_assumptions(answer.assumptions)
    print_findings([*answer.findings, *answer.input_findings])


def _ask(
    feed: str,
    case: Path | None,
    date: str | None,
    modes: str | None,
    seed: int,
    *,
    no_cache: bool,
    quiet: bool,
) -> tuple[ServiceDay, Problem]:
    from mobility import fleet
    from mobility.cli.output import log
    from mobility.fleet.case import read_case

    wanted = _route_types(modes)
    asked = date or (read_case(case)[0].service.date if case else None) or "typical"
    read = open_feed(feed, cache=not no_cache, quiet=quiet)
    if read.errors:
        log(
            f"the feed has {len(read.errors)} findings of severity error: "
            f"`mobility feed check {feed}` lists them",
            quiet=quiet,
        )
    day = read.day(asked)
    return day, fleet.problem(day, case=case, modes=wanted, seed=seed)


def _draw(answer: Plan, picture: Path) -> None:
    from mobility.errors import ConfigError, MissingExtra

    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtra(
            "--plot needs matplotlib", mend="pip install 'mobility-engine[plots]'"
        ) from None
    mpl.use("Agg")
    axes = answer.plot()
    try:
        axes[0].figure.savefig(picture, dpi=100)
    except ValueError as error:  # a suffix that it does not know
        raise ConfigError(f"{picture}: {error}", mend="--plot FILE.png") from None


def _block_mode(text: str) -> Any:
    from mobility.errors import ConfigError
    from mobility.fleet.runs import MODES

    if text not in MODES:
        raise ConfigError(f"--blocks cannot be {text!r}", mend=f"one of {', '.join(MODES)}")
    return text


def _route_types(text: str | None) -> list[int] | None:
    from mobility.errors import ConfigError

    if text is None:
        return None
    try:
        return [int(one) for one in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"--modes cannot be {text!r}", mend="GTFS route types by comma, as in 3,11"
        ) from None


def _source(feed: str, case: Path | None, day: ServiceDay, modes: str | None) -> dict[str, Any]:
    from mobility.cli.source import feed_path

    path = feed_path(feed)
    return {
        "feed": str(path.resolve()),
        "sha256": day.feed.sha256,
        "case": str(case.resolve()) if case else None,
        "date": day.date.isoformat(),
        "modes": modes,
    }


def _money_rows(answer: Plan | BlockPlan) -> list[tuple[str, str]]:
    from mobility.units import format_money

    report, currency = answer.report, answer.problem.currency
    rows = [(part, format_money(value, currency)) for part, value in report.parts.items()]
    if report.objective is not None:
        rows.append(("in all", format_money(report.objective, currency)))
    if report.bound is not None:
        rows.append(("no plan can beat", format_money(report.bound, currency)))
    if report.gap is not None:
        rows.append(("gap", f"{report.gap:.2%}"))
    return rows


def _kpi_rows(answer: Plan | BlockPlan) -> list[tuple[str, str, str]]:
    from mobility.fleet.kpis import kpi_rows

    return [
        *kpi_rows(answer.kpis),
        ("vehicles_bound", f"{answer.vehicles_bound:,}", "buses, proved"),
    ]


def _print_assumptions(assumptions: tuple[str, ...]) -> None:
    if assumptions:
        print("ASSUMED:")
    for one in assumptions:
        print(f"  - {one}")


def _exit_code(answer: Plan | BlockPlan, found: tuple[Finding, ...]) -> int:
    from mobility.findings import has_errors

    if answer.report.objective is None or has_errors(found):
        return EXIT_FINDINGS
    return EXIT_DONE
