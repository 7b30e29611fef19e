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
# Documents of other commands: what they are, and what to give instead.
_ELSEWHERE: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"feed", "counts", "findings"}), "findings of a feed, of `feed check`",
     "a report has the findings of the feed that its plan is of: mobility fleet plan FEED --out PLAN"),
    (frozenset({"feed", "stop_times", "services"}), "counts of a feed, of `feed info`",
     "mobility fleet plan FEED --out PLAN; mobility report PLAN"),
    (frozenset({"vehicles", "vehicles_bound", "blocks"}), "a plan of a cost matrix: it has no day and no places",
     "plan a feed: mobility fleet plan FEED --out PLAN"),
    (frozenset({"plan", "check"}), "findings of `fleet check`",
     "give the plan's folder: a report checks it anew"),
    (frozenset({"tods"}), "a list of written files, of `fleet export`", "give the plan's folder"),
    (frozenset({"ocpp"}), "a list of written files, of `fleet export`", "give the plan's folder"),
    (frozenset({"tariff", "legs", "transfers"}), "a tariff, of `fares tariff`",
     "show what it does: mobility fares settle TAPS --tariff TARIFF --json > settled.json"),
    (frozenset({"card", "lines"}), "one card's charges, of `fares explain`: a page to hand on names no single card",
     "mobility fares settle TAPS --json > settled.json"),
    (frozenset({"route_id", "passings"}), "a corridor, of `signals corridor`",
     ("write its network and time it: signals corridor ... --network signals.toml; "
     "mobility signals time signals.toml --json > timed.json")),
    (frozenset({"movements", "residuals"}), "turning counts, of `signals counts`",
     "put the volumes into signals.toml and time it: mobility signals time signals.toml --json > timed.json"),
    (frozenset({"planned", "input_findings", "signals"}), "findings of `signals check`",
     "give the plan and its network: a report checks it anew"),
    (frozenset({"plans", "findings"}), "findings of a network that could not be timed, of `signals time`",
     "mend what they name: mobility signals check NETWORK"),
    (frozenset({"written", "sheets"}), "a list of timing sheets, of `signals sheet`",
     "give the plan that they are of, with --network"),
    (frozenset({"written", "plan"}), "a note of `signals convert`",
     "give the file that it wrote, in .json"),
    (frozenset({"written", "figures", "tabs"}), "a note of `report`", "open the page that it wrote"),
)  # fmt: skip
KNOWN = (
    "a folder that `--out` wrote, or JSON, of `fleet plan` (also with --week), `blocks`, `electrify`, "
    "`charge`, `simulate`, `size`, `transition` or `compare`; of `fares settle` or `caps`; of `signals time`, "
    "`simulate`, `drive`, `punctuality`, `preempt`, or a signal plan"
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
    if file.suffix.lower() in {".csv", ".parquet", ".zip", ".toml", ".html", ".xml", ".txt"}:
        raise TableError(
            f"{path}: is no result but a {file.suffix.lower()} file", mend=f"give {KNOWN}"
        )
    if file.is_file() and file.stat().st_size == 0:
        raise TableError(
            f"{path}: is empty",
            mend="run the command that was to write it again, and look at its message",
        )
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
    for needed, what, mend in _ELSEWHERE:
        if needed <= names:
            raise ConfigError(f"{where}: a report does not show {what}", mend=mend)
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
