"""CSV as feeds really write it: every cell stays the text it was, every defect keeps its row."""

import csv
import io
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.errors import TableError
from mobility.feed import read_feed
from mobility.feed.tables import read_table, table_from_frame

CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), max_size=6
)


def read(content, name="stops"):
    return read_table(io.BytesIO(content if isinstance(content, bytes) else content.encode()), name)


def columns(table):
    return {name: table.text(name).tolist() for name in table.columns}


@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS).filter(any), max_size=12))
def test_what_the_standard_library_writes_is_read_back(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([("a", "b", "c"), *rows])
    table, found = read(out.getvalue())
    assert found == []
    assert list(zip(*columns(table).values(), strict=True)) == rows


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_marks(end, bom, last):
    text = end.join(["stop_id,stop_name", "1,A", "2,B"]) + (end if last else "")
    table, found = read(bom + text.encode())
    assert found == []
    assert columns(table) == {"stop_id": ["1", "2"], "stop_name": ["A", "B"]}


def test_nothing_is_guessed():
    table, found = read("a\n007\n7\nNA\nnull\nnan\nTrue\n1e5\n=1+1\n")
    assert found == []
    assert columns(table)["a"] == ["007", "7", "NA", "null", "nan", "True", "1e5", "=1+1"]


def test_old_mac_ends_are_read_and_told():
    table, found = read("a,b\r1,2\r3,4\r")
    assert [one.code for one in found] == ["old_mac_line_ends"]
    assert columns(table) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_blanks_in_a_header_are_cut():
    table, found = read("\ufeff stop_id , stop_name\n1,A\n")
    assert found == []
    assert table.columns == ("stop_id", "stop_name")


def test_blank_lines_at_the_end_are_no_rows():
    table, found = read("a,b\n1,2\n\n\n")
    assert len(table) == 1
    assert found == []


def test_a_quoted_newline_stays_in_its_cell():
    table, found = read('a,b\n"one\ntwo",2\n3,4\n')
    assert columns(table) == {"a": ["one\ntwo", "3"], "b": ["2", "4"]}
    assert found == []


def test_short_and_long_rows_keep_what_they_have():
    table, found = read("a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11,12\n")
    (one,) = found
    assert (one.code, one.row, one.count) == ("invalid_row_length", 3, 2)
    rows = {table.row(at): [table.cell(name, at) for name in "abc"] for at in range(len(table))}
    assert rows == {
        2: ["1", "2", "3"], 3: ["4", "5", ""], 4: ["6", "7", "8"], 5: ["10", "11", "12"],
    }  # fmt: skip


def test_a_bad_byte_is_replaced_and_told():
    table, (one,) = read(b"a,b\n1,ok\n2,caf\xe9\n")
    assert (one.code, one.row, one.column) == ("invalid_character", 3, "b")
    assert table.text("b").tolist() == ["ok", "caf\ufffd"]


def test_a_row_wrong_in_length_and_in_bytes_is_refused_in_one_sentence(capfd):
    with pytest.raises(TableError) as caught:
        read(b"a,b\n1,2\n3,\xff,4\n5,6\n")
    (one,) = caught.value.findings
    assert (one.code, one.row) == ("invalid_character", 3)
    assert capfd.readouterr().err == ""


def test_a_wide_encoding_is_refused():
    with pytest.raises(TableError, match="UTF-16"):
        read("a,b\n1,2\n".encode("utf-16"))


@pytest.mark.parametrize("content", ["", "\n", "\ufeff"])
def test_an_empty_file_is_told(content):
    table, (one,) = read(content)
    assert one.code == "empty_file"
    assert len(table) == 0
    assert table.columns == ()


def test_a_header_alone_is_a_table_without_rows():
    table, found = read("a,b\n")
    assert (len(table), table.columns, found) == (0, ("a", "b"), [])
    assert table.floats("a").shape == table.text("b").shape == (0,)


def test_numbers():
    table, _ = read("n\n1\n2.5\n\nnan\ninf\nx\n-3\n+4\n1e3\n0x1F\n", "shapes")
    got = table.floats("n")
    expected = [1, 2.5, np.nan, np.nan, np.nan, -3, 4, 1000, np.nan]
    assert np.array_equal(got, expected, equal_nan=True)
    assert table.integers("n", default=-9).tolist() == [1, -9, -9, -9, -9, -3, 4, 1000, -9]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_numbers_survive_their_text(numbers):
    table, _ = read("n\n" + "".join(f"{one!r}\n" for one in numbers))
    assert table.floats("n").tolist() == numbers


def test_a_frame_becomes_text():
    frame = pd.DataFrame(
        {"id": ["a", None, "NA"], "direction_id": [1.0, None, 0.0], "n": [1, 2, 3]}
    )
    table = table_from_frame(frame, "trips")
    assert columns(table) == {
        "id": ["a", "", "NA"], "direction_id": ["1", "", "0"], "n": ["1", "2", "3"],
    }  # fmt: skip
    assert table.frame()["id"].isna().tolist() == [False, True, False]


def test_an_unreadable_note_beside_the_tables_stops_nobody(samples_folder, tmp_path):
    feed = shutil.copytree(samples_folder / "odd" / "plain", tmp_path / "plain")
    (feed / "remarks.txt").write_bytes("drivers' notes".encode("utf-16"))
    read = read_feed(feed, cache=False)
    assert not read.errors
    assert "invalid_character" in {one.code for one in read.findings}
