"""Services by date: against the reference's own words, and the choice of a day."""

import io
from datetime import date, timedelta

import naive
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.errors import ConfigError
from mobility.feed import read_feed
from mobility.feed.calendar import MAX_SPAN_DAYS, build_calendar, parse_date
from mobility.feed.tables import read_table

START = date(2025, 2, 20)
WEEK = "monday,tuesday,wednesday,thursday,friday,saturday,sunday"


def table(name, header, rows):
    text = "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"
    return read_table(io.BytesIO(text.encode()), name)[0]


def calendar(weekly=None, exceptions=None):
    raw = {}
    if weekly is not None:
        rows = [(s, *map(int, f), f"{a:%Y%m%d}", f"{b:%Y%m%d}") for s, f, a, b in weekly]
        raw["calendar"] = table("calendar", f"service_id,{WEEK},start_date,end_date", rows)
    if exceptions is not None:
        rows = [(s, f"{d:%Y%m%d}", k) for s, d, k in exceptions]
        raw["calendar_dates"] = table("calendar_dates", "service_id,date,exception_type", rows)
    return build_calendar(raw)


def running(built, day):
    column = built.column(day)
    if column is None:
        return set()
    return {name for name, on in zip(built.services, built.active[:, column], strict=True) if on}


days = st.integers(0, 40).map(lambda n: START + timedelta(days=n))
weekly_rows = st.lists(
    st.tuples(st.sampled_from("ABC"), st.lists(st.booleans(), min_size=7, max_size=7), days, days),
    max_size=4,
)
exception_rows = st.lists(
    st.tuples(st.sampled_from("ABCD"), days, st.sampled_from([1, 2])),
    max_size=8,
    unique_by=lambda row: row[:2],
)


@given(st.none() | weekly_rows, st.none() | exception_rows)
def test_the_matrix_says_what_the_reference_says(weekly, exceptions):
    built = calendar(weekly, exceptions)
    for n in range(-1, 43):
        day = START + timedelta(days=n)
        assert running(built, day) == naive.active_services(weekly or [], exceptions or [], day)


def test_dates_are_strict():
    raw = {
        "calendar_dates": table(
            "calendar_dates",
            "service_id,date,exception_type",
            [
                ("A", "2025-03-05", 1),
                ("A", "20250230", 1),
                ("A", " 20250306", 1),
                ("A", "2025036", 1),
            ],
        )
    }
    built = build_calendar(raw)
    # Blanks around a cell are cut by the reader, which says so.
    assert built.span == (date(2025, 3, 6), date(2025, 3, 6))


def test_a_silly_span_is_cut_and_says_so():
    built = calendar([("A", [True] * 7, date(2025, 1, 1), date(9999, 12, 31))])
    assert built.active.shape == (1, MAX_SPAN_DAYS)
    assert "9999-12-31" in built.assumptions[0]
    assert f"{MAX_SPAN_DAYS:,}" in built.assumptions[0]


def test_no_dates_at_all():
    built = calendar([], [])
    assert built.span is None
    assert built.column(START) is None
    with pytest.raises(ConfigError):
        built.at(0)


def test_a_blank_service_runs_nowhere():
    built = calendar([("", [True] * 7, START, START), ("Z", [False] * 7, START, START)])
    assert built.services == ("Z",)
    assert not built.active.any()


@pytest.mark.parametrize("when", ["2025-03-05", "20250305", " 20250305 ", date(2025, 3, 5)])
def test_dates_as_people_write_them(when):
    assert parse_date(when) == date(2025, 3, 5)


@pytest.mark.parametrize("when", ["5.3.2025", "20250230", "2025-W10-9", "", "tomorrow"])
def test_no_date(when):
    with pytest.raises(ConfigError, match="not a date"):
        parse_date(when)


STOPS = "stop_id,stop_name,stop_lat,stop_lon\nP,Plaza,-33.44,-70.65\nQ,Quinta,-33.45,-70.66\n"
BASE = {
    "agency": "agency_id,agency_name,agency_url,agency_timezone\n"
    "1,Bus,http://x.cl,America/Santiago\n",
    "stops": STOPS,
    "routes": "route_id,agency_id,route_short_name,route_type\nR,1,1,3\n",
}


@pytest.fixture
def feed_of(tmp_path):
    """A feed whose services have so many trips each."""

    def make(trips, weekly, exceptions=()):
        names = [
            (service, f"{service}{n}") for service, count in trips.items() for n in range(count)
        ]
        files = {
            **BASE,
            "trips": "route_id,service_id,trip_id\n" + "".join(f"R,{s},{t}\n" for s, t in names),
            "stop_times": "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
            + "".join(f"{t},8:00:00,8:00:00,P,1\n{t},8:10:00,8:10:00,Q,2\n" for _, t in names),
            "calendar": f"service_id,{WEEK},start_date,end_date\n" + "".join(weekly),
            "calendar_dates": "service_id,date,exception_type\n" + "".join(exceptions),
        }
        for name, text in files.items():
            (tmp_path / f"{name}.txt").write_text(text)
        return read_feed(tmp_path, cache=False)

    return make


WEEKLY = ["W,1,1,1,1,1,0,0,20250301,20250411\n", "S,0,0,0,0,0,1,1,20250301,20250411\n"]


def test_typical_is_the_commonest_weekday_of_the_busiest_month(feed_of):
    # March has most trips; on 5 March an extra service makes the busiest date.
    feed = feed_of({"W": 5, "S": 2, "X": 9}, WEEKLY, ["X,20250305,1\n"])
    typical = feed.day()
    assert typical.date == date(2025, 3, 3)
    assert typical.headline == "2025-03-03 (Monday, typical: 29 dates like it): 5 trips"
    assert str(feed.day("busiest")) == "2025-03-05 (Wednesday, busiest: 1 date like it): 14 trips"


def test_busiest_takes_the_earliest_on_ties(feed_of):
    assert feed_of({"W": 5, "S": 5}, WEEKLY).day("busiest").date == date(2025, 3, 1)


def test_a_feed_of_weekends_falls_back_and_says_so(feed_of):
    day = feed_of({"S": 2}, WEEKLY[1:]).day()
    assert day.date == date(2025, 3, 1)
    assert any("Monday to Friday" in one for one in day.assumptions)


def test_day_types_group_dates_by_service(feed_of):
    feed = feed_of({"W": 5, "S": 2, "X": 9}, WEEKLY, ["X,20250305,1\n", "W,20250307,2\n"])
    types = feed.day_types()
    assert [(one.weekdays, len(one.dates), one.trips) for one in types] == [
        ("Monday-Friday", 28, 5),
        ("Saturday, Sunday", 12, 2),
        ("Wednesday", 1, 14),
    ]
    assert str(types[2]) == "Wednesday: 1 date from 2025-03-05, 14 trips"
    assert types[2].services == ("W", "X")


@pytest.mark.parametrize(
    ("when", "nearest"),
    [
        ("2024-01-01", "2025-03-03"),
        ("2025-03-09", "2025-03-10"),
        ("2031-01-01", "2025-04-11"),
    ],
)
def test_a_date_without_trips_names_the_nearest(feed_of, when, nearest):
    feed = feed_of({"W": 1}, WEEKLY)
    with pytest.raises(ConfigError) as error:
        feed.day(when)
    assert "from 2025-03-03 to 2025-04-11" in error.value.message
    assert error.value.mend.endswith(nearest)


def test_a_feed_that_never_runs(feed_of):
    with pytest.raises(ConfigError, match="no trip of this feed runs"):
        feed_of({"Y": 1}, WEEKLY).day()
