"""What changes beside the caps: fares that rise, and riders who move to the medium that is capped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.clock import groups_of

if TYPE_CHECKING:
    from mobility.fares.problem import Cap, Tariff

_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


# Share of the cards off the capped medium that move to it: of all, or of each category of riders.
Adoption = float | tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class World:
    """Fares ``rise_percent`` above the present ones; this share of other riders on the capped medium."""

    rise_percent: float = 0.0
    adoption: Adoption = 0.0


def adoption_of(given: float | Mapping[str, float]) -> Adoption:
    """A share of all cards, or shares by category; nobody is 0.

    Raises
    ------
    ConfigError
        When a share is no fraction.
    """
    shares = dict(given) if isinstance(given, Mapping) else {"": given}
    for one in shares.values():
        if not 0 <= one <= 1:
            raise ConfigError(f"adoption must be 0 to 1 (found {one})", mend="0.5 is half of them")
    if not any(shares.values()):
        return 0.0
    if isinstance(given, Mapping):
        return tuple(sorted((str(name), float(one)) for name, one in shares.items()))
    return float(given)


def adoption_label(adoption: Adoption) -> float | str:
    """A share as it is, shares by category in words."""
    if isinstance(adoption, float | int):
        return float(adoption)
    return ", ".join(f"{name} {share:.0%}" for name, share in adoption)


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


def adopted(taps: pd.DataFrame, tariff: Tariff, adoption: Adoption, seed: int = 0) -> pd.DataFrame:
    """Move a share of the cards that do not use the capped medium to it.

    Cards are taken by a hash of card and seed: the cards of a smaller share are among those of a
    larger one, whatever the order of taps. A card's category is that of its first row.

    Raises
    ------
    ConfigError
        When no single medium is capped, taps have no medium, or no rider is of a category.
    """
    if adoption == 0:
        return taps
    medium = capped_medium(tariff)
    name = "medium" if "medium" in taps else "fare_media_id"
    if name not in taps:
        raise ConfigError("taps have no medium, so nobody can move", mend="a column medium")
    card = taps["card"] if "card" in taps else taps["token_id"]
    share = (
        np.float64(adoption)
        if isinstance(adoption, float | int)
        else _share_of_cards(taps, tariff, card, dict(adoption))
    )
    moves = draw_of(card, seed) < share
    media = taps[name].astype(object)
    return taps.assign(**{name: media.where(~moves, medium).astype("category")})


def _share_of_cards(
    taps: pd.DataFrame, tariff: Tariff, card: pd.Series, shares: dict[str, float]
) -> np.ndarray:
    name = "category" if "category" in taps else "rider_category"
    if name not in taps:
        raise ConfigError(
            "taps have no category to move by", mend="a column category, or one share"
        )
    own = taps[name].astype(object).fillna(tariff.default_category).astype(str)
    code, _ = pd.factorize(card)
    first = np.flatnonzero(~pd.Series(code).duplicated().to_numpy())
    by_card = own.to_numpy(object)[first[np.argsort(code[first])]]
    if unknown := sorted(set(shares) - set(by_card)):
        known = ", ".join(sorted(set(by_card)))
        raise ConfigError(f"no rider is of category {unknown[0]!r}", mend=f"there are {known}")
    found = np.array([shares.get(one, 0.0) for one in by_card])
    return np.where(code < 0, 0.0, found[code])


def draw_of(card: pd.Series, seed: int) -> np.ndarray:
    """A number in [0, 1) of each card, the same for all its taps."""
    if pd.api.types.is_integer_dtype(card.dtype):
        plain = card.fillna(0) if card.hasnans else card
        mixed = plain.to_numpy(np.int64).view(np.uint64)
    else:
        mixed = pd.util.hash_array(card.astype(str).to_numpy(object))
    with np.errstate(over="ignore"):
        mixed = mixed + np.uint64(seed + 1) * _MIX[0]
        mixed = (mixed ^ (mixed >> np.uint64(30))) * _MIX[1]
        mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX[2]
    return np.asarray((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11), np.float64) / 2.0**53
