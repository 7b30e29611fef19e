"""``mobility fleet size|transition|compare``: planning questions about a written plan."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, options
from mobility.cli.fleet_ask import Case, Parquet
from mobility.cli.fleet_simulate import Feed, PlanFolder, read_again

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def size(
    plan: PlanFolder,
    feed: Feed = None,
    case: Case = None,
    charger_day: Annotated[
        float,
        typer.Option("--charger-day", help="What a charger costs a day, minor units.", min=0.0),
    ] = 0.0,
    kw_day: Annotated[
        float,
        typer.Option("--kw-day", help="What a kW of a site costs a day, minor units.", min=0.0),
    ] = 0.0,
    curve: Annotated[bool, typer.Option(help="Plan the points of the cost curve.")] = True,
    out: options.Out = None,
    parquet: Parquet = False,
    as_json: options.Json = False,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Find the fewest chargers and the least kW of each depot for a plan's blocks, and a bound on both.

    Examples:

      mobility fleet size plan --no-curve

      mobility fleet size plan --charger-day 5000 --json
    """  # fmt: skip
    del config
    from mobility import fleet
    from mobility.cli.output import working
    from mobility.fleet.result_files import may_write_result

    if out is not None:
        may_write_result("sizing", ("sites", "curve"), out)
    _, read, _, _ = read_again(plan, feed, case, no_cache=no_cache, quiet=quiet)
    with working("sizing depots", quiet=quiet):
        answer = fleet.size_depots(
            read, charger_day_minor=charger_day, kw_day_minor=kw_day, curve=curve
        )
    _show(
        answer,
        {"": answer.table, "cost curve": answer.curve},
        out,
        as_json=as_json,
        parquet=parquet,
    )
    return EXIT_DONE if answer.plan is not None else EXIT_FINDINGS


def transition(
    plan: PlanFolder,
    feed: Feed = None,
    case: Case = None,
    buses: Annotated[
        str,
        typer.Option("--buses", help="Electric buses at the end of each stage, as in 50,120,200."),
    ] = "",
    by: Annotated[str, typer.Option("--by", help="routes or blocks.")] = "routes",
    out: options.Out = None,
    parquet: Parquet = False,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Order routes or blocks for electrification: the most electric km at every stage, with a bound.

    Examples:

      mobility fleet transition plan --buses 40,80,120

      mobility fleet transition plan --buses 20,40 --by blocks --json
    """
    del config
    from mobility import fleet
    from mobility.errors import ConfigError
    from mobility.fleet.result_files import may_write_result

    if by not in ("routes", "blocks"):
        raise ConfigError(f"--by cannot be {by!r}", mend="routes or blocks")
    stages = options.list_of(int, buses, "--buses", "50,120,200")
    if out is not None:
        may_write_result("transition", ("stages", "order", "chargers"), out)
    _, read, _, _ = read_again(plan, feed, case, no_cache=no_cache, quiet=quiet)
    answer = fleet.transition(read, stages, by="routes" if by == "routes" else "blocks", seed=seed)
    tables = {"stages": answer.stages, "order": answer.order}
    _show(answer, tables, out, as_json=as_json, parquet=parquet)
    return EXIT_DONE


def compare(
    plan: PlanFolder,
    feed: Feed = None,
    case: Case = None,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            help="A name and changes, as in 'bigger: vehicles.battery_kwh = 420'; may be given again.",
        ),
    ] = None,
    out: options.Out = None,
    parquet: Parquet = False,
    as_json: options.Json = False,
    seed: options.Seed = 0,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Plan the day under other assumptions, from the plan that there is, side by side.

    Changes are separated by semicolons; values are TOML.

    Examples:

      mobility fleet compare plan --what-if "bigger: vehicles.battery_kwh = 420"

      mobility fleet compare plan --what-if "cold: temperature_c = 0.0; vehicles.battery_kwh = 420" --json
    """
    del config
    from mobility import fleet
    from mobility.cli.output import working
    from mobility.errors import ConfigError
    from mobility.fleet.result_files import may_write_result

    if not what_if:
        raise ConfigError(
            "nothing to compare with", mend="--what-if 'bigger: vehicles.battery_kwh = 420'"
        )
    asked = dict(_changes(one) for one in what_if)
    if out is not None:
        may_write_result("comparison", ("what_ifs",), out)
    _, read, _, _ = read_again(plan, feed, case, no_cache=no_cache, quiet=quiet)
    with working("planning what-ifs", quiet=quiet):
        answer = fleet.compare(read, asked, seed=seed)
    columns = [
        "name",
        "status",
        "vehicles",
        "cost_minor",
        "more_minor",
        "peak_kw",
        "least_soc",
        "gap",
        "kept",
    ]
    _show(answer, {"": answer.table[columns]}, out, as_json=as_json, parquet=parquet)
    return EXIT_DONE if answer.table["cost_minor"].notna().all() else EXIT_FINDINGS


def _show(
    answer: Any, tables: dict[str, pd.DataFrame], out: Path | None, *, as_json: bool, parquet: bool
) -> None:
    from mobility.cli.output import print_json, print_table
    from mobility.fleet.simulation import plain_rows

    if out is not None:
        answer.write(out, parquet=parquet)
    if as_json:
        print_json(answer.to_dict())
        return
    print(answer)
    for title, table in tables.items():
        rows = [
            ["" if cell is None else cell for cell in row.values()] for row in plain_rows(table)
        ]
        if rows:
            print_table(rows, columns=[str(one) for one in table.columns], title=title)
    if out is not None:
        print(f"written: {out}")


def _changes(told: str) -> tuple[str, dict[str, Any]]:
    """``name: key = value; key = value``."""
    from mobility.errors import ConfigError

    name, _, rest = told.partition(":")
    changes: dict[str, Any] = {}
    for one in rest.split(";"):
        key, _, value = one.partition("=")
        try:
            changes[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except ValueError:
            raise ConfigError(
                f"--what-if {told!r} cannot be read",
                mend="--what-if 'bigger: vehicles.battery_kwh = 420'",
            ) from None
    return name.strip(), changes
