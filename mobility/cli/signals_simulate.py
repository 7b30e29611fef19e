"""``mobility signals simulate|punctuality``: the fast model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options
from mobility.cli.source import FeedSource

if TYPE_CHECKING:
    from pandas import DataFrame

    from mobility.signals import Punctuality, Simulation
    from mobility.signals.demand import Volumes

STOPS_SHOWN = 12
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
    from mobility.cli.signal_files import open_network, open_plan
    from mobility.errors import ConfigError
    from mobility.findings import has_errors

    if not scale > 0:
        raise ConfigError(
            f"scale must be above 0 (found {scale})", mend="1.0 is the demand as it is"
        )
    asked = open_network(network)
    if len(asked.volumes) < period:
        raise ConfigError(f"there are {len(asked.volumes)} periods of demand, not {period}",
                          mend="[[demand]] in signals.toml, or another --period")  # fmt: skip
    begins_s = asked.volumes[period - 1].from_s
    given = signals.plan_of(asked) if plan is None else open_plan(plan, begins_s)
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


def punctuality(
    feed: FeedSource,
    plan: PlanFile = None,
    case: Annotated[
        Path | None,
        typer.Option(
            "--case", help="signals.toml; by default the sample's own.", show_default=False
        ),
    ] = None,
    date: Annotated[
        str, typer.Option("--date", help="Service date, YYYY-MM-DD, or busiest.")
    ] = "busiest",
    seeds: Seeds = 5,
    begin: Annotated[
        str | None, typer.Option("--begin", help="Trips from this time on, HH:MM.")
    ] = None,
    end: Annotated[str | None, typer.Option("--end", help="Trips before this time, HH:MM.")] = None,
    controller: Annotated[
        str | None,
        typer.Option(
            "--controller",
            help="Afterwards control in real time, on top of the plan: adaptive, priority, actuated, "
            "actuated-tuned, greedy, max-pressure.",
        ),
    ] = None,
    early: Annotated[
        float | None,
        typer.Option(
            "--early",
            help="Seconds ahead of the timetable that are on time; by default the case's, or 60.",
        ),
    ] = None,
    late: Annotated[
        float | None,
        typer.Option(
            "--late",
            help="Seconds behind the timetable that are on time; by default the case's, or 300.",
        ),
    ] = None,
    hold: Annotated[
        bool, typer.Option("--hold/--no-hold", help="Buses wait at timepoints until they may go.")
    ] = True,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Drive a day's timetable through the signals: on time, waits, bunching, before and after.

    After: a plan, or a controller (with a plan: on top of it). Without either, only the signals as
    they are. The range that is on time stands in signals.toml, [service] on_time_s.

    Examples:

      mobility signals punctuality changsha --begin 07:00 --end 08:00 --seeds 2

      mobility signals punctuality incheon --begin 7:00 --end 7:30 --seeds 1 --json
    """
    del config
    from mobility import samples, signals
    from mobility.cli.output import print_findings, print_json, working
    from mobility.cli.signal_files import open_plan
    from mobility.cli.source import open_feed
    from mobility.errors import ConfigError
    from mobility.findings import has_errors
    from mobility.units import parse_time

    for option, value in (("--early", early), ("--late", late)):
        if value is not None and not 0 <= value < math.inf:
            raise ConfigError(f"{option} cannot be {value:g}", mend="seconds, 0 or more")
    beside = (samples.path(feed) if feed in samples.available else Path(feed)) / "signals.toml"
    if case is None and not beside.is_file():
        raise ConfigError(
            f"{feed}: no signals are named, and none lie beside it", mend="--case signals.toml"
        )
    network = signals.read_network(case or beside)
    begins_s = 7 * 3600 if begin is None else parse_time(f"{begin}:00")
    given = None if plan is None else open_plan(plan, begins_s)
    asked: Any = given
    if controller is not None:
        asked = signals.PriorityController(network, given, signals.policy_of(controller))
    low, high = network.service.on_time_s
    judged = (low if early is None else -early, high if late is None else late)
    day = open_feed(feed, cache=not no_cache, quiet=quiet).day(date)
    span = [None if one is None else float(parse_time(f"{one}:00")) for one in (begin, end)]
    with working(f"driving the timetable of {day.date}", quiet=quiet):
        found = signals.punctuality(
            day, network, asked, seeds=seeds, seed=seed, begin_s=span[0], end_s=span[1],
            on_time_s=judged, hold=hold,
        )  # fmt: skip
    if as_json:
        print_json(found.to_dict())
    else:
        _show_punctuality(found)
        print_findings(found.findings, quiet=quiet)
    return EXIT_FINDINGS if has_errors(found.findings) else EXIT_DONE


_NAMES = {
    "on_time": "on time", "late_s": "late, s", "excess_wait_s": "excess wait, s",
    "headway_cv": "headway CV", "bunched": "bunched", "bus_delay_s": "delay a bus at signals, s",
    "car_delay_s": "delay a car, s",
}  # fmt: skip


def _show_punctuality(found: Punctuality) -> None:
    from mobility.cli.output import print_table
    from mobility.signals.punctuality import SHARES

    def told(name: str, value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:.1%}" if name in SHARES else f"{value:.2f}"

    def change(name: str, row: dict[str, float | None]) -> str:
        if row["change"] is None:
            return ""
        unit = " points" if name in SHARES else ""
        around = "" if row["half_width"] is None else f" +-{row['half_width']:.2f}"
        return f"{row['change']:+.2f}{around}{unit}"

    print(found)
    print_table(
        [(_NAMES[name], told(name, row["before"]), told(name, row["after"]), change(name, row))
         for name, row in found.figures.items()],
        columns=("all lines", "before", "after", "change, 95 %"),
    )  # fmt: skip
    wide = found.by_route
    names = [name for name in ("on_time", "excess_wait_s", "headway_cv", "bunched")
             if f"{name}_before" in wide]  # fmt: skip
    both = ("before", "after") if "late_s_after" in wide else ("before",)
    print_table(
        [
            (row["route_id"], int(row["direction_id"]),
             *(" -> ".join(told(name, _number(row[f"{name}_{when}"])) for when in both).strip(" ->")
               for name in names))
            for row in wide.to_dict("records")
        ],
        columns=("route", "direction", *(_NAMES[name] for name in names)),
    )  # fmt: skip
    stops = found.by_stop
    stops = stops.iloc[(-_moved(stops)).argsort(kind="stable")].head(STOPS_SHOWN)
    names = [name for name in ("on_time", "late_s", "excess_wait_s", "headway_cv", "bunched")
             if f"{name}_before" in stops]  # fmt: skip
    print_table(
        [
            (row["stop_id"], row["route_id"], int(row["direction_id"]),
             *(" -> ".join(told(name, _number(row[f"{name}_{when}"])) for when in both).strip(" ->")
               for name in names))
            for row in stops.to_dict("records")
        ],
        columns=("stop", "route", "direction", *(_NAMES[name] for name in names)),
        title="Stops where lateness changes most" if len(both) > 1 else "Stops that are latest",
    )  # fmt: skip


def _moved(stops: DataFrame) -> Any:
    """By how much each stop's lateness changes, or how late it is where there is no after."""
    before = stops["late_s_before"].fillna(0.0)
    after = stops["late_s_after"].fillna(0.0) if "late_s_after" in stops else 2 * before
    return (after - before).abs().to_numpy()


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
