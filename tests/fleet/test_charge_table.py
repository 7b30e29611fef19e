"""``stays.csv`` and ``site.toml``: what is read, and what is refused, cell by cell."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility import fleet
from mobility.errors import ConfigError, TableError
from mobility.fleet.charge_sites import slot_prices

HEAD = "bus,site,arrive_s,depart_s,need_kwh,max_kw"
CASE = {
    "site": {
        "north": {"chargers": 2, "kw": 100, "cap_kw": 150},
        "south": {"chargers": 1, "kw": 60},
    },
    "tariff": {"energy": [[0, 50.0], [25_200, 90.0]], "demand": 30},
    "slot_s": 900,
}


def read(tmp_path, *rows, head=HEAD, case=None):
    path = tmp_path / "stays.csv"
    path.write_text("\n".join([head, *rows, ""]), "utf-8")
    return fleet.read_stays(path, CASE if case is None else case)


def test_a_table_and_a_case(tmp_path):
    case = tmp_path / "site.toml"
    case.write_text(
        "slot_s = 900\n[site.north]\nchargers = 2\nkw = 100\ncap_kw = 150.5\n"
        "[tariff]\nenergy = [[0, 50], [25200, 95.5]]\ndemand = 30\n", "utf-8",
    )  # fmt: skip
    path = tmp_path / "stays.csv"
    path.write_text(f"{HEAD},soc_kwh,battery_kwh\nb2,north,79200,108000,10.5,80,,\n"
                    "b1,north,79200,108000,20,150,100,350\n", "utf-8")  # fmt: skip
    problem = fleet.read_stays(path, case)
    assert problem.stays["bus"].tolist() == ["b1", "b2"]
    assert problem.stays["battery_kwh"].isna().tolist() == [False, True]
    assert problem.sites == (fleet.ChargingSite("north", 2, 100.0, 150.5),)
    assert (problem.slot_s, problem.demand) == (900, 30.0)
    assert problem.energy == ((0, 50.0), (25_200, 95.5))
    assert "2 stays of 2 buses" in str(problem)


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("b1,west,79200,108000,20,150", "site", "west"),
        (",north,79200,108000,20,150", "bus", ""),
        ("b1,north,22:00,108000,20,150", "arrive_s", "22:00"),
        ("b1,north,-5,108000,20,150", "arrive_s", "-5"),
        ("b1,north,79200.5,108000,20,150", "arrive_s", "79200.5"),
        ("b1,north,79200,99999999,20,150", "depart_s", "99999999"),
        ("b1,north,79200,79200,20,150", "depart_s", "79200"),
        ("b1,north,79200,108000,-1,150", "need_kwh", "-1"),
        ("b1,north,79200,108000,nan,150", "need_kwh", "nan"),
        ("b1,north,79200,108000,20,0", "max_kw", "0"),
        ("b1,north,79200,108000,20,inf", "max_kw", "inf"),
        ("b1,north,79200,108000,20,", "max_kw", ""),
    ],
)
def test_a_bad_cell_is_named(tmp_path, row, column, value):
    with pytest.raises(TableError) as caught:
        read(tmp_path, "b0,north,79200,108000,20,150", row)
    first = caught.value.findings[0]
    assert (first.code, first.file, first.row, first.column, first.value) == (
        "stay_bad_cell", "stays.csv", 3, column, value,
    )  # fmt: skip
    assert first.mend


def test_a_bus_cannot_stand_in_two_places(tmp_path):
    with pytest.raises(TableError, match="row 3") as caught:
        read(tmp_path, "b1,north,90000,108000,20,150", "b1,south,79200,93600,20,150")
    assert caught.value.findings[0].column == "arrive_s"
    assert caught.value.findings[0].row == 2


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("bus,site,arrive_s,depart_s,need_kwh", "no column 'max_kw'"),
        (f"{HEAD},socc_kwh", "unknown column 'socc_kwh'"),
    ],
)
def test_columns(tmp_path, head, told):
    with pytest.raises(TableError, match=told):
        read(tmp_path, head=head)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({**CASE, "slots": 300}, "slots: no such key"),
        ({**CASE, "slot_s": 700}, "slot_s must divide an hour"),
        ({**CASE, "site": {}}, "site"),
        ({**CASE, "site": {"north": {"chargers": 2}}}, "site.north.kw"),
        ({**CASE, "site": {"north": {"chargers": -2, "kw": 5}}}, "site.north.chargers"),
        ({**CASE, "site": {"north": {"chargers": 2, "kw": 5, "cap": 3}}}, "site.north.cap: no such key"),
        ({**CASE, "tariff": {"energy": []}}, "tariff.energy"),
        ({**CASE, "tariff": {"energy": [[0, 5], [0, 6]]}}, "must ascend"),
        ({**CASE, "tariff": {"energy": [[90_000, 5]]}}, "within 0 and 86399"),
        ({**CASE, "tariff": {"energy": [[0, float("nan")]]}}, "a price is no number"),
        ({**CASE, "tariff": {"demand": -1}}, "tariff.demand"),
        ({**CASE, "tariff": {"slot_s": 300}}, "slot_s is given twice"),
    ],
)  # fmt: skip
def test_a_bad_case_is_named(tmp_path, case, told):
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, "b1,north,79200,108000,20,150", case=case)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(TableError, match="No such file"):
        fleet.read_stays(tmp_path / "none.csv", CASE)
    with pytest.raises(ConfigError, match="No such file"):
        fleet.read_stays(tmp_path / "none.csv", tmp_path / "none.toml")


def test_no_stays_cost_nothing(tmp_path):
    answer = fleet.charge_stays(read(tmp_path))
    assert answer.report.status == "optimal"
    assert answer.report.objective == 0
    assert fleet.check(answer.problem, answer) == []


@given(
    st.lists(st.tuples(st.integers(0, 86_399), st.integers(1, 300)), min_size=1, max_size=6,
             unique_by=lambda one: one[0]),
    st.sampled_from([60, 300, 900, 3600]),
)  # fmt: skip
def test_slot_prices_are_means_over_their_seconds(pairs, slot_s):
    energy = tuple(sorted((at, float(price)) for at, price in pairs))
    second = [0.0] * 86_400
    now = energy[-1][1]
    changes = dict(energy)
    for at in range(86_400):
        now = changes.get(at, now)
        second[at] = now
    wanted = pd.Series(second).groupby(pd.Series(range(86_400)) // slot_s).mean()
    assert slot_prices(energy, slot_s) == pytest.approx(wanted.to_numpy())
