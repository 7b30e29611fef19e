"""Settling day after day: accounts of cards, the taps whose periods are still open, and adjustments.

A state holds, for every card, its accounts as they stood when everything before them was closed (about
32 bytes with two or three caps), and a journal of the taps since. New taps re-rate their own cards from
there: a late tap changes only what its card's open periods make of it, and every change of an earlier
charge is a signed adjustment. A tap is closed, and leaves the journal, once no period, journey or window
that it lies in can be changed any more.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.fares.clock import groups_of, pieces
from mobility.fares.compile import Compiled, wanted_columns
from mobility.fares.ledger import COLUMNS, FLAGS, MONEY, UNKNOWN
from mobility.fares.rate import Accounts
from mobility.fares.settle import compile_for, settle_taps
from mobility.fares.tap_files import KNOWN, read_taps
from mobility.fares.taps import Taps, from_tides, frozen, taps_of
from mobility.findings import Finding, finding
from mobility.shown import Shown

if TYPE_CHECKING:
    from mobility.fares.problem import Cap, Tariff

NONE = -(2**40)
_SEQ = "__seq"
_ANSWERS = ("charged", "nominal", "spent", "journey", "cap", "flags")
_LATE_S = 3 * 86_400
_ROLLING_HOURS = 2


@dataclass(frozen=True)
class State(Shown):
    """What is kept between batches.

    Parameters
    ----------
    cards
        Cards with a base account; ``used`` and ``numbers`` have a row for each.
    used
        int64 (cards, width): for each cap what is used, its period or window, its level; then the days
        of sliding caps.
    numbers, journal
        int32: journeys so far; taps whose charge may still change, with their charges, as they came.
    closed_before
        Epoch seconds: an earlier tap comes too late.
    """

    tariff: Tariff
    cards: pd.Index
    used: np.ndarray
    numbers: np.ndarray
    journal: pd.DataFrame
    closed_before: int = 0
    sequence: int = 0

    @classmethod
    def new(cls, tariff: Tariff) -> State:
        """Nothing yet."""
        width = account_width(tariff)
        return cls(
            tariff, pd.Index([], dtype=object), np.zeros((0, width), np.int64), np.zeros(0, np.int32),
            pd.DataFrame(),
        )  # fmt: skip

    @property
    def bytes_per_card(self) -> float:
        """Size of the accounts, journal aside."""
        if not len(self.cards):
            return 0.0
        return (self.used.nbytes + self.numbers.nbytes) / len(self.cards)

    def __str__(self) -> str:
        return (
            f"{len(self.cards):,} accounts of {self.bytes_per_card:.0f} bytes, "
            f"{len(self.journal):,} taps that may still change"
        )

    def write(self, folder: str | Path) -> Path:
        """Write to a folder (``accounts.parquet``, ``journal.parquet``), whole or not at all."""
        return write_state(self, folder)


@dataclass(frozen=True)
class Update(Shown):
    """What a batch of taps came to.

    Parameters
    ----------
    charges
        One row a new tap, in the order of the input; as ``ledger.charges``.
    adjustments
        Earlier taps whose charge changed: their columns, ``before, after, difference``.
    state
        To go on from.
    """

    charges: pd.DataFrame
    adjustments: pd.DataFrame
    state: State
    findings: tuple[Finding, ...]

    @property
    def charged(self) -> int:
        """Minor units of the new taps and all adjustments together."""
        return int(self.charges["charged"].sum()) + int(self.adjustments["difference"].sum())

    def __str__(self) -> str:
        return (
            f"{len(self.charges):,} new taps, {len(self.adjustments):,} earlier ones adjusted by "
            f"{int(self.adjustments['difference'].sum()):,}; {self.state}"
        )


def account_width(tariff: Tariff) -> int:
    """Numbers that a card's accounts take."""
    heads = [levels[0] for levels in groups_of(tariff.caps)]
    return 1 + 4 * len(heads) + sum(one.days for one in heads if one.period == "sliding")


