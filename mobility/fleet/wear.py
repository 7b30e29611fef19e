"""What charging does to a battery, and what a bus is paid for giving energy back: both off where not given."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mobility.errors import ConfigError
from mobility.fleet.limits import not_negative, positive
from mobility.units import DAY_S


@dataclass(frozen=True)
class Wear:
    """Wear of batteries, in the prices of the tariff.

    Parameters
    ----------
    c_rate
        (C-rate, price) pairs: a kWh that flows at a power above ``C-rate x battery`` costs that much, in
        whatever direction; both ascend, so that gentle charging is never dearer.
    high_soc, high_price
        An hour in which a bus stands with a kWh above ``high_soc`` of its battery costs ``high_price``, whole
        slots of its stay, counted at their ends.
    """

    c_rate: tuple[tuple[float, float], ...] = ()
    high_soc: float = 1.0
    high_price: float = 0.0

    def __post_init__(self) -> None:
        rates, steps = [one for one, _ in self.c_rate], [one for _, one in self.c_rate]
        if rates != sorted(set(rates)) or steps != sorted(steps):
            raise ConfigError("wear.c_rate: rates and prices must ascend",
                              mend="c_rate = [[0.0, 2.0], [0.5, 10.0]]")  # fmt: skip
        for one in (*rates, *steps):
            not_negative("wear.c_rate", one)
        not_negative("wear.high_price", self.high_price)
        if not 0 <= self.high_soc <= 1:
            raise ConfigError(f"wear.high_soc must be between 0 and 1 (found {self.high_soc})")


@dataclass(frozen=True)
class GiveBack:
    """What a kWh is paid that a bus gives back: (from_s, price) pairs that wrap at 24 h.

    A charger takes up to ``kw`` back. No bus gives below ``least_soc`` of its battery, nor, where it comes with
    less, below that. Only stays that need energy, with a known battery and charge on arrival, give back.
    """

    price: tuple[tuple[int, float], ...]
    kw: float
    least_soc: float = 0.2

    def __post_init__(self) -> None:
        positive("give_back.kw", self.kw)
        if not 0 <= self.least_soc <= 1:
            raise ConfigError(
                f"give_back.least_soc must be between 0 and 1 (found {self.least_soc})"
            )
        starts = [at for at, _ in self.price]
        if not starts or starts != sorted(set(starts)) or starts[0] < 0 or starts[-1] >= DAY_S:
            raise ConfigError(
                "give_back.price: times must ascend within 0 and 86399",
                mend="price = [[0, 40.0], [64800, 160.0]]",
            )
        if not all(np.isfinite(price) for _, price in self.price):
            raise ConfigError("give_back.price: a price is no number")
