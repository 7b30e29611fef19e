"""``mobility signals preempt``: a fire engine's way, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from pathlib import Path

EVERY_S = 67  # between departures: no multiple of a usual cycle


def preempt(
    network: Annotated[
        str,
        typer.Argument(metavar="NETWORK", help="signals.toml, or the name of a sample."),
    ],
    route: Annotated[
        str | None, typer.Option("--route", help="Emergency route; by default the first one.")
    ] = None,
    depart: Annotated[
        str, typer.Option("--depart", help="First alarm, HH:MM:SS or seconds of the day.")
    ] = "08:00:00",
    runs: Annotated[int, typer.Option("--runs", min=1, help="Alarms, 67 s apart.")] = 12,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Clear a fire engine's way ahead of it: response time, share in time, cost to the others.

    Every run is driven twice through the same traffic, with the base plan and with pre-emption.
    Exit 1: the lamps broke a rule.

    Examples:

      mobility signals preempt incheon

      mobility signals preempt incheon --route fire-1 --depart 17:30:00 --runs 3 --json
    """
    del config
    from mobility import signals
    from mobility.cli.output import print_findings, print_json, print_table, working
    from mobility.cli.signal_files import open_network
    from mobility.errors import ConfigError
    from mobility.findings import has_errors
    from mobility.units import parse_time

    asked = open_network(network)
    if route is None:
        if not asked.emergency_routes:
            raise ConfigError("the network has no emergency route",
                              mend="add an [[emergency_route]]")  # fmt: skip
        route = asked.emergency_routes[0].id
    first = int(depart) if depart.isdigit() else parse_time(depart)
    with working(f"driving {route}", quiet=quiet):
        done = signals.preempt(asked, route, [first + EVERY_S * k for k in range(runs)], seed=seed)
    told = done.to_dict()
    if as_json:
        print_json(told)
    else:
        print(done)
        print_table(
            [(one["signal"], one["wait_before_s"], one["wait_after_s"]) for one in told["signals"]],
            columns=("signal", "wait before s", "after s"),
        )
        print(f"others lose {told['others_lose_s_per_vehicle']:.2f} s a vehicle")
        print_findings(done.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(done.findings) else EXIT_DONE


def rescue(scenario: Path, controller: str, *, as_json: bool, quiet: bool, **asked: Any) -> int:
    """Drive fire engines in SUMO, without and with pre-emption, and show both."""
    from mobility.cli.output import print_findings, print_json, print_table, working
    from mobility.findings import has_errors
    from mobility.signals.sumo import rescue as run

    with working(f"driving {scenario.name} twice", quiet=quiet):
        done = run(scenario, controller, **asked)
    if as_json:
        print_json(done.to_dict())
    else:
        print(done)
        print_table(
            [
                (row["id"], row["depart_s"], row["metres"], row["signals"], row["free_s"],
                 row["limit_s"], row["before_s"] if row["arrived_before"] else "on the way",
                 row["after_s"] if row["arrived_after"] else "on the way")
                for row in done.alarms.to_dict("records")
            ],
            columns=("engine", "alarm s", "metres", "signals", "free s", "limit s", "before s",
                     "after s"),
        )  # fmt: skip
        print_findings(done.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(done.findings) else EXIT_DONE
