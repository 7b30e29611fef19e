"""``mobility fleet plan|electrify|blocks|check``: vehicle blocks, charging, and the checker's verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options
from mobility.cli.fleet_ask import (
    Blocks,
    Case,
    Date,
    Modes,
    Parquet,
    Plot,
    Shift,
    ask,
    block_mode,
    route_types,
    shifted,
    source_of,
)
from mobility.cli.fleet_charge import charge
from mobility.cli.fleet_export import export
from mobility.cli.fleet_given import has_blocks, show_savings
from mobility.cli.fleet_matrix import is_matrix, plan_matrix
from mobility.cli.fleet_questions import compare, size, transition
from mobility.cli.fleet_show import draw, exit_code, show_blocks, show_plan
from mobility.cli.fleet_simulate import simulate
from mobility.cli.fleet_week import Week, plan_week
from mobility.cli.source import FeedSource

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.fleet import BlockPlan, Plan, Shifted
    from mobility.stop import Stop

app = typer.Typer(
    help="Electric fleets: trips into blocks, blocks onto batteries, batteries onto chargers.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("charge")(charge)


@app.command("plan")
def plan(
    feed: FeedSource,
    case: Case = None,
    date: Date = None,
    modes: Modes = None,
    week: Week = None,
    blocks: Blocks = "optimise",
    shift: Shift = None,
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

      mobility fleet plan santiago --week typical
    """
    del config
    from mobility.errors import ConfigError

    mode, stop = block_mode(blocks), options.stop_from(seconds, work, gap)
    if week is not None:
        if (date, picture, shift) != (None, None, None):
            raise ConfigError(
                "--week goes with none of --date, --plot, --shift",
                mend="--week 2025-03-05 is its week",
            )
        return plan_week(
            feed, case, week, modes=route_types(modes), blocks=mode, stop=stop, seed=seed, out=out,
            as_json=as_json, no_cache=no_cache, quiet=quiet,
        )  # fmt: skip
    return _plan_day(
        feed, case, date, modes, mode, shift, out, picture, stop, seed, parquet=parquet,
        as_json=as_json, no_cache=no_cache, quiet=quiet, verbose=verbose,
    )  # fmt: skip


