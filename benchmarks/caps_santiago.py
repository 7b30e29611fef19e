"""Fit a synthetic city to what was published by September 2025, and forecast October 2025.

Fitted, all by QR: 30,452 people reached the cap in August 2025, and who did saved CLP 8,409 in the mean (La
Tercera, 2025-09-05; the mean is over two years); about 20.2 million QR validations a month (202,151,882 from
January to October 2025, La Tercera, 2025-11-05: this mean includes October, the one leak). Forecast and not
used: 41,992 capped people and 483,000 free trips in October 2025 (La Tercera, 2025-11-05).

Two numbers of the city are fitted, trips a working day and how much riders differ; how many riders there are
follows from the validations. What changes in October is the calendar, and the share of QR: 28 % of payments
in early September, 30 % in early November by the same sources.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

CAPPED_AUGUST, SAVED_AUGUST = 30_452, 8_409
VALIDATIONS = 202_151_882 / 10
CAPPED_OCTOBER, FREE_OCTOBER = 41_992, 483_000
SHARE = 30 / 28
REST = 0.45  # trips on a day of rest over those of a working day: assumed
HOLIDAYS = tuple(date(2025, month, day) for month, day in ((8, 15), (10, 12), (10, 31)))


def month_of(
    riders: int, month: str, trips: float, spread: float, seed: int = 0
) -> dict[str, float]:
    """Settle a month of an all-QR city: taps, capped cards, saved by them, free taps."""
    from mobility import fares

    profile = fares.Profile(((1.0, trips, REST * trips),), spread=spread, qr=1.0)
    taps = fares.synthetic_taps(riders, month=month, seed=seed, profile=profile, holidays=HOLIDAYS)
    ledger = fares.settle(taps, "santiago-2025")
    one = ledger.answers
    free = (one["charged"] == 0) & (one["cap"] >= 0)
    cards = len(np.unique(ledger.card[one["cap"] >= 0]))
    return {
        "taps": len(taps),
        "capped": cards,
        "saved": ledger.totals["cap_discount"] / max(cards, 1),
        "free": int(free.sum()),
    }


def fit(riders: int) -> tuple[float, float, dict[str, float]]:
    """Trips a working day and spread that give August's capped share and mean saving.

    A quick model of a card's month (Poisson trips of a mean cost) is fitted; then the taps themselves are
    made and settled, and the model's targets moved by how far they were off, three times.
    """
    share, saved = CAPPED_AUGUST / VALIDATIONS, float(SAVED_AUGUST)
    aim = np.array([share, saved])
    cost = _cost_of_trips(min(riders, 5_000))
    for _ in range(3):
        trips, spread = _quick_fit(aim, *cost)
        august = month_of(riders, "2025-08", trips, spread)
        got = np.array([august["capped"] / august["taps"], august["saved"]])
        aim = aim * np.clip(np.array([share, saved]) / got, 0.3, 3)
    return trips, spread, august


def _cost_of_trips(riders: int) -> tuple[float, float, float]:
    """Mean and standard deviation of what a trip costs, and its taps."""
    from mobility import fares
    from mobility.fares.cap_world import with_levels

    profile = fares.Profile(((1.0, 1.5, 1.5 * REST),), qr=1.0)
    taps = fares.synthetic_taps(riders, month="2025-08", profile=profile, holidays=HOLIDAYS)
    tariff = with_levels(fares.read_tariff("santiago-2025"), {"month": None})
    ledger = fares.settle(taps, tariff)
    journeys = np.bincount(ledger.answers["journey"] + 1_000 * (taps["card"] - taps["card"].min()),
                           weights=ledger.answers["charged"])  # fmt: skip
    paid = journeys[journeys > 0]
    return float(paid.mean()), float(paid.std()), len(taps) / len(paid)


def _quick_fit(aim: np.ndarray, mean: float, deviation: float, taps: float) -> tuple[float, float]:
    """Trips and spread for which the quick model gives a capped share of taps and a mean saving."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    one, two, even = rng.standard_normal((3, 400_000))
    days = 20 + 11 * REST  # of August 2025: 20 working days, 11 of rest

    def miss(x: np.ndarray) -> float:
        trips, spread = np.exp(x)
        rate = trips * days * np.exp(spread * one - spread**2 / 2)
        made = np.maximum(rate + np.sqrt(rate) * two, 0)  # Poisson, nearly
        spend = mean * made + deviation * np.sqrt(made) * even
        over = spend > 41_000
        share = over.sum() / (made.sum() * taps)
        saved = (spend[over] - 41_000).mean() if over.any() else 1.0
        found = np.maximum(np.array([share, saved]) / aim, 1e-3)
        return float((np.log(found) ** 2).sum())

    corners = np.log([[0.45, 0.8], [0.67, 0.8], [0.67, 0.54]])
    best = minimize(miss, corners[0], method="Nelder-Mead",
                    options={"maxfev": 150, "xatol": 1e-3, "initial_simplex": corners})  # fmt: skip
    trips, spread = (float(value) for value in np.exp(best.x))
    return trips, spread


def forecast(riders: int) -> dict[str, Any]:
    """Fit on August, forecast October, and say how far off it is."""
    trips, spread, august = fit(riders)
    scale = VALIDATIONS / august["taps"]  # cards of the city for one of the model
    october = month_of(riders, "2025-10", trips, spread, seed=1)
    found: dict[str, Any] = {
        "trips_a_working_day": round(trips, 3),
        "spread": round(spread, 3),
        "million_cards": round(riders * scale / 1e6, 2),
        "august_capped": round(august["capped"] * scale),
        "august_saved": round(august["saved"]),
    }
    for name, factor in (("calendar", 1.0), ("calendar_and_share", SHARE)):
        capped, free = october["capped"] * scale * factor, october["free"] * scale * factor
        found[f"october_capped_{name}"] = round(capped)
        found[f"october_free_{name}"] = round(free)
        found[f"capped_miss_percent_{name}"] = round(100 * (capped / CAPPED_OCTOBER - 1), 1)
        found[f"free_miss_percent_{name}"] = round(100 * (free / FREE_OCTOBER - 1), 1)
    return found
