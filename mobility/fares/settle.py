"""Settle taps: what each costs under a tariff, exactly, in the order in which they came."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError, TableError
from mobility.fares.compile import Compiled, compile_tariff, wanted_columns
from mobility.fares.ledger import COLUMNS, FLAGS, UNKNOWN, Ledger
from mobility.fares.problem import Tariff
from mobility.fares.rate import ANSWERS, Accounts, rate, span
from mobility.fares.tap_files import TapFile, read_taps
from mobility.fares.taps import Taps, taps_of
from mobility.findings import Severity, finding
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from collections.abc import Sequence


def settle(
    taps: pd.DataFrame | str | Path,
    tariff: Tariff | str | Path,
    *,
    columns: Sequence[str] | None = None,
    strict: bool = False,
    threads: int | None = None,
    pseudonym_key: bytes | None = None,
) -> Ledger:
    """Charge every tap: transfers first, then the least that any cap leaves, tap after tap.

    Parameters
    ----------
    taps
        A table, or a CSV or Parquet file of one: ``card`` (integer or text), ``time`` (epoch seconds,
        a timestamp with a zone, or local time of the tariff's zone), and any of ``mode route_id stop_id
        to_stop_id zone to_zone zones network category medium riders kind to_time tap_id operator``; or
        TIDES ``fare_transactions``. Any order: within a card taps count by time, then ``tap_id``,
        then the order of the input (counted in a warning, ``tied_taps``).
    tariff
        A ``Tariff``, or what ``read_tariff`` reads.
    columns
        Which columns of the answer to make; all by default. ``("charged",)`` is the quickest.
    strict
        Raise where a tap cannot be settled, instead of leaving it out.
    threads
        Two by default where it pays; the answer is the same.
    pseudonym_key
        Cards are replaced by a keyed hash as soon as they are read.

    Returns
    -------
    Ledger
        ``ledger.charges`` has one row a tap, in the order of the input.

    Raises
    ------
    TableError
        When a table has no ``card`` or ``time``, or, with ``strict``, a tap cannot be settled.
    ConfigError
        When a column of the answer is unknown, or the tariff is wrong.

    Examples
    --------
    >>> import pandas as pd
    >>> taps = pd.DataFrame({"card": [1, 1], "time": [1741176000, 1741177000], "mode": ["bus", "metro"]})
    >>> settle(taps, "santiago-2025").charges["charged"].tolist()
    [770, 20]
    """
    from mobility.fares.tariff_file import read_tariff

    start = clock.perf_counter()
    made = chosen_columns(columns)
    rules = tariff if isinstance(tariff, Tariff) else read_tariff(tariff)
    given = _table(taps, strict=strict)
    table, file = given.table, given.file
    if pseudonym_key is not None:
        from mobility.fares.privacy import pseudonymise

        table = pseudonymise(table, pseudonym_key)
    read = taps_of(table, rules, wanted=wanted_columns(rules), file=file, row_of=given.row)
    read.findings[:0] = given.findings
    if strict:
        _refuse(read)
    answers, compiled, ties = settle_taps(read, rules, made, threads=threads)
    if ties and read.rank is None and "tap_id" not in table:
        read.findings.append(finding("tied_taps", file=file, column="time", count=ties))
    return make_ledger(answers, compiled, read, made, ties, start, table)


def settle_taps(
    read: Taps,
    tariff: Tariff,
    columns: Sequence[str] = COLUMNS,
    *,
    threads: int | None = None,
    accounts: Accounts | None = None,
    compiled: Compiled | None = None,
) -> tuple[dict[str, np.ndarray], Compiled, int]:
    """Rate the good taps of a batch; answers for all of them, unknown for the others."""
    good = read if read.good is None else read.take(read.good)
    if (tickets := getattr(tariff, "tickets", None)) is not None:  # GTFS Fares v1
        from mobility.fares.tickets import ticketed

        good, tariff = ticketed(tickets, tariff, good, read.findings)
        compiled = None
    if compiled is None:
        compiled = compile_for(good, tariff)
    wanted = ANSWERS if set(columns) - {"charged"} else ("charged",)
    if good.count:
        rated = rate(compiled, good, wanted=wanted, accounts=accounts, threads=threads)
        answers, ties = rated.columns, rated.ties
    else:
        answers, ties = {name: np.zeros(0, np.int32) for name in wanted}, 0
    answers = {name: narrow(values) for name, values in answers.items()}
    if read.good is not None:
        empty = {"journey": 0, "cap": -1, "leg": -1, "flags": FLAGS["not_settled"]}
        whole = {}
        for name, values in answers.items():
            whole[name] = np.full(read.count, empty.get(name, UNKNOWN), values.dtype)
            whole[name][read.good] = values
        answers = whole
    return answers, compiled, ties


def compile_for(taps: Taps, tariff: Tariff) -> Compiled:
    """Compile a tariff for the values and times of taps."""
    first, last = span(taps)
    return compile_tariff(tariff, taps.values, first, last, tap_offs=taps.kind is not None)


def narrow(values: np.ndarray) -> np.ndarray:
    """The same numbers in 32 bits, where they fit."""
    if values.dtype != np.int64 or not len(values):
        return values
    fits = int(values.min()) >= -(2**31) and int(values.max()) < 2**31
    return values.astype(np.int32) if fits else values


def make_ledger(
    answers: dict[str, np.ndarray],
    compiled: Compiled,
    read: Taps,
    columns: tuple[str, ...],
    ties: int,
    start: float,
    table: pd.DataFrame | None,
) -> Ledger:
    """Put the answer together."""
    charged = answers["charged"]
    unknown = charged == UNKNOWN
    count = int(unknown.sum())
    total = int(charged.sum(dtype=np.int64)) - count * UNKNOWN
    left_out = 0 if read.good is None else read.count - len(read.good)
    if count > left_out:
        read.findings.append(finding("unknown_fare", count=count - left_out))
    report = Report(
        status=Status.OPTIMAL,
        objective=float(total),
        objective_unit=f"{compiled.tariff.currency} minor units",
        parts=_parts(answers, unknown),
        bound=float(total),
        bound_scope="the rules leave no choice: every tap whose fare is known, to the minor unit",
        seconds=clock.perf_counter() - start,
    )
    return Ledger(
        answers=answers,
        card=read.card,
        time=read.time,
        unit=read.unit,
        tariff=compiled.tariff,
        report=report,
        compiled=compiled,
        card_names=read.card_names,
        taps=table,
        findings=(*compiled.tariff.findings, *read.findings),
        ties=ties if read.rank is None and (table is None or "tap_id" not in table) else 0,
        columns=columns,
    )


def _parts(answers: dict[str, np.ndarray], unknown: np.ndarray) -> dict[str, float]:
    """Nominal fares less what transfers and caps take off."""
    if "nominal" not in answers:
        return {}
    count = int(unknown.sum())  # each stands in the sums as -2^31
    sums = {
        name: int(answers[name].sum(dtype=np.int64)) - count * UNKNOWN
        for name in ("nominal", "spent", "charged")
    }
    return {
        "nominal": float(sums["nominal"]),
        "transfer_discount": float(sums["spent"] - sums["nominal"]),
        "cap_discount": float(sums["charged"] - sums["spent"]),
    }


def chosen_columns(columns: Sequence[str] | None) -> tuple[str, ...]:
    """Columns of an answer, all by default; ConfigError where one is unknown."""
    if columns is None:
        return COLUMNS
    if unknown := [one for one in columns if one not in COLUMNS]:
        raise ConfigError(
            f"no column of a ledger is called {unknown[0]!r}",
            mend=f"there are {', '.join(COLUMNS)}",
        )
    if not columns:
        raise ConfigError("no column is asked for", mend='columns=("charged",)')
    return tuple(columns)


def _table(taps: Any, *, strict: bool) -> TapFile:
    if isinstance(taps, pd.DataFrame):
        return TapFile(taps)
    if isinstance(taps, str | Path):
        return read_taps(taps, strict=strict)
    raise TableError(
        f"taps of type {type(taps).__name__} cannot be read",
        mend="give a pandas DataFrame, or a CSV or Parquet file",
    )


def _refuse(read: Taps) -> None:
    errors = [one for one in read.findings if one.severity is Severity.ERROR]
    if errors:
        raise TableError.from_finding(errors[0], *errors[1:])
