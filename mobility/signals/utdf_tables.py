"""UTDF as plain tables: sections of one CSV file, or one file a section, record by record."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

from mobility.errors import TableError
from mobility.findings import Finding, finding

# The line after a section's name, or the first one of a file of its own.
_TITLES = {
    "network settings": "Network", "node data": "Nodes", "link data": "Links",
    "lane group data": "Lanes", "timing plan settings": "Timeplans",
    "timing plan data": "Timeplans", "time plan data": "Timeplans", "phasing data": "Phases",
    "phase data": "Phases",
}  # fmt: skip
_NAMES = {"phasing": "Phases", "timings": "Timeplans", "timing": "Timeplans", "layout": "Nodes"}
SECTIONS = ("Network", "Nodes", "Links", "Lanes", "Timeplans", "Phases")
NEEDED = ("Lanes", "Timeplans", "Phases")


@dataclass(frozen=True)
class Record:
    """One line of a section: its cells by column, and where it stands."""

    file: str
    row: int
    cells: dict[str, str]


@dataclass
class Utdf:
    """What a UTDF file says.

    Parameters
    ----------
    records
        Section -> (record's name in lower case, node) -> record. A later one replaces an earlier
        one, as the format has it. Of ``Nodes`` the name is empty.
    """

    file: str
    records: dict[str, dict[tuple[str, str], Record]]
    findings: list[Finding] = field(default_factory=list)

    def nodes(self, section: str) -> list[str]:
        """Nodes of a section, in the file's order."""
        return list(dict.fromkeys(node for _, node in self.records.get(section, {})))

    def cell(self, section: str, record: str, node: str, column: str) -> str:
        """A cell; empty where there is none."""
        found = self.records.get(section, {}).get((record.lower(), node))
        return "" if found is None else found.cells.get(column, "").strip()

    def number(
        self, section: str, record: str, node: str, column: str, *, least: float = -math.inf
    ) -> float | None:
        """A number; None where the cell is empty or, with a finding, is none."""
        text = self.cell(section, record, node, column).lstrip("*").strip()
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isfinite(value) and value >= least:
            return value
        place = self.records[section][record.lower(), node]
        self.findings.append(
            finding("signal_row_unreadable", "no number that can be", file=place.file,
                    row=place.row, column=column, value=text,
                    mend="write a number, as Synchro does")
        )  # fmt: skip
        return None

    def say(self, code: str, node: str, value: object, section: str = "", record: str = "") -> None:
        """Note something about a node."""
        place = self.records.get(section, {}).get((record.lower(), node))
        self.findings.append(
            finding(code, file=place.file if place else self.file, row=place.row if place else None,
                    column=node, value=value)
        )  # fmt: skip


def read_tables(path: str | Path) -> Utdf:
    """Read a combined file (``[Lanes]``, ``[Timeplans]``, ``[Phases]``), or a folder of files.

    Raises
    ------
    TableError
        When nothing can be read there, or one of the three sections is missing.
    """
    source = Path(path)
    if source.is_dir():
        files = sorted(one for one in source.iterdir() if one.suffix.lower() == ".csv")
        if not files:
            raise TableError(
                f"{path}: no CSV file in it", mend="Lanes.csv, Phasing.csv, Timeplans.csv"
            )
    else:
        files = [source]
    found = Utdf(source.name, {})
    for one in files:
        _read(one, found)
    missing = [name for name in NEEDED if not found.records.get(name)]
    if missing:
        raise TableError(f"{path}: no section {missing[0]}",
                         mend="export UTDF with lanes, time plans and phases",
                         findings=found.findings)  # fmt: skip
    return found


def _read(path: Path, found: Utdf) -> None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream)
            rows = [(lines.line_num, [cell.strip() for cell in row]) for row in lines]
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}", mend="name a UTDF file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: no CSV in UTF-8: {error}", mend="export it again") from None
    section = _section(path.stem)
    head: list[str] = []
    for at, row in rows:
        first = row[0] if row else ""
        if not any(row):
            continue
        if first.startswith("["):
            section, head = _section(first.strip("[] ")), []
        elif first.lower() in _TITLES:
            section, head = _TITLES[first.lower()], []
        elif "INTID" in row or first.upper() == "RECORDNAME":
            head = row
        elif head and section:
            cells = dict(zip(head, row, strict=False))
            node = cells.get("INTID", "")
            name = cells.get("RECORDNAME", "").lower()
            found.records.setdefault(section, {})[name, node] = Record(path.name, at, cells)


def _section(name: str) -> str:
    low = name.strip().lower()
    return _NAMES.get(low) or next((one for one in SECTIONS if one.lower() == low), "")
