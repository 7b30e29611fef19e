"""Who gains and who loses; levels by group; draws of cards."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility import fares
from mobility.errors import ConfigError, TableError
from mobility.fares.cap_world import World
from mobility.fares.equity import gini, suits
from mobility.fares.equity_files import modal_zones, read_riders, read_zones, unknown_homes
from mobility.fares.rater import Rater
from mobility.stop import Work

SANTIAGO = fares.read_tariff("santiago")
TAPS = fares.synthetic_taps(200, seed=11, zones=10)
RIDERS, ZONES = fares.synthetic_riders(200, zones=10, seed=11)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=12))
def test_gini_is_the_mean_difference(paid):
    total = sum(paid)
    pairs = sum(abs(a - b) for a, b in product(paid, paid))
    expected = pairs / (2 * len(paid) * total) if total else 0.0
    assert gini(np.array(paid)) == pytest.approx(expected)


def test_suits_at_its_ends_and_by_hand():
    income = np.array([10.0, 20.0, 70.0])
    assert suits(income, income) == pytest.approx(0)
    assert suits(np.array([0, 0, 5]), np.array([1e6, 1e6, 1e-6])) == pytest.approx(1, abs=1e-6)
    assert suits(np.array([5, 0, 0]), np.array([1e-6, 1e6, 1e6])) == pytest.approx(-1, abs=1e-6)
    # Two groups with 25 and 75 % of income pay half each: area .25*.5/2 + .75*(.5+1)/2 = .625.
    assert suits(np.array([1, 1]), np.array([1, 3])) == pytest.approx(1 - 2 * 0.625)
    assert suits(np.array([0, 0]), income[:2]) is None


def test_tables_add_up_and_name_losers():
    answer = fares.optimise_caps(
        TAPS, SANTIAGO, rises_percent=[3], riders=RIDERS, zones=ZONES, replicates=20
    )
    told = answer.equity
    before = fares.settle(TAPS, SANTIAGO).cards().set_index("card")
    after = fares.settle(TAPS, answer.tariff).cards().set_index("card")
    assert told.riders == len(before)
    assert (
        told.losers
        == int((after["charged"] > before["charged"]).sum())
        == answer.row["riders_worse"]
    )
    assert told.gini[0] == pytest.approx(gini(before["charged"].to_numpy()))
    assert told.gini[1] == pytest.approx(gini(after["charged"].to_numpy()))
    whole = int(before["charged"].sum() - after["charged"].sum())
    for table in (told.by_category, told.by_zone, told.by_decile):
        assert table["saved"].sum() == whole
        assert table["riders"].sum() == len(before)
        assert (table["riders"] >= 10).all()
        assert table["losers"].sum() == told.losers
    assert told.share_inferred == pytest.approx(RIDERS["home_zone"].isna().mean(), abs=0.01)
    home = dict(zip(RIDERS["card"], RIDERS["home_zone"], strict=True))
    modal = modal_zones(TAPS, SANTIAGO)
    zone = pd.Series(
        {card: home[card] if isinstance(home[card], str) else modal[card] for card in before.index}
    )
    own = (before["charged"] - after["charged"]).groupby(zone).sum()
    shown = told.by_zone.set_index("zone")["saved"]
    for name in shown.index.intersection(own.index):
        assert shown[name] == own[name]
    assert 0 <= told.by_decile["share_reaching"].max() <= 1
    low, high = answer.confidence["level"]
    assert low <= answer.levels["month"] <= high
    assert set(answer.to_dict()["equity"]) >= {"gini", "suits", "by_decile"}
    pytest.importorskip("matplotlib", reason="matplotlib is in the extra [plots]")
    assert told.plot().get_xlabel().startswith("decile")


def test_share_reaching_is_who_spends_the_whole_cap():
    rater = Rater(TAPS, SANTIAGO)
    reached = rater.reaching(World(), {"month": 41_000})
    paid = fares.settle(TAPS, SANTIAGO).cards().set_index("card")["charged"]
    qr = TAPS.loc[TAPS["medium"] == "qr", "card"].unique()
    assert (
        set(rater.labels[reached])
        == set(paid.index[(paid == 41_000) & paid.index.isin(qr)])
        != set()
    )


def test_the_modal_zone_of_first_taps():
    taps = pd.DataFrame(
        {
            "card": [1, 1, 1, 1, 1, 2],
            "time": pd.to_datetime(
                ["2025-03-03 08:00", "2025-03-03 09:00", "2025-03-04 08:00", "2025-03-05 08:00",
                 "2025-03-05 20:00", "2025-03-03 08:00"]
            ).tz_localize("America/Santiago"),
            "zone": ["a", "b", "b", "a", "b", None],
        }
    )  # fmt: skip
    assert modal_zones(taps, SANTIAGO).to_dict() == {1: "a"}
    assert modal_zones(taps.drop(columns="zone"), SANTIAGO).empty


def test_rows_that_cannot_be_used_are_told_with_their_place(tmp_path):
    riders = tmp_path / "riders.csv"
    riders.write_text("card,category,home_zone\n1,a,z1\n,a,z1\n1,b,z2\n2,a,z9\n", "utf-8")
    zones = tmp_path / "zones.csv"
    zones.write_text(
        "zone,income_decile,population\nz1,1,10\nz1,2,10\nz2,11,10\nz3,4,-5\nz4,5,many\n", "utf-8"
    )
    who, found = read_riders(riders)
    assert who["card"].tolist() == ["1", "2"]
    assert [(one.code, one.row, one.count) for one in found] == [
        ("rider_without_card", 3, 1), ("duplicate_rider", 4, 1),
    ]  # fmt: skip
    where, found = read_zones(zones)
    assert where["zone"].tolist() == ["z1"]
    assert [(one.code, one.row, one.value) for one in found] == [
        ("duplicate_zone", 3, "z1"), ("wrong_income_decile", 4, "11"), ("wrong_zone_number", 5, "-5"),
    ]  # fmt: skip
    assert [one.value for one in unknown_homes(who, where)] == ["z9"]
    with pytest.raises(TableError, match="no column 'income_decile'"):
        read_zones(pd.DataFrame({"zone": ["a"]}))
    with pytest.raises(TableError, match="cannot be read"):
        read_riders(tmp_path / "nothing.csv")


def test_income_by_zone_is_used_where_it_is_given():
    rich = ZONES.assign(income=[100 * 2**k for k in range(len(ZONES))])
    one = fares.optimise_caps(TAPS, SANTIAGO, rises_percent=[0], riders=RIDERS, zones=rich).equity
    two = fares.optimise_caps(TAPS, SANTIAGO, rises_percent=[0], riders=RIDERS, zones=ZONES).equity
    assert one.income == "column income of zones"
    assert (
        one.suits[0] < two.suits[0] < 0
    )  # all pay about the same: regressive, more so with rich zones


def groups_of(count):
    cards = TAPS["card"].drop_duplicates()
    return pd.Series([f"g{k % count}" for k in cards], index=cards)


@pytest.mark.parametrize("floor", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(
    ("revenue", "ordered"), [("neutral", ()), ("-2%", ()), ("-2%", ("g1", "g0"))]
)
def test_levels_by_group_are_the_best_of_all_choices(floor, revenue, ordered):
    groups, levels = groups_of(3), [20_000, 30_000, 41_000, None]
    asked = {"levels": levels, "revenue": revenue, "rises_percent": [0, 2], "floor": floor,
             "floor_groups": ["g0"], "ordered": ordered}  # fmt: skip
    answer = fares.optimise_group_caps(TAPS, SANTIAGO, groups, **asked)
    best = None
    present = fares.settle(TAPS, SANTIAGO).cards().set_index("card")["charged"]
    of_card = groups.reindex(present.index)
    for rise in (0, 2):
        paid = {}
        for level in levels:
            found = fares.compare_policies(
                TAPS, SANTIAGO, {"month": [level], "rise_percent": [rise]}, groups=groups
            ).groups.set_index("group")
            paid[level] = found
        for choice in product(levels, repeat=3):
            if ordered and levels.index(choice[1]) > levels.index(choice[0]):
                continue
            rows = [paid[level].loc[f"g{k}"] for k, level in enumerate(choice)]
            charged, saved = sum(r["charged"] for r in rows), sum(r["saved"] for r in rows)
            if charged >= answer.target and 1000 * rows[0]["saved"] >= round(1000 * floor) * saved:
                helped = sum(r["riders_helped"] for r in rows)
                best = helped if best is None else max(best, helped)
    assert len(of_card) == len(present)
    assert answer.report.objective == best == answer.report.bound
    assert answer.report.status == "optimal"
    assert fares.check_group_caps(answer, TAPS, groups) == []
    again = fares.optimise_group_caps(
        TAPS.sample(frac=1, random_state=0), SANTIAGO, groups, **asked
    )
    pd.testing.assert_frame_equal(again.table, answer.table)


def test_groups_without_an_answer_say_why():
    answer = fares.optimise_group_caps(TAPS, SANTIAGO, groups_of(2), revenue=10**9)
    assert answer.report.status == "infeasible"
    assert "no choice" in str(answer)
    assert fares.check_group_caps(answer, TAPS, groups_of(2)) == []
    short = fares.optimise_group_caps(TAPS, SANTIAGO, groups_of(2), stop=Work(1))
    assert short.report.status in {"optimal", "feasible", "unknown"}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"cap": "year"}, "no cap is called"),
        ({"levels": [-1]}, "no whole numbers"),
        ({"floor": 0.5}, "a floor of"),
        ({"floor_groups": ["rich"]}, "no group is called"),
        ({"ordered": ["g0", "rich"]}, "no group is called"),
    ],
)
def test_a_wrong_question_by_group_is_refused(asked, told):
    with pytest.raises(ConfigError, match=told):
        fares.optimise_group_caps(TAPS, SANTIAGO, groups_of(2), **asked)


def test_groups_of_riders_by_every_key():
    for key in ("category", "home_zone", "income_decile"):
        found, wrong = fares.groups_of_riders(TAPS, SANTIAGO, key, RIDERS, ZONES)
        assert wrong == []
        assert found.notna().all()
    assert set(fares.groups_of_riders(TAPS, SANTIAGO, "category")[0]) == {"adult"}
    with pytest.raises(ConfigError, match="no groups by"):
        fares.groups_of_riders(TAPS, SANTIAGO, "age")