@app.command("electrify")
def electrify(
    feed: FeedSource,
    case: Case = None,
    date: Date = None,
    modes: Modes = None,
    shift: Shift = None,
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
    """Plan a day as `plan` does, and go on: exchanges of rests of days, columns, a bound beside them.

    By default for a minute, or until the gap is 1 %. Up to 1,500 trips the bound knows the battery.

    Examples:

      mobility fleet electrify santiago --seconds 5

      mobility fleet electrify odd/plain --gap 0.001 --json
    """
    del config
    stop = options.stop_from(seconds, work, gap) or options.stop_from(60.0, None, 0.01)
    return _plan_day(
        feed, case, date, modes, "optimise", shift, out, picture, stop, seed, parquet=parquet,
        as_json=as_json, no_cache=no_cache, quiet=quiet, verbose=verbose,
    )  # fmt: skip


def _plan_day(
    feed: str,
    case: Path | None,
    date: str | None,
    modes: str | None,
    mode: Any,
    shift: int | None,
    out: Path | None,
    picture: Path | None,
    stop: Stop | None,
    seed: int,
    *,
    parquet: bool,
    as_json: bool,
    no_cache: bool,
    quiet: bool,
    verbose: bool,
) -> int:
    """Ask for a day, plan it, keep and show the answer."""
    from mobility import fleet
    from mobility.cli.output import log, working
    from mobility.fleet.files import may_write

    if out is not None:
        may_write(out)  # before the work, not after it
    day, problem = ask(feed, case, date, modes, seed, no_cache=no_cache, quiet=quiet)
    log(str(day), quiet=quiet)
    problem, day, moved = shifted(problem, day, shift, None, quiet=quiet)
    with working(f"planning {len(problem.trips):,} trips", quiet=quiet):
        answer = fleet.plan(problem, blocks=mode, stop=stop, seed=seed)
    if verbose:
        log(f"{answer.report.seconds:.2f} s, stopped: {answer.report.stop_reason}", quiet=quiet)
    saved = fleet.savings(problem, seed=seed) if mode == "given" and has_blocks(problem) else None
    source = source_of(feed, case, day, modes)
    _keep(answer, out, picture, day, source, moved, parquet=parquet, quiet=quiet)
    _tell(answer, moved, saved, as_json=as_json)
    if not as_json:
        show_plan(answer)
        _tell_besides(answer, moved, saved, out, picture)
    return exit_code(answer, (*answer.findings, *answer.input_findings))


@app.command("blocks")
def blocks(
    feed: Annotated[
        str,
        typer.Argument(
            metavar="FEED",
            help="Zip or folder of a GTFS feed, the name of a sample, or a cost matrix (X.inp).",
        ),
    ],
    case: Case = None,
    date: Date = None,
    modes: Modes = None,
    blocks: Blocks = "optimise",
    shift: Shift = None,
    price_rules: Annotated[
        bool, typer.Option("--price-rules", help="Say what each rule of the case costs.")
    ] = False,
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
    config: options.Config = None,
) -> int:
    """Chain a day's trips into the cheapest blocks, whatever their batteries.

    Examples:

      mobility fleet blocks gtfs_samples/santiago

      mobility fleet blocks gtfs_samples/changsha --date busiest --json

      mobility fleet blocks gtfs_samples/m2n40.inp --seconds 2 --json
    """
    del config
    from mobility import fleet
    from mobility.cli.output import log, working
    from mobility.fleet.files import may_write

    if is_matrix(feed):
        return plan_matrix(
            feed, seconds=seconds, work=work, gap=gap, seed=seed, as_json=as_json, quiet=quiet
        )
    stop = options.stop_from(seconds, work, gap)
    mode = block_mode(blocks)
    if out is not None:
        may_write(out)
    day, problem = ask(feed, case, date, modes, seed, no_cache=no_cache, quiet=quiet)
    log(str(day), quiet=quiet)
    problem, day, moved = shifted(problem, day, shift, None, quiet=quiet)
    with working(f"chaining {len(problem.trips):,} trips", quiet=quiet):
        answer = fleet.plan_blocks(
            problem, blocks=mode, stop=stop, seed=seed, price_rules=price_rules
        )
    checked = fleet.check(problem, answer)
    saved = fleet.savings(problem, seed=seed) if mode == "given" and has_blocks(problem) else None
    source = source_of(feed, case, day, modes)
    _keep(answer, out, picture, day, source, moved, parquet=parquet, quiet=quiet)
    told = {"check": [one.to_dict() for one in checked]}
    _tell(answer, moved, saved, as_json=as_json, **told)
    if not as_json:
        show_blocks(answer, checked)
        _tell_besides(answer, moved, saved, out, picture)
    return exit_code(answer, (*checked, *answer.findings))


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
    from mobility.findings import has_errors
    from mobility.fleet.check_shift import check_shift
    from mobility.fleet.files import read_document
    from mobility.fleet.shift import moved_by

    document = read_document(plan)
    made_from = document.get("source", {})
    feed = feed or made_from.get("feed")
    if not feed:
        raise ConfigError(
            f"{plan}: does not say which feed it is of", mend="name the feed after it"
        )
    case = case or (Path(made_from["case"]) if made_from.get("case") else None)
    day, problem = ask(
        feed, case, made_from.get("date"), made_from.get("modes"), 0, no_cache=no_cache, quiet=quiet
    )
    if made_from.get("sha256") not in {None, "", day.feed.sha256}:
        log(f"{feed}: is not the feed that the plan was made from: its bytes differ", quiet=quiet)
    found = []
    if moves := made_from.get("moved"):
        # A limit of the command line is the plan's own word; one of the case goes before it.
        most = problem.rules.shift_s or int(made_from.get("shift_s", 0))
        moved = moved_by(problem, moves)
        found = check_shift(problem, moved, shift_s=most)
        problem = moved
    found += fleet.check(problem, fleet.read_plan(plan, problem))
    if as_json:
        print_json({"plan": str(plan), "check": [one.to_dict() for one in found]})
    else:
        print_findings(found)
        print(f"{plan}: {len(found)} findings" if found else f"{plan}: every check holds")
    return EXIT_FINDINGS if has_errors(found) else EXIT_DONE


app.command("simulate")(simulate)
app.command("export")(export)
app.command("size")(size)
app.command("transition")(transition)
app.command("compare")(compare)


def _keep(
    answer: Plan | BlockPlan,
    out: Path | None,
    picture: Path | None,
    day: ServiceDay,
    source: dict[str, Any],
    moved: Shifted | None,
    *,
    parquet: bool,
    quiet: bool,
) -> None:
    """Write and draw an answer, where there is one and somebody asked for it."""
    from mobility.cli.output import log, working

    if answer.report.objective is None:
        if out or picture:
            log(f"nothing is written to {out or picture}: there is no plan", quiet=quiet)
        return
    if moved is not None:
        source |= {
            "shift_s": moved.problem.rules.shift_s,
            "moved": dict(zip(moved.moved["trip_id"], moved.moved["by_s"].tolist(), strict=True)),
        }
    if out is not None:
        with working(f"writing {out}", quiet=quiet):
            answer.write(out, day=day, source=source, parquet=parquet)
    if picture is not None:
        draw(answer, picture)


def _tell(
    answer: Plan | BlockPlan, moved: Shifted | None, saved: Any, *, as_json: bool, **besides: Any
) -> None:
    """Print one JSON document with all that was found."""
    from mobility.cli.output import print_json

    if not as_json:
        return
    told = {**answer.to_dict(), **besides}
    if moved is not None:
        told["shift"] = moved.to_dict()
    if saved is not None:
        told["savings"] = saved.to_dict()
    print_json(told)


def _tell_besides(
    answer: Plan | BlockPlan,
    moved: Shifted | None,
    saved: Any,
    out: Path | None,
    picture: Path | None,
) -> None:
    """Print what stands beside the plan: moved departures, savings, files."""
    if moved is not None:
        print(moved)
    if saved is not None:
        show_savings(saved)
    if answer.report.objective is None:
        return
    if out is not None:
        print(f"written: {out}")
    if picture is not None:
        print(f"drawn: {picture}")
