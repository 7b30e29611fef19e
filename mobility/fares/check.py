"""An independent look at a ledger: it adds up, no cap is passed, nothing is charged that has no fare.

Shares no code with what settles: days and months come from pandas' own time zones, sums from groupby. It
does not decide charges anew (``tests/naive_fares.py`` does); it says what no right ledger can show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from mobility.fares.ledger import Ledger
    from mobility.fares.problem import Cap, Match, Tariff

_OFF, _VOID, _VOIDED, _TRANSFER, _UNKNOWN, _LEFT_OUT, _RIDERS, _FLOORED = (
    128,
    64,
    32,
    4,
    3,
    4096,
    2048,
    512,
)
_SCOPE = {
    "modes": "mode", "routes": "route_id", "networks": "network", "categories": "category", "media": "medium",
}  # fmt: skip


def check(ledger: Ledger, tariff: Tariff, taps: pd.DataFrame) -> list[Finding]:
    """Check a ledger against its tariff and taps.

    Returns
    -------
    list of Finding
        Empty where everything holds: one row a tap; ``nominal - discounts = charged`` in every row, for
        every card and in total; known fares are fares of the tariff; journeys go forward in time; what
        is charged within an amount cap's calendar period and scope does not pass its highest level.
    """
    if len(ledger.charges) != len(taps):
        return [finding("ledger_rows", value=len(ledger.charges))]
    table = _table(ledger, taps)
    found: list[Finding] = []
    known = table[~table["unknown"]]
    off = known["nominal"] - known["transfer_discount"] - known["cap_discount"] - known["charged"]
    _tell(found, "ledger_does_not_add_up", known.index[off != 0])
    sums = known.groupby("card")[["nominal", "transfer_discount", "cap_discount", "charged"]].sum()
    per_card = sums["nominal"] - sums["transfer_discount"] - sums["cap_discount"] - sums["charged"]
    if bool((per_card != 0).any()) or int(known["charged"].sum()) != int(
        ledger.report.objective or 0
    ):
        found.append(finding("ledger_total", value=int(known["charged"].sum())))
    _tell(
        found,
        "ledger_free_of_fare",
        table.index[table["unknown"] != ((table["flags"] & (_UNKNOWN | _LEFT_OUT)) != 0)],
    )
    _prices(found, known, tariff)
    _voids(found, known)
    _journeys(found, known)
    for cap in _by_id(tariff.caps):
        _cap(found, cap, known, tariff)
    return found


def _table(ledger: Ledger, taps: pd.DataFrame) -> pd.DataFrame:
    charges = ledger.charges
    table = pd.DataFrame(
        {
            "card": ledger.card,
            "time": ledger.time // ledger.unit,
            "unknown": charges["charged"].isna().to_numpy(np.bool_),
            "journey": charges["journey"].to_numpy(),
            "flags": charges["flags"].to_numpy(),
        }
    )
    for name in ("nominal", "transfer_discount", "cap_discount", "charged"):
        table[name] = charges[name].fillna(0).to_numpy(np.int64)
    for name in (*_SCOPE.values(), "stop_id", "to_stop_id", "zone", "to_zone", "riders"):
        if name in taps:
            table[name] = taps[name].to_numpy()
    return table


def _tell(found: list[Finding], code: str, rows: Any) -> None:
    if len(rows):
        found.append(finding(code, row=int(rows[0]), count=len(rows)))


def _prices(found: list[Finding], known: pd.DataFrame, tariff: Tariff) -> None:
    """A leg of one rider has a price of the tariff, or joins another one."""
    amounts = {fare.amount for fare in tariff.fares if fare.amount is not None}
    plain = known[(known["flags"] & (_OFF | _VOID | _RIDERS | 8)) == 0]
    _tell(found, "ledger_strange_fare", plain.index[~plain["nominal"].isin(amounts)])
    free = known[(known["flags"] & _OFF != 0) & (known["charged"] != 0)]
    _tell(found, "ledger_strange_fare", free.index)
    if all(rule.kind in {"free", "difference", "discount"} for rule in tariff.transfers):
        whole = plain[(plain["flags"] & _FLOORED) == 0]
        over = whole[(whole["charged"] < 0) | (whole["charged"] > whole["nominal"])]
        _tell(found, "ledger_strange_fare", over.index)
    alone = plain[(plain["flags"] & (_TRANSFER | _FLOORED)) == 0]
    _tell(found, "ledger_strange_fare", alone.index[alone["transfer_discount"] != 0])


def _voids(found: list[Finding], known: pd.DataFrame) -> None:
    """What voids give back is what voided taps paid, card by card."""
    paid = known[(known["flags"] & _VOIDED) != 0].groupby("card")["charged"].sum()
    back = known[(known["flags"] & _VOID) != 0].groupby("card")["charged"].sum()
    if bool((paid.add(back, fill_value=0) != 0).any()):
        found.append(finding("ledger_void", count=int((paid.add(back, fill_value=0) != 0).sum())))


def _journeys(found: list[Finding], known: pd.DataFrame) -> None:
    """Journeys of a card do not interleave, and are not shorter than their transfers."""
    taps = known[(known["flags"] & (_OFF | _VOID | _VOIDED)) == 0]
    spans = taps.groupby(["card", "journey"])["time"].agg(["min", "max"]).reset_index()
    spans = spans.sort_values(["card", "journey"])
    same = spans["card"].to_numpy()[1:] == spans["card"].to_numpy()[:-1]
    back = spans["min"].to_numpy()[1:] < spans["max"].to_numpy()[:-1]
    if bool((same & back).any()):
        found.append(finding("ledger_order", count=int((same & back).sum())))


def _by_id(caps: tuple[Cap, ...]) -> list[list[Cap]]:
    found: dict[str, list[Cap]] = {}
    for one in caps:
        found.setdefault(one.id, []).append(one)
    return list(found.values())


def _cap(found: list[Finding], levels: list[Cap], known: pd.DataFrame, tariff: Tariff) -> None:
    """The sum of a hard amount cap's period stays within its highest level."""
    one = levels[0]
    hard = all(
        low.crossing == "clip" and low.after == 0 and low.amount is not None for low in levels
    )
    always = any(low.valid_from is None for low in levels) and any(
        low.valid_to is None for low in levels
    )
    zone_free = one.zones is None
    pays_back = any(rule.kind in {"A+AB", "AB", "A+AB+B"} for rule in tariff.transfers)
    if not hard or one.accrues != "charged" or not always or not zone_free or pays_back:
        return
    if (
        one.period not in {"service-day", "calendar-week", "calendar-month"}
        or tariff.combine != "min-remaining"
    ):
        return
    inside = np.ones(len(known), np.bool_)
    for key, column in _SCOPE.items():
        match: Match | None = getattr(one, key)
        if match is None:
            continue
        if column not in known:
            return
        values = known[column].astype(object).where(known[column].notna(), None)
        defaults = {"category": tariff.default_category, "medium": tariff.default_medium}
        given = [defaults.get(column) or None if value is None else str(value) for value in values]
        inside &= np.array(
            [one is not None and (one in match.values) != match.negate for one in given], np.bool_
        )
    part = known[inside & ((known["flags"] & (_VOID | _VOIDED)) == 0).to_numpy()]
    if "riders" in part:
        part = part[(part["flags"] & _RIDERS) == 0]
    clock = (
        pd.to_datetime(part["time"], unit="s", utc=True)
        .dt.tz_convert(tariff.timezone)
        .dt.tz_localize(None)
    )
    day = (clock - pd.Timedelta(seconds=tariff.service_day_start_s)).dt.normalize()
    first: Any = day
    if one.period == "calendar-week":
        back = ((day.dt.day_of_week - one.starts) % 7).to_numpy().astype("timedelta64[D]")
        first = pd.Series(np.asarray(day, "datetime64[ns]") - back, index=day.index)
    elif one.period == "calendar-month":
        first = day.dt.to_period("M").dt.to_timestamp()
    sums = part.groupby(["card", first.rename("period")])["charged"].sum()
    limit = max(low.amount or 0 for low in levels)
    over = sums[sums > limit]
    if len(over):
        found.append(finding("ledger_cap_passed", value=one.id, count=len(over)))
