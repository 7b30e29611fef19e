"""Policies in one pass: the kernel against its naive twin, the closed form, and the settlement."""

from dataclasses import replace
from datetime import date

import naive_caps
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility import fares
from mobility.errors import ConfigError
from mobility.fares.cap_curve import curve_of
from mobility.fares.cap_runs import Runs, rate_all, totals_of
from mobility.fares.cap_world import World, adopted, adoption_of, draw_of, raised, with_levels
from mobility.fares.rater import Rater

SANTIAGO = fares.read_tariff("santiago")
TAPS = fares.synthetic_taps(120, seed=5)
DAY_WEEK_MONTH = replace(
    SANTIAGO,
    caps=(
        fares.Cap("day", "service-day", amount=1700),
        fares.Cap("week", "calendar-week", amount=7000),
        fares.Cap("month", "calendar-month", amount=24000),
    ),
)


def runs_from(cards, present, caps, kind=np.int32):
    """Runs of cards, each a list of (cost, caps that count it, caps whose period begins)."""
    taps = [tap for card in cards for tap in card]
    bits = [
        sum(1 << g for g in inside) | sum(16 << g for g in begins) for _, inside, begins in taps
    ]
    return Runs(
        cost=np.array([cost for cost, _, _ in taps], kind),
        marks=np.array(bits, np.uint8),
        first=np.cumsum([0, *map(len, cards)]).astype(np.int64),
        present=np.array(present, np.int64),
        outside=np.zeros(len(cards), np.int64),
        cards=np.arange(len(cards)),
        caps=caps,
        taps=len(taps),
    )


@st.composite
def cases(draw):
    caps = draw(st.integers(1, 3))
    some = st.sets(st.integers(0, caps - 1)).map(sorted)
    tap = st.tuples(st.integers(0, 9), some, some)
    cards = draw(st.lists(st.lists(tap, max_size=8), min_size=1, max_size=4))
    level = st.none() | st.integers(0, 25)
    policies = draw(st.lists(st.lists(level, min_size=caps, max_size=caps), min_size=1, max_size=5))
    present = draw(st.lists(st.integers(0, 40), min_size=len(cards), max_size=len(cards)))
    return caps, cards, present, policies, draw(st.integers(1, 4))


@given(cases(), st.sampled_from((np.int32, np.int64)))
def test_policy_kernel_is_its_naive_twin(case, kind):
    caps, cards, present, policies, least = case
    runs = runs_from(cards, present, caps, kind)
    levels = np.array([[-1 if one[g] is None else one[g] for one in policies] for g in range(caps)])
    for counting in (False, True):
        found = rate_all(runs, levels, least=least, counting=counting)
        for k, policy in enumerate(policies):
            sums, hits = naive_caps.rate_policy(cards, present, policy, least)
            names = ("charged", "better", "worse", "gained", "lost") + ("held", "free") * counting
            for name in names:
                assert getattr(found, name)[0, k] == sums[name], name
            assert not counting or found.reached[:caps, 0, k].tolist() == hits
    one = [-1 if level is None else level for level in policies[0]]
    twin = [sum(naive_caps.charge_card(taps, policies[0])[0]) for taps in cards]
    assert totals_of(runs, one).tolist() == twin
    assert totals_of(runs.merged(), one).tolist() == twin


def test_closed_form_is_the_kernel_on_1000_random_cases():
    rng = np.random.default_rng(4)
    for _ in range(1_000):
        count = int(rng.integers(1, 7))
        sizes = rng.integers(0, 7, count)
        runs = Runs(
            cost=rng.integers(1, 900, sizes.sum()).astype(np.int32),
            marks=(1 | 16 * (rng.random(sizes.sum()) < 0.2)).astype(np.uint8),
            first=np.concatenate([[0], np.cumsum(sizes)]),
            present=rng.integers(0, 3_000, count),
            outside=rng.integers(0, 500, count),
            cards=np.arange(count),
            caps=1,
            taps=int(sizes.sum()),
        )
        least = int(rng.integers(1, 50))
        curve = curve_of(runs, least=least)
        levels = np.unique(rng.integers(0, 4_000, 12))
        rated = rate_all(runs, levels[None, :], least=least)
        assert np.array_equal(curve.charged(levels), rated.charged[0])
        assert np.array_equal(curve.helped(levels), rated.better[0])
        assert np.array_equal(curve.worse(levels), rated.worse[0])
        target = int(rng.integers(0, int(curve.charged(10_000)) + 2))
        level = curve.least_level(target)
        if level is None:
            assert curve.charged(10_000) < target
        else:
            assert curve.charged(level) >= target
            assert level == 0 or curve.charged(level - 1) < target


