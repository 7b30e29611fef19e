"""Plans as files: whole, replaced as a whole, with local times that know the change of the clocks."""

import datetime as dt
import itertools
import json

import pandas as pd
import pytest

from mobility import fleet
from mobility.errors import ConfigError, TableError

TRIP = ["trip_id", "depart_s", "arrive_s", "from_stop", "to_stop", "distance_km"]
RUNS = pd.DataFrame(
    [(one, other, 600, 4.0) for one, other in itertools.permutations(("home", "a", "NA"), 2)],
    columns=["from_stop", "to_stop", "time_s", "distance_km"],
)


def plan_of(*trips, **asked):
    asked = {"depots": [{"id": "d", "stop_id": "home"}], "deadheads": RUNS, **asked}
    return fleet.plan(fleet.Problem.from_tables(pd.DataFrame(trips, columns=TRIP), **asked))


TRIPS = [("null", 30_000, 33_000, "a", "NA", 20.0), ("2", 34_000, 37_000, "NA", "a", 20.0)]


def test_what_is_written_is_read_back(tmp_path):
    plan = plan_of(*TRIPS)
    folder = plan.write(tmp_path / "deep" / "plan")
    back = fleet.read_plan(folder, plan.problem)
    pd.testing.assert_frame_equal(back.blocks, plan.blocks, check_dtype=False)
    pd.testing.assert_frame_equal(
        back.sessions.drop(columns="kw"), plan.sessions.drop(columns="kw"), check_dtype=False
    )
    for one, other in zip(back.sessions["kw"], plan.sessions["kw"], strict=True):
        assert one == pytest.approx(other)
    assert back.report.objective == plan.report.objective
    assert back.report.parts == plan.report.parts
    assert fleet.check(plan.problem, back) == []


def test_a_plan_of_conventional_buses_only_reads_back(tmp_path):
    plan = plan_of(("t1", 30_000, 33_000, "a", "NA", 400.0))
    assert plan.sessions.empty
    back = fleet.read_plan(plan.write(tmp_path / "plan"), plan.problem)
    assert fleet.check(plan.problem, back) == []


def test_a_plan_without_trips_is_written_and_checked(tmp_path):
    plan = plan_of()
    back = fleet.read_plan(plan.write(tmp_path / "plan"), plan.problem)
    assert fleet.check(plan.problem, back) == []


def test_a_plan_replaces_a_plan_and_nothing_else(tmp_path):
    target = tmp_path / "plan"
    plan_of(*TRIPS).write(target)
    plan_of(TRIPS[0]).write(target)
    assert json.loads((target / "plan.json").read_text())["kpis"]["trips"] == 1
    other = tmp_path / "mine"
    other.mkdir()
    (other / "letter.txt").write_text("keep me")
    with pytest.raises(ConfigError, match="no plan"):
        plan_of(*TRIPS).write(other)
    with pytest.raises(ConfigError, match="is a file"):
        plan_of(*TRIPS).write(other / "letter.txt")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["mine", "plan"]


def test_a_failed_write_leaves_the_earlier_plan_and_no_parts(tmp_path, monkeypatch):
    target = tmp_path / "plan"
    plan_of(*TRIPS).write(target)
    before = (target / "plan.json").read_text()

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("mobility.fleet.files.json.dumps", full)
    with pytest.raises(OSError, match="disk full"):
        plan_of(TRIPS[0]).write(target)
    assert (target / "plan.json").read_text() == before
    assert [one.name for one in tmp_path.iterdir()] == ["plan"]


def test_what_is_no_plan_is_refused(tmp_path):
    problem = plan_of(*TRIPS).problem
    with pytest.raises(TableError, match="not a written plan"):
        fleet.read_plan(tmp_path, problem)
    folder = plan_of(*TRIPS).write(tmp_path / "plan")
    (folder / "sessions.csv").unlink()
    with pytest.raises(TableError, match="not a written plan"):
        fleet.read_plan(folder, problem)
    (folder / "plan.json").write_text("[1]")
    with pytest.raises(TableError, match="not a written plan"):
        fleet.read_plan(folder, problem)


