"""A synthetic month of taps, shaped after published figures of Santiago; not an operator's data.

About 30 % of riders pay by QR (La Tercera, 2025: QR is 30 % of validations). Who rides how often, when,
and with how many legs is assumed, and said here: commuters make two trips on 85 % of working days,
others a few trips a week; trips peak at 07:45 and 18:15; 45 % are one bus leg, 15 % one metro leg, the
rest two or three legs with 8 to 35 minutes between taps.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.units import day_origin

if TYPE_CHECKING:
    from collections.abc import Collection

# Share of riders, trips a working day, trips a day of rest.
_RIDERS = ((0.45, 1.7, 0.3), (0.15, 2.9, 1.4), (0.40, 0.5, 0.4))
_QR = 0.30
_FIRST_CARD = 700_000_001  # so that nobody takes a row number for a card
_AT_HOME = 0.85  # of first taps of a day
_BUS_ROUTES = tuple(f"{number}" for number in (101, 104, 210, 301, 401, 405, 502, 506))
_METRO_LINES = ("L1", "L5")
# Legs of a trip and how likely they are.
_TRIPS = ((("bus",), 0.45), (("metro",), 0.15), (("bus", "metro"), 0.18), (("metro", "bus"), 0.12),
          (("bus", "bus"), 0.06), (("bus", "metro", "bus"), 0.04))  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """How riders of a synthetic city differ.

    ``kinds`` are (share of riders, trips a working day, trips a day of rest); ``spread`` is the standard
    deviation of the logarithm of a factor of mean 1 on each rider's trips; ``qr`` the share of cards that
    are QR.
    """

    kinds: tuple[tuple[float, float, float], ...] = _RIDERS
    spread: float = 0.0
    qr: float = _QR


def synthetic_taps(
    riders: int = 2_000,
    *,
    month: str = "2025-03",
    seed: int = 0,
    timezone: str = "America/Santiago",
    profile: Profile | None = None,
    zones: int = 0,
    holidays: Collection[date] = (),
) -> pd.DataFrame:
    """Make a month of taps of a small city.

    Parameters
    ----------
    riders
        Cards.
    month
        ``YYYY-MM``.
    profile
        How riders differ; by default what this page assumes.
    zones
        With more than 0, a column ``zone``: 85 % of first taps of a day are in the rider's home zone, all
        others anywhere (:func:`synthetic_riders` has the same homes).
    holidays
        Days of rest beside Saturdays and Sundays.

    Returns
    -------
    pandas.DataFrame
        ``card, time`` (epoch seconds), ``mode, route_id, category, medium, tap_id``, by time.

    Raises
    ------
    ConfigError
        When there is no such month, or no riders.

    Examples
    --------
    >>> len(synthetic_taps(10, seed=1)) > 100
    True
    """
    try:
        first = date.fromisoformat(f"{month}-01")
    except ValueError:
        raise ConfigError(
            f"no such month (found {month!r})", mend="YYYY-MM, as in 2025-03"
        ) from None
    if riders < 1:
        raise ConfigError("no riders", mend="at least one")
    ZoneInfo(timezone)
    if zones < 0:
        raise ConfigError(f"{zones} zones", mend="0 for none")
    who = profile or Profile()
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(who.kinds), riders, p=[one[0] for one in who.kinds])
    qr = rng.random(riders) < who.qr
    factor = np.ones(riders)
    if who.spread > 0:
        own = np.random.default_rng((seed, 1)).standard_normal(riders)
        factor = np.exp(who.spread * own - who.spread**2 / 2)
    parts = []
    for k in range(monthrange(first.year, first.month)[1]):
        day = first + timedelta(days=k)
        rest = day.weekday() >= 5 or day in holidays
        rate = np.array([one[2 if rest else 1] for one in who.kinds])[kind]
        trips = rng.poisson(rate * factor)
        parts.append(_day(rng, np.repeat(np.arange(riders), trips), day, timezone, rest=rest))
    taps = pd.concat(parts).sort_values(["time", "card"], kind="stable", ignore_index=True)
    taps["category"] = pd.Categorical(["adult"] * len(taps))
    taps["medium"] = pd.Categorical.from_codes(  # type: ignore[call-overload]
        qr[taps["card"]].astype(np.int8), categories=["bip", "qr"]
    )
    if zones:
        taps["zone"] = _zones_of(taps, riders, zones, seed, timezone)
    taps["card"] += _FIRST_CARD
    taps["tap_id"] = np.arange(len(taps))
    return taps


def synthetic_riders(
    riders: int = 2_000, *, zones: int = 20, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make riders and zones that go with :func:`synthetic_taps` of as many riders, zones and this seed.

    Returns
    -------
    tuple
        ``card, category, home_zone`` (known for 70 % of riders, drawn at random), and ``zone, income_decile,
        population``: deciles in turn, 20,000 to 90,000 people. Nobody's data.

    Examples
    --------
    >>> riders, zones = synthetic_riders(10, zones=5)
    >>> zones["income_decile"].tolist()
    [1, 3, 5, 7, 9]
    """
    home = _homes(riders, zones, seed)
    names = _zone_names(zones)
    rng = np.random.default_rng((seed, 3))
    known = rng.random(riders) < 0.7
    table = pd.DataFrame(
        {
            "card": np.arange(riders) + _FIRST_CARD,
            "category": rng.choice(["worker", "carer", "other"], riders, p=[0.6, 0.15, 0.25]),
            "home_zone": np.where(known, names[home], None),
        }
    )
    return table, pd.DataFrame(
        {
            "zone": names,
            "income_decile": 1 + np.arange(zones) * 10 // zones,
            "population": rng.integers(20, 91, zones) * 1_000,
        }
    )


