"""``mobility signals check|info|convert|sheet|drive``: networks, plans, files, and runs in SUMO."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import (
    EXIT_DONE,
    EXIT_FINDINGS,
    options,
    signals_preempt,
    signals_requests,
    signals_simulate,
    signals_time,
)
from mobility.cli.signal_inputs import corridor, counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.findings import Finding
    from mobility.signals import Log, Network, Plan, Schedule

app = typer.Typer(
    help="Signals: networks and plans judged by fourteen invariants, and driven in SUMO.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.command("time")(signals_time.time)

app.command("corridor")(corridor)
app.command("counts")(counts)

Source = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="signals.toml, a net of SUMO (.net.xml, .net.xml.gz), a UTDF file of Synchro (.csv), "
        "or the name of a sample.",
    ),
]
Additional = Annotated[
    list[Path] | None,
    typer.Option("--additional", help="SUMO file with programs; may be given several times."),
]


Shown = Annotated[
    Path | None,
    typer.Argument(
        metavar="[PLAN]",
        help="Plan from disk (.json, .csv, .parquet, or programs of SUMO, .add.xml); by default the "
        "one that came with the network.",
    ),
]


@app.command("check")
def check(
    network: Source,
    shown: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PLAN_OR_LOG]",
            help="Plan, week of plans or log (.json, .csv, .parquet, .add.xml); by default the "
            "plan that came with the network.",
        ),
    ] = None,
    additional: Additional = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Judge a network, and a plan or a log of what was shown: its own, or one from disk.

    Defects of a program that SUMO brings are told apart: it runs on the street already.
    Exit 0: all invariants hold; 1: some do not.

    Examples:

      mobility signals check changsha

      mobility signals check X.net.xml --additional X_tls.add.xml --json

      mobility signals check X.net.xml X_tls.add.xml
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json
    from mobility.findings import has_errors

    asked = _open(network, additional)
    judged = _shown(asked, network, shown)
    parts = judged.plans if isinstance(judged, signals.Schedule) else (judged,)
    known = _known(asked, parts)
    found = [
        one
        for one in (
            *signals.check(asked),
            *(one for part in parts for one in _another(asked, part, shown)),
            *(one for part in parts for one in signals.check(asked, part)),
        )
        if (one.code, one.column) not in known
    ]
    # What a program breaks is its own; what could not be read of a file is an error of the file.
    own = {(one.code, one.column) for one in signals.check(asked, signals.plan_of(asked))}
    unread = [one for one in asked.input_findings if (one.code, one.column) not in own]
    found = [*(one for one in unread if has_errors([one])), *found]
    kept = [one for one in asked.input_findings if one not in found]
    of_all = {name for part in parts for name in _signals_of(part)}
    if as_json:
        print_json({
            "signals": len(asked.intersections), "planned": len(of_all),
            "findings": found, "input_findings": asked.input_findings,
        })  # fmt: skip
    else:
        print(asked)
        print(judged)
        print_findings(found, quiet=quiet)
        if kept:
            print("The program that came in, kept as it is:")
            print_findings(kept, quiet=True)
        print("all invariants hold" if not found else f"{len(found)} findings")
    return EXIT_FINDINGS if has_errors(found) else EXIT_DONE


@app.command("info")
def info(
    network: Source,
    additional: Additional = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Show the signals of a network: groups, stages, cycle and offset.

    Examples:

      mobility signals info incheon

      mobility signals info X.net.xml --json
    """
    del config, quiet
    from mobility import signals
    from mobility.cli.output import print_json, print_table

    asked = _open(network, additional)
    plan = signals.plan_of(asked)
    if as_json:
        print_json({"network": str(asked), "digest": asked.digest, "plan": plan.to_dict()})
        return EXIT_DONE
    print(asked)
    print_table(
        [
            (
                one.id, one.name, len(one.groups),
                " ".join(f"{two.stage}:{two.green_s:g}" for two in plan.signal[one.id].stages)
                if one.id in plan.signal else "no plan",
                one.cycle_s, one.offset_s,
            )
            for one in asked.intersections
        ],
        columns=("signal", "name", "groups", "stages: green s", "cycle s", "offset s"),
    )  # fmt: skip
    return EXIT_DONE


