"""What is wrong with somebody's data, said once, in one shape, with a way to mend it.

Codes live in ``findings.toml`` beside each domain: ``mobility/feed/findings.toml``,
``mobility/fleet/findings.toml`` ... A code is a stable promise: tools may match on it.
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

from mobility.errors import ConfigError
from mobility.shown import Shown

DOMAINS = ("feed", "fleet", "fares", "signals")


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of the catalogue behind ``mobility explain CODE``.

    ``canonical`` is true where the code is the canonical GTFS validator's own
    (gtfs-validator.mobilitydata.org/rules.html).
    """

    code: str
    severity: Severity
    title: str
    why: str
    mend: str
    canonical: bool = False


@dataclass(frozen=True, slots=True)
class Finding(Shown):
    """One thing that is wrong, where it is, and how to mend it.

    Parameters
    ----------
    code
        Stable name, in the catalogue.
    severity
        ``error``, ``warning`` or ``info``.
    message
        What was found, in one sentence.
    file, row, column, value
        Where: the file's name, the row of the file counted as a spreadsheet does (header = 1),
        the column and the offending text. Empty or None where they do not apply.
    mend
        What to do about it.
    count
        How many rows show the same; the first one is cited.
    """

    code: str
    severity: Severity
    message: str
    file: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    mend: str = ""
    count: int = 1

    @property
    def where_what(self) -> str:
        """``file:row:column: message (found 'value')``, the first line of an error."""
        where = ":".join(str(part) for part in (self.file, self.row, self.column) if part)
        found = f" (found {_shorten(self.value)!r})" if self.value else ""
        more = f" [{self.count:,} rows]" if self.count > 1 else ""
        return f"{where}: {self.message}{found}{more}" if where else f"{self.message}{found}{more}"

    def __str__(self) -> str:
        return f"{self.where_what}\n  mend: {self.mend}" if self.mend else self.where_what

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "severity": str(self.severity), "value": _shorten(self.value)}


def finding(
    code: str,
    message: str = "",
    *,
    file: str = "",
    row: int | None = None,
    column: str = "",
    value: object = "",
    mend: str = "",
    count: int = 1,
    severity: Severity | None = None,
) -> Finding:
    """Make a finding; severity, message and mend come from the catalogue unless given."""
    rule = catalogue()[code]
    return Finding(
        code=code,
        severity=severity or rule.severity,
        message=message or rule.title,
        file=file,
        row=row,
        column=column,
        value=str(value),
        mend=mend or rule.mend,
        count=count,
    )


@cache
def catalogue() -> dict[str, Rule]:
    """Every code the engine can report, by code, all domains together."""
    rules: dict[str, Rule] = {}
    for domain in DOMAINS:
        source = files("mobility").joinpath(domain, "findings.toml")
        if not source.is_file():
            continue
        for code, entry in tomllib.loads(source.read_text("utf-8")).items():
            if code in rules:
                raise ConfigError(f"finding code {code!r} stands in two catalogues")
            rules[code] = Rule(code, Severity(entry.pop("severity")), **entry)
    return rules


def explain(code: str) -> Rule:
    """Look a code up.

    Raises
    ------
    ConfigError
        When there is no such code; the message names the nearest ones.
    """
    rules = catalogue()
    if code not in rules:
        near = get_close_matches(code, rules, n=3)
        mend = f"did you mean {', '.join(near)}?" if near else "`mobility explain` lists all codes"
        raise ConfigError(f"no finding has the code {code!r}", mend=mend)
    return rules[code]


def has_errors(found: list[Finding] | tuple[Finding, ...]) -> bool:
    """Whether any finding is of severity error."""
    return any(one.severity is Severity.ERROR for one in found)


def _shorten(value: str, limit: int = 80) -> str:
    return value if len(value) <= limit else f"{value[: limit - 1]}…"
