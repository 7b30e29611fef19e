"""Taps on a cluster of this machine beside the same taps streamed by one process; charges must be the same.

``python -m benchmarks distributed`` runs it and keeps the result; ``--quick`` at a small size. One contender at
a time: each has the whole machine. Workers are started before the clock; their first taps are outside it too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import Result

SIZES = (5_000_000, 20_000_000)
QUICK = (300_000,)
_FILES = 8


def run(*, quick: bool) -> list[Result]:
    """Stream the taps by one process, then settle them with one and two workers, and once more from kept parts."""
    results: list[Result] = []
    for taps in QUICK if quick else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            results += _case(taps, Path(folder), f"{taps / 1e6:g} M taps, {_FILES} files")
    return results


def _case(taps: int, folder: Path, case: str) -> list[Result]:
    import pyarrow.parquet as pq

    from benchmarks.fares_peers import TARIFF
    from mobility import fares

    source, out = folder / "taps", folder / "charges.parquet"
    _write(taps, source)
    tariff = fares.read_tariff(TARIFF)
    results, charges = [], []

    def kept(name: str, wall_s: float, phases: dict[str, float], **told: Any) -> None:
        one = Result("distributed", case, name, wall_s=[round(wall_s, 3)])
        one.answer = {"million_taps_s": round(taps / wall_s / 1e6, 2), **told, **phases}
        results.append(one)
        charges.append(pq.read_table(out, columns=["charged"])["charged"].to_numpy())
        print(f"{case}, {name}: {one.answer}", file=sys.stderr, flush=True)

    start = time.perf_counter()
    fares.settle_files(source, tariff, out, part_taps=max(taps // 4, 100_000))
    kept("one process, streamed in 4 parts", time.perf_counter() - start, {})
    for workers in (1, 2):
        for name, again in _on_cluster(source, tariff, out, folder / f"work{workers}", workers):
            kept(name, *again)
    if any((one != charges[0]).any() for one in charges):
        raise SystemExit(f"{case}: charges differ")
    return results


def _on_cluster(source: Path, tariff: Any, out: Path, work: Path, workers: int) -> Any:
    """A cold run and one from kept parts, each with the seconds of its phases."""
    from distributed import Client, LocalCluster

    from mobility import fares

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        small = source.parent / f"warm{workers}"
        _write(2_000, small)
        fares.settle_dask(small, tariff, source.parent / f"warm{workers}.parquet", client=client)
        for name in (f"{workers} workers", f"{workers} workers, all parts kept"):
            ended: dict[str, float] = {}
            start = time.perf_counter()

            def tell(phase: str, *_: int, ended: dict[str, float] = ended) -> None:
                ended[phase] = time.perf_counter()

            done = fares.settle_dask(source, tariff, out, client=client, work=work, progress=tell)
            wall = time.perf_counter() - start
            phases, before = {}, start
            for phase, at in ended.items():
                phases[f"{phase}_s"] = round(at - before, 2)
                before = at
            phases["deliver_s"] = round(start + wall - before, 2)
            yield name, (wall, {"parts": done.parts, "kept": done.kept, **phases})


def _write(taps: int, folder: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchmarks.fares_peers import made_taps, table_of

    folder.mkdir()
    table = pa.Table.from_pandas(table_of(made_taps(taps)), preserve_index=False)
    for k, rows in enumerate(np.array_split(np.arange(taps), _FILES)):
        if len(rows):
            piece = table.slice(int(rows[0]), len(rows))
            pq.write_table(piece, folder / f"part{k}.parquet", row_group_size=1_000_000)