@app.command("convert")
def convert(
    network: Source,
    plan: Shown = None,
    additional: Additional = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="File to write: .json, .csv or .parquet (a plan), .add.xml (SUMO programs), "
            ".utdf.csv (Synchro), .toml (the network).",
        ),
    ] = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Write a plan, or a network, in another format; it is read back, and must be the same.

    Examples:

      mobility signals convert changsha --out plan.json

      mobility signals convert X.net.xml --out plan.add.xml

      mobility signals convert gtfs_samples/ring.utdf.csv --out signals.toml
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json
    from mobility.cli.signal_files import write_as
    from mobility.errors import ConfigError
    from mobility.findings import has_errors

    if out is None:
        raise ConfigError("nowhere to write to", mend="--out plan.json")
    asked = _open(network, additional)
    given = _shown(asked, network, plan)
    if isinstance(given, signals.Log):
        raise ConfigError(f"{plan} is a log", mend="a plan can be converted")
    found = write_as(asked, given, out, network=network)
    if as_json:
        print_json({"written": str(out), "plan": str(given), "findings": found})
    else:
        print(f"{out}: {given}")
        print_findings(found, quiet=quiet)
    return EXIT_FINDINGS if has_errors(found) else EXIT_DONE


@app.command("sheet")
def sheet(
    network: Source,
    plans: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PLAN]...",
            help="Plans, each in its own hours, or one week of plans; by default the plan that "
            "came with the network.",
        ),
    ] = None,
    transition: Annotated[
        str | None,
        typer.Option("--transition", help="shortway or dwell: from one plan into the next."),
    ] = None,
    additional: Additional = None,
    out: options.Out = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Write a timing sheet a junction: a CSV each, and one page that prints.

    A plan that breaks an invariant gets no sheet.

    Examples:

      mobility signals sheet changsha --out sheets

      mobility signals sheet incheon --out sheets --json
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json
    from mobility.cli.signal_files import week_of
    from mobility.errors import ConfigError
    from mobility.findings import has_errors

    if out is None:
        raise ConfigError("nowhere to write to", mend="--out sheets")
    asked = _open(network, additional)
    given = [_shown(asked, network, one) for one in plans or ()]
    week = week_of(given or [_shown(asked, network, None)], transition)
    known = _known(asked, week.plans)
    found = [one for part in week.plans for one in signals.check(asked, part)
             if (one.code, one.column) not in known]  # fmt: skip
    if has_errors(found):
        print_json({"written": None, "findings": found}) if as_json else print_findings(
            found, quiet=quiet
        )
        return EXIT_FINDINGS
    sheets = signals.timing_sheets(asked, week)
    signals.write_sheets(sheets, out)
    if as_json:
        print_json({"written": str(out), "sheets": [one.to_dict() for one in sheets],
                    "findings": found})  # fmt: skip
    else:
        print(f"{out}: {len(sheets)} timing sheets, {week}")
        print_findings(found, quiet=quiet)
    return EXIT_DONE


