"""``mobility fleet simulate``: which blocks of a written plan break, and what mends them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options
from mobility.cli.fleet_ask import Case, Parquet, Plot, ask

if TYPE_CHECKING:
    from mobility.feed import ServiceDay
    from mobility.fleet import Plan, Problem, Simulation

PlanFolder = Annotated[
    Path, typer.Argument(metavar="PLAN", help="Folder that `fleet plan --out` wrote.")
]
Feed = Annotated[
    str | None,
    typer.Argument(metavar="[FEED]", help="The feed; by default the one it was made from."),
]


def simulate(
    plan: PlanFolder,
    feed: Feed = None,
    case: Case = None,
    count: Annotated[
        int, typer.Option("--scenarios", help="How many days are drawn.", min=1)
    ] = 1000,
    percentile: Annotated[
        float, typer.Option("--percentile", help="Share of the days that a block is to survive.")
    ] = 0.95,
    temperature: Annotated[
        float | None, typer.Option("--temperature", help="Outside, C, all day.", show_default=False)
    ] = None,
    weather: Annotated[
        Path | None,
        typer.Option(
            "--weather", help="CSV of hourly temperatures: time, temperature_c.", show_default=False
        ),
    ] = None,
    months: Annotated[
        str | None,
        typer.Option(
            "--months", help="Months of --weather that are drawn, as in 6,7,8.", show_default=False
        ),
    ] = None,
    health: Annotated[
        str | None,
        typer.Option("--health", help="State of health, as in 0.8 or 0.8,1.0.", show_default=False),
    ] = None,
    measured: Annotated[
        Path | None,
        typer.Option(
            "--measured",
            help="CSV of measured times (trip_id, stop_sequence, date, arrive_s, depart_s) or TIDES stop_visits.",
            show_default=False,
        ),
    ] = None,
    outage: Annotated[
        float, typer.Option("--outage", help="Chance that a charger is out on a day.")
    ] = 0.01,
    queue: Annotated[
        bool, typer.Option("--queue", help="Buses of a charger that is out look for another one.")
    ] = False,
    calm: Annotated[
        bool, typer.Option("--calm", help="No spread of consumption, traffic and pull-outs.")
    ] = False,
    mended: Annotated[
        Path | None,
        typer.Option(
            "--repair",
            help="Folder for a plan whose broken blocks are planned anew.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 where a block does not survive the percentile.")
    ] = False,
    out: options.Out = None,
    parquet: Parquet = False,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    picture: Plot = None,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Replay a written plan on thousands of days: weather, ageing, traffic, delays, outages.

    Exit 0: replayed; with --strict 1 where a block does not survive the percentile.

    Examples:

      mobility fleet simulate plan --scenarios 10000

      mobility fleet simulate plan --weather gtfs_samples/santiago/weather.csv --months 6,7,8 --json

      mobility fleet simulate plan --temperature -5 --repair mended
    """  # fmt: skip
    del config
    from mobility import fleet
    from mobility.cli.fleet_show import draw
    from mobility.cli.output import log, print_json, working
    from mobility.fleet.files import may_write
    from mobility.fleet.result_files import may_write_result
    from mobility.fleet.simulation import TABLES

    if out is not None:
        may_write_result("simulation", TABLES, out)  # before the work, not after it
    if mended is not None:
        may_write(mended)
    problem, read, source, _ = read_again(plan, feed, case, no_cache=no_cache, quiet=quiet)
    noise: dict[str, Any] = dict.fromkeys(_NOISE, 0.0) if calm else {}
    asked = fleet.Scenarios(
        count=count, temperature=_outside(temperature, weather, months), outage=outage, queue=queue,
        state_of_health=_health(health),
        measured=None if measured is None else fleet.read_measured(measured, problem),
        **noise,
    )  # fmt: skip
    with working(f"replaying {read.vehicles:,} vehicles in {count:,} scenarios", quiet=quiet):
        answer = fleet.simulate(problem, read, asked, seed=seed, percentile=percentile)
    told: dict[str, Any] = answer.to_dict()
    repaired = None
    if mended is not None:
        with working("planning the broken blocks anew", quiet=quiet):
            repaired = fleet.repair(problem, read, answer)
        told["repair"] = repaired.to_dict()
        if repaired.plan.report.objective is not None:
            repaired.plan.write(mended, source=source, parquet=parquet)
    if out is not None:
        answer.write(out, parquet=parquet)
    if picture is not None:
        draw(answer, picture)
    if as_json:
        print_json(told)
    else:
        show_simulation(answer)
        if repaired is not None:
            print(repaired)
        for name, place in (("written", out), ("repaired plan", mended), ("drawn", picture)):
            if place is not None:
                log(f"{name}: {place}", quiet=quiet)
    return EXIT_FINDINGS if strict and answer.broken() else EXIT_DONE


