"""Taps of a city that outgrows one machine: settled on a dask cluster, the same to the last minor unit.

The taps are spread once by a hash of the card, to Parquet; each part is settled by the kernels of
``fares.settle``; the charges come back in the order of the input. What a step finished stays in the work
folder with a digest of its input, the tariff and its bytes: a worker that dies costs the steps it was at,
and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import shutil
import time as clock
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pandas as pd

from mobility.errors import ConfigError, MissingExtra, TableError
from mobility.fares import pieces
from mobility.fares.ledger import COLUMNS
from mobility.fares.problem import Tariff
from mobility.fares.settle import chosen_columns
from mobility.fares.state import stable_text
from mobility.fares.tap_files import may_write_file, parquet_files, unreadable
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mobility.fares.pieces import Step
    from mobility.findings import Finding

PIECE_TAPS = 4_000_000  # rows of a file that one task reads: about 0.4 GB
PART_TAPS = 4_000_000
_CONNECT_S = 10
_PARTS_A_WORKER = 4  # so that a slow worker, or a lost one, holds up little


@dataclass(frozen=True)
class Distributed(Shown):
    """What came of taps that a cluster settled: the charges are in ``path``.

    Parameters
    ----------
    path
        A Parquet file, or a folder of them: one row a tap, in the order of the input.
    totals
        As ``ledger.totals`` of one machine.
    parts, kept
        Parts of cards, and how many of them an earlier run had settled already.
    """

    path: Path
    totals: dict[str, int]
    findings: tuple[Finding, ...]
    seconds: float
    parts: int
    kept: int

    @property
    def charges(self) -> pd.DataFrame:
        """All charges, read into memory; as ``ledger.charges``."""
        return pd.read_parquet(self.path)

    def __str__(self) -> str:
        kept = f", {self.kept} of them kept from before" if self.kept else ""
        return f"{self.totals['taps']:,} taps in {self.parts} parts{kept} in {self.seconds:.1f} s: {self.path}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{name}</th><td>{value:,}</td></tr>" for name, value in self.totals.items()
        )
        return f"<p>{self}</p><table>{rows}</table>"


def settle_dask(
    taps: Any,
    tariff: Tariff | str | Path,
    out: str | Path = "charges.parquet",
    *,
    client: Any = None,
    cluster: str | None = None,
    workers: int | None = None,
    work: str | Path | None = None,
    parts: int | None = None,
    columns: Sequence[str] | None = None,
    pseudonym_key: bytes | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Distributed:
    """Settle taps on a dask cluster; the charges are those of ``fares.settle``, in the same order.

    Parameters
    ----------
    taps
        A dask DataFrame, a Parquet file, or a folder of them (files by name), with the columns of
        ``fares.settle``.
    out
        A Parquet file (``*.parquet``, ``*.pq``), or a folder to make, of a Parquet file a piece.
    client, cluster, workers
        A ``distributed.Client``; or the address of a scheduler (``tcp://host:8786``); or how many worker
        processes to start on this machine. By default dask's current client, else two processes.
    work
        Folder of finished steps, on a disk that every worker sees under the same path; kept for the next
        run. By default one beside ``out``, which stays only when the run does not reach its end.
    parts
        Parts to spread cards over; by default four a worker, or more so that each has about 4 M taps.
    progress
        Called with ``"spread"``, ``"settle"`` or ``"collect"``, how many steps are done, and of how many.

    Returns
    -------
    Distributed
        Where the charges are, and what they add up to.

    Raises
    ------
    MissingExtra
        When dask.distributed is not installed.
    ConfigError
        When the cluster cannot be reached, its workers do not see the work folder, or lose a step three
        times over (finished ones stay).
    TableError
        When taps cannot be read. No charges are written then.

    Examples
    --------
    >>> settle_dask("taps.parquet", "santiago-2025", workers=2)  # doctest: +SKIP
    2,400,000 taps in 8 parts in 6.3 s: charges.parquet
    """
    from mobility.fares.tariff_file import read_tariff

    start = clock.perf_counter()
    names = chosen_columns(columns)
    names = tuple(COLUMNS) if set(names) - {"charged"} else names
    rules = tariff if isinstance(tariff, Tariff) else read_tariff(tariff)
    place = Path(out).expanduser().resolve()
    as_file = place.suffix.lower() in {".parquet", ".pq"}
    if as_file:
        may_write_file(place)
    elif place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ConfigError(f"{out}: is there already", mend="name a new folder, or FILE.parquet")
    folder = Path(work).expanduser().resolve() if work else place.with_name(f".{place.name}.work")
    with _client(client, cluster, workers) as given:
        folder.mkdir(parents=True, exist_ok=True)
        _is_shared(given, folder)
        run = _Run(given, folder, rules, names, pseudonym_key, progress)
        spread = run.spread(taps, parts)
        settled = run.settle(spread)
        collected = run.collect(spread, settled)
    _deliver([Path(one.path) for one in collected], place, as_file=as_file)
    if work is None:
        shutil.rmtree(folder)
    totals: dict[str, int] = {}
    for one in settled:
        for name, value in one.told["totals"].items():
            totals[name] = totals.get(name, 0) + value
    found = pieces.join_findings([told for one in settled for told in one.told["findings"]])
    return Distributed(
        place, totals, (*rules.findings, *found), clock.perf_counter() - start, len(settled),
        sum(one.kept for one in settled),
    )  # fmt: skip


@dataclass
class _Run:
    """One run: its cluster, its folder, and what shapes every step's answer."""

    client: Any
    folder: Path
    tariff: Tariff
    columns: tuple[str, ...]
    key: bytes | None
    progress: Callable[[str, int, int], None] | None

    def spread(self, taps: Any, parts: int | None) -> list[Step]:
        """Every tap to its card's part; one file a piece of the input."""
        if isinstance(taps, str | Path):
            place = Path(taps)
            if not place.exists():
                raise TableError(f"{taps}: no such file", mend="give a Parquet file, or a folder")
            files = [str(one) for one in (parquet_files(place) if place.is_dir() else [place])]
            runs = [(path, groups) for path in files for groups in _row_groups(Path(path))]
            count = sum(_rows(Path(path)) for path in files)
            parts = self._parts(parts, len(runs), -(-count // PART_TAPS))
            digests = dict(
                zip(files, self._done("digest", pieces.digest_of_file, [(one,) for one in files]), strict=True)
            )  # fmt: skip
            return self._done(
                "spread", pieces.spread_file,
                [(path, groups, digests[path], parts, self._path("piece", k))
                 for k, (path, groups) in enumerate(runs)],
            )  # fmt: skip
        if not hasattr(taps, "to_delayed"):
            raise TableError(
                f"taps of type {type(taps).__name__} cannot be read",
                mend="give a dask DataFrame, or Parquet files (fares.settle takes a pandas one)",
            )
        from dask import delayed

        partitions = taps.to_delayed()
        parts = self._parts(parts, len(partitions), len(partitions))
        spread = delayed(pieces.spread_table, pure=False)
        tasks = [spread(one, parts, self._path("piece", k)) for k, one in enumerate(partitions)]
        return self._wait("spread", self.client.compute(tasks))

    def settle(self, spread: list[Step]) -> list[Step]:
        """Each part by itself."""
        asked = pieces.digest_of(
            "part",
            stable_text(self.tariff),
            *self.columns,
            self.key,
            *(one.digest for one in spread),
        )
        parts = json.loads((self.folder / "parts.json").read_text("utf-8"))["parts"]
        tasks: list[tuple[Any, ...]] = []
        for k in range(parts):
            path, digest = self._path("part", k), pieces.digest_of(asked, k)
            tasks.append((k, spread, self.tariff, self.columns, self.key, path, digest))
        return self._done("settle", pieces.settle_part, tasks)

    def collect(self, spread: list[Step], settled: list[Step]) -> list[Step]:
        """The charges of each piece of the input, in its order."""
        caps = list(dict.fromkeys(one.id for one in self.tariff.caps))
        asked = pieces.digest_of("charges", *(one.digest for one in settled))
        tasks = [
            (k, one.rows, settled, caps, self._path("charges", k), pieces.digest_of(asked, k))
            for k, one in enumerate(spread)
        ]
        return self._done("collect", pieces.collect_piece, tasks)

    def _path(self, kind: str, number: int) -> str:
        return str(self.folder / f"{kind}-{number:05d}.parquet")

    def _parts(self, asked: int | None, count: int, least: int) -> int:
        """As many as the run before had, so that its files still fit; else by the cluster's size."""
        kept = self.folder / "parts.json"
        if asked is None and kept.exists():
            told = json.loads(kept.read_text("utf-8"))
            if told["pieces"] == count:
                return int(told["parts"])
        workers = max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))
        parts = asked or max(least, _PARTS_A_WORKER * workers)
        kept.write_text(json.dumps({"parts": parts, "pieces": count}), "utf-8")
        return parts

    def _done(
        self, phase: str, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]
    ) -> list[Any]:
        run = uuid4().hex[:8]
        futures = [
            self.client.submit(function, *one, key=f"{function.__name__}-{run}-{k}", pure=False)
            for k, one in enumerate(tasks)
        ]
        return self._wait(phase, futures)

    def _wait(self, phase: str, futures: Sequence[Any]) -> list[Any]:
        """Answers in the order of the tasks; the others are dropped when one fails."""
        from distributed import as_completed
        from distributed.scheduler import KilledWorker

        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                if self.progress is not None and phase != "digest":
                    self.progress(phase, done, len(futures))
            return list(self.client.gather(list(futures)))
        except KilledWorker as error:
            raise ConfigError(
                f"the cluster lost the same step too often: {str(error).splitlines()[0]}",
                mend="give workers more memory, or more parts; finished steps are kept for the next run",
            ) from None
        except BaseException:
            self.client.cancel(list(futures))
            raise