def policies():
    rows = [
        (1700, 7000, 24000),
        (900, 7000, 24000),
        (2500, 5000, 20000),
        (None, None, 15000),
        (0, 1, 2),
    ]
    table = pd.DataFrame(rows, columns=["day", "week", "month"], dtype=object)
    return pd.concat([table, table.assign(rise_percent=3.5)], ignore_index=True).fillna(
        {"rise_percent": 0.0}
    )


@pytest.mark.parametrize("tariff", [DAY_WEEK_MONTH, replace(
    DAY_WEEK_MONTH, caps=(replace(DAY_WEEK_MONTH.caps[0], media=fares.Match(frozenset({"qr"}))),
                          *DAY_WEEK_MONTH.caps[1:]))], ids=["one scope", "two scopes"])  # fmt: skip
def test_every_policy_is_what_the_settlement_says(tariff):
    asked = policies()
    found = fares.compare_policies(TAPS, tariff, asked)
    assert found.method == "policy kernel"
    present = fares.settle(TAPS, tariff).cards().set_index("card")["charged"]
    for row in found.table.itertuples():
        levels = {one: None if pd.isna(getattr(row, one)) else int(getattr(row, one))
                  for one in ("day", "week", "month")}  # fmt: skip
        ledger = fares.settle(TAPS, with_levels(raised(tariff, row.rise_percent), levels))
        cards = ledger.cards().set_index("card")["charged"]
        assert row.charged == ledger.total()
        assert row.change == ledger.total() - int(present.sum())
        assert row.riders_helped == int((cards < present).sum())
        assert row.saved == int((present - cards).clip(lower=0).sum())
        assert row.riders_worse == int((cards > present).sum())
        assert row.taps_cut == ledger.totals["capped_taps"]
        charges = ledger.charges
        nothing = (charges["charged"] == 0) & (charges["nominal"] > charges["transfer_discount"])
        assert row.taps_free == int(nothing.sum())


def test_caps_that_the_kernel_cannot_rate_are_settled_one_by_one():
    rides = replace(SANTIAGO, caps=(fares.Cap("rides", "calendar-week", rides=9, accrues="rides"),))
    found = fares.compare_policies(TAPS, rides, {"rides": [5, 9, None]})
    assert "does not count what is charged" in found.method
    for level, charged in zip((5, 9, None), found.table["charged"], strict=True):
        assert charged == fares.settle(TAPS, with_levels(rides, {"rides": level})).total()
    assert found.table["change"].iloc[1] == 0


def test_order_of_taps_and_threads_change_nothing():
    asked = {"day": [1000, 1700], "week": [5000, None], "month": [20000]}
    found = fares.compare_policies(TAPS, DAY_WEEK_MONTH, asked).table
    mixed = TAPS.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(fares.compare_policies(mixed, DAY_WEEK_MONTH, asked).table, found)
    two = fares.compare_policies(TAPS, DAY_WEEK_MONTH, asked, threads=3)
    pd.testing.assert_frame_equal(two.table, found)


def test_groups_add_up_to_all():
    cards = TAPS["card"].unique()
    groups = pd.Series(np.where(cards % 3 == 0, "a", "b"), index=cards).iloc[:-5]
    found = fares.compare_policies(TAPS, SANTIAGO, {"month": [9000, 41000]}, groups=groups)
    assert set(found.groups["group"]) == {"a", "b", "(none)"}
    sums = found.groups.groupby("month")[["charged", "riders_helped", "saved"]].sum()
    whole = found.table.set_index("month")[["charged", "riders_helped", "saved"]]
    assert (sums.to_numpy() == whole.to_numpy()).all()


