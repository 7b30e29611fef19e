"""What is answered about caps: the policy, what it does, and what is proved about it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mobility.errors import ConfigError
from mobility.fares.cap_world import adoption_label
from mobility.fares.policies import plain_rows
from mobility.shown import Shown
from mobility.solution import Status
from mobility.units import format_money

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fares.cap_world import Adoption
    from mobility.fares.equity import Equity
    from mobility.fares.problem import Tariff
    from mobility.fares.respond import Response
    from mobility.findings import Finding
    from mobility.solution import Report

_FILES = ("answer.json", "frontier.csv", "curve.csv")


@dataclass(frozen=True)
class CapAnswer(Shown):
    """The best caps under a demand on revenue.

    Parameters
    ----------
    levels
        Level of each cap, minor units or rides; None is no cap. Empty where there is no answer.
    rise_percent, adoption
        What goes with it: by how much fares rise, and the share of other cards on the capped medium.
    present, target
        Revenue of these taps under the tariff as it is, and the least that is allowed, minor units.
    row
        What the policy does, as a row of :class:`~mobility.fares.policies.Comparison`.
    frontier
        A row for each rise (and other caps' levels): its best policy, or that none reaches the target.
    curve
        Revenue, riders helped and Gini index over the level of the last cap, all else as answered.
    proof
        ``method``, ``claim`` in words, policies ``rated`` of how many, the ``neighbour`` that is refused.
    tariff
        The best tariff, ready for :func:`fares.settle`.
    response, equity, confidence
        Where they were asked for.
    """

    report: Report
    levels: dict[str, int | None]
    rise_percent: float
    adoption: Adoption
    present: int
    target: int
    row: dict[str, Any]
    frontier: pd.DataFrame
    curve: pd.DataFrame
    proof: dict[str, Any]
    tariff: Tariff | None
    asked: Tariff
    least_saving: int = 1
    seed: int = 0
    why: str = ""
    assumptions: tuple[str, ...] = ()
    response: Response | None = None
    equity: Equity | None = None
    confidence: dict[str, Any] | None = None
    findings: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        if self.report.status is Status.INFEASIBLE:
            return f"no policy reaches the revenue asked for: {self.why}"
        caps = ", ".join(
            f"{name} {'none' if level is None else format(level, ',')}"
            for name, level in self.levels.items()
        )
        change = format_money(self.row["change"], self.asked.currency)
        return (
            f"cap {caps}, fares {self.rise_percent:+g} %: {self.row['riders_helped']:,} riders pay "
            f"less, {self.row['riders_worse']:,} more, revenue {change} ({self.report.headline()})"
        )

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.frontier.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; no card, and no count of one to nine cards in a table."""
        return {
            **self.report.to_dict(),
            "tariff": self.asked.name,
            "currency": self.asked.currency,
            "answer": str(self),
            "why": self.why,
            "levels": self.levels,
            "rise_percent": self.rise_percent,
            "adoption": adoption_label(self.adoption),
            "present_revenue": self.present,
            "least_revenue": self.target,
            "policy": self.row,
            "proof": self.proof,
            "assumptions": list(self.assumptions),
            "frontier": plain_rows(self.frontier),
            "curve": plain_rows(self.curve),
            "response": None if self.response is None else self.response.to_dict(),
            "equity": None if self.equity is None else self.equity.to_dict(),
            "confidence": self.confidence,
            "findings": [one.to_dict() for one in self.findings],
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def plot(self, ax: Any = None) -> Any:
        """Draw revenue, riders helped and equity over the level of the cap."""
        from mobility.fares.cap_plot import plot_answer

        return plot_answer(self, ax)

    def write(self, folder: str | Path) -> Path:
        """Write ``answer.json``, ``frontier.csv`` and ``curve.csv``, each whole or not at all.

        Raises
        ------
        ConfigError
            When the folder cannot be made or written to.
        """
        place = Path(folder)
        texts = {
            "answer.json": self.to_json() + "\n",
            "frontier.csv": self.frontier.to_csv(index=False, lineterminator="\n"),
            "curve.csv": self.curve.to_csv(index=False, lineterminator="\n"),
        }
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                part = place / f".{name}.{uuid4().hex[:8]}.part"
                try:
                    part.write_text(text, encoding="utf-8")
                    part.replace(place / name)
                finally:
                    part.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{folder}: cannot be written: {error.strerror}",
                mend="name a folder you may write to",
            ) from None
        return place