@contextmanager
def _client(client: Any, cluster: str | None, workers: int | None) -> Iterator[Any]:
    """The cluster to use; one that is started here ends here."""
    try:
        import distributed
    except ImportError:
        raise MissingExtra(
            "a cluster needs dask.distributed", mend="pip install 'mobility-engine[distributed]'"
        ) from None

    if client is not None:
        yield client
        return
    if cluster is not None:
        try:
            made = distributed.Client(cluster, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"no cluster at {cluster}: {str(error) or type(error).__name__}",
                mend="start one with `dask scheduler` and `dask worker tcp://HOST:8786`",
            ) from None
        with made:
            yield made
        return
    if workers is None:
        try:
            yield distributed.get_client()
        except ValueError:
            workers = 2
        else:
            return
    if workers < 1:
        raise ConfigError(f"no workers (found {workers})", mend="at least one")
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        ) as local,
        distributed.Client(local) as made,
    ):
        yield made


def _is_shared(client: Any, folder: Path) -> None:
    """Make sure that every worker sees the work folder."""
    mark = folder / f".seen-{uuid4().hex[:8]}"
    mark.touch()
    try:
        seen = client.run(_sees, str(mark))
    finally:
        mark.unlink()
    if not seen:
        raise ConfigError("the cluster has no workers", mend="dask worker tcp://HOST:8786")
    if blind := sorted(worker for worker, sees in seen.items() if not sees):
        raise ConfigError(
            f"{folder}: worker {blind[0]} does not see it",
            mend="work=FOLDER on a disk that all of them share",
        )


