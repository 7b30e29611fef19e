"""A crossroads, its plan, and logs of it: what the tests of signals start from."""

from __future__ import annotations

import pandas as pd

from mobility import samples, signals
from mobility.signals.plan import SHOWN, Log
from mobility.signals.problem import Network, Rules

CROSS = Network(
    (signals.read_network(samples.path("changsha") / "signals.toml").intersections[0],),
    rules=Rules(priority_lockout_s=60),
)
PLAN = signals.plan_of(CROSS)
J = "J01"


def log_of(network, plan, cycles=6, **more):
    """A log that shows a plan, cycle after cycle."""
    rows, stages = [], []
    for one in plan.signals:
        for k in range(cycles):
            at = one.zero_s + k * one.cycle_s
            rows += [
                (one.signal, s.group, str(s.state), at + s.from_s, at + s.to_s) for s in one.shows
            ]
            stages += [
                (one.signal, s.stage, at + s.from_s, at + s.from_s + s.green_s) for s in one.stages
            ]
    return Log(
        pd.DataFrame(rows, columns=list(SHOWN)),
        pd.DataFrame(stages, columns=["signal", "stage", "from_s", "to_s"]),
        plan=plan,
        **more,
    )