@app.command("drive")
def drive(
    scenario: Annotated[Path, typer.Argument(metavar="X.sumocfg", help="A scenario of SUMO.")],
    controller: Annotated[
        str,
        typer.Option(
            "--controller",
            help="shipped: as it is; fixed: its static cycles; planned: ours; actuated, "
            "actuated-tuned, greedy, max-pressure, adaptive, priority: in the loop.",
        ),
    ] = "shipped",
    begin: Annotated[float | None, typer.Option("--begin", help="First second.")] = None,
    end: Annotated[float | None, typer.Option("--end", help="Last second.")] = None,
    scale: Annotated[float, typer.Option("--scale", help="Of the demand.")] = 1.0,
    teleport: Annotated[
        float, typer.Option("--teleport", help="Move a stuck vehicle on after s; -1: never.")
    ] = -1.0,
    engines: Annotated[
        int,
        typer.Option(
            "--engines",
            help="Fire engines to add, drawn from the net; driven without and with pre-emption.",
            min=0,
        ),
    ] = 0,
    target: Annotated[
        float | None,
        typer.Option(
            "--target", help="Within which an engine should arrive, s; by default 1.5 free ways."
        ),
    ] = None,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Run a scenario in SUMO; what it costs everybody, and what the lamps broke.

    Examples:

      mobility signals drive X.sumocfg --controller shipped --seed 0 --json

      mobility signals drive X.sumocfg --controller fixed --end 600 --scale 0.6

      mobility signals drive X.sumocfg --controller priority --json

      mobility signals drive X.sumocfg --controller fixed --engines 4 --target 120 --end 600
    """
    del config
    if engines:
        return signals_preempt.rescue(
            scenario, controller, engines=engines, target_s=target, seed=seed, begin_s=begin,
            end_s=end, scale=scale, teleport_s=teleport, as_json=as_json, quiet=quiet,
        )  # fmt: skip
    from mobility.cli.output import print_findings, print_json, print_table, working
    from mobility.findings import has_errors
    from mobility.signals.sumo import drive as run

    with working(f"driving {scenario.name}", quiet=quiet):
        done = run(scenario, controller, seed=seed, begin_s=begin, end_s=end, scale=scale,
                   teleport_s=teleport)  # fmt: skip
    if as_json:
        print_json(done.to_dict())
    else:
        print(done)
        print_table([(key, str(value)) for key, value in done.figures.items()])
        print_findings(done.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(done.findings) else EXIT_DONE


app.command("simulate")(signals_simulate.simulate)
app.command("punctuality")(signals_simulate.punctuality)
app.command("preempt")(signals_preempt.preempt)
app.command("requests")(signals_requests.requests)


def _open(source: str, additional: list[Path] | None) -> Network:
    """Read a network by what its name says it is."""
    from mobility.cli.signal_files import open_network

    return open_network(source, additional)


def _shown(asked: Network, source: str, path: Path | None) -> Plan | Schedule | Log:
    """Read what is to be judged, or take the plan that came in."""
    from mobility.cli.signal_files import open_shown

    return open_shown(asked, source, path)


def _known(asked: Network, parts: Sequence[Plan | Log]) -> set[tuple[str, str]]:
    """Give what a program that came in breaks by itself: it runs on the street already.

    Where a signal has another program than the one that came in, nothing of it is known.
    """
    from mobility.signals import Log, plan_of

    given = plan_of(asked).signal
    kept = {
        name for name, one in given.items()
        if all(
            not isinstance(part, Log) and (name not in part.signal
            or (part.signal[name].of_group, part.signal[name].zero_s) == (one.of_group, one.zero_s))
            for part in parts
        )
    }  # fmt: skip
    return {
        (one.code, one.column) for one in asked.input_findings
        if any(one.column == name or one.column.startswith(f"{name}.") for name in kept)
    }  # fmt: skip


def _another(asked: Network, part: Plan | Log, path: Path | None) -> list[Finding]:
    """Say where a plan was made for something else, and what of a log could not be read."""
    from mobility.findings import finding
    from mobility.signals import Log

    if path is None:
        return []
    if isinstance(part, Log):
        return list(part.input_findings)
    if not part.digest or part.digest == asked.digest:
        return []
    return [finding("signal_plan_of_another_network", file=path.name, value=part.digest)]


def _signals_of(part: Plan | Log) -> set[str]:
    from mobility.signals import Log

    if isinstance(part, Log):
        return {str(one) for one in part.shown["signal"]}
    return set(part.signal)