def _sees(path: str) -> bool:
    return Path(path).exists()


def _rows(path: Path) -> int:
    return sum(_group_rows(path))


def _group_rows(path: Path) -> list[int]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        told = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from None
    return [told.row_group(k).num_rows for k in range(told.num_row_groups)]


def _row_groups(path: Path) -> list[list[int]]:
    """Runs of a file's row groups of about ``PIECE_TAPS`` rows."""
    runs: list[list[int]] = [[]]
    rows = 0
    for k, count in enumerate(_group_rows(path)):
        if rows and rows + count > PIECE_TAPS:
            runs.append([])
            rows = 0
        runs[-1].append(k)
        rows += count
    return runs


def _deliver(files: Sequence[Path], place: Path, *, as_file: bool) -> None:
    """Charges to where they are asked for, whole or not at all."""
    import pyarrow.parquet as pq

    building = place.with_name(f".{place.name}.{uuid4().hex[:8]}.part")
    try:
        if as_file:
            writer = None
            for path in files:
                with pq.ParquetFile(path) as source:
                    for group in range(source.num_row_groups):
                        table = source.read_row_group(group)
                        writer = writer or pq.ParquetWriter(building, table.schema)
                        writer.write_table(table)
            if writer is not None:
                writer.close()
        else:
            building.mkdir()
            for path in files:
                shutil.copyfile(path, building / path.name)
            if place.exists():
                place.rmdir()
        building.replace(place)
    finally:
        if building.is_dir():
            shutil.rmtree(building)
        else:
            building.unlink(missing_ok=True)
