"""``mobility fares caps|synthetic``: what caps do, the best ones proved, and made-up taps to try them on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mobility.cli import EXIT_DONE, EXIT_FINDINGS, fares_tariff, options
from mobility.cli.fares_caps_show import answer_by_group, draw, numbers, show_answer, show_levels

if TYPE_CHECKING:
    from mobility.fares.problem import Tariff

Taps = Annotated[
    Path,
    typer.Argument(
        metavar="TAPS", help="CSV or Parquet file of taps, or a folder of Parquet files."
    ),
]
TariffName = Annotated[
    str,
    typer.Option(
        "--tariff",
        help="A tariff file, the name of one that comes along, or a GTFS feed with fares.",
    ),
]


def caps(
    taps: Taps,
    tariff: TariffName = "santiago",
    revenue: Annotated[
        str | None,
        typer.Option(
            "--revenue",
            help="Find the best caps: `neutral`, or the change allowed, as in -2% or -1000000 minor units.",
        ),
    ] = None,
    rises: Annotated[
        str,
        typer.Option("--rises", help="Rises of all fares to choose from, percent, with commas."),
    ] = "0,1,2,3,4,5",
    adoption: Annotated[
        str,
        typer.Option(
            "--adoption",
            help="Share of cards off the capped medium that move to it: 0.5, or adult=0.5,student=0.2.",
        ),
    ] = "0",
    cap: Annotated[
        str | None, typer.Option("--cap", help="Id of the cap; the first by default.")
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option("--levels", help="Levels of it to try, minor units or rides, with commas."),
    ] = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid", help="Levels of a cap, as in day=2500,3000,none; once for each cap."
        ),
    ] = None,
    elasticity: Annotated[
        str | None,
        typer.Option(
            "--elasticity",
            help="Rate the answer where riders respond: elasticities to the marginal price, as in -0.2,-0.4.",
        ),
    ] = None,
    adoptions: Annotated[
        str | None,
        typer.Option(
            "--adoptions", help="Range of such shares for --elasticity, as in 0,0.25,0.5."
        ),
    ] = None,
    riders: Annotated[
        Path | None, typer.Option("--riders", help="CSV: card, category, home_zone.")
    ] = None,
    zones: Annotated[
        Path | None, typer.Option("--zones", help="CSV: zone, income_decile, population.")
    ] = None,
    replicates: Annotated[
        int, typer.Option("--replicates", help="Draws of cards for the confidence.", min=0)
    ] = 0,
    groups: Annotated[
        str | None,
        typer.Option(
            "--groups",
            help="One level a group: category, home_zone or income_decile of --riders, --zones.",
        ),
    ] = None,
    floor: Annotated[
        str | None,
        typer.Option(
            "--floor", help="Least share of what is saved for some groups, as in 0.4=1,2,3,4."
        ),
    ] = None,
    ordered: Annotated[
        bool,
        typer.Option(
            "--ordered", help="No group has a lower level than the one before it, by name."
        ),
    ] = False,
    seconds: options.StopSeconds = None,
    work: options.StopWork = None,
    gap: options.StopGap = None,
    out: options.Out = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="Picture to draw (.png, .svg).", dir_okay=False)
    ] = None,
    seed: options.Seed = 0,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    config: options.Config = None,
) -> int:
    """Show what each level of a cap does; with --revenue, find the best caps and prove it.

    Without --revenue: a table of levels. With it: the rise of fares and the caps that help most riders while
    the taps bring the revenue asked for; the answer is settled anew and compared to the unit. With --groups
    one level for each group of riders.

    Exit 0: done; 1: no policy brings the revenue, or some taps cannot be settled; 2: no answer.

    Examples:

      mobility fares caps gtfs_samples/tariffs/city_taps.parquet --tariff santiago --revenue neutral --json

      mobility fares caps gtfs_samples/tariffs/city_taps.parquet --revenue=-2% --rises 0 --elasticity=-0.2,-0.4 --out best

      mobility fares caps gtfs_samples/tariffs/city_taps.parquet --revenue=-1% --riders gtfs_samples/tariffs/riders.csv --zones gtfs_samples/tariffs/zones.csv --groups income_decile --floor 0.5=1,2,3,4

      mobility fares caps gtfs_samples/tariffs/taps.csv --levels 38000,41000,42000
    """  # noqa: E501
    del config
    from mobility import fares
    from mobility.cli.output import print_json, working
    from mobility.errors import ConfigError, MobilityError
    from mobility.findings import has_errors

    rules = fares_tariff.open_tariff(tariff, quiet=quiet)
    chosen = _grid(cap, levels, grid, rules)
    read = fares.read_taps(taps)
    table = read.table
    if revenue is None:
        if groups is not None:
            raise ConfigError("--groups asks for the best levels", mend="--revenue neutral")
        return show_levels(table, rules, cap, _levels(levels), as_json=as_json, quiet=quiet)
    if groups is not None:
        return answer_by_group(
            table, rules, groups, floor, riders, zones, as_json=as_json, quiet=quiet, plot=plot,
            cap=cap, levels=None if chosen is None else chosen.get(cap or rules.caps[0].id),
            revenue=revenue, rises_percent=numbers(rises, "--rises"), seed=seed,
            stop=options.stop_from(seconds, work, gap), in_order=ordered,
        )  # fmt: skip
    assumed, moved = None, _shares(adoption)
    if elasticity is not None:
        shares = [moved] if adoptions is None else numbers(adoptions, "--adoptions")
        assumed = fares.Assumptions(tuple(numbers(elasticity, "--elasticity")), tuple(shares))
    with working(f"searching caps for {taps}", quiet=quiet):
        answer = fares.optimise_caps(
            table, rules, policies=chosen, revenue=revenue, rises_percent=numbers(rises, "--rises"),
            adoption=moved, response=assumed, riders=riders, zones=zones, replicates=replicates,
            seed=seed,
        )  # fmt: skip
    answer = replace(answer, findings=(*read.findings, *answer.findings))
    with working("settling the taps anew", quiet=quiet):
        wrong = fares.check_caps(answer, table)
    if wrong:
        raise MobilityError(wrong[0].where_what, mend=wrong[0].mend, findings=wrong)
    if out is not None:
        answer.write(out)
    if plot is not None:
        draw(answer, plot)
    if as_json:
        print_json(answer.to_dict() | {"checked": "settled anew: equal to the unit"})
    else:
        show_answer(answer, quiet=quiet)
    return EXIT_DONE if answer.levels and not has_errors(answer.findings) else EXIT_FINDINGS


def synthetic(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or Parquet file to write.")],
    riders: Annotated[int, typer.Option("--riders", help="Cards.", min=1)] = 2_000,
    month: Annotated[str, typer.Option("--month", help="YYYY-MM.")] = "2025-03",
    seed: options.Seed = 0,
    as_json: options.Json = False,
    config: options.Config = None,
) -> int:
    """Write made-up taps of a small city: shaped after published totals, nobody's data.

    Examples:

      mobility fares synthetic taps.parquet --riders 500

      mobility fares synthetic taps.csv --riders 200 --month 2025-10 --seed 7 --json
    """
    del config
    from mobility import fares
    from mobility.cli.output import print_json
    from mobility.fares.tap_files import may_write_file, write_table

    may_write_file(file)
    taps = fares.synthetic_taps(riders, month=month, seed=seed)
    write_table(taps, file, {"mobility.synthetic": f"riders {riders}, month {month}, seed {seed}"})
    told = {"file": str(file), "taps": len(taps), "cards": riders, "month": month, "seed": seed,
            "synthetic": True}  # fmt: skip
    if as_json:
        print_json(told)
    else:
        print(f"{len(taps):,} synthetic taps of {riders:,} cards in {month}: {file}")
    return EXIT_DONE


def _levels(text: str | None) -> list[int] | None:
    return (
        None
        if text is None
        else _not_negative(options.list_of(int, text, "--levels", "38000,41000"))
    )


def _not_negative(levels: list[int]) -> list[int]:
    from mobility.errors import ConfigError

    if any(one < 0 for one in levels):
        raise ConfigError(
            f"a cap of {min(levels)} would pay riders",
            mend="levels are 0 or more minor units, or rides",
        )
    return levels


def _shares(text: str) -> float | dict[str, float]:
    """One share, or shares by category."""
    from mobility.errors import ConfigError

    if "=" not in text:
        return numbers(text, "--adoption")[0]
    parts = [one.partition("=") for one in text.split(",")]
    if any(not name or not share for name, _, share in parts):
        raise ConfigError(
            f"--adoption: no shares (found {text!r})", mend="--adoption adult=0.5,student=0.2"
        )
    return {name: numbers(share, "--adoption")[0] for name, _, share in parts}


def _grid(
    cap: str | None, levels: str | None, grid: list[str] | None, rules: Tariff
) -> dict[str, list[int | None]] | None:
    """Levels to choose from, by cap."""
    from mobility.errors import ConfigError

    ids = list(dict.fromkeys(one.id for one in rules.caps))
    if cap is not None and ids and cap not in ids:
        raise ConfigError(f"no cap is called {cap!r}", mend=f"there are {', '.join(ids)}")
    found: dict[str, list[int | None]] = {}
    if levels is not None and ids:
        found[cap or ids[0]] = list(_levels(levels) or [])
    for one in grid or []:
        name, _, text = one.partition("=")
        try:
            found[name] = [None if level == "none" else int(level) for level in text.split(",")]
        except ValueError:
            raise ConfigError(
                f"--grid: no levels (found {one!r})", mend="--grid day=2500,3000,none"
            ) from None
        _not_negative([level for level in found[name] if level is not None])
    return found or None
