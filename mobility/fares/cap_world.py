"""What changes beside the caps: fares that rise, and riders who move to the medium that is capped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.clock import groups_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobility.fares.problem import Cap, Tariff

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class World:
    """Fares ``rise_percent`` above the present ones; this share of other riders on the capped medium."""

    rise_percent: float = 0.0
    adoption: float = 0.0


def raised(tariff: Tariff, rise_percent: float) -> Tariff:
    """Raise every fare, and every discount of a transfer, rounded half up to a minor unit.

    Raises
    ------
    ConfigError
        When the rise is not above -100 %, or prices lie in tickets (GTFS Fares v1).
    """
    if not rise_percent > -100:
        raise ConfigError(f"a rise of {rise_percent} %", mend="more than -100")
    if rise_percent == 0:
        return tariff
    if getattr(tariff, "tickets", None) is not None:
        raise ConfigError(
            "fares of GTFS Fares v1 cannot be raised here", mend="write the tariff as TOML"
        )
    parts = 10_000 + round(rise_percent * 100)

    def more(amount: int) -> int:
        return (2 * amount * parts + 10_000) // 20_000

    fares = tuple(
        one if one.amount is None else replace(one, amount=more(one.amount)) for one in tariff.fares
    )
    transfers = tuple(replace(one, amount=more(one.amount)) for one in tariff.transfers)
    return replace(tariff, fares=fares, transfers=transfers)


def with_levels(tariff: Tariff, levels: Mapping[str, int | None]) -> Tariff:
    """Give caps new levels, without dates; None leaves a cap out. Others lose their dates alone."""
    caps: list[Cap] = []
    for own in groups_of(tariff.caps):
        last = replace(own[-1], valid_from=None, valid_to=None)
        level = levels.get(last.id, last.rides if last.amount is None else last.amount)
        if level is None:
            continue
        caps.append(
            replace(last, rides=int(level))
            if last.amount is None
            else replace(last, amount=int(level))
        )
    return replace(tariff, caps=tuple(caps))


def present_levels(tariff: Tariff) -> dict[str, int]:
    """The last level of every cap, minor units or rides."""
    last = {one.id: one.rides if one.amount is None else one.amount for one in tariff.caps}
    return {name: int(level or 0) for name, level in last.items()}


def capped_medium(tariff: Tariff) -> str:
    """The one medium that every cap is for.

    Raises
    ------
    ConfigError
        When caps are for any medium, or for several.
    """
    media = {one.media for one in tariff.caps}
    values = {value for one in media if one is not None and not one.negate for value in one.values}
    if len(values) != 1 or None in media:
        raise ConfigError(
            "no single medium is capped, so nobody can move to it",
            mend='media = ["qr"] in every [[cap]]',
        )
    return values.pop()


def adopted(taps: pd.DataFrame, tariff: Tariff, adoption: float, seed: int = 0) -> pd.DataFrame:
    """Move a share of the cards that do not use the capped medium to it.

    Cards are taken by a hash of card and seed: the cards of a smaller share are among those of a
    larger one, whatever the order of taps.

    Raises
    ------
    ConfigError
        When the share is no fraction, no single medium is capped, or taps have no medium.
    """
    if not 0 <= adoption <= 1:
        raise ConfigError(f"adoption must be 0 to 1 (found {adoption})", mend="0.5 is half of them")
    if adoption == 0:
        return taps
    medium = capped_medium(tariff)
    name = "medium" if "medium" in taps else "fare_media_id"
    if name not in taps:
        raise ConfigError("taps have no medium, so nobody can move", mend="a column medium")
    card = taps["card"] if "card" in taps else taps["token_id"]
    moves = draw_of(card, seed) < adoption
    media = taps[name].astype(object)
    return taps.assign(**{name: media.where(~moves, medium).astype("category")})


def draw_of(card: pd.Series, seed: int) -> np.ndarray:
    """A number in [0, 1) of each card, the same for all its taps."""
    values = card.to_numpy()
    if not pd.api.types.is_integer_dtype(card.dtype):
        values = card.astype(str).to_numpy(object)
        mixed = pd.util.hash_array(values)
    else:
        mixed = values.astype(np.int64).view(np.uint64)
    with np.errstate(over="ignore"):
        mixed = mixed + np.uint64(seed + 1) * _MIX[0]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11), np.float64) / 2.0**53
