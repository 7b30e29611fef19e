"""A synthetic month of taps, shaped after published figures of Santiago; not an operator's data.

About 30 % of riders pay by QR (La Tercera, 2025: QR is 30 % of validations). Who rides how often, when,
and with how many legs is assumed, and said here: commuters make two trips on 85 % of working days,
others a few trips a week; trips peak at 07:45 and 18:15; 45 % are one bus leg, 15 % one metro leg, the
rest two or three legs with 8 to 35 minutes between taps.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.units import day_origin

# Share of riders, trips a working day, trips a day of rest.
_RIDERS = ((0.45, 1.7, 0.3), (0.15, 2.9, 1.4), (0.40, 0.5, 0.4))
_QR = 0.30
_BUS_ROUTES = tuple(f"{number}" for number in (101, 104, 210, 301, 401, 405, 502, 506))
_METRO_LINES = ("L1", "L5")
# Legs of a trip and how likely they are.
_TRIPS = ((("bus",), 0.45), (("metro",), 0.15), (("bus", "metro"), 0.18), (("metro", "bus"), 0.12),
          (("bus", "bus"), 0.06), (("bus", "metro", "bus"), 0.04))  # fmt: skip


def synthetic_taps(
    riders: int = 2_000,
    *,
    month: str = "2025-03",
    seed: int = 0,
    timezone: str = "America/Santiago",
) -> pd.DataFrame:
    """Make a month of taps of a small city.

    Parameters
    ----------
    riders
        Cards.
    month
        ``YYYY-MM``.

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
    rng = np.random.default_rng(seed)
    kind = rng.choice(len(_RIDERS), riders, p=[one[0] for one in _RIDERS])
    qr = rng.random(riders) < _QR
    parts = []
    for k in range(monthrange(first.year, first.month)[1]):
        day = first + timedelta(days=k)
        rest = day.weekday() >= 5
        rate = np.array([one[2 if rest else 1] for one in _RIDERS])[kind]
        trips = rng.poisson(rate)
        parts.append(_day(rng, np.repeat(np.arange(riders), trips), day, timezone, rest=rest))
    taps = pd.concat(parts).sort_values(["time", "card"], kind="stable", ignore_index=True)
    taps["category"] = pd.Categorical(["adult"] * len(taps))
    taps["medium"] = pd.Categorical.from_codes(  # type: ignore[call-overload]
        qr[taps["card"]].astype(np.int8), categories=["bip", "qr"]
    )
    taps["card"] += 700_000_001  # so that nobody takes a row number for a card
    taps["tap_id"] = np.arange(len(taps))
    return taps


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
