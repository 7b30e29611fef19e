"""How the checker speaks: one finding a rule, and the tolerances it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.findings import finding

if TYPE_CHECKING:
    from mobility.findings import Finding

DAY = 86_400
WH = 1e-3  # kWh: the checker's tolerance
KW = 1e-4
FAR = 50_000_000  # a deadhead time above this means that there is no way
EMPTY = ("pull-out", "deadhead", "pull-in")


def say(code: str, bad: Any, value: Any, message: str = "") -> list[Finding]:
    """One finding for all rows where ``bad`` is true, citing the first."""
    rows = np.flatnonzero(np.asarray(bad, bool))
    if rows.size == 0:
        return []
    cited = value(int(rows[0])) if callable(value) else value
    return [finding(code, message, value=cited, count=int(rows.size))]
