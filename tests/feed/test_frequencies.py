"""Frequencies: compact, expanded on demand, never a bomb."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.errors import TableError
from mobility.feed import read_feed
from mobility.feed.frequencies import MAX_DEPARTURES, Frequencies, frequencies_of


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 90_000), st.integers(1, 20_000), st.integers(1, 7_000)
        ),
        max_size=6,
    )
)
def test_counting_needs_no_expansion(rows):
    columns = [np.array(column, np.int32) for column in zip(*rows, strict=True)] or [
        np.zeros(0, np.int32)
    ] * 4
    trip, start, length, headway = columns
    windows = Frequencies(trip, start, start + length, headway, trip, 4)
    each = [len(range(s, s + n, h)) for _, s, n, h in rows]
    assert windows.departures().tolist() == each
    expected = [sum(n for n, row in zip(each, rows, strict=True) if row[0] == t) for t in range(4)]
    assert windows.runs().tolist() == [
        n if windows.templates()[t] else 1 for t, n in enumerate(expected)
    ]


def test_windows_are_half_open_and_the_template_is_no_trip(samples_folder):
    day = read_feed(samples_folder / "odd" / "frequencies_only", cache=False).day()
    out1 = day.trips[day.trips["template_trip_id"] == "out1"]
    # 06:00 to 09:00 every 10 min, 09:00 to 12:00 every 15 min, both ends exclusive of the last.
    expected = [*range(21_600, 32_400, 600), *range(32_400, 43_200, 900)]
    assert out1["depart_s"].tolist() == expected
    assert out1["trip_id"].iloc[0] == "out1#06:00:00"
    assert "out1" not in set(day.trips["trip_id"])
    late = day.trips[day.trips["template_trip_id"] == "out2"]
    assert late["trip_id"].iloc[-1] == "out2#24:30:00"
    assert (day.trips["arrive_s"] - day.trips["depart_s"]).gt(0).all()
    assert len(day.stop_events) == 4 * len(day.trips)


def test_a_departure_of_two_windows_runs_once(samples_folder):
    day = read_feed(samples_folder / "odd" / "overlapping_frequencies", cache=False).day()
    assert day.trips["trip_id"].is_unique
    assert any("two frequency windows" in one for one in day.assumptions)


def test_a_bomb_is_refused_with_its_row(samples_folder):
    feed = read_feed(samples_folder / "odd" / "frequency_bomb", cache=False)
    assert frequencies_of(feed).departures().sum() > 10_000_000
    with pytest.raises(TableError) as error:
        feed.day()
    (finding, *_) = error.value.findings
    assert finding.code == "frequency_expansion_too_large"
    assert (finding.file, finding.column) == ("frequencies.txt", "headway_secs")
    assert f"{MAX_DEPARTURES:,}" in finding.message


def test_rows_without_sense_are_left_to_the_rules(samples_folder, tmp_path):
    source = samples_folder / "odd" / "frequencies_only"
    for file in source.glob("*.txt"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "frequencies.txt").write_text(
        "trip_id,start_time,end_time,headway_secs\n"
        "out1,06:00:00,07:00:00,0\nout1,07:00:00,06:00:00,600\nout1,06:00:00,07:00:00,\n"
        "ghost,06:00:00,07:00:00,600\nback1,06:00:00,07:00:00,99999999999\n"
    )
    windows = frequencies_of(read_feed(tmp_path, cache=False))
    assert len(windows.trip) == 1
    assert windows.departures().tolist() == [1]
