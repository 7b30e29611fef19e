"""Taps as they come: types, files, and whatever can be wrong with a row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mobility import fares
from mobility.errors import ConfigError, TableError

NOON = 1_741_176_000
RULES = {
    "currency": "CLP",
    "timezone": "America/Santiago",
    "fare": [{"mode": "bus", "amount": 770}, {"amount": 870}],
}


def table(**more):
    return pd.DataFrame(
        {
            "card": [1, 2, 1],
            "time": [NOON, NOON + 60, NOON + 9_000],
            "mode": ["bus", "metro", "bus"],
        }
        | more
    )


def settle(taps, **options):
    return fares.settle(taps, fares.read_tariff(RULES), **options)


def codes(ledger):
    return [one.code for one in ledger.findings]


@pytest.mark.parametrize(
    "card",
    [
        np.array([1, 2, 1], np.int32), ["a", "b", "a"], pd.Categorical(["a", "b", "a"]),
        pd.array([1, 2, 1], dtype="Int64"), pd.Series(["a", "b", "a"], dtype=pd.ArrowDtype(pa.string())),
        np.array([2**64 - 1, 5, 2**64 - 1], np.uint64), [-5, 3, -5],
    ],
)  # fmt: skip
def test_cards_of_any_type(card):
    rules = {**RULES, "cap": [{"id": "d", "period": "service-day", "amount": 1000}]}
    ledger = fares.settle(table(card=card), fares.read_tariff(rules))
    assert ledger.charges["charged"].tolist() == [770, 870, 230]


@pytest.mark.parametrize(
    "time",
    [
        pd.to_datetime([NOON, NOON + 60, NOON + 9_000], unit="s", utc=True),
        pd.to_datetime([NOON, NOON + 60, NOON + 9_000], unit="s", utc=True).tz_convert(
            "Asia/Seoul"
        ),
        pd.to_datetime([NOON, NOON + 60, NOON + 9_000], unit="s", utc=True).as_unit("ms"),
        ["2025-03-05T12:00:00Z", "2025-03-05T12:01:00+00:00", "2025-03-05T11:30:00-03:00"],
        ["2025-03-05 09:00", "2025-03-05 09:01", "2025-03-05 11:30"],
        [str(NOON), str(NOON + 60), str(NOON + 9_000)],
        [float(NOON), NOON + 60.0, NOON + 9_000.5],
    ],
)
def test_times_of_any_type(time):
    rules = {**RULES, "transfer": [{"window": "9000s", "price": "free"}]}
    ledger = fares.settle(table(time=time), fares.read_tariff(rules))
    assert ledger.charges["charged"].tolist() == [770, 870, 0]
    assert (ledger.time // ledger.unit).tolist() == [NOON, NOON + 60, NOON + 9_000]


def test_rows_that_cannot_be_settled_are_told_and_the_others_are_settled():
    taps = table(card=[1, None, 1], time=[NOON, NOON, None])
    ledger = settle(taps)
    assert ledger.charges["charged"].isna().tolist() == [False, True, True]
    assert codes(ledger) == ["tap_without_card", "tap_without_time"]
    assert [one.row for one in ledger.findings] == [2, 3]
    assert ledger.totals["settled"] == 1
    with pytest.raises(TableError, match="no card"):
        settle(taps, strict=True)


def test_a_tap_id_for_the_second_time_counts_once():
    ledger = settle(table(tap_id=[7, 8, 7]))
    assert codes(ledger) == ["duplicate_tap_id"]
    assert ledger.charges["charged"].isna().tolist() == [False, False, True]


def test_ties_are_settled_by_tap_id_and_warned_of_without_one():
    rules = fares.read_tariff({**RULES, "transfer": [{"price": "difference"}]})
    taps = table(card=[1, 1, 1], time=[NOON] * 3, tap_id=[3, 1, 2])
    ledger = fares.settle(taps, rules)
    assert ledger.charges["charged"].tolist() == [0, 870, 0]
    assert codes(ledger) == []
    without = fares.settle(taps.drop(columns="tap_id"), rules)
    assert without.charges["charged"].tolist() == [770, 100, 0]
    assert codes(without) == ["tied_taps"]
    assert without.findings[0].count == 2
    named = fares.settle(taps.assign(tap_id=["c", "a", "b"]), rules)
    assert named.charges["charged"].tolist() == [0, 870, 0]


def test_a_local_time_in_the_gap_of_spring_and_one_that_happens_twice():
    ledger = settle(table(time=["2025-09-07 00:30", "2025-04-05 23:30", "2025-03-05 11:30"]))
    assert codes(ledger) == ["tap_time_in_gap", "tap_time_ambiguous"]
    assert ledger.charges["charged"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"time": ["noon", "2025-03-05T12:01:00Z", "2025-03-05T12:01:00Z"]}, "invalid_tap_time"),
        ({"time": [NOON * 1000, NOON, NOON]}, "tap_time_out_of_range"),
        ({"kind": ["sideways", "on", "off"]}, "unknown_tap_kind"),
        ({"riders": [0, 1, 2]}, "wrong_rider_count"),
        ({"riders": ["x", "1", "2"]}, "wrong_rider_count"),
    ],
)
def test_each_wrong_cell_is_one_finding_with_its_row_and_value(more, code):
    ledger = settle(table(**more))
    (one,) = [one for one in ledger.findings if one.code == code]
    assert one.row == 1
    assert one.value != ""
    assert one.mend
    assert ledger.charges["charged"].isna().tolist()[0]
    assert ledger.totals["settled"] == 2


def test_a_route_that_is_not_in_the_feed():
    from dataclasses import replace

    rules = replace(
        fares.read_tariff(RULES), known_routes=frozenset({"a"}), known_stops=frozenset({"s"})
    )
    ledger = fares.settle(table(route_id=["a", "b", "a"], stop_id=["s", "s", "t"]), rules)
    assert codes(ledger) == ["unknown_route", "unknown_stop"]
    assert ledger.charges["charged"].isna().tolist() == [False, True, True]


def test_no_card_column_no_rows_and_no_column_of_the_ledger():
    with pytest.raises(TableError, match="no column 'card'"):
        settle(table().drop(columns="card"))
    empty = settle(table().iloc[:0])
    assert len(empty.charges) == 0
    assert empty.totals["charged"] == 0
    with pytest.raises(ConfigError, match="charged"):
        settle(table(), columns=("fare",))
    with pytest.raises(TableError, match="DataFrame"):
        settle([1, 2])


def test_tides_transactions_are_read_as_they_are():
    taps = pd.DataFrame(
        {
            "transaction_id": ["a", "b", "c"], "event_timestamp": ["2025-03-05T09:00:00-03:00"] * 2 + ["2025-03-05T10:00:00-03:00"],
            "token_id": ["t", "u", "t"], "fare_action": ["Enter", "Enter", "Exit"], "num_riders": [1, 2, 1],
        }
    )  # fmt: skip
    assert settle(taps).charges["charged"].tolist() == [870, 1740, 0]


def test_csv_with_a_bad_row_far_down_and_one_with_a_bad_cell(tmp_path):
    path = tmp_path / "taps.csv"
    lines = [f"{k % 50},{NOON + k},bus" for k in range(30_000)]
    lines[20_000] = "1,2,3,4,5"
    path.write_text("card,time,mode\n" + "\n".join(lines) + "\n")
    ledger = settle(path)
    (one,) = ledger.findings
    assert (one.code, one.row, one.file) == ("bad_tap_row", 20_002, str(path))
    assert ledger.totals["settled"] == 29_999
    with pytest.raises(TableError, match="20002"):
        settle(path, strict=True)
    lines[20_000] = "1,,bus"
    lines[25_000] = "1,never,bus"
    path.write_text("card,time,mode\n" + "\n".join(lines) + "\n")
    ledger = settle(path)
    rows = {one.code: one.row for one in ledger.findings}
    assert rows["invalid_tap_time"] == 25_002
    assert ledger.totals["settled"] == 29_998


def test_a_bad_row_does_not_shift_the_rows_of_other_findings(tmp_path):
    path = tmp_path / "taps.csv"
    path.write_text(f"card,time,mode\n1,{NOON},bus\n1,2,3,4\n,{NOON},bus\n")
    assert {one.code: one.row for one in settle(path).findings} == {
        "bad_tap_row": 3,
        "tap_without_card": 4,
    }


def test_a_truncated_parquet_a_missing_file_and_a_folder_of_nothing(tmp_path):
    path = tmp_path / "taps.parquet"
    table().to_parquet(path)
    whole = settle(path)
    assert whole.charges["charged"].tolist() == [770, 870, 770]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TableError) as caught:
        settle(path)
    assert caught.value.findings[0].code == "unreadable_taps"
    with pytest.raises(TableError, match="no such file"):
        settle(tmp_path / "nowhere.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="no Parquet"):
        settle(tmp_path / "empty")


def test_pseudonyms_keep_every_charge_and_show_no_card(tmp_path):
    taps = fares.synthetic_taps(60, seed=2)
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    plain = fares.settle(taps, "santiago-2025")
    hidden = fares.settle(taps, "santiago-2025", pseudonym_key=fares.read_key(key))
    assert hidden.charges["charged"].equals(plain.charges["charged"])
    assert not set(hidden.card.tolist()) & set(taps["card"])
    other = fares.settle(taps, "santiago-2025", pseudonym_key=b"another key of some length")
    assert not set(hidden.card.tolist()) & set(other.card.tolist())
    shown = (
        str(hidden) + hidden._repr_html_() + hidden.to_json() + "".join(map(str, hidden.findings))
    )
    assert not [
        card for card in set(taps["card"]) | set(hidden.card.tolist()) if str(card) in shown
    ]
    key.write_bytes(b"short")
    with pytest.raises(ConfigError, match="guessed"):
        fares.read_key(key)


def test_files_are_streamed_to_the_same_charges(tmp_path):
    taps = fares.synthetic_taps(300, seed=5)
    folder = tmp_path / "taps"
    folder.mkdir()
    third = len(taps) // 3
    for k, part in enumerate((taps[:third], taps[third : 2 * third], taps[2 * third :])):
        pq.write_table(
            pa.Table.from_pandas(part, preserve_index=False), folder / f"part{k}.parquet"
        )
    rules = fares.read_tariff("santiago-2025")
    whole = fares.settle(taps, rules)
    done = fares.settle_files(folder, rules, tmp_path / "charges.parquet", part_taps=4_000)
    assert done.parts > 2
    assert done.totals == whole.totals
    read = pd.read_parquet(tmp_path / "charges.parquet")
    for name in ("charged", "journey", "transfer_discount", "flags"):
        assert (read[name].to_numpy() == whole.charges[name].to_numpy()).all(), name
    assert sorted(one.name for one in tmp_path.iterdir()) == ["charges.parquet", "taps"]
    (folder / "part1.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(TableError):
        fares.settle_files(folder, rules, tmp_path / "other.parquet")
    assert not list(tmp_path.glob("*other*"))


def test_a_shared_card_of_a_million_taps_is_settled_exactly():
    count = 1_000_000
    rng = np.random.default_rng(0)
    times = NOON + rng.integers(0, 31 * 86_400, count)
    taps = pd.DataFrame({"card": 7, "time": times})
    rules = fares.read_tariff(
        {**RULES, "cap": [{"id": "d", "period": "service-day", "amount": 10_000}]}
    )
    days = len(np.unique((times - 3 * 3600) // 86_400))
    assert fares.settle(taps, rules, columns=("charged",)).total() == 10_000 * days
