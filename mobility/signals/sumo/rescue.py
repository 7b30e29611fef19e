"""Pre-emption in SUMO: the same alarms without and with it, and what it costs everybody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.sumo.drive import drive
from mobility.signals.sumo.engines import draw_engines
from mobility.signals.sumo.loop import LOOPS

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.findings import Finding
    from mobility.signals.sumo.drive import Drive

LIMIT = 1.5  # times the free way, where no target is given
UNDER = ("fixed", *LOOPS)


@dataclass(frozen=True, eq=False)
class Rescue(Shown):
    """Two runs of one scenario, paired.

    Parameters
    ----------
    alarms
        One row an engine: id, depart_s, metres, signals (passed), free_s, limit_s, before_s, after_s
        (turning out to arrival; until the end where it did not arrive), arrived_before,
        arrived_after.
    before, after
        The runs without and with pre-emption. ``figures`` are of all vehicles.
    others
        Of everybody but the engines, before and after: vehicles, delay_s, never_departed.
    """

    controller: str
    alarms: pd.DataFrame
    before: Drive
    after: Drive
    others: dict[str, list[float | None]]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the lamps broke, in both runs."""
        return (*self.before.findings, *self.after.findings)

    def _of(self, when: str) -> dict[str, float]:
        rows = self.alarms
        return {
            "mean_s": float(rows[f"{when}_s"].mean()), "worst_s": float(rows[f"{when}_s"].max()),
            "delay_s": float((rows[f"{when}_s"] - rows["free_s"]).mean()),
            "within_limit": float((rows[f"arrived_{when}"] & (rows[f"{when}_s"] <= rows["limit_s"]))
                                  .mean()),
            "arrived": int(rows[f"arrived_{when}"].sum()),
        }  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "controller": self.controller, "seed": self.after.seed, **self.after.asked,
            "engines": len(self.alarms), "before": self._of("before"), "after": self._of("after"),
            "others": self.others, "alarms": self.alarms.to_dict("records"),
            "collisions": [one.figures["collisions"] for one in (self.before, self.after)],
            "findings": [one.to_dict() for one in self.findings],
            "input_findings": [one.to_dict() for one in self.after.input_findings],
            "assumptions": [
                "engines keep to the speed allowed and to red, and have no blue light in SUMO",
                f"without a target the limit is {LIMIT:g} times the free way",
                *self.after.assumptions,
            ],
            "versions": self.after.versions, "seconds": self.before.seconds + self.after.seconds,
        }  # fmt: skip

    def __str__(self) -> str:
        before, after = self._of("before"), self._of("after")
        lost = [self.others["delay_s"][k] or 0.0 for k in (0, 1)]
        return (
            f"{len(self.alarms)} fire engines under {self.controller}: {before['mean_s']:.0f} -> "
            f"{after['mean_s']:.0f} s, in time {before['within_limit']:.0%} -> "
            f"{after['within_limit']:.0%}; others {lost[0]:.1f} -> {lost[1]:.1f} s a vehicle "
            f"({len(self.findings)} findings)"
        )


def rescue(
    config: str | Path,
    controller: str = "fixed",
    *,
    engines: int = 6,
    target_s: float | None = None,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
    scale: float = 1.0,
    teleport_s: float = -1,
) -> Rescue:
    """Drive fire engines through a scenario, without and with pre-emption, under one controller.

    Both runs have the same alarms, ways and seed; lamps go through the same actuator. Without
    pre-emption an engine is one vehicle among others.

    Parameters
    ----------
    controller
        ``fixed`` (the plan that came in), or control in the loop.
    engines
        How many; drawn by ``engines.draw_engines`` with ``seed``.
    target_s
        From turning out to arrival; by default one and a half times the free way of each.

    Raises
    ------
    ConfigError
        When the controller cannot pre-empt, or no engine can be drawn.
    MissingExtra, TableError
        As ``drive``.
    """
    if controller not in UNDER:
        raise ConfigError(
            f"{controller} takes no requests", mend=f"--controller {', '.join(UNDER)}"
        )
    if target_s is not None and not target_s > 0:
        raise ConfigError(f"a target of {target_s:g} s", mend="seconds from turning out to arrival")
    drawn = draw_engines(config, engines, seed=seed, begin_s=begin_s, end_s=end_s)
    before, after = (
        drive(config, controller, seed=seed, begin_s=begin_s, end_s=end_s, scale=scale,
              teleport_s=teleport_s, engines=drawn, preempts=preempts)
        for preempts in (False, True)
    )  # fmt: skip
    rows = []
    for one in drawn:
        times = [_journey(run, one.id, one.depart_s) for run in (before, after)]
        rows.append((
            one.id, one.depart_s, one.metres, len(one.signals), one.free_s,
            LIMIT * one.free_s if target_s is None else target_s,
            times[0][0], times[1][0], times[0][1], times[1][1],
        ))  # fmt: skip
    alarms = pd.DataFrame(rows, columns=[
        "id", "depart_s", "metres", "signals", "free_s", "limit_s", "before_s", "after_s",
        "arrived_before", "arrived_after",
    ])  # fmt: skip
    names = {one.id for one in drawn}
    left = [[one for one in run.trips if one.id not in names] for run in (before, after)]
    others: dict[str, list[float | None]] = {
        "vehicles": [len(part) for part in left],
        "delay_s": [sum(one.delay_s for one in part) / len(part) if part else None for part in left],
        "never_departed": [sum(not one.departed for one in part) for part in left],
    }  # fmt: skip
    return Rescue(controller, alarms, before, after, others)


def _journey(run: Drive, name: str, depart_s: float) -> tuple[float, bool]:
    """Seconds from turning out, and whether it arrived; until the end where it did not."""
    one = next((trip for trip in run.trips if trip.id == name), None)
    if one is not None and one.arrived_s is not None:
        return one.arrived_s - depart_s, True
    return float(run.asked["end_s"]) - depart_s, False
