"""Ledgers: what they add up to, who is told what, and whether the checker sees a wrong one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fares import made
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fares
from mobility.errors import ConfigError, TableError


@pytest.fixture(scope="module")
def month():
    taps = fares.synthetic_taps(400, seed=7)
    return taps, fares.settle(taps, "santiago-2025")


@settings(max_examples=40)
@given(st.data())
def test_money_is_conserved_by_row_card_key_and_in_total(data):
    tariff = data.draw(made.tariffs())
    table = made.frame(data.draw(made.taps(tariff.timezone, most=15)))
    ledger = fares.settle(table, tariff)
    one = ledger.charges
    assert (
        (one["nominal"] - one["transfer_discount"] - one["cap_discount"] == one["charged"])
        .dropna()
        .all()
    )
    total = ledger.total()
    assert ledger.cards()["charged"].sum() == ledger.periods("week")["charged"].sum() == total
    for key in ("route", "mode", "category", "product", "day", "cap"):
        for apportion in (None, "pro-rata-nominal", "first-leg", "last-leg"):
            found = ledger.by(key, apportion=apportion, least_riders=1)
            assert found["charged"].sum() == total
    assert (
        ledger.report.parts["nominal"]
        + ledger.report.parts["transfer_discount"]
        + ledger.report.parts["cap_discount"]
        == total
    )


def test_apportioned_shares_follow_nominal_fares_by_largest_remainder():
    rules = fares.read_tariff(
        {"currency": "CLP", "timezone": "UTC", "fare": [{"mode": "a", "amount": 7}, {"mode": "b", "amount": 5}, {"amount": 3}],
         "transfer": [{"price": "difference"}]}
    )  # fmt: skip
    taps = pd.DataFrame({"card": 1, "time": [10**9, 10**9 + 1, 10**9 + 2], "mode": ["b", "a", "c"]})
    ledger = fares.settle(taps, rules)
    assert ledger.charges["charged"].tolist() == [5, 2, 0]
    shares = ledger.by("mode", apportion="pro-rata-nominal", least_riders=1).set_index("mode")[
        "charged"
    ]
    assert shares.to_dict() == {"a": 3, "b": 2, "c": 2}  # of 3.27, 2.33 and 1.40
    assert ledger.by("mode", apportion="first-leg", least_riders=1).set_index("mode")[
        "charged"
    ].to_dict() == {"a": 0, "b": 7, "c": 0}


def test_few_riders_are_merged_and_the_sum_stays(month):
    taps, ledger = month
    rare = taps.assign(
        mode=np.where(taps["card"] < taps["card"].min() + 3, "ferry", taps["mode"].astype(str))
    )
    ledger = replace(ledger, taps=rare)
    found = ledger.by("mode")
    assert "ferry" not in set(found["mode"])
    assert found["charged"].sum() == ledger.total()
    assert "ferry" in set(ledger.by("mode", least_riders=1)["mode"])


def test_operators_come_from_the_tariff_or_a_column(month):
    taps, ledger = month
    with pytest.raises(ConfigError, match="operator"):
        ledger.by("operator")
    owners = {
        route: "metro" if route.startswith("L") else "bus" for route in taps["route_id"].unique()
    }
    by_map = replace(ledger, tariff=replace(ledger.tariff, operators=owners)).by("operator")
    by_column = replace(ledger, taps=taps.assign(operator=taps["route_id"].map(owners))).by(
        "operator"
    )
    assert by_map.equals(by_column)
    with pytest.raises(ConfigError, match="no key is called"):
        ledger.by("colour")


def test_the_checker_accepts_a_ledger_and_sees_each_kind_of_wrong_one(month):
    taps, ledger = month
    assert fares.check(ledger, ledger.tariff, taps) == []

    def broken(name, change):
        answers = {key: values.copy() for key, values in ledger.answers.items()}
        change(answers[name])
        wrong = replace(ledger, answers=answers)
        return {one.code for one in fares.check(wrong, ledger.tariff, taps)}

    def add(values):
        values[5] += 1

    def swap(values):
        values[:] = values[::-1].copy()

    def unknown(values):
        values[3] = -(2**31)

    def uncap(values):
        values[:] = ledger.answers["spent"]

    assert "ledger_total" in broken("charged", add)
    assert "ledger_strange_fare" in broken("nominal", add)
    assert "ledger_order" in broken("journey", swap)
    assert "ledger_free_of_fare" in broken("charged", unknown)
    assert "ledger_cap_passed" in broken("charged", uncap)
    assert [one.code for one in fares.check(ledger, ledger.tariff, taps.head(3))] == ["ledger_rows"]


def test_reconcile_tells_over_under_and_why(month):
    taps, ledger = month
    theirs = ledger.charges["charged"].copy()
    capped = np.flatnonzero(ledger.charges["cap_id"].notna())[0]
    theirs.iloc[capped] += 100
    theirs.iloc[0] -= 1
    theirs.iloc[1] = pd.NA
    found = fares.reconcile(ledger, theirs)
    assert (found.over, found.under, found.not_compared) == (1, 1, 1)
    assert (found.over_minor, found.under_minor) == (100, 1)
    assert found.by_cause.set_index("cause")["over"]["cap"] == 100
    by_id = fares.reconcile(
        ledger,
        pd.DataFrame({"tap_id": taps["tap_id"], "charged": theirs}).sample(frac=1, random_state=1),
    )
    assert by_id.to_dict() == found.to_dict()
    assert "agree" in str(found)
    with pytest.raises(TableError, match="charges for"):
        fares.reconcile(ledger, theirs.head(3))


def test_explain_shows_every_step_and_its_last_account(month):
    taps, ledger = month
    cards = ledger.cards().sort_values("cap_discount")
    card = int(cards["card"].iloc[-1])
    text = fares.explain(ledger, card)
    own = (taps["card"] == card).sum()
    assert text.count("journey") == own
    assert "month: 41,000 of 41,000" in text
    assert "transfer" in text
    assert f"CLP {int(cards['charged'].iloc[-1]):,} charged" in text.splitlines()[0]
    with pytest.raises(ConfigError, match="no tap is of this card"):
        fares.explain(ledger, 12)


def test_what_is_shown_of_a_ledger_holds_no_card(month):
    _, ledger = month
    shown = str(ledger) + ledger._repr_html_() + ledger.to_json()
    assert not [card for card in set(ledger.card.tolist()) if str(card) in shown]
    assert "capped_cards" in ledger.to_json()
    assert ledger.report.status == "optimal"


def test_one_column_has_no_totals_to_show():
    taps = fares.synthetic_taps(20, seed=1)
    ledger = fares.settle(taps, "santiago-2025", columns=("charged",))
    assert list(ledger.charges.columns) == ["charged"]
    assert ledger.total() == fares.settle(taps, "santiago-2025").total()
    with pytest.raises(ConfigError, match="every column"):
        ledger.by("mode")


def test_plot_draws_cards(month):
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is in the dev group")
    matplotlib.use("Agg")
    ax = month[1].plot()
    assert ax.get_ylabel() == "cards"
    assert "taps charged" in ax.get_title()


def test_cap_levels_lie_between_none_and_free(month):
    taps, ledger = month
    table = fares.cap_levels(taps, ledger.tariff, levels=[0, 20_000, 41_000, 10**8])
    charged = table["charged"].tolist()
    assert charged[0] == charged[-1]  # no cap, and one that nobody reaches
    assert charged[1] < charged[2] <= charged[3] == ledger.total() <= charged[4]
    assert table["change"].tolist()[3] == 0
    with pytest.raises(ConfigError, match="no cap is called"):
        fares.cap_levels(taps, ledger.tariff, cap="year")
