"""``mobility signals time``: plans of all periods, before and after, and what they are worth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    import pandas as pd

    from mobility.signals import Network, TimedPlan
    from mobility.signals.crossing_costs import CrossingCosts
    from mobility.stop import Stop


def time(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="signals.toml, X.sumocfg, or the name of a sample.",
        ),
    ],
    crossings: Annotated[
        bool,
        typer.Option(
            "--crossings", help="Keep what the file's [[crossing]] promise to people on foot."
        ),
    ] = False,
    max_wait: Annotated[
        float | None, typer.Option("--max-wait", help="People on foot wait at most, s.")
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option("--pace", help="Pace to clear all crossings, m/s: 0.92 for older people."),
    ] = None,
    leading_walk: Annotated[
        float, typer.Option("--leading-walk", help="Walk begins before vehicles by, s.")
    ] = 0.0,
    buses: Annotated[
        float, typer.Option("--buses", help="Buses an hour of each route and direction.")
    ] = 6.0,
    out: options.Out = None,
    seconds: options.StopSeconds = None,
    work: options.StopWork = None,
    seed: options.Seed = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Choose cycle, splits, offsets and order of stages for each period of the day.

    Never worse than the plan that came in, by the same evaluation; both are shown. Promises to
    people on foot (--crossings, --max-wait, --pace, --leading-walk) are priced crossing by crossing.
    Exit 0: plans for all periods; 1: no plan keeps all limits, or a signal had to keep its own.

    Examples:

      mobility signals time changsha

      mobility signals time incheon --out plans --seed 1 --json

      mobility signals time incheon --crossings --work 60

      mobility signals time incheon --max-wait 70 --pace 0.9 --leading-walk 4
    """
    del config
    from dataclasses import replace

    from mobility import signals
    from mobility.cli.output import print_findings, print_json, print_table, working
    from mobility.cli.signal_files import open_network
    from mobility.errors import ConfigError
    from mobility.findings import has_errors
    from mobility.signals.benefit import benefit_per_year

    for option, value, low in (("--max-wait", max_wait, 0.0), ("--pace", pace, 0.0),
                               ("--leading-walk", leading_walk, -1e-9), ("--buses", buses, -1e-9)):  # fmt: skip
        if value is not None and not low < value < float("inf"):
            raise ConfigError(f"{option} cannot be {value:g}", mend="as in --max-wait 70 --pace 0.9 "
                              "--leading-walk 4 --buses 6")  # fmt: skip
    asked = open_network(network)
    wrong = [one for one in signals.check(asked) if one.severity == "error"]
    if has_errors(wrong):
        if as_json:
            print_json({"plans": [], "findings": wrong})
        else:
            print_findings(wrong, quiet=quiet)
        return EXIT_FINDINGS
    if crossings and not asked.crossings:
        raise ConfigError(f"{network} promises nothing at crossings", mend="add [[crossing]] to it")
    stop = options.stop_from(seconds, work, None)
    with working(f"timing {len(asked.intersections)} signals", quiet=quiet):
        plan = signals.time_signals(asked, stop=stop, seed=seed, buses_h=buses)
        costs = None
        if crossings or max_wait is not None or pace is not None or leading_walk > 0:
            costs = _promised(asked if crossings else replace(asked, crossings=()), plan,
                              (max_wait, pace, leading_walk), stop, buses, seed)  # fmt: skip
    chief = plan if costs is None else costs.ruled
    if out is not None:
        _write(chief, out, None if costs is None else costs.network)
    year = benefit_per_year(chief)
    told = {
        "plans": [one.to_dict() for one in chief.periods],
        "benefit_per_year": year.to_dict("records"),
    }
    if costs is not None:
        told["crossings"] = costs.to_dict()
    if as_json:
        print_json(told)
    else:
        print(asked)
        for one in chief.periods:
            print(one)
            if one.why:
                print(f"  {one.why}")
        print_table(_rows(chief), columns=("period", "delay", "before", "after"))
        if costs is not None:
            _print_costs(costs)
        elif asked.crossings:
            print(f"{len(asked.crossings)} promises to people on foot are not kept: --crossings")
        if len(year):
            _print_year(year)
        for line in chief.assumptions:
            print(f"assumed: {line}")
        for one in chief.periods:
            print_findings(one.findings, quiet=quiet)
    bad = any(not one.signals or one.findings for one in chief.periods)
    return EXIT_FINDINGS if bad else EXIT_DONE