def update(
    state: State,
    new_taps: pd.DataFrame | str | Path,
    *,
    late_s: int = _LATE_S,
    close: bool = True,
    threads: int | None = None,
) -> Update:
    """Settle new taps on top of a state; taps may come late, as long as their periods are open.

    Parameters
    ----------
    late_s
        How much longer than its last moment a period stays open.
    close
        Close what can be closed; False keeps the journal whole.

    Returns
    -------
    Update
        Charges and adjustments of all batches add up to those of one ``settle`` over all taps.
    """
    tariff = state.tariff
    if getattr(tariff, "tickets", None) is not None:
        raise ConfigError(
            "fares of GTFS v1 look back along a card's rides", mend="use fares.settle"
        )
    given = new_taps if isinstance(new_taps, pd.DataFrame) else read_taps(new_taps).table
    table = from_tides(given)
    table = table[[one for one in table.columns if one in KNOWN]].reset_index(drop=True)
    fresh = len(table)
    table[_SEQ] = np.arange(state.sequence, state.sequence + fresh)
    touched: Any = table["card"].dropna().unique() if "card" in table else []
    held = state.journal
    mine = held["card"].isin(touched) if len(held) else pd.Series(dtype=bool)
    part = held[mine.to_numpy()] if len(held) else held
    taps = pd.concat([part, table], ignore_index=True) if len(part) else table
    old = len(taps) - fresh

    read = taps_of(taps, tariff, wanted=wanted_columns(tariff), row_of=lambda at: at - old + 1)
    _refuse_late(read, state, old)
    local = _local(read, taps)
    accounts = _accounts(state, local)
    answers, compiled = _rate(read, tariff, accounts, threads)
    charges = _charges(answers, compiled, slice(old, None))
    adjustments = _adjustments(part, answers, old)

    good = (
        np.ones(len(taps), np.bool_)
        if read.good is None
        else np.isin(np.arange(len(taps)), read.good)
    )
    kept = taps.assign(**answers)[good]
    others = held[~mine.to_numpy()] if len(held) else held
    journal = pd.concat([others, kept], ignore_index=True) if len(others) else kept
    journal = journal.sort_values(_SEQ, ignore_index=True)
    after = replace(state, journal=journal, sequence=state.sequence + fresh)
    if close and fresh and len(journal):
        after = close_before(
            after, closing_time(tariff, int(read_seconds(read).max()), late_s), threads=threads
        )
    return Update(charges, adjustments, after, tuple(read.findings))


def read_seconds(read: Taps) -> np.ndarray:
    """Epoch seconds of the taps that can be settled."""
    seconds = read.seconds()
    return (
        seconds
        if read.good is None
        else seconds[read.good]
        if len(read.good)
        else np.zeros(1, np.int64)
    )


def _refuse_late(read: Taps, state: State, old: int) -> None:
    """Taps of closed periods are told and left out."""
    late = np.flatnonzero(read.seconds()[old:] < state.closed_before) + old
    good = np.arange(read.count) if read.good is None else read.good
    late = np.intersect1d(late, good)
    if len(late):
        read.findings.append(
            finding(
                "late_tap",
                row=int(late[0]) - old + 1,
                column="time",
                value=int(read.seconds()[late[0]]),
                count=len(late),
            )
        )
        read.good = np.setdiff1d(good, late)


def _local(read: Taps, taps: pd.DataFrame) -> pd.Index:
    """Number the cards of a batch; the cards by number."""
    codes, cards = pd.factorize(taps["card"])
    read.card = frozen(codes.astype(np.int64))
    read.card_names = None
    named: pd.Index = pd.Index(cards)
    return named


def _accounts(state: State, cards: pd.Index) -> Accounts:
    """Accounts of some cards; fresh ones where there are none."""
    at = state.cards.get_indexer(cards) if len(state.cards) else np.full(len(cards), -1)
    used = np.zeros((len(cards), state.used.shape[1]), np.int64)
    for g in range(len(groups_of(state.tariff.caps))):
        used[:, 2 + 4 * g] = NONE
        used[:, 3 + 4 * g] = -1
    numbers = np.zeros(len(cards), np.int32)
    known = at >= 0
    used[known] = state.used[at[known]]
    numbers[known] = state.numbers[at[known]]
    return Accounts(used, numbers)


def _rate(
    read: Taps, tariff: Tariff, accounts: Accounts, threads: int | None
) -> tuple[dict[str, np.ndarray], Compiled]:
    """Rate a batch on top of accounts, which are brought to what they are afterwards."""
    good = read if read.good is None else read.take(read.good)
    compiled = compile_for(good, tariff)
    _shift(accounts, compiled, -compiled.cut.origin)
    answers, compiled, _ = settle_taps(
        read, tariff, compiled=compiled, accounts=accounts, threads=threads
    )
    _shift(accounts, compiled, compiled.cut.origin)
    return {name: answers[name] for name in _ANSWERS}, compiled


def _shift(accounts: Accounts, compiled: Compiled, by: int) -> None:
    """Windows that opened at a second: epoch seconds outside, seconds of the batch inside."""
    for g, kind in enumerate(compiled.caps[0][:, 0]):
        if kind == _ROLLING_HOURS:
            opened = accounts.used[:, 2 + 4 * g]
            accounts.used[:, 2 + 4 * g] = np.where(opened == NONE, NONE, opened + by)


