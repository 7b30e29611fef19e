"""``mobility signals simulate|punctuality``: the fast model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from mobility.signals import Network, Simulation
    from mobility.signals.demand import Volumes

PlanFile = Annotated[
    Path | None,
    typer.Argument(metavar="[PLAN]", help="Plan in JSON; by default the one that came in."),
]
Seeds = Annotated[int, typer.Option("--seeds", help="How many draws of the demand.", min=1)]


def simulate(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="signals.toml, a scenario of SUMO (.sumocfg), or the name of a sample.",
        ),
    ],
    plan: PlanFile = None,
    period: Annotated[
        int, typer.Option("--period", help="Which of its volumes: 1 is the first.", min=1)
    ] = 1,
    scale: Annotated[float, typer.Option("--scale", help="Of the demand.")] = 1.0,
    seeds: Seeds = 1,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Drive a demand through signals in the fast model: delay, stops and queues by movement.

    Exit 0: done; 1: the lamps broke an invariant.

    Examples:

      mobility signals simulate changsha

      mobility signals simulate gtfs_samples/incheon/signals.toml --period 2 --seeds 3 --json
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json, working
    from mobility.errors import ConfigError
    from mobility.findings import has_errors

    if not scale > 0:
        raise ConfigError(
            f"scale must be above 0 (found {scale})", mend="1.0 is the demand as it is"
        )
    asked = _open(network)
    if len(asked.volumes) < period:
        raise ConfigError(f"there are {len(asked.volumes)} periods of demand, not {period}",
                          mend="[[demand]] in signals.toml, or another --period")  # fmt: skip
    given = signals.plan_of(asked) if plan is None else signals.read_plan(plan)
    volumes = _scaled(asked.volumes[period - 1], scale)
    with working(f"simulating {network}", quiet=quiet):
        runs = [signals.simulate(asked, given, volumes, seed=seed + k) for k in range(seeds)]
    first = runs[0]
    spread = [one.figures["delay_s"] for one in runs]
    if as_json:
        print_json({**first.to_dict(), "seeds": seeds, "delay_s_by_seed": spread})
    else:
        _show(first, spread)
        print_findings(first.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(first.findings) else EXIT_DONE


def _show(run: Simulation, spread: list[float]) -> None:
    from mobility.cli.output import print_table

    print(run)
    if len(spread) > 1:
        print(f"over {len(spread)} seeds: {min(spread):.1f} to {max(spread):.1f} s a vehicle")
    rows = run.movements[run.movements["vehicles"] > 0].copy()
    rows["hours"] = rows["delay_s"] * rows["vehicles"] / 3600
    names = ["signal", "approach", "movement", "vehicles", "delay_s", "stops", "max_queue"]
    print_table(
        rows.nlargest(12, "hours")[names].to_numpy(object).tolist(),
        columns=("signal", "from", "movement", "vehicles", "delay s", "stops", "longest queue"),
        title="Where most time is lost",
    )  # fmt: skip


def _scaled(volumes: Volumes, scale: float) -> Volumes:
    from dataclasses import replace

    return replace(
        volumes, vehicles_h={key: scale * flow for key, flow in volumes.vehicles_h.items()}
    )


def _open(source: str) -> Network:
    from mobility import samples, signals

    if source in samples.available:
        return signals.read_network(samples.case(source, "signals.toml"))
    if source.endswith(".sumocfg"):
        from mobility.signals.sumo.demand import from_config

        return from_config(source)
    return signals.read_network(source)
