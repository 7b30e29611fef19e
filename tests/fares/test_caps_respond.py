"""Riders who respond: the kernel against its naive twin, the fixed point, and the decision under a range."""

from dataclasses import replace

import naive_caps
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility import fares
from mobility.errors import ConfigError
from mobility.fares import _respond_kernels as kernels
from mobility.fares.policies import policy_table
from mobility.fares.rater import Rater
from mobility.fares.respond import Assumptions, responses

SANTIAGO = fares.read_tariff("santiago")
TAPS = fares.synthetic_taps(150, seed=8)


@st.composite
def cases(draw):
    caps = draw(st.integers(1, 2))
    some = st.sets(st.integers(0, caps - 1)).map(sorted)
    tap = st.tuples(st.integers(0, 9), st.integers(0, 9), some, some)
    cards = draw(st.lists(st.lists(tap, max_size=7), min_size=1, max_size=3))
    level = st.none() | st.integers(0, 20)
    two = st.lists(level, min_size=caps, max_size=caps)
    return cards, draw(two), draw(two), draw(st.sampled_from((0, 200, 400, 600, 1500)))


def arrays_of(cards, at):
    taps = [tap for card in cards for tap in card]
    bits = [sum(1 << g for g in one[2]) | sum(16 << g for g in one[3]) for one in taps]
    first = np.cumsum([0, *map(len, cards)]).astype(np.int64)
    return first, np.array([one[at] for one in taps], np.int64), np.array(bits, np.uint8)


def thousandths(levels):
    return np.array([-1 if one is None else 1000 * one for one in levels], np.int64)


@given(cases(), st.booleans())
def test_respond_kernel_is_its_naive_twin(case, ahead):
    cards, present, policy, slope = case
    first, before, marks = arrays_of(cards, 0)
    _, after, _ = arrays_of(cards, 1)
    price = np.zeros(len(before), np.int64)
    levels = thousandths(present)
    kernels.prices(first, before, marks, levels, ahead, levels.copy(), price)
    charged, taps = np.zeros(len(cards), np.int64), np.zeros(len(cards), np.int64)
    asked, longest = thousandths(policy), max(map(len, cards)) + 1
    missed = kernels.respond(
        first, before, price, after, marks, asked, np.int64(slope), ahead, np.int64(20), asked.copy(),
        np.zeros(longest, np.int64), np.zeros(longest, np.int64), charged, taps,
    )  # fmt: skip
    twin = [
        naive_caps.respond(card, present, policy, slope, ahead=ahead, rounds=20) for card in cards
    ]
    assert charged.tolist() == [one[0] for one in twin]
    assert taps.tolist() == [one[1] for one in twin]
    assert missed == sum(not one[2] for one in twin)


@given(cases(), st.booleans())
def test_one_cap_always_has_a_fixed_point_kernel(case, ahead):
    cards, present, policy, slope = case
    one = [[(a, b, [g for g in inside if g == 0], [g for g in begins if g == 0])
            for a, b, inside, begins in card] for card in cards]  # fmt: skip
    for card in one:
        assert naive_caps.respond(card, present[:1], policy[:1], slope, ahead=ahead, rounds=20)[2]


def table(elasticities, **asked):
    rater = Rater(TAPS, SANTIAGO)
    policies = policy_table(
        {"month": [26_000, 38_000, 41_000, None], "rise_percent": [0, 3]}, SANTIAGO
    )
    return rater, responses(
        rater, policies, Assumptions(elasticities, **asked), rater.present_total
    )


def test_without_elasticity_the_settlement_comes_back():
    _, found = table((0.0,))
    asked = {"month": [26_000, 38_000, 41_000, None], "rise_percent": [0, 3]}
    plain = fares.compare_policies(TAPS, SANTIAGO, asked).table
    plain = plain.sort_values("rise_percent", kind="stable")
    assert found.table["charged"].tolist() == plain["charged"].tolist()
    assert (found.table["taps_percent"] == 0).all()
    assert found.unsettled == 0


@pytest.mark.parametrize("sees", ["period", "tap"])
def test_lower_prices_make_taps_and_higher_ones_lose_them(sees):
    _, found = table((-0.2, -0.6), sees=sees)
    at = found.table.set_index(["month", "rise_percent", "elasticity"])["taps_percent"]
    assert at[26_000, 0, -0.6] > at[26_000, 0, -0.2] > 0
    assert at[41_000, 0, -0.6] == 0
    assert at[41_000, 3, -0.6] < at[41_000, 3, -0.2] < 0


def test_regret_and_the_robust_policy_by_hand():
    rater, found = table((-0.2, -0.6))
    shown = found.table
    for _, part in shown.groupby("elasticity"):
        most = part.loc[part["reaches"], "riders_helped"].max()
        for row in part.itertuples():
            assert row.regret == most - (row.riders_helped if row.reaches else 0)
            assert row.reaches == (row.charged >= rater.present_total)
    key = [shown["month"].fillna(-1), shown["rise_percent"]]
    safe = shown.groupby(key)["reaches"].all()
    worst = shown.groupby(key)["regret"].max()[safe]
    assert found.robust["worst_regret"] == worst.min()
    level = -1 if found.robust["month"] is None else found.robust["month"]
    assert safe[level, found.robust["rise_percent"]]
    assert "robust: cap month" in str(found)


def test_nobody_is_robust_where_nothing_brings_the_revenue():
    rater = Rater(TAPS, SANTIAGO)
    policies = policy_table({"month": [1_000]}, SANTIAGO)
    found = responses(rater, policies, Assumptions((-0.4,)), rater.present_total)
    assert found.robust is None
    assert "no policy" in str(found)


def test_caps_that_count_rides_have_no_modelled_response():
    rides = replace(SANTIAGO, caps=(fares.Cap("w", "calendar-week", rides=3, accrues="rides"),))
    with pytest.raises(ConfigError, match="plain amount caps"):
        fares.optimise_caps(TAPS, rides, policies={"w": [3]}, response=Assumptions())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"elasticities": ()}, "elasticities must"),
        ({"elasticities": (0.4,)}, "elasticities must"),
        ({"adoptions": (2.0,)}, "adoption must"),
        ({"sees": "all"}, "riders see no"),
    ],
)
def test_a_wrong_assumption_is_refused(asked, told):
    with pytest.raises(ConfigError, match=told):
        Assumptions(**asked)
