"""``mobility signals time``: plans of all periods, before and after, and what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options

if TYPE_CHECKING:
    from mobility.signals import Network, TimedPlan


def time(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help="signals.toml, X.sumocfg, or the name of a sample.",
        ),
    ],
    max_wait: Annotated[
        float | None, typer.Option("--max-wait", help="People on foot wait at most, s.")
    ] = None,
    pace: Annotated[
        float | None,
        typer.Option("--pace", help="Pace to clear crossings, m/s: 0.9 for older people."),
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

    Never worse than the plan that came in, by the same evaluation; both are shown.
    Exit 0: plans for all periods; 1: no plan keeps all limits, or a signal had to keep its own.

    Examples:

      mobility signals time changsha

      mobility signals time incheon --out plans --seed 1 --json

      mobility signals time incheon --max-wait 70 --pace 0.9 --leading-walk 4
    """
    del config
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
    stop = options.stop_from(seconds, work, None)
    with working(f"timing {len(asked.intersections)} signals", quiet=quiet):
        plan = signals.time_signals(asked, stop=stop, seed=seed, buses_h=buses)
        ruled = None
        if max_wait is not None or pace is not None or leading_walk > 0:
            ruled = _with_rules(asked, plan, max_wait, pace, leading_walk, buses, seed)
    chief = plan if ruled is None else ruled
    if out is not None:
        _write(chief, out)
    year = benefit_per_year(chief)
    told = {
        "plans": [one.to_dict() for one in chief.periods],
        "benefit_per_year": year.to_dict("records"),
    }
    if ruled is not None:
        told["crossings"] = _cost(plan, ruled)
    if as_json:
        print_json(told)
    else:
        print(asked)
        for one in chief.periods:
            print(one)
            if one.why:
                print(f"  {one.why}")
        print_table(_rows(chief), columns=("period", "delay", "before", "after"))
        if ruled is not None:
            print_table(list(_cost(plan, ruled).items()), title="What the rules of crossings cost")
        if len(year):
            print_table(
                [(row["level"], round(row["person_hours"]), round(row["stops"]),
                  round(row["co2_t"], 1), round(row["total_minor"] / 100)) for row in
                 year.to_dict("records")],
                columns=("a year", "person hours", "stops", "t CO2", "USD, assumed values"),
            )  # fmt: skip
        for line in chief.assumptions:
            print(f"assumed: {line}")
        for one in chief.periods:
            print_findings(one.findings, quiet=quiet)
    bad = any(not one.signals or one.findings for one in chief.periods)
    return EXIT_FINDINGS if bad else EXIT_DONE


def _with_rules(
    asked: Network,
    plan: TimedPlan,
    max_wait: float | None,
    pace: float | None,
    leading_walk: float,
    buses: float,
    seed: int,
) -> TimedPlan:
    from mobility import signals
    from mobility.signals.crossings import CrossingRules, with_crossings

    del plan
    rules = CrossingRules(max_wait, pace, leading_walk)
    return signals.time_signals(with_crossings(asked, rules), seed=seed, buses_h=buses)


def _cost(plan: TimedPlan, ruled: TimedPlan) -> dict[str, float | None]:
    """Delay of vehicles and of people on foot, without the rules and under them."""
    found: dict[str, float | None] = {}
    for name, one in (("without the rules", plan), ("under the rules", ruled)):
        found[f"vehicle_delay_s {name}"] = None if one.after is None else one.after.vehicle_delay_s
        found[f"walk_delay_s {name}"] = None if one.after is None else one.after.walk_delay_s
    return found


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


def _write(plan: TimedPlan, folder: Path) -> None:
    """Write ``plan.json`` with every period's plan and its hours, and stages a period as CSV."""
    from functools import partial

    from mobility import signals
    from mobility.signals.rows import whole_file

    folder.mkdir(parents=True, exist_ok=True)
    made = [one for one in plan.periods if one.signals]
    if not made:
        return
    whole = made[0] if len(made) == 1 else signals.Schedule.of(made)
    signals.write_plan(whole, folder / "plan.json")
    for one in made:
        name = f"stages-{one.from_s // 3600:02d}{one.from_s % 3600 // 60:02d}.csv"
        whole_file(folder / name, partial(one.stages.to_csv, index=False))
