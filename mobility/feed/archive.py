"""The files of a feed: a zip or a folder, opened in memory, bounded, never extracted.

A feed comes from strangers. Nothing is written anywhere, a member's path is never used as one, and
what would not fit is refused before it is inflated.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Self, cast

from mobility.errors import TableError
from mobility.feed.schema import FILES
from mobility.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

# A country's feed inflates to about 5 GB and by about 20:1; a bomb by 1 000:1.
MAX_TOTAL_BYTES = 16 << 30
MAX_MEMBERS = 1_000
MAX_RATIO = 200
RATIO_FREE_BYTES = 10 << 20  # below this size a ratio proves nothing
_CHUNK = 1 << 20
# What reading a member may raise: damage, encryption (RuntimeError), unknown packing.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


@dataclass
class Archive:
    """The readable tables of a feed: ``members`` maps ``stops.txt`` to where it lies."""

    path: Path
    members: dict[str, str]
    findings: list[Finding]
    _zip: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._zip is not None:
            self._zip.close()

    def open(self, name: str) -> IO[bytes]:
        """Open one table's bytes for reading, by its plain name."""
        member = self.members[name]
        try:
            if self._zip is None:
                return (self.path / member).open("rb")
            stream = self._zip.open(member)
        except _DAMAGE as error:
            raise TableError.from_finding(
                finding("damaged_member", f"cannot be opened: {error}", file=name)
            ) from None
        return cast("IO[bytes]", _Inflated(stream, name))

    def sha256(self) -> str:
        """Hash of the input: the zip's bytes, or every member's name and bytes in order."""
        digest = hashlib.sha256()
        if self._zip is not None:
            with self.path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        for name in sorted(self.members):
            digest.update(f"{name}\0".encode())
            with self.open(name) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
        return digest.hexdigest()


def open_archive(path: str | Path) -> Archive:
    """Open a feed's zip or folder.

    Raises
    ------
    TableError
        When there is nothing there, it is no zip, it is damaged, or it would not fit.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise TableError(f"{path}: there is no such file or folder", mend="check the path")
    return _open_folder(path) if path.is_dir() else _open_zip(path)


def _open_folder(path: Path) -> Archive:
    found = [str(one.relative_to(path).as_posix()) for one in _files(path)]
    members, findings = _choose(found, path.name)
    return Archive(path, members, findings)


def _files(path: Path) -> list[Path]:
    return [one for one in sorted(path.rglob("*.txt")) if one.is_file()]


def _open_zip(path: Path) -> Archive:
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGE as error:
        raise TableError.from_finding(
            finding("not_a_zip", f"cannot be opened as a zip: {error}", file=path.name)
        ) from None
    infos = [one for one in archive.infolist() if not one.is_dir()]
    findings = list(_refuse_bombs(infos, path.name))
    for name, count in Counter(one.filename for one in infos).items():
        if count > 1:
            findings.append(finding("duplicate_member", file=path.name, value=name, count=count))
    for one in infos:
        if one.filename.startswith(("/", "\\")) or ".." in PurePosixPath(one.filename).parts:
            findings.append(finding("path_traversal", file=path.name, value=one.filename))
    members, chosen = _choose([one.filename for one in infos], path.name)
    return Archive(path, members, findings + chosen, archive)


def _refuse_bombs(infos: list[zipfile.ZipInfo], file: str) -> Iterable[Finding]:
    total = sum(one.file_size for one in infos)
    if len(infos) > MAX_MEMBERS or total > MAX_TOTAL_BYTES:
        raise TableError.from_finding(
            finding(
                "archive_too_large",
                f"holds {len(infos):,} members of {total:,} bytes in all",
                file=file,
            )
        )
    for one in infos:
        ratio = one.file_size / max(one.compress_size, 1)
        if one.file_size > RATIO_FREE_BYTES and ratio > MAX_RATIO:
            raise TableError.from_finding(
                finding(
                    "zip_ratio",
                    f"{one.filename} inflates {ratio:,.0f} times, to {one.file_size:,} bytes",
                    file=file,
                    value=one.filename,
                )
            )
    return ()


def _choose(paths: list[str], file: str) -> tuple[dict[str, str], list[Finding]]:
    """Take the tables of the one folder that holds a feed; say what else lies there."""
    folders: dict[PurePosixPath, dict[str, str]] = {}
    for path in paths:
        pure = PurePosixPath(path.replace("\\", "/"))
        hidden = any(part.startswith((".", "__MACOSX")) for part in pure.parts)
        if hidden or ".." in pure.parts or pure.suffix.lower() != ".txt":
            continue
        folders.setdefault(pure.parent, {})[pure.name.lower()] = path
    feeds = {at: names for at, names in folders.items() if "stops.txt" in names}
    if len(feeds) > 1:
        raise TableError.from_finding(
            finding(
                "two_feeds",
                f"holds feeds in {', '.join(repr(str(one)) for one in sorted(feeds))}",
                file=file,
            )
        )
    if not folders:
        raise TableError.from_finding(finding("empty_archive", file=file))
    # Without stops.txt the fullest folder is the feed, so that what is missing can be named.
    at = next(iter(feeds), None) or max(
        sorted(folders), key=lambda one: (len(folders[one]), -len(one.parts))
    )
    found = []
    if at != PurePosixPath():
        found.append(finding("invalid_input_files_in_subfolder", file=file, value=str(at)))
    for name, path in folders[at].items():
        if PurePosixPath(path).name != name and name.removesuffix(".txt") in FILES:
            found.append(finding("upper_case_file_name", file=file, value=path))
    return folders[at], found


class _Inflated(io.RawIOBase):
    """A member's bytes; a damaged one says which file it is."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self._stream = stream
        self._name = name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except _DAMAGE as error:
            raise TableError.from_finding(
                finding("damaged_member", f"cannot be inflated: {error}", file=self._name)
            ) from None

    def close(self) -> None:
        self._stream.close()
        super().close()
