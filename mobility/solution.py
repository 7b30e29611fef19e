"""The one shape in which every solver says how it went: status, objective, bound, gap."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mobility.errors import MobilityError
from mobility.shown import Shown

# The stated tolerance of `gap`'s denominator, and of "the bound may not pass the objective".
EPSILON = 1e-9


class Status(StrEnum):
    """What is known about the answer."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    UNKNOWN = "unknown"


class StopReason(StrEnum):
    """Why the solver stopped: apart from how it went."""

    FINISHED = "finished"
    GAP = "gap"
    SECONDS = "seconds"
    WORK = "work"
    INTERRUPTED = "interrupted"


@cache
def _versions() -> dict[str, str]:
    found = {}
    for name in ("mobility-engine", "ortools", "numpy", "numba", "pandas"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@dataclass(frozen=True)
class Report(Shown):
    """How a solve went, and how far its answer can be trusted.

    Parameters
    ----------
    status
        ``optimal`` is claimed only where the gap is closed by proof.
    objective, bound
        In ``objective_unit``; ``bound`` is proven, on the side that no plan can beat.
    parts
        Splits ``objective``; its values sum to it.
    bound_scope
        What the bound covers, in words ("these trips, the assumed depots, any batteries").
    seconds
        Wall time of the solve.
    maximise
        True turns the sign of the gap.
    """

    status: Status
    objective: float | None = None
    objective_unit: str = ""
    parts: dict[str, float] = field(default_factory=dict)
    bound: float | None = None
    bound_scope: str = ""
    seconds: float = 0.0
    seed: int = 0
    stop_reason: StopReason = StopReason.FINISHED
    maximise: bool = False
    versions: dict[str, str] = field(default_factory=lambda: dict(_versions()))

    def __post_init__(self) -> None:
        if self.gap is not None and self.gap < -1e-6:
            raise MobilityError(
                f"a bound of {self.bound} beyond the objective {self.objective}: "
                "the solver is wrong",
                mend="please report this with the input",
            )
        total = sum(self.parts.values())
        if self.parts and self.objective is not None:
            scale = max(1.0, abs(self.objective))
            if abs(total - self.objective) > 1e-6 * scale:
                raise MobilityError(f"parts sum to {total}, the objective is {self.objective}")

    @property
    def gap(self) -> float | None:
        """``(objective - bound) / max(|objective|, 1e-9)``, a fraction, or None."""
        if self.objective is None or self.bound is None:
            return None
        away = self.bound - self.objective if self.maximise else self.objective - self.bound
        return away / max(abs(self.objective), EPSILON)

    def __str__(self) -> str:
        return self.headline()

    def headline(self) -> str:
        """``feasible, gap 0.31 %, 2.4 s``."""
        gap = "no bound" if self.gap is None else f"gap {max(self.gap, 0.0):.2%}"
        return f"{self.status}, {gap}, {self.seconds:.1f} s"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, in reading order."""
        return {
            "status": str(self.status),
            "objective": self.objective,
            "objective_unit": self.objective_unit,
            "parts": self.parts,
            "bound": self.bound,
            "bound_scope": self.bound_scope,
            "gap": self.gap,
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
            "stop_reason": str(self.stop_reason),
            "versions": self.versions,
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)