def _charges(answers: dict[str, np.ndarray], compiled: Compiled, rows: slice) -> pd.DataFrame:
    """Answers as a ledger shows them."""
    part = {name: values[rows].astype(np.int64) for name, values in answers.items()}
    unknown = part["charged"] == UNKNOWN
    money = {
        "nominal": part["nominal"],
        "transfer_discount": part["nominal"] - part["spent"],
        "cap_discount": part["spent"] - part["charged"],
        "charged": part["charged"],
    }
    made: dict[str, Any] = {"journey": part["journey"].astype(np.int32)}
    made |= {name: pd.arrays.IntegerArray(money[name], unknown.copy()) for name in MONEY}
    made["cap_id"] = pd.Categorical.from_codes(
        part["cap"], categories=pd.Index(compiled.cap_ids, dtype="str")
    )
    made["flags"] = part["flags"].astype(np.int32)
    return pd.DataFrame(made)[list(COLUMNS)]


def _adjustments(part: pd.DataFrame, answers: dict[str, np.ndarray], old: int) -> pd.DataFrame:
    """Earlier taps whose charge is another one now."""
    if not old:
        return pd.DataFrame(
            {"card": [], "time": [], "before": [], "after": [], "difference": []}
        ).astype({"before": np.int64, "after": np.int64, "difference": np.int64})
    before = part["charged"].to_numpy(np.int64)
    after = answers["charged"][:old].astype(np.int64)
    rows = np.flatnonzero(before != after)
    names = [one for one in ("tap_id", "card", "time", "mode", "route_id") if one in part]
    table = part.iloc[rows][names].reset_index(drop=True)
    change = np.where(after == UNKNOWN, 0, after) - np.where(before == UNKNOWN, 0, before)
    for name, values in (("before", before[rows]), ("after", after[rows])):
        table[name] = pd.arrays.IntegerArray(values, values == UNKNOWN)
    table["difference"] = change[rows]
    return table


def longest_window_s(tariff: Tariff) -> int | None:
    """Longest time from a journey's tap to one that could still join it; None is for ever."""
    if any(one.window_s is None for one in tariff.transfers):
        return None
    return max([6 * 3600, *(int(one.window_s or 0) for one in tariff.transfers)])


def closing_time(tariff: Tariff, last: int, late_s: int) -> int:
    """Before when nothing can change any more, once taps up to ``last`` are known (epoch seconds)."""
    at = last - late_s
    cut = pieces(tariff, at, at)
    piece = int(np.searchsorted(cut.starts[:-1], at - cut.origin, side="right")) - 1
    day = int(cut.service_day[piece])
    first = min([day, *(_first_day(levels[0], day) for levels in groups_of(tariff.caps))])
    begin = pieces(tariff, first * 86_400, first * 86_400 + 86_400)
    return begin.origin + int(begin.starts[:-1][begin.service_day >= first][0])


def _first_day(cap: Cap, day: int) -> int:
    if cap.period in {"rolling", "sliding"}:
        return day - cap.days
    if cap.period == "calendar-week":
        return (day + 3 - cap.starts) // 7 * 7 - 3 + cap.starts
    if cap.period == "calendar-month":
        return int(
            np.datetime64(day, "D").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
        )
    return day


def close_before(state: State, time: int, *, threads: int | None = None) -> State:
    """Close taps before a time: their journeys and windows must be over by then."""
    if time <= state.closed_before:
        return state
    read = taps_of(state.journal, state.tariff, wanted=wanted_columns(state.tariff))
    window = longest_window_s(state.tariff)
    rows = np.flatnonzero(_closable(state.journal, read, time, window))
    if not len(rows):
        return replace(state, closed_before=time)
    taps = state.journal.iloc[rows].reset_index(drop=True)
    folded = taps_of(taps, state.tariff, wanted=wanted_columns(state.tariff))
    cards = _local(folded, taps)
    accounts = _accounts(state, cards)
    _rate(folded, state.tariff, accounts, threads)
    at = state.cards.get_indexer(cards) if len(state.cards) else np.full(len(cards), -1)
    used, numbers = state.used.copy(), state.numbers.copy()
    used[at[at >= 0]], numbers[at[at >= 0]] = accounts.used[at >= 0], accounts.numbers[at >= 0]
    new = at < 0
    return replace(
        state,
        cards=cards[new] if not len(state.cards) else state.cards.append(cards[new]),
        used=np.concatenate([used, accounts.used[new]]),
        numbers=np.concatenate([numbers, accounts.numbers[new]]),
        journal=state.journal.drop(index=state.journal.index[rows]).reset_index(drop=True),
        closed_before=time,
    )