def test_a_wide_currency_is_rated_in_64_bits():
    dear = replace(
        SANTIAGO, fares=tuple(replace(one, amount=900_000_000) for one in SANTIAGO.fares)
    )
    rater = Rater(TAPS, dear)
    assert rater.runs(World()).cost.dtype == np.int64
    found = fares.compare_policies(TAPS, dear, {"month": [30_000_000_000, None]})
    tariff = with_levels(dear, {"month": None})
    assert found.table["charged"].iloc[1] == fares.settle(TAPS, tariff).total()


def test_larger_adoption_holds_the_cards_of_a_smaller_one():
    cards = TAPS.drop_duplicates("card")
    moved = [
        set(part.loc[part["medium"] == "qr", "card"])
        for part in (adopted(cards, SANTIAGO, share, seed=1) for share in (0, 0.2, 0.6, 1))
    ]
    assert moved[0] < moved[1] < moved[2] < moved[3] == set(cards["card"])
    text = cards["card"].astype(str)
    assert 0 <= draw_of(text, 1).min() <= draw_of(text, 1).max() < 1


def test_categories_move_by_their_own_share():
    cards = TAPS["card"].to_numpy()
    taps = TAPS.assign(category=np.where(cards % 2 == 0, "adult", "student"))
    shares = adoption_of({"adult": 1.0, "student": 0})
    moved = adopted(taps, SANTIAGO, shares)
    assert (moved.loc[moved["category"] == "adult", "medium"] == "qr").all()
    same = taps["category"] == "student"
    assert (moved.loc[same, "medium"].astype(str) == taps.loc[same, "medium"].astype(str)).all()
    assert adoption_of({"adult": 0.0}) == 0
    answer = fares.optimise_caps(
        taps, SANTIAGO, rises_percent=[0, 1], adoption={"adult": 1.0},
        response=fares.Assumptions((-0.4,), (0.0, {"adult": 0.5})),
    )  # fmt: skip
    assert fares.check_caps(answer, taps) == []
    assert set(answer.response.table["adoption"]) == {"0.0", "adult 50%"}
    assert answer.to_dict()["adoption"] == "adult 100%"
    with pytest.raises(ConfigError, match="no rider is of category"):
        adopted(taps, SANTIAGO, adoption_of({"child": 0.5}))


def test_fares_rise_half_up():
    rise = raised(replace(SANTIAGO, transfers=()), 2.5)
    assert [one.amount for one in rise.fares] == [892, 728, 810, 789]  # 870 710 790 770
    assert raised(SANTIAGO, 0) is SANTIAGO


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"year": [1]}, "no cap is called 'year'"),
        ({"month": [-5]}, "is negative"),
        ({"month": ["much"]}, "no whole numbers"),
        ({"month": []}, "no policy"),
        ({"month": [1], "rise_percent": [-100]}, "a rise of"),
        ({"month": [1], "adoption": [2]}, "adoption must be"),
    ],
)
def test_a_wrong_policy_is_refused(asked, told):
    with pytest.raises(ConfigError, match=told):
        fares.compare_policies(TAPS, SANTIAGO, asked)


def test_dated_levels_of_the_present_tariff_count_in_the_present_revenue():
    own = SANTIAGO.caps[0]
    dated = replace(
        SANTIAGO,
        caps=(
            replace(own, amount=5_000, valid_to=date(2025, 3, 10)),
            replace(own, amount=20_000, valid_from=date(2025, 3, 11)),
        ),
    )
    found = fares.compare_policies(TAPS, dated, {"month": [20_000]})
    assert found.present == fares.settle(TAPS, dated).total()
    assert found.table["charged"].iloc[0] == fares.settle(TAPS, with_levels(dated, {})).total()
