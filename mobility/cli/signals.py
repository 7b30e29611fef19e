"""``mobility signals check|info|drive``: networks, plans, and runs in SUMO."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from mobility.signals import Network

app = typer.Typer(
    help="Signals: networks and plans judged by fourteen invariants, and driven in SUMO.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="signals.toml, a net of SUMO (.net.xml, .net.xml.gz), or the name of a sample.",
    ),
]
Additional = Annotated[
    list[Path] | None,
    typer.Option("--additional", help="SUMO file with programs; may be given several times."),
]


@app.command("check")
def check(
    network: Source,
    additional: Additional = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Judge a network and the plan that came with it.

    Defects of a program that SUMO brings are told apart: it runs on the street already.
    Exit 0: all invariants hold; 1: some do not.

    Examples:

      mobility signals check changsha

      mobility signals check X.net.xml --additional X_tls.add.xml --json
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json
    from mobility.findings import has_errors

    asked = _open(network, additional)
    plan = signals.plan_of(asked)
    known = {(one.code, one.column) for one in asked.input_findings}
    found = [
        one
        for one in (*signals.check(asked), *signals.check(asked, plan))
        if (one.code, one.column) not in known
    ]
    if as_json:
        print_json({
            "signals": len(asked.intersections), "planned": len(plan.signals),
            "findings": found, "input_findings": asked.input_findings,
        })  # fmt: skip
    else:
        print(asked)
        print(plan)
        print_findings(found, quiet=quiet)
        if asked.input_findings:
            print("The program that came in, kept as it is:")
            print_findings(asked.input_findings, quiet=True)
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


@app.command("drive")
def drive(
    scenario: Annotated[Path, typer.Argument(metavar="X.sumocfg", help="A scenario of SUMO.")],
    controller: Annotated[
        str,
        typer.Option(
            "--controller",
            help="shipped: as it is; fixed: its static cycles; actuated, actuated-tuned, greedy, "
            "max-pressure, adaptive, priority: in the loop.",
        ),
    ] = "shipped",
    begin: Annotated[float | None, typer.Option("--begin", help="First second.")] = None,
    end: Annotated[float | None, typer.Option("--end", help="Last second.")] = None,
    scale: Annotated[float, typer.Option("--scale", help="Of the demand.")] = 1.0,
    teleport: Annotated[
        float, typer.Option("--teleport", help="Move a stuck vehicle on after s; -1: never.")
    ] = -1.0,
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
    """
    del config
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


def _open(source: str, additional: list[Path] | None) -> Network:
    """Read a network by what its name says it is."""
    from mobility import samples, signals
    from mobility.errors import ConfigError

    if source in samples.available:
        return signals.read_network(samples.case(source, "signals.toml"))
    if source.endswith((".net.xml", ".net.xml.gz")):
        from mobility.signals.sumo import from_sumo

        return from_sumo(source, *(additional or []))
    if additional:
        raise ConfigError("--additional goes with a net of SUMO", mend="name a .net.xml")
    return signals.read_network(source)