def _closable(journal: pd.DataFrame, read: Taps, time: int, window: int | None) -> np.ndarray:
    """Taps of whole journeys that are over, each card's from its first on."""
    seconds = read.seconds()
    codes, _ = pd.factorize(journal["card"])
    known = (journal["flags"].to_numpy() & (FLAGS["unknown_fare"] | FLAGS["no_tap_off"])) == 0
    number = np.where(known, journal["journey"].to_numpy(np.int64), -1 - np.arange(len(journal)))
    table = pd.DataFrame({"card": codes, "journey": number, "time": seconds})
    last = table.groupby(["card", "journey"])["time"].transform("max").to_numpy()
    over = last < time - (window or 0)
    if window is None:  # the journey that a card is on may go on for ever
        over &= (
            number != table["journey"].where(number > 0).groupby(codes).transform("max").to_numpy()
        )
    rank = np.zeros(len(journal)) if read.rank is None else read.rank
    order = np.lexsort((np.arange(len(journal)), rank, seconds, codes))
    running = pd.Series(over[order]).groupby(codes[order]).cummin().to_numpy(np.bool_)
    closed = np.empty(len(journal), np.bool_)
    closed[order] = running
    return closed


def write_state(state: State, folder: str | Path) -> Path:
    """Write a state as two Parquet files in a folder of its own.

    Raises
    ------
    ConfigError
        When the folder holds something else.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = Path(folder).expanduser().resolve()
    if target.exists() and {one.name for one in target.iterdir()} - {
        "accounts.parquet",
        "journal.parquet",
    }:
        raise ConfigError(
            f"{folder}: holds something that is no state of ours", mend="name a new folder"
        )
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    told = {
        "tariff": fingerprint(state.tariff), "closed_before": state.closed_before, "sequence": state.sequence,
    }  # fmt: skip
    try:
        accounts = pa.table(
            {
                "card": pa.array(list(state.cards)),
                "used": pa.FixedSizeListArray.from_arrays(
                    pa.array(state.used.reshape(-1)), state.used.shape[1]
                ),
                "journeys": pa.array(state.numbers),
            }
        ).replace_schema_metadata({"mobility.state": json.dumps(told)})
        pq.write_table(accounts, part / "accounts.parquet")
        pq.write_table(
            pa.Table.from_pandas(state.journal, preserve_index=False), part / "journal.parquet"
        )
        if target.exists():
            aside = part.with_suffix(".old")
            target.rename(aside)
            part.rename(target)
            shutil.rmtree(aside)
        else:
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def read_state(folder: str | Path, tariff: Tariff) -> State:
    """Read a state back.

    Raises
    ------
    TableError, ConfigError
        When it is no state, or was made with another tariff.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = Path(folder)
    try:
        accounts = pq.read_table(place / "accounts.parquet")
        journal = pq.read_table(place / "journal.parquet").to_pandas()
        told = json.loads((accounts.schema.metadata or {})[b"mobility.state"])
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise TableError(
            f"{folder}: is no written state: {error}", mend="State.write(folder)"
        ) from None
    if told["tariff"] != fingerprint(tariff):
        raise ConfigError(
            f"{folder}: was made with another tariff", mend="give the tariff it was made with"
        )
    cards = accounts["card"].to_pylist()
    used = accounts["used"].combine_chunks().values.to_numpy(zero_copy_only=False)
    return State(
        tariff,
        pd.Index(cards, dtype=object if not cards or isinstance(cards[0], str) else None),
        used.reshape(len(cards), account_width(tariff)).copy(),
        accounts["journeys"].to_numpy().astype(np.int32),
        journal,
        told["closed_before"],
        told["sequence"],
    )


def fingerprint(tariff: Tariff) -> str:
    """What tells tariffs apart: all that prices a tap."""
    parts = [
        tariff.currency, tariff.timezone, tariff.fares, tariff.transfers, tariff.joins, tariff.caps,
        tariff.timeframes, tariff.service_day_start_s, tariff.combine, sorted(tariff.holidays),
        sorted(tariff.networks.items()), sorted(tariff.zones.items()), tariff.missing_tap_off,
    ]  # fmt: skip
    return sha256("\n".join(stable_text(one) for one in parts).encode()).hexdigest()


def stable_text(value: Any) -> str:
    """Text of a value that does not depend on the order of sets."""
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(map(stable_text, value))) + "}"
    if isinstance(value, tuple | list):
        return "(" + ",".join(map(stable_text, value)) + ")"
    if hasattr(value, "__dataclass_fields__"):
        return (
            "("
            + ",".join(
                f"{name}={stable_text(getattr(value, name))}" for name in value.__dataclass_fields__
            )
            + ")"
        )
    return repr(value)
