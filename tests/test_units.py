"""Times and money as integers."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.errors import ConfigError
from mobility.units import day_origin, format_money, format_time, minor_digits, parse_time


@given(st.integers(0, 999 * 3600))
def test_a_time_survives_being_written(seconds):
    assert parse_time(format_time(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "25", "6:5", "25:70:00", "-1:00:00", "six thirty", "1:00:60"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="not a time of day"):
        parse_time(text)


@pytest.mark.parametrize(
    ("day", "origin"),
    [
        ("2025-03-05", "2025-03-05T03:00"),  # UTC-3 the whole day
        ("2025-04-06", "2025-04-06T04:00"),  # clocks went back at midnight: noon is UTC-4
        ("2025-09-07", "2025-09-07T03:00"),  # clocks went forward at midnight: noon is UTC-3
    ],
)
def test_seconds_count_from_noon_minus_twelve_hours(day, origin):
    expected = datetime.fromisoformat(origin).replace(tzinfo=UTC)
    assert day_origin(date.fromisoformat(day), "America/Santiago") == expected


def test_money_has_its_currencys_digits():
    assert format_money(41000, "CLP") == "CLP 41,000"
    assert format_money(290, "USD") == "USD 2.90"
    assert (minor_digits("JPY"), minor_digits("KWD"), minor_digits("EUR")) == (0, 3, 2)
    with pytest.raises(ConfigError, match="ISO 4217"):
        minor_digits("peso")
