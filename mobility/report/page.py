"""What a page is made of: parts of domains, figures with their tables, and the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

# Tabs in reading order: id and title. A tab without figures is left out.
TABS = (
    ("summary", "Summary"),
    ("map", "Map"),
    ("vehicles", "Vehicles"),
    ("energy", "Energy"),
    ("week", "Week"),
    ("whatif", "What if"),
    ("fares", "Fares"),
    ("signals", "Signals"),
    ("findings", "Findings"),
    ("sources", "Sources"),
)
KPI_COLUMNS = ("name", "label", "unit", "before", "after", "difference")


@dataclass(frozen=True, eq=False)
class Figure:
    """One chart of the page, which also is a table.

    Parameters
    ----------
    id
        Short name, unique on the page; also the name of its file when saved.
    tab
        One of ``TABS``.
    kind
        Which drawing of ``js/`` shows it.
    title, says
        Heading, and a sentence that says what is seen; read out in place of the picture.
    data
        What the drawing needs; plain values and ``compact.pack``-ed arrays.
    table
        The same as a table, with units in the names of its columns.
    inline
        Whether the page carries the table beside ``data``; drawings of large tables make it again
        from their data.
    """

    id: str
    tab: str
    kind: str
    title: str
    says: str
    data: dict[str, Any]
    table: pd.DataFrame
    inline: bool = True


@dataclass(frozen=True, eq=False)
class Part:
    """What one result brings to the page.

    Parameters
    ----------
    domain
        ``fleet``, ``fares`` or ``signals``.
    title
        A heading for its figures in numbers.
    headline
        Sentences that a council reads first.
    kpis
        ``KPI_COLUMNS``: figures in numbers, as text of the page in before, after, difference.
    findings
        As ``Finding.to_dict`` gives them.
    assumptions
        What nobody gave and was assumed.
    provenance
        (what, value): input hashes, versions, seed.
    id
        Unique on the page; by default the domain.
    """

    domain: str
    title: str
    headline: tuple[str, ...]
    kpis: pd.DataFrame
    figures: tuple[Figure, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    assumptions: tuple[str, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    id: str = ""


@dataclass(frozen=True, eq=False)
class Page:
    """A report: ``write`` makes it a file, ``tables`` gives every chart as a DataFrame."""

    title: str
    subtitle: str
    parts: tuple[Part, ...]
    made: date | None = None

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All charts in reading order."""
        order = [name for name, _ in TABS]
        found = [one for part in self.parts for one in part.figures]
        return tuple(sorted(found, key=lambda one: order.index(one.tab)))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every chart as a DataFrame, by its id; ``kpis-<part>`` are the figures in numbers."""
        told = {f"kpis-{part.id or part.domain}": part.kpis for part in self.parts}
        return told | {one.id: one.table for one in self.figures}

    @property
    def tabs(self) -> tuple[tuple[str, str], ...]:
        """Id and title of the tabs that have something to show."""
        used = {one.tab for one in self.figures} | {"summary", "findings", "sources"}
        return tuple(one for one in TABS if one[0] in used)

    def to_html(self) -> str:
        """Return the whole page: styles, scripts and data are inside it."""
        from mobility.report.render import render

        return render(self)

    def write(self, path: str | Path) -> Path:
        """Write the page; an earlier file is replaced once the new one is whole."""
        target = Path(path).expanduser().resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
        try:
            part.write_text(self.to_html(), "utf-8")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        return target

    def __str__(self) -> str:
        said = ", ".join(dict.fromkeys(part.domain for part in self.parts))
        return f"{self.title}: {said}; {len(self.figures)} figures"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<p>{escape(str(self))}</p>"
