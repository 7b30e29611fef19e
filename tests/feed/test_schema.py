"""The tables of GTFS as a graph: every edge ends somewhere, every key is a column."""

import pytest

from mobility.feed.schema import FILES, RANGES, REQUIRED_FILES, TYPES

COLUMNS = [(file, column) for file in FILES.values() for column in file.columns.values()]


@pytest.mark.parametrize(("file", "column"), COLUMNS, ids=lambda one: one.name)
def test_every_foreign_key_ends_at_a_column(file, column):
    for name, key in column.to:
        assert key in FILES[name].columns
    assert set(column.instead) <= set(file.columns)
    assert column.type in TYPES or (column.type == "enum" and column.allowed)


def test_keys_and_ranges_are_columns():
    for file in FILES.values():
        assert set(file.key) <= set(file.columns), file.name
    for name, (start, end, _) in RANGES.items():
        assert FILES[name].columns[start].type == FILES[name].columns[end].type


def test_what_a_trip_needs():
    assert set(REQUIRED_FILES) <= set(FILES)
    trips = FILES["trips"].columns
    assert trips["service_id"].to == (("calendar", "service_id"), ("calendar_dates", "service_id"))
    assert trips["route_id"].vital
    assert not trips["block_id"].required
    assert FILES["stop_times"].key == ("trip_id", "stop_sequence")
    assert not FILES["stop_times"].columns["arrival_time"].required


@pytest.mark.parametrize("known", [0, 3, 11, 109, 700, 1501, 1700])
def test_known_route_types(known):
    assert known in FILES["routes"].columns["route_type"].allowed


@pytest.mark.parametrize("unknown", [8, 99, 210, 1703])
def test_unknown_route_types(unknown):
    assert unknown not in FILES["routes"].columns["route_type"].allowed