def _promised(
    asked: Network,
    plan: TimedPlan,
    rules: tuple[float | None, float | None, float],
    stop: Stop | None,
    buses: float,
    seed: int,
) -> CrossingCosts:
    from mobility.signals.crossing_costs import crossing_costs
    from mobility.signals.crossings import CrossingRules

    given = None if rules == (None, None, 0.0) else CrossingRules(*rules)
    return crossing_costs(asked, given, stop=stop, seed=seed, buses_h=buses, without=plan)


def _print_costs(costs: CrossingCosts) -> None:
    """Show each crossing's promise and its price, and what the network pays."""
    from mobility.cli.output import print_table

    rows = [
        (f"{row['signal']} {row['group']}", row["place"],
         f"{row['clearance_s']:g} -> {row['clearance_s_ruled']:g}",
         f"{_cell(row['wait_s'])} -> {_cell(row['wait_s_ruled'])}",
         f"{row['leading_walk_s']:g}", _cell(row.get("cost_s"), 1), _cell(row.get("cost_hours_h"), 1),
         row["left_out"])
        for row in costs.rows.to_dict("records")
    ]  # fmt: skip
    print_table(rows, columns=("crossing", "place", "clearance s", "longest wait s", "lead s",
                               "s a vehicle", "vehicle h an hour", "not kept"),
                title="What each crossing costs vehicles at its signal")  # fmt: skip
    print(costs)


def _cell(value: object, digits: int = 0) -> str:
    known = isinstance(value, int | float) and math.isfinite(value)
    return f"{value:.{digits}f}" if known else "-"


def _print_year(year: pd.DataFrame) -> None:
    from mobility.cli.output import print_table

    rows = year.to_dict("records")
    print_table(
        [(row["level"], f"{row['days']:g}", round(row["person_hours"]), round(row["stops"]),
          round(row["co2_t"], 1), round(row["time_minor"] / 100), round(row["fuel_minor"] / 100),
          round(row["co2_minor"] / 100), round(row["total_minor"] / 100)) for row in rows],
        columns=("a year", "days", "person hours", "stops", "t CO2", "time", "fuel", "CO2",
                 f"together, {rows[0]['currency']}"),
    )  # fmt: skip


def _rows(plan: TimedPlan) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for one in plan.periods:
        for label, name in (("person hours an hour", "person_hours_h"),
                            ("s a vehicle and signal", "vehicle_delay_s"),
                            ("s a person on foot", "walk_delay_s"), ("stops an hour", "stops_h"),
                            ("worst saturation", "worst_saturation")):  # fmt: skip
            values = [
                None if two is None else getattr(two, name) for two in (one.before, one.after)
            ]
            rows.append((one.name, label,
                         *("-" if value is None else f"{value:,.2f}" for value in values)))  # fmt: skip
    return rows


def _write(plan: TimedPlan, folder: Path, network: Network | None) -> None:
    """Write ``plan.json`` with every period's plan and its hours, and stages a period as CSV.

    Under promises ``signals.toml`` too: the network with its longer clearances, which the plan is
    to be judged by.
    """
    from functools import partial

    from mobility import signals
    from mobility.signals.rows import whole_file

    folder.mkdir(parents=True, exist_ok=True)
    if network is not None and network.given is None:  # a net of SUMO stays what it is
        signals.write_network(network, folder / "signals.toml")
    made = [one for one in plan.periods if one.signals]
    if not made:
        return
    whole = made[0] if len(made) == 1 else signals.Schedule.of(made)
    signals.write_plan(whole, folder / "plan.json")
    for one in made:
        name = f"stages-{one.from_s // 3600:02d}{one.from_s % 3600 // 60:02d}.csv"
        whole_file(folder / name, partial(one.stages.to_csv, index=False))
