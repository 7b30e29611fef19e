"""A cluster settles the same ledger as one machine, also when a worker dies and when a run is stopped."""

import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest

from mobility import fares
from mobility.errors import ConfigError, MissingExtra, TableError

distributed = pytest.importorskip("distributed", reason="dask is in the extra [distributed]")


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def taps():
    """Taps in no order, with cards missing, a fare that nobody knows, and a category."""
    made = fares.synthetic_taps(400, seed=3).sample(frac=1, random_state=3, ignore_index=True)
    made["card"] = made["card"].astype("Int64")
    made.loc[[5, 700, 701], "card"] = None
    made["mode"] = made["mode"].astype("str")
    made.loc[[9, 2_000], "mode"] = "ferry"
    return made


@pytest.fixture(scope="module")
def rules():
    return fares.read_tariff("santiago-2025")


@pytest.fixture(scope="module")
def whole(taps, rules):
    return fares.settle(taps, rules)


def folder_of(taps, folder, files=3):
    folder.mkdir()
    for k, part in enumerate(np.array_split(np.arange(len(taps)), files)):
        taps.iloc[part].to_parquet(folder / f"part{k}.parquet", row_group_size=2_000)
    return folder


def same(done, whole):
    assert done.totals == whole.totals
    read, want = done.charges, whole.charges
    assert list(read) == list(want)
    for name in want:
        a, b = read[name], want[name]
        assert (a.isna() == b.isna()).all(), name
        assert (a.dropna().astype(object) == b.dropna().astype(object)).all(), name
    assert {(one.code, one.row, one.count) for one in done.findings} == {
        (one.code, one.row, one.count) for one in whole.findings
    }


def test_a_worker_that_is_killed_changes_nothing(client, taps, rules, whole, tmp_path):
    pids = dict(client.run(os.getpid))
    killed = []

    def kill_a_busy_one(phase, done, steps):
        if phase != "settle" or killed:
            return
        assert done < steps
        address = next(one for one, tasks in client.processing().items() if tasks)
        killed.append(pids[address])
        os.kill(pids[address], signal.SIGKILL)

    done = fares.settle_dask(
        folder_of(taps, tmp_path / "taps"), rules, tmp_path / "charges.parquet",
        client=client, parts=24, progress=kill_a_busy_one,
    )  # fmt: skip
    same(done, whole)
    assert len(killed) == 1
    client.wait_for_workers(2)
    assert killed[0] not in client.run(os.getpid).values()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["charges.parquet", "taps"]


def test_a_run_that_was_stopped_goes_on_with_what_was_finished(
    client, taps, rules, whole, tmp_path
):
    class Stopped(BaseException):
        pass

    def stop(phase, done, steps):
        if phase == "settle" and done == 4:
            raise Stopped

    source, work = folder_of(taps, tmp_path / "taps"), tmp_path / "work"
    asked = {"client": client, "work": work}
    with pytest.raises(Stopped):
        fares.settle_dask(source, rules, tmp_path / "one", parts=6, progress=stop, **asked)
    assert not (tmp_path / "one").exists()
    finished = sorted(work.glob("part-*.parquet"))
    assert len(finished) >= 4
    sound = finished[0].read_bytes()
    finished[0].write_bytes(sound[:-7] + b"changed")
    done = fares.settle_dask(source, rules, tmp_path / "one", **asked)
    assert done.parts == 6
    # What a worker was at when the run was stopped may have been finished since, but for the changed one.
    assert len(finished) - 1 <= done.kept <= 5
    assert finished[0].read_bytes() == sound
    same(done, whole)
    # The same taps once more: all is kept. Another tariff, or other taps: nothing that hangs on them.
    assert fares.settle_dask(source, rules, tmp_path / "two", **asked).kept == 6
    dearer = fares.read_tariff("opal-2019")
    assert fares.settle_dask(source, dearer, tmp_path / "three", **asked).kept == 0
    taps.iloc[:100].to_parquet(source / "part1.parquet")
    fewer = fares.settle_dask(source, rules, tmp_path / "four", **asked)
    assert fewer.kept == 0
    assert fewer.totals["taps"] < len(taps)


def test_a_dask_table_is_settled_too(client, taps, rules, whole, tmp_path):
    import dask.dataframe as dd

    taps = taps.assign(mode=taps["mode"].astype("category"))
    table = dd.from_pandas(taps, npartitions=3, sort=False)
    same(fares.settle_dask(table, rules, tmp_path / "out.pq", client=client, parts=5), whole)


def test_what_is_wrong_is_said(client, taps, rules, tmp_path):
    bad = tmp_path / "bad.parquet"
    taps.drop(columns="card").head(50).to_parquet(bad)
    with pytest.raises(TableError, match="no column 'card'"):
        fares.settle_dask(bad, rules, tmp_path / "out.parquet", client=client)
    assert not (tmp_path / "out.parquet").exists()
    with pytest.raises(TableError, match="no such file"):
        fares.settle_dask(tmp_path / "none.parquet", rules, tmp_path / "out.parquet", client=client)
    with pytest.raises(TableError, match="dask DataFrame"):
        fares.settle_dask(taps, rules, tmp_path / "out.parquet", client=client)
    with pytest.raises(ConfigError, match="there already"):
        fares.settle_dask(bad, rules, tmp_path, client=client)
    with pytest.raises(ConfigError, match="at least one"):
        fares.settle_dask(bad, rules, tmp_path / "out.parquet", workers=0)


def test_without_dask_the_extra_is_named(taps, rules, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match="distributed"):
        fares.settle_dask(tmp_path, rules, tmp_path / "out.parquet")


def test_missing_cards_do_not_move_the_others_to_another_part():
    import pyarrow as pa

    from mobility.fares.stream import card_parts

    cards = np.arange(700_000_001, 700_000_101)
    plain = card_parts(pa.table({"card": cards}), 7)
    holes = card_parts(pa.table({"card": pd.array([*cards, None], "Int64")}), 7)
    assert (plain == holes[:-1]).all()
    assert len(set(plain)) == 7


def test_the_command_takes_a_cluster(client, taps, whole, tmp_path, capsys, monkeypatch):
    import json

    from mobility.cli import run

    monkeypatch.setattr("mobility.fares.distributed._CONNECT_S", 0.3)

    source = folder_of(taps, tmp_path / "taps")
    address = client.scheduler.address
    asked = ["fares", "settle", str(source), "--tariff", "santiago-2025", "--cluster", address]
    out = tmp_path / "charges.parquet"
    assert run([*asked, "--out", str(out), "--json"]) == 1  # taps without a card
    said = capsys.readouterr()
    assert json.loads(said.out)["totals"] == whole.totals
    assert "settle 8/8" in said.err
    assert pd.read_parquet(out)["charged"].sum() == whole.total()
    assert run(asked) == 2
    assert "--out charges.parquet" in capsys.readouterr().err
    assert run([*asked[:-1], "tcp://127.0.0.1:9", "--out", str(out)]) == 2
    assert "no cluster at tcp://127.0.0.1:9" in capsys.readouterr().err
