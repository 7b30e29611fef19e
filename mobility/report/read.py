"""RESULT on disk -> what it is an answer to: each kind is known by its own names."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError, TableError

if TYPE_CHECKING:
    from collections.abc import Callable

# Names that only one kind of document has.
_SIGNS: tuple[tuple[str, frozenset[str]], ...] = (
    ("fleet-plan", frozenset({"vehicles", "blocks_mode"})),
    ("fleet-week", frozenset({"day_types", "year_minor"})),
    ("fleet-simulation", frozenset({"broken_blocks", "first_breaks", "percentile"})),
    ("fleet-sizing", frozenset({"sites", "curve", "checked_together"})),
    ("fleet-transition", frozenset({"by", "stages", "order"})),
    ("fleet-comparison", frozenset({"what_ifs"})),
    ("fleet-stays", frozenset({"strategy", "sessions", "peak_kw"})),
    ("fares-settle", frozenset({"tariff", "totals"})),
    ("fares-best", frozenset({"levels", "frontier", "curve"})),
    ("fares-groups", frozenset({"groups", "levels_to_choose_from"})),
    ("fares-caps", frozenset({"levels", "currency"})),
    ("fares-policy", frozenset({"policies", "currency"})),
    ("signals-info", frozenset({"network", "digest", "plan"})),
    ("signals-plan", frozenset({"signals", "digest", "from_s"})),
    ("signals-week", frozenset({"plans", "slots"})),
    ("signals-week", frozenset({"kind", "plans"})),
    ("signals-timed", frozenset({"plans", "benefit_per_year"})),
    ("signals-preempt", frozenset({"route", "runs", "others_lose_s_per_vehicle"})),
    ("signals-punctuality", frozenset({"by_route", "on_time_s", "figures"})),
    ("signals-run", frozenset({"delay_s", "person_delay_s"})),
)
KNOWN = (
    "a folder of `mobility fleet plan --out`, or JSON of `fleet plan`, `fares settle`, `fares caps`, "
    "`signals time` or `signals simulate`"
)


@dataclass(frozen=True, eq=False)
class Answer:
    """A result as it was found.

    Parameters
    ----------
    kind
        ``fleet-plan``, ``fares-settle`` ... : ``<domain>-<what>``.
    document
        Its JSON document.
    name
        File or folder name, without the way to it.
    folder
        Where its tables lie; None for one document alone.
    given
        A result in memory, where it was given so.
    """

    kind: str
    document: dict[str, Any]
    name: str
    folder: Path | None = None
    given: Any = field(default=None, repr=False)

    @property
    def domain(self) -> str:
        """``fleet``, ``fares`` or ``signals``."""
        return self.kind.partition("-")[0]


def read_result(path: str | Path) -> Answer:
    """Read a result: a folder with one JSON document, or the document alone.

    Raises
    ------
    TableError
        When it cannot be read, or is not JSON.
    ConfigError
        When it is no result that a report can show.
    """
    at = Path(path).expanduser()
    if not at.exists():
        raise TableError(f"{path}: no such file or folder", mend=f"give {KNOWN}")
    file = _document_in(at) if at.is_dir() else at
    try:
        # NaN is no JSON, though some write it: it is nothing.
        told = json.loads(file.read_text("utf-8"), parse_constant=lambda _: None)
    except (OSError, ValueError) as error:
        raise TableError(f"{file}: cannot be read as JSON: {error}", mend=f"give {KNOWN}") from None
    return Answer(_kind(told, path), told, at.resolve().name, at if at.is_dir() else None)


def answer_of(result: Any) -> Answer:
    """Take a result in memory, or read one from its path."""
    if isinstance(result, Answer):
        return result
    if isinstance(result, str | Path):
        return read_result(result)
    make: Callable[[], dict[str, Any]] | None = getattr(result, "to_dict", None)
    if make is None:
        raise ConfigError(
            f"a report cannot show a {type(result).__name__}", mend=f"give a result, or {KNOWN}"
        )
    told = make()
    return Answer(_kind(told, type(result).__name__), told, type(result).__name__, given=result)


def _kind(told: Any, where: str | Path) -> str:
    names = set(told) if isinstance(told, dict) else set()
    for kind, needed in _SIGNS:
        if needed <= names:
            return kind
    found = ", ".join(sorted(names)[:5]) or type(told).__name__
    raise ConfigError(
        f"{where}: is no result that a report can show (found {found!r})", mend=f"give {KNOWN}"
    )


def _document_in(folder: Path) -> Path:
    """The one JSON document of a folder."""
    plan = folder / "plan.json"
    found = [plan] if plan.is_file() else sorted(folder.glob("*.json"))
    if len(found) != 1:
        raise TableError(
            f"{folder}: holds {len(found)} JSON documents, a result has one", mend=f"give {KNOWN}"
        )
    return found[0]
