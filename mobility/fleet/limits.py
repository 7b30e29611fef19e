"""What a figure of a problem may be: one refusal a line, each with a way to mend it."""

from __future__ import annotations

import numpy as np

from mobility.errors import ConfigError
from mobility.units import DAY_S


def positive(name: str, value: float) -> None:
    """Refuse what is not above 0."""
    if not (np.isfinite(value) and value > 0):
        raise ConfigError(f"{name} must be more than 0 (found {value})")


def not_negative(name: str, value: float | None) -> None:
    """Refuse what is below 0; None stands for no value."""
    if value is not None and not (np.isfinite(value) and value >= 0):
        raise ConfigError(f"{name} must be 0 or more (found {value})")


def divides_the_day(name: str, seconds: int) -> None:
    """Refuse seconds that do not tile 24 hours."""
    if seconds <= 0 or DAY_S % seconds:
        raise ConfigError(f"{name} must divide the day (found {seconds})", mend="as in 300 or 900")
