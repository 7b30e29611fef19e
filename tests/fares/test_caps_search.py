"""The best caps: every certificate against a twin that tries everything."""

import json
from dataclasses import replace
from itertools import product

import naive_caps
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility import fares
from mobility.errors import ConfigError, TableError
from mobility.fares.cap_world import World, adopted, raised, with_levels
from mobility.fares.rater import Rater

SANTIAGO = fares.read_tariff("santiago")
TAPS = fares.synthetic_taps(60, seed=9)
ZONES = fares.synthetic_riders(60, zones=10)[1]
THREE = (
    fares.Cap("day", "service-day", amount=1700),
    fares.Cap("week", "calendar-week", amount=7000),
    fares.Cap("month", "calendar-month", amount=24000),
)
NESTED = replace(SANTIAGO, caps=THREE)
RIDES = replace(SANTIAGO, caps=(fares.Cap("week", "calendar-week", rides=8, accrues="rides"),))
SCOPES = replace(
    SANTIAGO, caps=(THREE[0], replace(THREE[2], modes=fares.Match(frozenset({"bus"}))))
)


def brute_force(taps, tariff, grid, rises, target, adoption=0.0):
    """Settle every cell, and count anew who pays less."""
    present = fares.settle(taps, tariff).cards().set_index("card")["charged"]
    moved = adopted(taps, tariff, adoption)

    def rate(cell):
        rise, *levels = cell
        tried = with_levels(raised(tariff, rise), dict(zip(grid, levels, strict=True)))
        paid = fares.settle(moved, tried).cards().set_index("card")["charged"]
        return int(paid.sum()), int((paid < present).sum())

    return naive_caps.best_of_grid(rate, product(rises, *grid.values()), target)


@pytest.mark.parametrize(
    ("tariff", "grid", "method"),
    [
        (NESTED, {"day": [900, 1700, None], "week": [5000, 7000], "month": [15000, 20000, 24000, None]},
         "bisection of every column of the grid"),
        (SCOPES, {"day": [900, 1700], "month": [9000, 24000, None]}, "exhaustive"),
        (RIDES, {"week": [5, 8, None]}, "exhaustive"),
        (SANTIAGO, {"month": [12000, 20000, 30000, 41000, None]}, "bisection of every column of the grid"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("revenue", ["neutral", "-3%"])
def test_the_best_of_a_grid_is_the_best_of_all_its_cells(tariff, grid, method, revenue):
    answer = fares.optimise_caps(TAPS, tariff, policies=grid, revenue=revenue, rises_percent=[0, 4])
    assert answer.proof["method"] == method
    best = brute_force(TAPS, tariff, grid, [0, 4], answer.target)
    assert answer.row["riders_helped"] == best == answer.report.bound
    assert answer.report.status == "optimal"
    assert answer.row["charged"] >= answer.target
    assert fares.check_caps(answer, TAPS) == []
    if method != "exhaustive":
        assert answer.proof["rated"] <= answer.proof["of"]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from("....dddwm")), max_size=14),
    st.tuples(*[st.integers(0, 30)] * 3),
    st.tuples(*[st.integers(0, 9)] * 3),
)
def test_revenue_does_not_fall_when_levels_of_day_week_and_month_rise(drawn, levels, rises):
    begins = {".": [], "d": [0], "w": [0, 1], "m": [0, 2]}  # a week and a month begin with a day
    taps = [(cost, [0, 1, 2], begins[what]) for cost, what in drawn]
    higher = [level + rise for level, rise in zip(levels, rises, strict=True)]
    low, high = (sum(naive_caps.charge_card(taps, one)[0]) for one in (levels, higher))
    assert low <= high


def test_weeks_of_two_starts_and_months_are_not_proved_and_all_tried():
    caps = (
        fares.Cap("mon", "calendar-week", amount=7000),
        fares.Cap("thu", "calendar-week", amount=6000, starts=3),
        THREE[2],
    )
    grid = {"mon": [6000], "thu": [6000], "month": [20000, 24000]}
    answer = fares.optimise_caps(TAPS, replace(SANTIAGO, caps=caps), policies=grid, revenue="-9%")
    assert answer.proof["method"] == "exhaustive"
    assert fares.check_caps(answer, TAPS) == []


def test_why_no_policy_of_a_grid_suffices_names_the_most_of_the_grid():
    answer = fares.optimise_caps(TAPS, NESTED, policies={"month": [100, 200]}, rises_percent=[0])
    most = fares.compare_policies(TAPS, NESTED, {"month": [200]}).table["charged"].iloc[0]
    assert f"{answer.target - most:,} minor units short" in answer.why


