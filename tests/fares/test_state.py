"""Batches, late taps and saved states: all come to what one settlement over all taps gives."""

import itertools

import numpy as np
import pandas as pd
import pytest
from fares import made
from hypothesis import given, settings
from hypothesis import strategies as st

from mobility import fares
from mobility.errors import ConfigError, TableError

DAY = 86_400


def plain(rows):
    return [{**row, "kind": "on"} for row in rows]


@st.composite
def batches(draw):
    tariff = draw(made.tariffs())
    rows = plain(draw(made.taps(tariff.timezone, most=20)))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    return tariff, rows, [0, *cuts, len(rows)]


def run(tariff, table, cuts, **options):
    """Charges by tap_id after all batches and adjustments."""
    state, charged, total, found = fares.State.new(tariff), {}, 0, []
    for a, b in itertools.pairwise(cuts):
        if a == b:
            continue
        part = table.iloc[a:b].reset_index(drop=True)
        done = fares.update(state, part, **options)
        state = done.state
        total += done.charged
        found += done.findings
        charged |= dict(zip(part["tap_id"], done.charges["charged"], strict=True))
        for row in done.adjustments.to_dict("records"):
            charged[row["tap_id"]] = row["after"]
    return charged, total, state, found


@settings(max_examples=60)
@given(batches())
def test_late_taps_in_any_batches_come_to_one_settlement(case):
    tariff, rows, cuts = case
    table = made.frame(rows)
    whole = fares.settle(table, tariff)
    charged, total, _, _ = run(tariff, table, cuts, close=False)
    expected = dict(zip(table["tap_id"], whole.charges["charged"], strict=True))
    assert {k: v for k, v in charged.items() if v is not pd.NA} == {
        k: v for k, v in expected.items() if v is not pd.NA
    }
    assert total == whole.total()


@settings(max_examples=60)
@given(batches())
def test_closing_changes_nothing_where_taps_come_in_order(case):
    tariff, rows, cuts = case
    table = made.frame(rows).sort_values(["time", "tap_id"], ignore_index=True)
    whole = fares.settle(table, tariff)
    _, total, state, found = run(tariff, table, cuts, late_s=0)
    assert not [one for one in found if one.code == "late_tap"]
    assert total == whole.total()
    assert len(state.journal) <= len(rows)


def month_of_taps():
    rng = np.random.default_rng(1)
    n = 600
    return pd.DataFrame(
        {
            "card": rng.integers(0, 8, n), "time": np.sort(1_740_830_400 + rng.integers(0, 45 * DAY, n)),
            "mode": rng.choice(["bus", "metro"], n), "medium": "qr", "route_id": rng.choice(list("abc"), n),
            "tap_id": np.arange(n),
        }
    )  # fmt: skip


def test_a_state_stays_small_and_is_resumed_from_parquet(tmp_path):
    tariff = fares.read_tariff("santiago-2025")
    table = month_of_taps()
    whole = fares.settle(table, tariff)
    state, total = fares.State.new(tariff), 0
    for k in range(0, len(table), 100):
        done = fares.update(state, table.iloc[k : k + 100].reset_index(drop=True))
        total += done.charged
        done.state.write(tmp_path / "state")
        state = fares.read_state(tmp_path / "state", tariff)
    assert total == whole.total()
    assert len(state.cards) == 8
    assert state.bytes_per_card <= 48
    assert len(state.journal) < len(table) / 2  # March is closed, April is not
    with pytest.raises(ConfigError, match="another tariff"):
        fares.read_state(tmp_path / "state", fares.read_tariff("santiago-2026"))
    with pytest.raises(TableError, match="no written state"):
        fares.read_state(tmp_path, tariff)


def test_a_late_tap_adjusts_its_card_alone_and_one_of_a_closed_month_is_refused():
    tariff = fares.read_tariff("santiago-2025")
    table = month_of_taps()
    done = fares.update(fares.State.new(tariff), table)
    late = pd.DataFrame({"card": [3], "time": [int(table["time"].max()) - 5 * DAY], "mode": "metro", "medium": "qr",
                         "route_id": "z", "tap_id": [10_000]})  # fmt: skip
    after = fares.update(done.state, late)
    both = fares.settle(pd.concat([table, late], ignore_index=True), tariff)
    assert done.charged + after.charged == both.total()
    assert set(after.adjustments["card"]) <= {3}
    too_late = late.assign(time=int(table["time"].min()), tap_id=[10_001])
    refused = fares.update(after.state, too_late)
    assert [one.code for one in refused.findings] == ["late_tap"]
    assert refused.charges["charged"].isna().all()
    assert refused.charged == 0


def test_an_update_without_taps_changes_nothing():
    tariff = fares.read_tariff("santiago-2025")
    first = fares.update(fares.State.new(tariff), month_of_taps())
    again = fares.update(first.state, month_of_taps().iloc[:0])
    assert again.charged == 0
    assert len(again.state.journal) == len(first.state.journal)