_NOISE = ("energy_day", "energy_bus", "energy_trip", "traffic_day", "traffic_trip", "late_share")


def read_again(
    folder: Path, feed: str | None, case: Path | None, *, no_cache: bool, quiet: bool
) -> tuple[Problem, Plan, dict[str, Any], ServiceDay]:
    """Read a written plan against its feed and case, which are read anew.

    Raises
    ------
    ConfigError
        When it does not say its feed, or is a plan of blocks alone.
    """
    from mobility import fleet
    from mobility.errors import ConfigError
    from mobility.fleet.files import read_document
    from mobility.fleet.shift import moved_by

    source = read_document(folder).get("source", {})
    feed = feed or source.get("feed")
    if not feed:
        raise ConfigError(
            f"{folder}: does not say which feed it is of", mend="name the feed after it"
        )
    case = case or (Path(source["case"]) if source.get("case") else None)
    day, problem = ask(
        feed, case, source.get("date"), source.get("modes"), 0, no_cache=no_cache, quiet=quiet
    )
    if moves := source.get("moved"):
        problem = moved_by(problem, moves)
    read = fleet.read_plan(folder, problem)
    if not isinstance(read, fleet.Plan):
        raise ConfigError(f"{folder}: is a plan of blocks alone, without charging",
                          mend="mobility fleet plan FEED --out PLAN")  # fmt: skip
    return problem, read, source, day


def show_simulation(answer: Simulation) -> None:
    """Write to stdout which blocks break, where, and what mends them."""
    from mobility.cli.fleet_show import print_assumptions
    from mobility.cli.output import print_table
    from mobility.fleet.simulation import percent
    from mobility.units import format_time

    print(answer)
    named = percent(answer.percentile).lower()
    shown = answer.blocks[answer.blocks["breaks"] > 0].head(15)
    rows = [
        (one["vehicle"], f"{one['breaks']:.1%}", f"{one[f'needs_kwh_{named}']:.0f} of {one['battery_kwh']:.0f}",
         one["block"], one["trip_id"] or "empty run", one["place"], format_time(int(one["time_s"])),
         f"{one['first_share']:.0%}")
        for one in shown.to_dict("records")
    ]  # fmt: skip
    if rows:
        print_table(rows, columns=("vehicle", "breaks", f"kWh at {named.upper()}", "first in", "trip", "place",
                                   "planned", "of its breaks"))  # fmt: skip
    mends = [
        (one["vehicle"], f"{one['battery_kwh']:.1f} kWh (+{one['more_kwh']:.1f})",
         "-" if one["layover_at"] == "" else f"{one['layover_s'] / 60:.0f} min at {one['layover_at']}",
         "-" if one["charger_at"] == "" else f"{one['charger_kw']:.0f} kW at {one['charger_at']}", one["cheapest"])
        for one in answer.mends.head(10).to_dict("records")
    ]  # fmt: skip
    if mends:
        print_table(
            mends,
            columns=(
                "mends",
                "a battery of",
                "or a layover longer by",
                "or a charger of",
                "cheapest",
            ),
        )
    spread = ", ".join(f"{name} {value:g}" for name, value in answer.spread().items())
    print(f"blocks that break on one day: {spread}")
    print_assumptions(answer.assumptions)


def _outside(temperature: float | None, weather: Path | None, months: str | None) -> Any:
    from mobility import fleet
    from mobility.errors import ConfigError

    if temperature is not None and weather is not None:
        raise ConfigError(
            "--temperature and --weather are two weathers", mend="leave one of the two"
        )
    if weather is None:
        if months is not None:
            raise ConfigError("--months goes with --weather", mend="--weather FILE --months 6,7,8")
        return temperature
    read = fleet.read_weather(weather)
    return (
        read
        if months is None
        else read.of_months(options.list_of(int, months, "--months", "6,7,8"))
    )


def _health(told: str | None) -> Any:
    from mobility.errors import ConfigError

    if told is None:
        return None
    values = options.list_of(float, told, "--health", "0.8,1.0")
    if len(values) > 2:
        raise ConfigError(f"--health {told}: one number or two", mend="--health 0.8,1.0")
    return values[0] if len(values) == 1 else tuple(values)