def test_closed_form_is_best_of_every_integer_level():
    few = fares.synthetic_taps(25, seed=2)
    few = few.assign(medium="qr")
    cheap = replace(
        SANTIAGO,
        fares=tuple(replace(one, amount=one.amount // 100) for one in SANTIAGO.fares),
        caps=(replace(SANTIAGO.caps[0], amount=250),),
    )
    for rises, revenue in (([0, 20], "neutral"), ([0], -60), ([0], "-100%")):
        answer = fares.optimise_caps(few, cheap, rises_percent=rises, revenue=revenue)
        rater = Rater(few, cheap)
        cells = list(product(rises, range(600)))

        def rate(cell, rater=rater):
            totals = rater.totals_fast(World(float(cell[0])), {"month": cell[1]})
            return int(totals.sum()), int((totals < rater.present).sum())

        assert naive_caps.best_of_grid(rate, cells, answer.target) == answer.row["riders_helped"]
        assert fares.check_caps(answer, few) == []


def test_neutral_without_a_change_keeps_the_present_revenue():
    answer = fares.optimise_caps(TAPS, SANTIAGO, rises_percent=[0])
    assert answer.row["change"] == 0
    assert answer.row["riders_helped"] == 0


def test_adoption_is_paid_for_by_a_higher_cap():
    answer = fares.optimise_caps(TAPS, SANTIAGO, rises_percent=[0], adoption=0.6)
    assert answer.row["change"] >= 0
    assert fares.check_caps(answer, TAPS) == []
    least = Rater(TAPS, SANTIAGO).totals_fast(World(0, 0.6), {"month": 41_000}).sum()
    assert answer.levels["month"] > 41_000 or least == answer.present


def test_infeasible_is_an_answer_with_why():
    answer = fares.optimise_caps(TAPS, SANTIAGO, revenue=10**9)
    assert answer.report.status == "infeasible"
    assert "short" in answer.why
    assert answer.levels == {}
    assert fares.check_caps(answer, TAPS) == []
    assert json.loads(answer.to_json())["status"] == "infeasible"


def test_the_checker_finds_every_wrong_claim():
    answer = fares.optimise_caps(TAPS, SANTIAGO, revenue="-1%")
    codes = lambda wrong: {one.code for one in fares.check_caps(wrong, TAPS)}  # noqa: E731
    assert codes(answer) == set()
    row = answer.row
    assert codes(replace(answer, present=answer.present + 1)) == {"caps_revenue_differs"}
    assert codes(replace(answer, row={**row, "charged": row["charged"] + 1})) == {
        "caps_revenue_differs"
    }
    assert "caps_target_missed" in codes(replace(answer, target=row["charged"] + 1))
    assert codes(replace(answer, row={**row, "riders_helped": 0, "riders_worse": 1})) == {
        "caps_riders_differ"
    }
    near = {**answer.proof["neighbour"], "month": answer.levels["month"]}
    assert codes(replace(answer, proof={"neighbour": near})) == {"caps_neighbour_wrong"}


def test_an_answer_is_written_whole_and_repeats(tmp_path):
    answer = fares.optimise_caps(TAPS, SANTIAGO, rises_percent=[0, 2])
    again = fares.optimise_caps(TAPS.sample(frac=1, random_state=1), SANTIAGO, rises_percent=[0, 2])
    assert again.levels == answer.levels
    assert again.row == answer.row
    answer.write(tmp_path / "best")
    told = json.loads((tmp_path / "best" / "answer.json").read_text("utf-8"))
    assert told["levels"] == answer.levels
    assert sorted(one.name for one in (tmp_path / "best").iterdir()) == [
        "answer.json", "curve.csv", "frontier.csv",
    ]  # fmt: skip
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        answer.write(tmp_path / "file")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"revenue": "much"}, "not a demand on revenue"),
        ({"policies": {"year": [1]}}, "no cap is called"),
        ({"policies": {"month": []}}, "no level of 'month'"),
        ({"policies": {"month": [-1]}}, "no whole number"),
        ({"rises_percent": []}, "no rise"),
        ({"adoption": -0.1}, "adoption must be"),
    ],
)
def test_a_wrong_question_is_refused(asked, told):
    with pytest.raises(ConfigError, match=told):
        fares.optimise_caps(TAPS, SANTIAGO, **asked)


def test_taps_that_cannot_be_rated_are_told_and_none_is_no_question():
    odd = TAPS.assign(card=TAPS["card"].astype("Int64").where(TAPS.index > 3))
    odd["mode"] = odd["mode"].astype(str).where(odd.index != 50, "ferry")
    answer = fares.optimise_caps(odd, SANTIAGO, rises_percent=[0, 2], adoption=0.2)
    assert {(one.code, one.count) for one in answer.findings} == {
        ("tap_without_card", 4), ("unknown_fare", 1),
    }  # fmt: skip
    assert fares.check_caps(answer, odd) == []
    for nothing in (TAPS.head(0), odd.head(3)):
        with pytest.raises(TableError, match="no tap can be rated"):
            fares.optimise_caps(nothing, SANTIAGO)


def test_a_tariff_of_many_caps_is_to_be_asked_cap_by_cap():
    london = fares.read_tariff("london-2025")
    with pytest.raises(ConfigError, match="policies are to be rated"):
        fares.optimise_caps(TAPS, london)


def test_pictures(tmp_path):
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is in the extra [plots]")
    answer = fares.optimise_caps(
        TAPS, SANTIAGO, rises_percent=[0, 2], response=fares.Assumptions(), zones=ZONES
    )
    axes = answer.plot()
    for one in (answer, answer.response, answer.equity):
        assert json.loads(one.to_json())
        assert "<table" in one._repr_html_()
    assert answer.response.plot().get_xlabel().startswith("level of cap 'month'")
    assert [one.get_ylabel().split(",")[0] for one in axes[:1]] == ["revenue"]
    assert fares.compare_policies(TAPS, SANTIAGO, {"month": [1, 2]}).plot() is not None
    plt.close("all")