@pytest.mark.parametrize(
    ("date", "first", "last"),
    [
        # Berlin, seconds from noon minus 12 h: on the day the clocks go forward 00:30 is 23:30.
        (dt.date(2025, 3, 30), "2025-03-30T09:00:00+02:00", "+02:00"),
        (dt.date(2025, 10, 26), "2025-10-26T09:00:00+01:00", "+01:00"),
        (dt.date(2025, 3, 29), "2025-03-29T09:00:00+01:00", "+02:00"),
    ],
)
def test_local_times_know_the_change_of_the_clocks(tmp_path, date, first, last):
    late = [("t1", 32_400, 33_000, "a", "NA", 5.0), ("t2", 100_000, 100_600, "NA", "a", 5.0)]
    plan = plan_of(*late, date=date, timezone="Europe/Berlin")
    table = pd.read_csv(plan.write(tmp_path / "plan") / "blocks.csv", keep_default_na=False)
    trips = table[table["kind"] == "trip"].set_index("trip_id")
    assert trips.loc["t1", "start"] == first
    assert trips.loc["t2", "start"].endswith(last)
    timed = plan.timestamps()
    assert str(timed["start"].dt.tz) == "Europe/Berlin"
    seconds = (timed["end"] - timed["start"]).dt.total_seconds()
    assert (seconds == timed["end_s"] - timed["start_s"]).all()


def test_parquet_reads_back_as_the_csv_does(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    plan = plan_of(*TRIPS, date=dt.date(2025, 3, 5), timezone="America/Santiago")
    folder = plan.write(tmp_path / "plan", parquet=True)
    from_csv = fleet.read_plan(folder, plan.problem)
    schema = pq.read_schema(folder / "blocks.parquet")
    assert str(schema.field("start_s").type) == "int32"
    assert schema.field("distance_km").metadata == {b"unit": b"km"}
    assert json.loads(schema.metadata[b"mobility.report"])["objective"] == plan.report.objective
    assert str(schema.field("start").type) == "timestamp[ms, tz=America/Santiago]"
    assert str(pq.read_schema(folder / "sessions.parquet").field("kw").type).startswith("list<")
    for name in ("blocks", "sessions", "power"):
        (folder / f"{name}.csv").unlink()
    back = fleet.read_plan(folder, plan.problem)
    for name in ("blocks", "sessions", "power"):
        pd.testing.assert_frame_equal(
            getattr(back, name), getattr(from_csv, name), check_exact=False, rtol=1e-9
        )
    assert back.sessions["kw"].tolist() == plan.sessions["kw"].tolist()  # not rounded, as CSV is
    assert fleet.check(plan.problem, back) == []
    (folder / "power.parquet").write_bytes(b"PAR1")
    with pytest.raises(TableError, match="no Parquet"):
        fleet.read_plan(folder, plan.problem)
    plan.write(folder)  # and it is a plan of ours, that may be replaced
    assert not (folder / "blocks.parquet").exists()


@pytest.mark.parametrize("trips", [[], [("t1", 30_000, 33_000, "a", "NA", 400.0)]])
def test_empty_tables_have_types_too(tmp_path, trips):
    pytest.importorskip("pyarrow")
    plan = plan_of(*trips)
    folder = plan.write(tmp_path / "plan", parquet=True)
    for name in ("blocks", "sessions", "power"):
        (folder / f"{name}.csv").unlink()
    back = fleet.read_plan(folder, plan.problem)
    assert list(back.blocks.columns) == list(plan.blocks.columns)
    assert fleet.check(plan.problem, back) == []


@pytest.mark.parametrize("parquet", [False, True])
def test_blocks_alone_are_written_and_read_back(tmp_path, parquet):
    problem = plan_of(*TRIPS).problem
    blocks = fleet.plan_blocks(problem)
    folder = blocks.write(tmp_path / "plan", parquet=parquet)
    kinds = ["csv", "parquet"] if parquet else ["csv"]
    assert {one.name for one in folder.iterdir()} == {
        "plan.json", *(f"blocks.{kind}" for kind in kinds),
    }  # fmt: skip
    if parquet:
        (folder / "blocks.csv").unlink()
    back = fleet.read_plan(folder, problem)
    assert isinstance(back, fleet.BlockPlan)
    pd.testing.assert_frame_equal(back.blocks, blocks.blocks, check_dtype=False)
    assert (back.report.objective, back.vehicles) == (blocks.report.objective, blocks.vehicles)
    assert fleet.check(problem, back) == []
    blocks.write(folder)
    assert fleet.check(problem, fleet.read_plan(folder, problem)) == []
