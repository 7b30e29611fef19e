"""The options that commands share, and how they become arguments of the public functions."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from mobility.errors import ConfigError

if TYPE_CHECKING:
    from mobility.stop import Stop

Number = TypeVar("Number", int, float)


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Take the defaults of this command's options from a TOML file; the command line wins."""
    if path is None:
        return None
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: not TOML: {error}", mend="write lines like `seed = 1`"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", mend="--config FILE.toml") from None
    known = {one.name for one in context.command.params if one.name}
    defaults = {key.replace("-", "_"): value for key, value in given.items()}
    if unknown := sorted(set(defaults) - known):
        raise ConfigError(
            f"{path}: no option is called {unknown[0]!r}",
            mend=f"this command knows {', '.join(sorted(known - {'config'}))}",
        )
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder to write to.", file_okay=False)]
Seed = Annotated[
    int, typer.Option("--seed", help="Seed of every random choice.", min=0, max=2**31 - 1)
]
StopSeconds = Annotated[
    float | None, typer.Option("--seconds", help="Stop after this wall time (not repeatable).")
]
StopWork = Annotated[
    int | None, typer.Option("--work", help="Stop after this many steps (repeats exactly).")
]
StopGap = Annotated[
    float | None, typer.Option("--gap", help="Stop at this gap, a fraction: 0.01 is 1 %.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no log on stderr.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="More log on stderr.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Neither read nor write the feed cache.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", is_eager=True, callback=_read_config, help="TOML file of option defaults."
    ),
]


def stop_from(seconds: float | None, work: int | None, gap: float | None) -> Stop | None:
    """Join the stopping options into one criterion; None where none was given.

    Raises
    ------
    ConfigError
        When one of them is no number to stop at.
    """
    from mobility.stop import AnyOf, Gap, Seconds, Work

    given: list[Stop] = []
    if gap is not None:
        if not 0 <= gap < 1:
            raise ConfigError(
                f"gap must be 0 or more, and under 1 (found {gap:g})", mend="--gap 0.01 is 1 %"
            )
        given.append(Gap(gap))
    if seconds is not None:
        if not 0 < seconds < float("inf"):
            raise ConfigError(f"seconds must be more than 0, and end (found {seconds:g})",
                              mend="--seconds 60")  # fmt: skip
        given.append(Seconds(seconds))
    if work is not None:
        if work <= 0:
            raise ConfigError(f"work must be more than 0 (found {work})", mend="--work 1000")
        given.append(Work(work))
    if not given:
        return None
    return given[0] if len(given) == 1 else AnyOf(*given)


def list_of(kind: type[Number], text: str, option: str, example: str) -> list[Number]:
    """Numbers by comma, as an option has them.

    Raises
    ------
    ConfigError
        When one of them is none.
    """
    try:
        return [kind(one) for one in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise ConfigError(
            f"{option}: no {what} (found {text!r})",
            mend=f"{what} by comma, as in {option} {example}",
        ) from None
