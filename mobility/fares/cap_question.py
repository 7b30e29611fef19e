"""What is asked about caps: levels to choose from, and the revenue that is allowed."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.fares.cap_search import MOST_POLICIES
from mobility.fares.cap_world import present_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.problem import Tariff

_SHARES = (50, 60, 70, 80, 90, 95, 100, 105, 110, 120, 140)  # percent of the present level
_PERCENT = re.compile(r"^\s*([+-]?\d+(?:\.\d+)?)\s*%\s*$")


def grid_of(
    policies: Mapping[str, Sequence[int | None]] | None, tariff: Tariff
) -> dict[str, list[int | None]]:
    """Levels of every cap: as asked, else those of the default, else the present one alone."""
    present = present_levels(tariff)
    if policies is None:
        return {name: _around(level) for name, level in present.items()}
    if unknown := [one for one in policies if one not in present]:
        raise ConfigError(
            f"no cap is called {unknown[0]!r}", mend=f"there are {', '.join(present)}"
        )
    grid: dict[str, list[int | None]] = {}
    for name, level in present.items():
        given = list(policies.get(name, [level]))
        if not given:
            raise ConfigError(f"no level of {name!r} to choose from", mend="one at least")
        if any(one is not None and (one != int(one) or one < 0) for one in given):
            raise ConfigError(f"a level of {name!r} is no whole number from 0", mend="as in 41000")
        grid[name] = [None if one is None else int(one) for one in given]
    return grid


def _around(level: int) -> list[int | None]:
    return [*sorted({round(level * share / 100) for share in _SHARES})]


def allowed_change(revenue: str | int, present: int) -> int:
    """The change of revenue that is allowed, minor units."""
    if revenue == "neutral":
        return 0
    if isinstance(revenue, str):
        if match := _PERCENT.match(revenue):
            return -int(-present * Fraction(match[1]) // 100)  # rounded up: never more of a loss
        try:
            return int(revenue)
        except ValueError:
            raise ConfigError(
                f"not a demand on revenue (found {revenue!r})",
                mend="neutral, -2%, or minor units as in -1000000",
            ) from None
    return int(revenue)


def not_too_many(count: int) -> None:
    """Refuse a grid that takes too long."""
    if count > MOST_POLICIES:
        raise ConfigError(
            f"{count:,} policies are to be rated",
            mend=f"at most {MOST_POLICIES:,}: name the caps that may change, and fewer levels "
            "(--grid day=2500,3000)",
        )
