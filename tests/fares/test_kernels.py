"""Kernels against their slow twin, on random tariffs and taps."""

import naive_fares
import numpy as np
import pytest
from fares import made
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fares
from mobility.fares import _kernels
from mobility.fares.compile import wanted_columns
from mobility.fares.ledger import FLAGS, UNKNOWN
from mobility.fares.rate import Accounts
from mobility.fares.settle import compile_for, settle_taps
from mobility.fares.taps import taps_of


def rows_of(answers, cap_ids):
    """Answers of the kernels in the words of the twin."""
    out = []
    for k in range(len(answers["charged"])):
        unknown = answers["charged"][k] == UNKNOWN
        cap = answers["cap"][k]
        row = {
            name: None if unknown else int(answers[name][k])
            for name in ("charged", "nominal", "spent")
        }
        out.append(
            row | {"journey": int(answers["journey"][k]), "cap": cap_ids[cap] if cap >= 0 else None}
        )
    return out


def expected(tariff, taps):
    keys = ("charged", "nominal", "spent", "journey", "cap")
    return [{key: one[key] for key in keys} for one in naive_fares.settle(tariff, taps)]


def ours(tariff, rows, *, whole):
    """Answers, by the short kernel where it fits, or by the whole one."""
    read = taps_of(made.frame(rows), tariff, wanted=wanted_columns(tariff))
    accounts = None
    compiled = compile_for(read, tariff)
    if whole:
        size = 1 + max(row["card"] for row in rows)
        fresh = np.zeros((size, compiled.account_size), np.int64)
        for g in range(len(compiled.cap_ids)):
            fresh[:, 2 + 4 * g] = -(2**40)
            fresh[:, 3 + 4 * g] = -1
        accounts = Accounts(fresh, np.zeros(size, np.int32))
    answers, compiled, _ = settle_taps(read, tariff, compiled=compiled, accounts=accounts)
    return rows_of(answers, compiled.cap_ids), answers


@st.composite
def cases(draw, **kinds):
    tariff = draw(made.tariffs(**kinds))
    return tariff, draw(made.taps(tariff.timezone, **kinds))


@settings(max_examples=60)
@given(cases(plain=True))
def test_plain_kernel_agrees_with_the_rules(case):
    tariff, rows = case
    found, _ = ours(tariff, rows, whole=False)
    assert found == expected(tariff, rows)
    assert ours(tariff, rows, whole=True)[0] == found


@settings(max_examples=80)
@given(cases())
def test_whole_kernel_agrees_with_the_rules(case):
    tariff, rows = case
    assert ours(tariff, rows, whole=True)[0] == expected(tariff, rows)


@settings(max_examples=60)
@given(cases(ends=True))
def test_whole_kernel_agrees_where_ends_matter(case):
    tariff, rows = case
    assert ours(tariff, rows, whole=True)[0] == expected(tariff, rows)


@settings(max_examples=60)
@given(cases(joined=True, ends=True))
def test_whole_kernel_agrees_on_effective_legs(case):
    tariff, rows = case
    assert ours(tariff, rows, whole=True)[0] == expected(tariff, rows)


@settings(max_examples=40)
@given(cases(ends=True))
def test_flags_of_the_kernel_say_what_happened(case):
    tariff, rows = case
    _, answers = ours(tariff, rows, whole=True)
    words = {"no_tap_off": "no_tap_off", "maximum": "maximum_fare", "transfer": "transfer", "capped": "capped",
             "void": "void", "voided": "voided", "off": "off", "unmatched": "unmatched", "riders": "riders",
             "floored": "floored", "joined": "joined"}  # fmt: skip
    for flags, one in zip(answers["flags"], naive_fares.settle(tariff, rows), strict=True):
        named = set(fares.flag_names(int(flags))) - {"unknown_fare"}
        assert named == {words[flag] for flag in one["flags"]}
        assert bool(flags & FLAGS["unknown_fare"]) == (one["charged"] is None)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2**31 - 1)), min_size=1, max_size=200))
def test_sort_kernel_orders_by_card_then_time_then_arrival(pairs):
    records = np.array([(card, time << 32 | 7) for card, time in pairs], np.int64)
    m = len(pairs)
    scratch = (
        np.empty(1024, np.int32), np.empty(m, np.int64), np.empty(m, np.int32), np.empty(m, np.int64),
        np.empty(m, np.int32), np.empty(m, np.int64), np.empty(m + 1, np.int64), np.append(np.zeros(2048, np.int64), 20),
    )  # fmt: skip
    order, first = np.empty(m, np.int64), np.empty(m + 1, np.int64)
    cards = _kernels.sort_buckets(records, np.array([0, m], np.int64), scratch, order, first)
    found = [order[first[c] : first[c + 1]].tolist() for c in range(cards)]
    wanted = {}
    for row, (card, time) in enumerate(pairs):
        wanted.setdefault(card, []).append((time, row))
    assert found == [[row for _, row in sorted(one)] for one in wanted.values()]


@pytest.mark.parametrize("taps", [50_000])
def test_a_kernel_bucket_of_distinct_cards_and_one_of_one_card_hold(taps):
    rng = np.random.default_rng(0)
    for cards in (np.arange(taps), np.zeros(taps, np.int64)):
        times = 1_741_176_000 + rng.integers(0, 600, taps)
        table = made.pd.DataFrame({"card": cards, "time": times})
        ledger = fares.settle(
            table,
            made.Tariff(
                "CLP", "UTC", (made.FareRule(3),), caps=(made.Cap("d", "service-day", 10),)
            ),
        )
        assert int(ledger.charges["charged"].sum()) == (3 * taps if cards.any() else 10)
