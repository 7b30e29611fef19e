"""What an expert writes today to settle taps: a table engine sorts, one numba kernel walks the cards.

Each contender gets the same month of taps in random order and gives the charge of each tap in the order
of the input. The kernel knows exactly the rules of ``TARIFF`` (Santiago's fares and transfer, caps of day,
week and month), written out by hand: it is quicker than a general one. Looking up the fare is inside.

``python -m benchmarks.fares_peers CONTENDER TAPS`` runs one in a process of its own and prints JSON.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import numba
import numpy as np
import pandas as pd

from benchmarks.results import peak_mib

ZONE = "America/Santiago"
TARIFF = {
    "currency": "CLP",
    "timezone": ZONE,
    "timeframe": [
        {"id": name, "days": ["mon", "tue", "wed", "thu", "fri"], "from": start, "to": end}
        for name, start, end in (
            ("peak", "07:00", "09:00"), ("peak", "18:00", "20:00"),
            ("low", "06:00", "07:00"), ("low", "20:45", "23:00"),
        )
    ],
    "fare": [
        {"mode": "metro", "timeframe": "peak", "amount": 870},
        {"mode": "metro", "timeframe": "low", "amount": 710},
        {"mode": "metro", "amount": 790},
        {"mode": "bus", "amount": 770},
    ],
    "transfer": [
        {"window": "120min", "from": "first-tap", "max_transfers": 2, "price": "difference", "same_route": False}
    ],
    "cap": [
        {"id": "day", "period": "service-day", "amount": 3000},
        {"id": "week", "period": "calendar-week", "amount": 12000},
        {"id": "month", "period": "calendar-month", "amount": 41000, "media": ["qr"]},
    ],
}  # fmt: skip
ROUTES = 400


def made_taps(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """A month of taps in random order: 50 a card, two modes, a third of them by QR."""
    rng = np.random.default_rng(seed)
    first = int(datetime(2025, 3, 1, 3, tzinfo=UTC).timestamp())
    return {
        "card": rng.integers(0, max(count // 50, 1), count) * 7_919 + 10**12,
        "time": first + rng.integers(0, 31 * 86_400, count),
        "mode": rng.integers(0, 2, count).astype(np.int8),
        "route": rng.integers(0, ROUTES, count).astype(np.int16),
        "medium": (rng.random(count) < 0.3).astype(np.int8),
    }


def table_of(taps: dict[str, np.ndarray]) -> pd.DataFrame:
    """The same taps as a person keeps them: categories where there are few values."""

    def named(codes: np.ndarray, names: list[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, categories=names)

    return pd.DataFrame(
        {
            "card": taps["card"],
            "time": taps["time"],
            "mode": named(taps["mode"], ["bus", "metro"]),
            "route_id": named(taps["route"], [str(k) for k in range(ROUTES)]),
            "medium": named(taps["medium"], ["bip", "qr"]),
        },
        copy=False,
    )


@numba.njit(cache=True, nogil=True)
def walk(card, at, mode, route, medium, row, shift_at, shift, out):
    """Sorted taps to charges, written to the input's rows."""
    n = card.shape[0]
    last_card = np.int64(-1)
    day = week = month = np.int64(-1)
    used_day = used_week = used_month = np.int64(0)
    start = np.int64(-(10**12))
    legs = 0
    dearest = np.int64(0)
    routes = np.empty(3, np.int64)
    k = 0
    for i in range(n):
        if card[i] != last_card:
            last_card = card[i]
            day = week = month = np.int64(-1)
            used_day = used_week = used_month = np.int64(0)
            start = np.int64(-(10**12))
            legs = 0
        while k > 0 and at[i] < shift_at[k]:
            k -= 1
        while k + 1 < shift_at.shape[0] and at[i] >= shift_at[k + 1]:
            k += 1
        clock = at[i] + shift[k]
        today = clock // 86_400
        second = clock - today * 86_400
        weekday = (today + 3) % 7
        if mode[i] == 0:
            fare = 770
        elif weekday < 5 and (25_200 <= second < 32_400 or 64_800 <= second < 72_000):
            fare = 870
        elif weekday < 5 and (21_600 <= second < 25_200 or 74_700 <= second < 82_800):
            fare = 710
        else:
            fare = 790
        joins = legs > 0 and legs < 3 and at[i] - start <= 7_200
        if joins:
            for j in range(legs):
                if routes[j] == route[i]:
                    joins = False
        if joins:
            cost = max(fare - dearest, 0)
            dearest = max(dearest, fare)
            routes[legs] = route[i]
            legs += 1
        else:
            cost = fare
            dearest = fare
            start = at[i]
            routes[0] = route[i]
            legs = 1
        if today != day:
            day = today
            used_day = 0
            this_week = (today + 3) // 7
            if this_week != week:
                week = this_week
                used_week = 0
            # Civil month of a day number (Hinnant, "chrono-compatible low-level date algorithms").
            z = today + 719_468
            era = z // 146_097
            doe = z - era * 146_097
            yoe = (doe - doe // 1_460 + doe // 36_524 - doe // 146_096) // 365
            doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
            this_month = (yoe + era * 400) * 12 + (5 * doy + 2) // 153
            if this_month != month:
                month = this_month
                used_month = 0
        charge = min(cost, max(3_000 - used_day, 0), max(12_000 - used_week, 0))
        if medium[i] == 1:
            charge = min(charge, max(41_000 - used_month, 0))
            used_month += charge
        used_day += charge
        used_week += charge
        out[row[i]] = charge


def _walk(columns: dict[str, Any], count: int) -> np.ndarray:
    from mobility.fares.clock import offsets

    spans = offsets(ZONE, int(columns["time"].min()), int(columns["time"].max()) + 1)
    out = np.empty(count, np.int32)
    walk(
        *(columns[name] for name in ("card", "time", "mode", "route", "medium", "row")),
        np.array([at for at, _ in spans], np.int64), np.array([shift for _, shift in spans], np.int64), out,
    )  # fmt: skip
    return out


def duckdb_numba(taps: dict[str, np.ndarray]) -> np.ndarray:
    """DuckDB sorts, both threads; the kernel walks."""
    import duckdb
    import pyarrow as pa

    count = len(taps["card"])
    table = pa.table({**taps, "row": np.arange(count, dtype=np.int32)})
    with duckdb.connect(config={"threads": 2, "preserve_insertion_order": False}) as base:
        base.register("taps", table)
        columns = base.execute("SELECT * FROM taps ORDER BY card, time, row").fetchnumpy()
    return _walk(columns, count)


def polars_numba(taps: dict[str, np.ndarray]) -> np.ndarray:
    """Polars sorts, both threads; the kernel walks."""
    import polars as pl

    count = len(taps["card"])
    sorted_ = pl.DataFrame({**taps, "row": np.arange(count, dtype=np.int32)}).sort(
        "card", "time", "row"
    )
    return _walk({name: sorted_[name].to_numpy() for name in sorted_.columns}, count)


def pandas_numba(taps: dict[str, np.ndarray]) -> np.ndarray:
    """Pandas sorts; the kernel walks."""
    count = len(taps["card"])
    table = pd.DataFrame({**taps, "row": np.arange(count, dtype=np.int32)})
    sorted_ = table.sort_values(["card", "time", "row"])
    return _walk({name: np.array(sorted_[name]) for name in sorted_.columns}, count)


def ours(table: pd.DataFrame) -> np.ndarray:
    """``fares.settle``, the charge alone."""
    from mobility import fares

    return fares.settle(table, fares.read_tariff(TARIFF), columns=("charged",)).answers["charged"]


def ours_all_columns(table: pd.DataFrame) -> np.ndarray:
    """``fares.settle`` with every column of the ledger."""
    from mobility import fares

    return fares.settle(table, fares.read_tariff(TARIFF)).answers["charged"]


def ours_one_thread(table: pd.DataFrame) -> np.ndarray:
    """``fares.settle``, the charge alone, on one thread."""
    from mobility import fares

    ledger = fares.settle(table, fares.read_tariff(TARIFF), columns=("charged",), threads=1)
    return ledger.answers["charged"]


CONTENDERS = {
    "ours": ours,
    "ours_one_thread": ours_one_thread,
    "ours_all_columns": ours_all_columns,
    "duckdb_numba": duckdb_numba,
    "polars_numba": polars_numba,
    "pandas_numba": pandas_numba,
}


def main() -> None:
    """Run one contender: compiled outside the clock, then three times."""
    name, count, runs = sys.argv[1], int(float(sys.argv[2])), int(sys.argv[3])
    contender = CONTENDERS[name]
    is_ours = name.startswith("ours")

    def given(size: int) -> Any:
        return table_of(made_taps(size)) if is_ours else made_taps(size)

    contender(given(120_000))
    before = round(peak_mib())
    taps = made_taps(count)
    size = sum(one.nbytes for one in taps.values()) / 2**20
    asked = table_of(taps) if is_ours else taps
    wall, cpu, charges = [], [], np.zeros(0)
    for _ in range(runs):
        del charges
        start, used = time.perf_counter(), time.process_time()
        charges = contender(asked)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    peak = round(peak_mib())
    weights = np.arange(len(charges), dtype=np.int64) % 1_000_003 + 1
    print(
        json.dumps(
            {
                "wall_s": wall, "cpu_s": cpu, "before_mib": before, "peak_mib": peak, "input_mib": round(size, 1),
                "charged": int(charges.sum(dtype=np.int64)), "fingerprint": int((weights * charges).sum()),
            }
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
