"""Why a card paid what it paid, line by line, as an inspector would work it out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from mobility.errors import ConfigError
from mobility.fares.clock import groups_of
from mobility.fares.ledger import FLAGS, Ledger
from mobility.units import format_money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobility.fares.problem import Cap

_BIT = FLAGS


def explain(ledger: Ledger, card: int | str, *, most: int = 10_000) -> str:
    """Print the arithmetic of one card.

    Parameters
    ----------
    card
        As the taps have it (its pseudonym, where they were pseudonymised).
    most
        Taps shown.

    Returns
    -------
    str
        A line a tap, with its nominal fare, what a transfer and a cap take off, the charge, and how
        far each cap is used afterwards.

    Raises
    ------
    ConfigError
        When no tap is of this card, or the ledger has not every column.
    """
    ledger._needs_all("explain")  # noqa: SLF001 - a friend of the ledger's
    rows = rows_of(ledger, card)
    total = sum(int(ledger.answers["charged"][row]) for row in rows if not ledger.unknown[row])
    money = format_money(total, ledger.tariff.currency)
    lines = [
        f"card {card}: {len(rows):,} taps, {money} charged, tariff {ledger.tariff.name or '-'}"
    ]
    accounts = _Accounts(ledger)
    for row in rows[:most]:
        lines += accounts.tell(row)
    if len(rows) > most:
        lines.append(f"... and {len(rows) - most:,} more taps")
    return "\n".join(lines)


def rows_of(ledger: Ledger, card: int | str) -> list[int]:
    """Rows of a card, in the order in which they count."""
    code: int | str | None = card
    if ledger.card_names is not None:
        at = np.flatnonzero(ledger.card_names == str(card))
        code = int(at[0]) if len(at) else None
    elif isinstance(card, str):
        code = int(card) if card.lstrip("-").isdigit() else None
    settled = ledger.answers["flags"] & _BIT["not_settled"] == 0
    rows = np.flatnonzero((ledger.card == code) & settled) if code is not None else np.zeros(0, int)
    if not len(rows):
        raise ConfigError("no tap is of this card", mend="write it as the taps have it")
    taps = ledger.taps
    ties = (
        np.zeros(len(rows))
        if taps is None or "tap_id" not in taps
        else taps["tap_id"].iloc[rows].rank().to_numpy()
    )
    return [int(one) for one in rows[np.lexsort((rows, ties, ledger.time[rows]))]]


class _Accounts:
    """Accounts of one card's caps, replayed from the charges of the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.compiled = ledger, ledger.compiled
        self.groups = groups_of(ledger.tariff.caps)
        self.zone = ZoneInfo(ledger.tariff.timezone)
        self.counted: list[list[tuple[int, int, int]]] = [[] for _ in self.groups]
        self.window: list[tuple[int, int] | None] = [None for _ in self.groups]
        self.last: dict[int, list[tuple[int, int]]] = {}

    def money(self, amount: int) -> str:
        return format_money(amount, self.ledger.tariff.currency).split(" ", 1)[1]

    def tell(self, row: int) -> Iterator[str]:
        answers = self.ledger.answers
        seconds = int(self.ledger.time[row]) // self.ledger.unit
        when = datetime.fromtimestamp(seconds, UTC).astimezone(self.zone)
        flags = int(answers["flags"][row])
        head = f"{when:%Y-%m-%d %H:%M:%S}  {self._what(row)}"
        if self.ledger.unknown[row]:
            why = (
                "it needs a tap-off that is not there"
                if flags & _BIT["no_tap_off"]
                else "no fare matches"
            )
            yield f"{head}: fare unknown, {why}"
            return
        if flags & _BIT["off"]:
            yield f"{head}: tap-off" + (
                " that belongs to no tap-on" if flags & _BIT["unmatched"] else ""
            )
            return
        nominal, spent, charged = (
            int(answers[name][row]) for name in ("nominal", "spent", "charged")
        )
        if flags & _BIT["void"]:
            yield f"{head}: void, {self.money(charged)} and what it counted towards caps are given back"
            self._undo()
            return
        parts = [self.money(nominal)]
        if nominal != spent:
            parts.append(f"- {self.money(nominal - spent)} transfer")
        if spent != charged:
            parts.append(
                f"- {self.money(spent - charged)} cap {self.ledger.cap_ids[answers['cap'][row]]}"
            )
        journey = f"journey {answers['journey'][row]}"
        if flags & _BIT["transfer"]:
            journey += ", transfer"
        if flags & _BIT["joined"]:
            journey += ", one leg with the tap before"
        if flags & _BIT["maximum_fare"]:
            journey += ", no tap-off: the most it could cost"
        if flags & _BIT["riders"]:
            journey += ", several riders: one with transfers and caps"
        yield f"{head}: {' '.join(parts)} = {self.money(charged)} ({journey})"
        yield from self._caps(row, seconds, nominal, charged, flags)

    def _what(self, row: int) -> str:
        taps = self.ledger.taps
        if taps is None:
            return "tap"
        names = ("mode", "route_id", "stop_id", "zone", "category", "medium")
        found = [
            str(taps[name].iloc[row])
            for name in names
            if name in taps and taps[name].notna().iloc[row]
        ]
        return " ".join(found) or "tap"

    def _caps(
        self, row: int, seconds: int, nominal: int, charged: int, flags: int
    ) -> Iterator[str]:
        if flags & _BIT["riders"]:
            count = int(self.ledger.taps["riders"].iloc[row]) if self.ledger.taps is not None else 1
            charged -= (count - 1) * (nominal // count)
            nominal //= count
        cut = self.compiled.cut
        piece = int(np.searchsorted(cut.starts[:-1], seconds - cut.origin, side="right")) - 1
        mask = int(self.compiled.legs[int(self.ledger.answers["leg"][row]), 1])
        calendar, lows = self.compiled.caps[2], self.compiled.caps[1]
        day = int(calendar[piece, 0])
        self.last[row] = []
        for g, levels in enumerate(self.groups):
            level = int(calendar[piece, 2 + 2 * g])
            if not mask >> g & 1 or level < 0:
                continue
            one = levels[0]
            more = self._counts(one, nominal, charged, flags)
            if not self._open(g, one, day, seconds, charged):
                continue
            period = int(calendar[piece, 1 + 2 * g])
            self.counted[g].append((day if one.period == "sliding" else period, seconds, more))
            self.last[row].append((g, len(self.counted[g]) - 1))
            used = self._used(g, one, period, day)
            limit = int(lows[level, 0])
            told = (
                f"{used} of {limit} {one.accrues}"
                if one.rides is not None
                else f"{self.money(used)} of {self.money(limit)}"
            )
            yield f"    {one.id}: {told}"

    @staticmethod
    def _counts(one: Cap, nominal: int, charged: int, flags: int) -> int:
        if one.accrues == "charged":
            return charged
        if one.paid_only and charged <= 0:
            return 0
        if one.accrues == "nominal":
            return nominal
        return int(one.accrues == "rides" or not flags & (_BIT["transfer"] | _BIT["joined"]))

    def _open(self, g: int, one: Cap, day: int, seconds: int, charged: int) -> bool:
        """Whether the tap counts: a rolling window is open, or it opens one."""
        if one.period != "rolling":
            return True
        window = self.window[g]
        if window is not None:
            over = (
                seconds >= window[1] + one.days * 86_400
                if one.clock == "hours"
                else day >= window[0] + one.days
            )
            if over:
                window, self.counted[g] = None, []
        if window is None and (one.anchor == "first-tap" or charged > 0):
            window = (day, seconds)
        self.window[g] = window
        return window is not None

    def _used(self, g: int, one: Cap, period: int, day: int) -> int:
        if one.period == "rolling":
            return sum(amount for _, _, amount in self.counted[g])
        if one.period == "sliding":
            return sum(amount for when, _, amount in self.counted[g] if when > day - one.days)
        return sum(amount for when, _, amount in self.counted[g] if when == period)

    def _undo(self) -> None:
        if self.last:
            for g, at in self.last.popitem()[1]:
                when, seconds, _ = self.counted[g][at]
                self.counted[g][at] = (when, seconds, 0)
