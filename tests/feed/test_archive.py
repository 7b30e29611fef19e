"""Zips and folders from strangers: opened in memory, bounded, never unpacked."""

import zipfile

import pytest
from defects import CLEAN, packed, rename, with_member, write

from mobility.errors import TableError
from mobility.feed import archive as archive_module
from mobility.feed.archive import open_archive
from mobility.feed.read import read_feed


def made(tmp_path, files):
    path = tmp_path / "feed.zip"
    path.write_bytes(packed(files))
    return path


def test_zip_and_folder_hold_the_same_tables(tmp_path):
    folder = tmp_path / "feed"
    folder.mkdir()
    for name, content in CLEAN.items():
        (folder / name).write_bytes(content)
    with open_archive(folder) as one, open_archive(made(tmp_path, CLEAN)) as other:
        assert set(one.members) == set(other.members) == set(CLEAN)
        for name in CLEAN:
            with one.open(name) as left, other.open(name) as right:
                assert left.read() == right.read() == CLEAN[name]


def test_nothing_is_written_anywhere(tmp_path):
    path = made(tmp_path, with_member("../../evil.txt", "x")(CLEAN))
    before = {one for one in tmp_path.parent.rglob("*") if one.is_file()}
    feed = read_feed(path, cache=False)
    assert {one for one in tmp_path.parent.rglob("*") if one.is_file()} == before
    assert "evil" not in feed.raw


def test_the_hash_changes_with_the_bytes(tmp_path):
    digests = set()
    for files in (CLEAN, write("stops.txt", CLEAN["stops.txt"] + b"X,X,-33,-70,,,\n")(CLEAN)):
        with open_archive(made(tmp_path, files)) as archive:
            digests.add(archive.sha256())
        folder = tmp_path / f"feed{len(digests)}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        with open_archive(folder) as archive:
            digests.add(archive.sha256())
    assert len(digests) == 4


@pytest.mark.parametrize(
    "junk", ["__MACOSX/._stops.txt", ".DS_Store", "__MACOSX/stops.txt", "photo.jpg", ".hidden.txt"]
)
def test_junk_of_file_managers_is_passed_over(tmp_path, junk):
    feed = read_feed(made(tmp_path, write(junk, b"\0\1junk")(CLEAN)), cache=False)
    assert feed.findings == ()
    assert set(feed.raw) == {name.removesuffix(".txt") for name in CLEAN}


def test_too_many_members_and_bytes_are_refused(tmp_path, monkeypatch):
    path = made(tmp_path, CLEAN)
    for name, limit in (("MAX_MEMBERS", 3), ("MAX_TOTAL_BYTES", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(archive_module, name, limit)
            with pytest.raises(TableError) as caught:
                read_feed(path, cache=False)
            assert [one.code for one in caught.value.findings] == ["archive_too_large"]


def test_a_second_member_of_the_same_name_is_told(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = with_member("stops.txt", CLEAN["stops.txt"])(CLEAN)
    path = tmp_path / "feed.zip"
    path.write_bytes(data)
    (one,) = read_feed(path, cache=False).findings
    assert (one.code, one.value, one.count) == ("duplicate_member", "stops.txt", 2)


@pytest.mark.parametrize("name", ["LICENSE.txt", "Readme.txt"])
def test_upper_case_matters_for_tables_only(tmp_path, name):
    assert read_feed(made(tmp_path, write(name, b"free text\n")(CLEAN)), cache=False).findings == ()


def test_upper_case_tables_are_read(tmp_path):
    feed = read_feed(made(tmp_path, rename(str.upper)(CLEAN)), cache=False)
    assert {one.code for one in feed.findings} == {"upper_case_file_name"}
    assert len(feed.raw["stops"]) == 4


def test_there_is_no_such_feed(tmp_path):
    with pytest.raises(TableError, match="no such file or folder"):
        read_feed(tmp_path / "gone.zip")


def test_an_encrypted_zip_is_refused(tmp_path):
    path = made(tmp_path, CLEAN)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        starts = [one.header_offset for one in archive.infolist()]
        directory = archive.start_dir
    for start in starts:
        data[start + 6] |= 1  # "is encrypted", in the local header
    at = directory
    while data[at : at + 4] == b"PK\1\2":
        data[at + 8] |= 1
        at += 46 + sum(int.from_bytes(data[at + k : at + k + 2], "little") for k in (28, 30, 32))
    path.write_bytes(data)
    with pytest.raises(TableError) as caught:
        read_feed(path, cache=False)
    assert caught.value.findings[0].code == "damaged_member"