def _zone_names(zones: int) -> np.ndarray:
    return np.array([f"Z{k + 1:02d}" for k in range(zones)], dtype=object)


def _homes(riders: int, zones: int, seed: int) -> np.ndarray:
    return np.random.default_rng((seed, 2)).integers(0, zones, riders)


def _zones_of(
    taps: pd.DataFrame, riders: int, zones: int, seed: int, timezone: str
) -> pd.Categorical:
    """Zone of each tap; taps are by time."""
    local = pd.to_datetime(taps["time"], unit="s", utc=True).dt.tz_convert(timezone)
    first = ~pd.DataFrame({"card": taps["card"], "day": local.dt.date}).duplicated().to_numpy()
    rng = np.random.default_rng((seed, 4))
    at_home = first & (rng.random(len(taps)) < _AT_HOME)
    other = rng.integers(0, zones, len(taps))
    home = _homes(riders, zones, seed)[taps["card"].to_numpy()]
    codes = np.where(at_home, home, other).astype(np.int32)
    return pd.Categorical.from_codes(codes, categories=pd.Index(_zone_names(zones), dtype="str"))


def _day(
    rng: np.random.Generator, cards: np.ndarray, day: date, timezone: str, *, rest: bool
) -> pd.DataFrame:
    """Taps of one day's trips."""
    count = len(cards)
    when = rng.choice(3, count, p=[0.15, 0.7, 0.15] if rest else [0.4, 0.2, 0.4])
    middle, spread = np.array([7.75, 13.5, 18.25])[when], np.array([0.7, 3.0, 1.1])[when]
    at = np.clip(rng.normal(middle, spread), 5.5, 22.8) * 3600
    chosen = rng.choice(len(_TRIPS), count, p=[share for _, share in _TRIPS])
    origin = int(day_origin(day, timezone).timestamp())
    found = []
    for leg in range(3):
        has = np.array([len(modes) > leg for modes, _ in _TRIPS])[chosen]
        if leg:
            at = at + rng.uniform(8, 35, count) * 60
        names = np.array([modes[leg] if len(modes) > leg else "" for modes, _ in _TRIPS])[chosen]
        routes = np.where(
            names == "bus", rng.choice(_BUS_ROUTES, count), rng.choice(_METRO_LINES, count)
        )
        found.append(
            pd.DataFrame(
                {
                    "card": cards[has], "time": origin + at[has].astype(np.int64),
                    "mode": names[has], "route_id": routes[has],
                }
            )
        )  # fmt: skip
    taps = pd.concat(found)
    return taps.astype({"mode": "category"}) if len(taps) else taps
