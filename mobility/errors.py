"""Errors: the input is wrong. An infeasible problem is an answer, never an exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.findings import Finding


class MobilityError(Exception):
    """The input cannot be worked with; the message says where, what was found and how to mend it.

    Parameters
    ----------
    message
        One sentence, lower case, without a full stop.
    mend
        What the reader can do about it.
    findings
        Everything that was found up to here, the fatal finding first.
    """

    def __init__(self, message: str, *, mend: str = "", findings: Sequence[Finding] = ()) -> None:
        self.message = message
        self.mend = mend
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__(f"{message}\n  mend: {mend}" if mend else message)

    @classmethod
    def from_finding(cls, finding: Finding, *others: Finding) -> MobilityError:
        """Refuse the input because of one finding; ``others`` were seen before it."""
        return cls(finding.where_what, mend=finding.mend, findings=(finding, *others))


class TableError(MobilityError, ValueError):
    """A table (a feed's file, a CSV, a DataFrame) cannot be read or computed with."""


class ConfigError(MobilityError, ValueError):
    """A case file, an option or an argument is wrong."""


class MissingExtra(MobilityError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""
