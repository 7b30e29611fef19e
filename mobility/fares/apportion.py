"""Money by operator, route, product: where it was charged, or shared among the legs of a journey.

Shares are whole minor units by largest remainder, so every journey's charge comes out to the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError

if TYPE_CHECKING:
    from mobility.fares.ledger import Ledger

FEW = "(fewer than 10 riders each)"
_OFF_OR_VOID = 64 | 128
_FORMATS = {"day": "D", "month": "M"}


def by_key(ledger: Ledger, key: str, apportion: str | None, least_riders: int) -> pd.DataFrame:
    """Sum a ledger by a key; see ``Ledger.by``."""
    values = labels(ledger, key)
    known = ~ledger.unknown
    charged = np.where(known, ledger.answers["charged"], 0).astype(np.int64)
    nominal = np.where(known, ledger.answers["nominal"], 0).astype(np.int64)
    if apportion is not None:
        charged = shared(ledger, charged, nominal, apportion)
    table = pd.DataFrame({key: values, "card": ledger.card, "nominal": nominal, "charged": charged})
    table["taps"] = (ledger.answers["flags"] & _OFF_OR_VOID == 0).astype(np.int64)
    table = table[ledger.answers["flags"] & 4096 == 0]
    table[key] = hide_few(table[key], table["card"], least_riders)
    sums = table.groupby(key, sort=True, observed=True)[["taps", "nominal", "charged"]].sum()
    return pd.DataFrame(sums.reset_index())


def labels(ledger: Ledger, key: str) -> pd.Series:
    """A key's value of each tap, as text; "(none)" where it has none."""
    if key in {"day", "month"}:
        days = starts_of_periods(ledger, key).astype(f"datetime64[{_FORMATS[key]}]")
        return pd.Series(days.astype(str))
    if key == "cap":
        names = np.array([*ledger.cap_ids, "(none)"], dtype=object)
        return pd.Series(names[ledger.answers["cap"]])
    if key == "product":
        rules = np.append(ledger.compiled.rule_of_leg, -1)[ledger.answers["leg"]]
        names = np.array(
            [*(one.product or "(none)" for one in ledger.tariff.fares), "(none)"], dtype=object
        )
        return pd.Series(names[np.maximum(rules, -1)])
    columns = {"route": "route_id", "category": "category", "mode": "mode", "operator": "operator"}
    if key not in columns:
        known = ", ".join([*columns, "product", "cap", "day", "month"])
        raise ConfigError(f"no key is called {key!r}", mend=f"there are {known}")
    taps = ledger.taps
    if taps is not None and columns[key] in taps:
        return _text(taps[columns[key]])
    if key == "operator" and ledger.tariff.operators and taps is not None and "route_id" in taps:
        return _text(_text(taps["route_id"]).map(ledger.tariff.operators))
    raise ConfigError(
        f"the taps have no column {columns[key]!r}",
        mend="add it, or list [operators] in the tariff",
    )


def _text(column: pd.Series) -> pd.Series:
    return column.astype(object).where(column.notna(), "(none)").astype(str).reset_index(drop=True)


def starts_of_periods(ledger: Ledger, period: str) -> np.ndarray:
    """First day of the period of each tap's service day, as datetime64[D]."""
    from mobility.fares.clock import pieces

    seconds = ledger.time // ledger.unit
    good = (
        ledger.answers["flags"] & 4096 == 0
        if "flags" in ledger.answers
        else np.ones(len(seconds), np.bool_)
    )
    days = np.zeros(len(seconds), np.int64)
    if good.any():
        inside = seconds[good]
        cut = pieces(ledger.tariff, int(inside.min()), int(inside.max()))
        at = np.searchsorted(cut.starts[:-1], inside - cut.origin, side="right") - 1
        days[good] = cut.service_day[at]
    if period == "week":
        days = (days + 3) // 7 * 7 - 3
    found = days.astype("datetime64[D]")
    if period == "month":
        found = found.astype("datetime64[M]").astype("datetime64[D]")
    return found


def shared(ledger: Ledger, charged: np.ndarray, nominal: np.ndarray, how: str) -> np.ndarray:
    """Each journey's charge on its legs: voids stay where they are."""
    if how not in {"pro-rata-nominal", "first-leg", "last-leg"}:
        raise ConfigError(
            f"no way to apportion is called {how!r}", mend="pro-rata-nominal, first-leg or last-leg"
        )
    flags = ledger.answers["flags"]
    rows = np.flatnonzero(
        ~ledger.unknown & (flags & (_OFF_OR_VOID | 32) == 0) & (ledger.answers["journey"] > 0)
    )
    order = rows[
        np.lexsort((rows, ledger.time[rows], ledger.answers["journey"][rows], ledger.card[rows]))
    ]
    if not len(order):
        return charged
    card, journey = ledger.card[order], ledger.answers["journey"][order]
    starts = np.flatnonzero(
        np.append(True, (card[1:] != card[:-1]) | (journey[1:] != journey[:-1]))
    )
    sizes = np.diff(np.append(starts, len(order)))
    total = np.add.reduceat(charged[order], starts)
    out = charged.copy()
    if how != "pro-rata-nominal":
        at = starts if how == "first-leg" else starts + sizes - 1
        out[order] = 0
        out[order[at]] = total
        return out
    whole = np.repeat(total, sizes)
    part = np.maximum(nominal[order], 0)
    base = np.repeat(np.add.reduceat(part, starts), sizes)
    first = np.zeros(len(order), np.int64)
    first[starts] = 1
    part, base = np.where(base == 0, first, part), np.where(base == 0, 1, base)
    share = whole * part // base
    rest = whole * part - share * base
    left = total - np.add.reduceat(share, starts)
    number = np.repeat(np.arange(len(starts)), sizes)
    ranked = np.lexsort((np.arange(len(order)), -rest, number))
    place = np.empty(len(order), np.int64)
    place[ranked] = np.arange(len(order)) - np.repeat(starts, sizes)
    out[order] = share + (place < np.repeat(left, sizes))
    return out


def hide_few(values: pd.Series, cards: pd.Series, least: int) -> pd.Series:
    """Merge values of fewer cards than ``least`` into one, with the next smallest where needed."""
    riders = cards.groupby(values.to_numpy()).nunique()
    small = riders[riders < least]
    if not len(small):
        return values
    merged: set[Any] = set(small.index)
    while cards[values.isin(merged).to_numpy()].nunique() < least:
        others = riders[~riders.index.isin(merged)]
        if not len(others):
            break
        merged.add(others.idxmin())
    return values.where(~values.isin(merged), FEW)
