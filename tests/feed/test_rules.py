"""Every rule on a feed with that one defect; and bytes gone wrong never end in a traceback."""

import random
import tomllib
from pathlib import Path

import pytest
from defects import CLEAN, DEFECTS, add, both, drop, packed, swap, write
from hypothesis import given, settings
from hypothesis import strategies as st

import mobility.feed
from mobility.cli import feed as command
from mobility.errors import TableError
from mobility.feed.read import read_feed
from mobility.feed.rules import ordered
from mobility.findings import catalogue

NAMES = [one.name for one in DEFECTS]


def findings_of(path):
    """What is wrong, and whether the feed was refused for it."""
    try:
        return list(read_feed(path, cache=False).findings), False
    except TableError as error:
        return list(error.findings), True


@pytest.fixture
def made(tmp_path):
    """Write files as a zip, or as a folder."""

    def make(files, folder=False):
        if not folder:
            path = tmp_path / "feed.zip"
            path.write_bytes(packed(files))
            return path
        path = tmp_path / "feed"
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path

    return make


@pytest.mark.parametrize("folder", [False, True], ids=["zip", "folder"])
def test_the_clean_feed_has_no_finding(made, folder):
    found, refused = findings_of(made(CLEAN, folder))
    assert found == []
    assert not refused


def test_names_of_defects_are_unique():
    assert len(set(NAMES)) == len(NAMES) >= 40


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_one_defect_gives_its_one_finding(made, defect, capsys):
    path = made(defect.change(CLEAN))
    found, refused = findings_of(path)
    assert [(one.code, one.file, one.row, str(one.severity)) for one in found] == [
        (defect.code, defect.file, defect.row, defect.severity)
    ]
    assert refused == defect.refused
    assert found[0].message
    assert found[0].mend
    assert command.check(str(path), no_cache=True) == defect.exit_code
    assert defect.code in capsys.readouterr().out


def test_a_finding_cites_the_first_row_and_counts_all(made):
    (one,), _ = findings_of(made(both(
        swap("stop_times", "08:10:00,", "8.10,"),
        swap("stop_times", "08:20:00,08", "8.20,08"),
    )(CLEAN)))  # fmt: skip
    assert (one.code, one.row, one.column, one.value, one.count) == (
        "invalid_time", 3, "arrival_time", "8.10", 2,
    )  # fmt: skip


def test_a_short_row_keeps_its_place_in_the_file(made):
    found, _ = findings_of(made(both(
        swap("routes", ",FF0000", ""), swap("routes", "101,3", "101,bus")
    )(CLEAN)))  # fmt: skip
    assert [(one.code, one.row) for one in found] == [
        ("invalid_row_length", 2), ("invalid_integer", 2),
    ]  # fmt: skip


def test_blocks_overlap_only_on_a_common_date(made):
    apart = swap("trips", "1,end,out2", "1,week,out2")(CLEAN)
    (one,), _ = findings_of(made(apart))
    assert "out2" in one.message or "back1" in one.message
    assert "2025-01-02" in one.message
    # Exceptions count: the same services, but the second is taken back on its only day.
    only = both(
        drop("calendar"),
        write(
            "calendar_dates.txt",
            b"service_id,date,exception_type\nweek,20250106,1\nend,20250107,1\n",
        ),
    )
    assert findings_of(made(only(CLEAN)))[0] == []


def test_a_flexible_trip_needs_no_times(made):
    flexible = both(
        add("trips", "1,week,call,,0,,"),
        write(
            "stop_times.txt",
            CLEAN["stop_times.txt"].replace(b"traveled\n", b"traveled,location_group_id,"
            b"start_pickup_drop_off_window,end_pickup_drop_off_window\n")
            .replace(b",P,1,0\n", b",P,1,0,,,\n").replace(b",Q,2,1.4\n", b",Q,2,1.4,,,\n")
            .replace(b",R,3,2.9\n", b",R,3,2.9,,,\n")
            .replace(b",1,\n", b",1,,,,\n").replace(b",2,\n", b",2,,,,\n").replace(b",3,\n", b",3,,,,\n")
            + b"call,,,,1,,g,08:00:00,18:00:00\ncall,,,,2,,g,08:00:00,18:00:00\n",
        ),
        write("location_groups.txt", b"location_group_id\ng\n"),
        write("location_group_stops.txt", b"location_group_id,stop_id\ng,P\ng,Q\n"),
    )  # fmt: skip
    assert findings_of(made(flexible(CLEAN)))[0] == []


