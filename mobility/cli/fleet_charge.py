"""``mobility fleet charge``: a table of stays onto chargers, without a feed; or a written plan's buses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, EXIT_INTERRUPTED, STARTED_S, options

if TYPE_CHECKING:
    from mobility.fleet import ChargingPlan
    from mobility.stop import Stop

_AROUND_S = 0.3  # what writing the answer takes


def charge(
    stays: Annotated[
        Path,
        typer.Argument(
            metavar="STAYS|PLAN",
            help="CSV: bus, site, arrive_s, depart_s, need_kwh, max_kw. Or a folder of `fleet plan --out`.",
        ),
    ],
    case: Annotated[
        Path | None,
        typer.Option(
            "--case",
            help="site.toml: chargers of every site, prices; of a plan its fleet.toml.",
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    relax: Annotated[
        bool, typer.Option("--relax", help="Only the value that no plan can beat.")
    ] = False,
    strategy: Annotated[
        str, typer.Option("--strategy", help="optimal, balanced or first-come.")
    ] = "optimal",
    plug_ins: Annotated[
        int | None,
        typer.Option(
            "--plug-ins",
            help="Sessions that a stay may have; the case's say where left out.",
            min=1,
        ),
    ] = None,
    least_shortfall: Annotated[
        bool, typer.Option("--least-shortfall", help="Where not all can be charged: who gets what.")
    ] = False,
    out: options.Out = None,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    seconds: options.StopSeconds = None,
    work: options.StopWork = None,
    gap: options.StopGap = None,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Plan who is plugged in where, when and at what power: whole chargers, whole sessions.

    Exit 0: a plan that the checker accepts, or the relaxation's value; 1: none, and why.

    Examples:

      mobility fleet charge gtfs_samples/stays.csv --case gtfs_samples/site.toml

      mobility fleet charge gtfs_samples/stays.csv --case gtfs_samples/site.toml --relax --json

      mobility fleet charge plan --out charged
    """
    del config
    import time
    from dataclasses import replace

    from mobility import fleet
    from mobility.cli.output import print_findings, print_json, working
    from mobility.errors import ConfigError
    from mobility.findings import has_errors
    from mobility.fleet.charge_stays import STRATEGIES
    from mobility.solution import StopReason

    chosen = next((one for one in STRATEGIES if one == strategy), None)
    if chosen is None:
        raise ConfigError(
            f"--strategy cannot be {strategy!r}", mend=f"one of {', '.join(STRATEGIES)}"
        )
    options.stop_from(seconds, work, gap)  # refuses what makes no sense before any work
    if stays.is_dir():
        if relax or least_shortfall or chosen != "optimal":
            raise ConfigError("--relax, --strategy and --least-shortfall are for a table of stays",
                              mend="leave them out, or give a CSV of stays")  # fmt: skip
        if plug_ins is not None:
            raise ConfigError(
                "--plug-ins is for a table of stays", mend="plug_ins = 2 in a [[depot]]"
            )
        return _charge_plan(
            stays, case, options.stop_from(seconds, work, gap), seed, out, as_json=as_json, quiet=quiet
        )  # fmt: skip
    if not stays.exists():
        raise ConfigError(
            f"{stays}: is neither a file nor a folder",
            mend="give a CSV of stays, or the folder of a plan",
        )
    if case is None:
        raise ConfigError("a table of stays needs --case", mend="--case site.toml")
    if out is not None:
        raise ConfigError("--out is for a plan's folder", mend="--json prints all sessions")
    with working(f"reading {stays.name}", quiet=quiet):
        problem = fleet.read_stays(stays, case)
    if plug_ins is not None:
        sites = tuple(replace(one, plug_ins=plug_ins) for one in problem.sites)
        problem = problem.replace(sites=sites)
    if seconds is not None:
        seconds = max(seconds - (time.perf_counter() - STARTED_S) - _AROUND_S, 0.1)
    stop = options.stop_from(seconds, work, gap)
    with working(f"charging {len(problem.stays):,} stays", quiet=quiet):
        answer = fleet.charge_stays(
            problem, relax=relax, strategy=chosen, stop=stop, seed=seed,
            least_shortfall=least_shortfall,
        )  # fmt: skip
    found = [] if relax else fleet.check(problem, answer)
    if as_json:
        print_json({**answer.to_dict(), "check": [one.to_dict() for one in found]})
    else:
        show(answer)
        print_findings(found)
    bad = answer.report.objective is None or bool(answer.missing_kwh) or has_errors(found)
    if answer.report.stop_reason is StopReason.INTERRUPTED and not bad:
        return EXIT_INTERRUPTED
    return EXIT_FINDINGS if bad else EXIT_DONE


def _charge_plan(
    folder: Path, case: Path | None, stop: Stop | None, seed: int, out: Path | None, *,
    as_json: bool, quiet: bool,
) -> int:  # fmt: skip
    """Charge a written plan's blocks anew, and say what that saves."""
    from mobility import fleet
    from mobility.cli.fleet_show import exit_code, interrupted, show_plan
    from mobility.cli.fleet_simulate import read_again
    from mobility.cli.output import log, print_json, working
    from mobility.fleet.files import may_write

    if out is not None:
        may_write(out)
    _, before, source, day = read_again(folder, None, case, no_cache=False, quiet=quiet)
    with working(f"charging {before.vehicles:,} vehicles", quiet=quiet):
        try:
            answer = fleet.charge(before, stop=stop, seed=seed)
        except KeyboardInterrupt:  # the plan that came in is the best so far
            answer = interrupted(before)
    if out is not None and answer.report.objective is not None:
        answer.write(out, day=day, source=source)
    if as_json:
        print_json(answer.to_dict())
        return exit_code(answer, answer.findings)
    show_plan(answer)
    if answer.report.objective is not None and before.report.objective is not None:
        saved = before.report.objective - answer.report.objective
        print(f"charged anew: {saved:,.0f} less, in {answer.report.objective_unit}")
    if out is not None:
        log(f"written: {out}", quiet=quiet)
    return exit_code(answer, answer.findings)


def show(answer: ChargingPlan) -> None:
    """Write to stdout what charging costs, what cannot be beaten, and each site's peak."""
    from mobility.cli.output import print_table

    print(answer)
    report = answer.report
    if report.objective is None:
        return
    rows = [(name, value) for name, value in report.parts.items()]
    rows += [("together", report.objective)]
    if report.bound is not None:
        rows += [("no plan can beat", report.bound)]
    rows += [(f"{name} would cost", cost) for name, cost in answer.against.items()]
    print_table(rows, columns=("", "a day"))
    used = answer.sessions.groupby("site")["charger"].nunique().to_dict()
    sites = [(one.name, round(answer.peak_kw.get(one.name, 0.0), 1), int(used.get(one.name, 0)), one.chargers)
             for one in answer.problem.sites]  # fmt: skip
    print_table(sites, columns=("site", "peak kW", "chargers used", "there"))
    if answer.missing_kwh:
        print(f"{sum(answer.missing_kwh.values()):,.1f} kWh are missing: {answer.why}")