@pytest.mark.parametrize("name", ["LICENSE.txt", "readme.txt"])
def test_texts_for_people_stay_silent(made, name):
    assert findings_of(made(write(name, b'do "what, you\nlike\n\n')(CLEAN)))[0] == []


def test_a_broken_table_of_ones_own_only_warns(made):
    found, refused = findings_of(made(write("fleet.txt", b"bus,length\n1\n2\n")(CLEAN)))
    assert not refused
    assert [(one.code, str(one.severity)) for one in found] == [
        ("invalid_row_length", "warning"), ("unknown_file", "info"),
    ]  # fmt: skip


def test_a_refusal_names_all_that_is_fatal_first(made):
    change = both(drop("stops", "trips"), swap("agency", "Andes Bus", "Andes Bus "))
    found, refused = findings_of(made(change(CLEAN)))
    assert refused
    assert [(one.code, one.file) for one in found] == [
        ("missing_required_file", "stops.txt"),
        ("missing_required_file", "trips.txt"),
        ("leading_or_trailing_whitespaces", "agency.txt"),
    ]


def test_order_is_severity_then_file_then_row(made):
    change = both(
        swap("routes", "101,3", "101,99"),
        swap("stops", "-33.4400", "x"),
        swap("stops", "-33.4300", "-93"),
        swap("agency", "America/Santiago", "Mars"),
    )
    found = ordered(findings_of(made(change(CLEAN)))[0])
    assert [one.file for one in found] == ["agency.txt", "stops.txt", "stops.txt", "routes.txt"]


def test_every_code_of_the_catalogue_has_its_defect():
    source = Path(mobility.feed.__file__).with_name("findings.toml")
    codes = set(tomllib.loads(source.read_text("utf-8")))
    # These two are shown by tests/feed/test_archive.py.
    assert codes - {one.code for one in DEFECTS} == {"archive_too_large", "duplicate_member"}


def test_every_code_is_in_the_catalogue_and_says_how_to_mend():
    rules = catalogue()
    for defect in DEFECTS:
        rule = rules[defect.code]
        assert rule.title[0].islower() or not rule.title[0].isalpha()
        assert not rule.title.endswith(".")
        assert rule.why.endswith(".")
        assert rule.mend


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32))
def test_random_damage_never_ends_in_a_traceback(tmp_path_factory, seed):
    luck = random.Random(seed)
    files = dict(CLEAN)
    for _ in range(luck.randint(1, 4)):
        name = luck.choice(list(files))
        content = bytearray(files[name])
        for _ in range(luck.randint(1, 6)):
            at = luck.randrange(len(content) + 1)
            kind = luck.randrange(3)
            if kind == 0:
                content[at:at] = bytes(luck.choice(b',"\n\r\0;-:9\xff\xc3 ') for _ in range(2))
            elif kind == 1:
                del content[at : at + luck.randint(1, 30)]
            else:
                content[at : at + 1] = bytes([luck.randrange(256)])
        files[name] = bytes(content)
    path = tmp_path_factory.mktemp("damaged") / "feed.zip"
    path.write_bytes(packed(files))
    found, _ = findings_of(path)
    places = [(one.code, one.file, one.column) for one in found if one.column]
    assert len(places) == len(set(places)), "one finding a code, file and column"


@settings(max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_a_damaged_zip_never_ends_in_a_traceback(tmp_path_factory, seed):
    luck = random.Random(seed)
    data = bytearray(packed(CLEAN))
    for _ in range(luck.randint(1, 8)):
        at = luck.randrange(len(data))
        if luck.random() < 0.2:
            del data[at : at + luck.randint(1, 100)]
        else:
            data[at] = luck.randrange(256)
    path = tmp_path_factory.mktemp("damaged") / "feed.zip"
    path.write_bytes(data)
    findings_of(path)
