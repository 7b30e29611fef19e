"""Cycle, splits, offsets and order of stages: plans in which people lose less time."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.findings import finding
from mobility.signals.arterial import with_bands
from mobility.signals.check import check
from mobility.signals.descent import MOST_SWEEPS, Timing
from mobility.signals.dispersion import Delay, busiest, delay_of
from mobility.signals.frame import frame, orders
from mobility.signals.plan import Plan
from mobility.signals.program import plan_of
from mobility.signals.site import Site
from mobility.signals.stop_lines import streams_of
from mobility.solution import Report, Status, StopReason
from mobility.stop import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mobility.findings import Finding
    from mobility.signals.problem import Network, Volumes
    from mobility.stop import Stop

TRIED_CYCLES = 3  # of those that suit the signals one by one, tried with offsets
FIRST_SWEEPS = 2  # of a large network from each start; only the best one is followed further


@dataclass(frozen=True)
class TimedPlan(Plan):
    """A plan of one period, and what it costs beside the plan that came in.

    Parameters
    ----------
    before, after
        Delay under the plan that came in and under this one, by the same evaluation; None where
        signals came without a plan, or there is no plan that keeps all limits.
    why
        Why there is no plan, or why the plan that came in was kept; empty otherwise.
    periods
        Plans of all periods of the day in order of time; this one is among them.
    findings
        What the checker says about signals that had to keep what came in.
    """

    before: Delay | None = field(default=None, compare=False)
    after: Delay | None = field(default=None, compare=False)
    why: str = ""
    periods: tuple[TimedPlan, ...] = field(default=(), compare=False, repr=False)
    findings: tuple[Finding, ...] = ()
    assumptions: tuple[str, ...] = ()
    network: Network | None = field(default=None, compare=False, repr=False)
    volumes: Volumes | None = field(default=None, compare=False, repr=False)

    @property
    def saving(self) -> float | None:
        """Share of the person hours that are saved; None where no plan came in."""
        if self.before is None or self.after is None or self.before.person_hours_h <= 0:
            return None
        return 1 - self.after.person_hours_h / self.before.person_hours_h

    @property
    def comparison(self) -> pd.DataFrame:
        """One row a stop line: its flow, and delay and saturation before and after."""
        if self.after is None:
            return pd.DataFrame()
        keys = ["signal", "group", "approach"]
        kept = ["flow_h", "people_h", "delay_s", "saturation", "stops", "person_hours_h"]
        after = self.after.rows[keys + kept]
        if self.before is None:
            return after
        before = self.before.rows[[*keys, "delay_s", "saturation", "stops", "person_hours_h"]]
        return before.merge(after, on=keys, suffixes=("_before", ""))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            **super().to_dict(),
            "report": None if self.report is None else self.report.to_dict(),
            "saving": self.saving, "why": self.why,
            "before": _told(self.before), "after": _told(self.after),
            "findings": [one.to_dict() for one in self.findings],
            "assumptions": list(self.assumptions),
        }  # fmt: skip

    def plot(self, ax: Any = None) -> Any:
        """Draw the time-space diagram; see ``signals.plot.plot_plan``."""
        from mobility.signals.plot import plot_plan

        return plot_plan(self, ax)

    def __str__(self) -> str:
        head = super().__str__()
        if self.after is None:
            return f"{head}: {self.why}"
        told = f"{head}, {self.after.person_hours_h:,.1f} person hours lost an hour"
        if self.before is not None and self.saving is not None:
            told += f" (before {self.before.person_hours_h:,.1f}, {-self.saving:+.1%})"
        return told


def _told(delay: Delay | None) -> dict[str, Any] | None:
    if delay is None:
        return None
    return {
        "person_hours_h": delay.person_hours_h, "parts": delay.parts,
        "vehicle_delay_s": delay.vehicle_delay_s, "walk_delay_s": delay.walk_delay_s,
        "vehicle_hours_h": delay.vehicle_hours_h, "stops_h": delay.stops_h,
        "worst_saturation": delay.worst_saturation,
    }  # fmt: skip


def time_signals(
    network: Network,
    *,
    stop: Stop | None = None,
    seed: int = 0,
    buses_h: Mapping[str, float] | float = 6.0,
    period: int | None = None,
) -> TimedPlan:
    """Choose cycle, splits, offsets and order of stages for each period of the day.

    Starts are the plan that came in and, for several cycles, splits of equal saturation with
    offsets from the band problem; from each a descent on person delay under ``evaluate``. The
    answer is never worse than the plan that came in, by that evaluation, and keeps every
    invariant of ``check``; ``before`` and ``after`` state both.

    Parameters
    ----------
    network
        With volumes. ``cycle_range_s``, ``linked`` and ``lock`` of each signal are kept.
    stop
        When to give up; by default once the descents from all starts have ended. With ``Work``
        (trials of the descent) or ``Seconds`` it goes on from shaken plans until then.
    seed
        Of the order of trials and of the shaken plans.
    buses_h
        Buses an hour of each route and direction (``route_id``), or of all of them.
    period
        Number of the only period that is wanted; by default all.

    Returns
    -------
    TimedPlan
        Of the busiest period; ``periods`` has all of them. ``report.status`` is ``infeasible``,
        with ``why``, where no plan keeps all limits.

    Raises
    ------
    ConfigError
        When the network has no volumes.

    References
    ----------
    Robertson (1969), TRANSYT; Little, Kelson, Gartner (1981), MAXBAND, for offsets to start from.
    """
    chief = busiest(network)
    wanted = network.volumes if period is None else (network.volumes[period],)
    made = []
    for number, volumes in enumerate(sorted(wanted, key=lambda one: (one.from_s, one.to_s))):
        budget = _Budget(stop, len(wanted), number)
        made.append(_one_period(network, volumes, budget, seed, buses_h))
    whole = [replace(one, periods=tuple(made)) for one in made]
    return next((one for one in whole if one.volumes is chief), whole[0])


class _Budget:
    """An equal part of the time or work of the whole for each period."""

    def __init__(self, stop: Stop | None, parts: int, number: int) -> None:
        self.stop, self.parts, self.number = stop, parts, number
        self.begun = time.perf_counter()
        self.reason = StopReason.FINISHED

    def over(self, work: int) -> bool:
        """Whether this period has used its part."""
        if self.stop is None:
            return False
        seconds = (time.perf_counter() - self.begun) * self.parts
        why = self.stop(Progress(seconds=seconds, work=work * self.parts))
        if why is not None:
            self.reason = why
        return why is not None

    @property
    def bounded(self) -> bool:
        """Whether time or work is limited, so that shaking may go on until then."""
        return self.stop is not None and self.stop(Progress(1e12, 10**15)) is not None


def _one_period(
    network: Network,
    volumes: Volumes,
    budget: _Budget,
    seed: int,
    buses_h: Mapping[str, float] | float,
) -> TimedPlan:
    begun = time.perf_counter()
    streams = streams_of(network, volumes, buses_h=buses_h)
    given = plan_of(network)
    whole = all(row.signal in given.signal for row in streams.rows)
    before = delay_of(streams, given) if whole else None
    name = f"{_clock(volumes.from_s)}-{_clock(volumes.to_s)}"
    common: dict[str, Any] = {
        "name": name, "from_s": volumes.from_s, "to_s": volumes.to_s, "digest": network.digest,
        "before": before, "assumptions": streams.assumptions, "network": network,
        "volumes": volumes,
    }  # fmt: skip
    site = Site(network, streams, given)
    if site.why:
        report = Report(Status.INFEASIBLE, seed=seed, seconds=time.perf_counter() - begun)
        return TimedPlan((), why=site.why, report=report, **common)
    best = _search(site, budget, seed)
    if best is None:
        why = "no common cycle keeps the limits of all linked signals"
        kept = before is not None and not _errors(network, given)
        report = Report(
            Status.FEASIBLE if kept else Status.INFEASIBLE, seed=seed,
            objective=before.person_hours_h if kept and before is not None else None,
            seconds=time.perf_counter() - begun, stop_reason=budget.reason,
        )  # fmt: skip
        if kept:
            why += ": the plan that came in is kept"
        return TimedPlan(given.signals if kept else (), after=before if kept else None, why=why,
                         report=report, **common)  # fmt: skip
    plan, findings = _safe(network, best.plan(name), given)
    without = sorted({row.signal for row in streams.rows} - set(plan.signal))
    if without:
        why = (
            f"neither a new plan nor the one that came in keeps the limits of {', '.join(without)}"
        )
        report = Report(Status.INFEASIBLE, seed=seed, seconds=time.perf_counter() - begun,
                        stop_reason=budget.reason)  # fmt: skip
        return TimedPlan(plan.signals, why=why, report=report, findings=findings, **common)
    after = delay_of(streams, plan)
    why = ""
    if before is not None and before.person_hours_h <= after.person_hours_h + 1e-9:
        told = _errors(network, given)
        if not told:
            plan, after, why = given, before, "the plan that came in is as good"
    report = Report(
        Status.FEASIBLE, objective=after.person_hours_h, objective_unit="person hours an hour",
        parts=after.parts, seconds=time.perf_counter() - begun, seed=seed,
        stop_reason=budget.reason,
    )  # fmt: skip
    return TimedPlan(plan.signals, after=after, why=why, report=report, findings=findings, **common)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


def _errors(network: Network, plan: Plan) -> list[Finding]:
    """What is wrong with a plan beyond what its source is known for."""
    known = {(one.code, one.column) for one in network.input_findings}
    return [
        one for one in check(network, plan)
        if one.severity == "error" and (one.code, one.column) not in known
    ]  # fmt: skip


def _safe(network: Network, plan: Plan, given: Plan) -> tuple[Plan, tuple[Finding, ...]]:
    """Leave out what the checker refuses: such a signal keeps the plan that came in, or has none."""
    # What the plan that came in is known to break is no excuse for one of our own.
    wrong = _errors(replace(network, input_findings=()), plan)
    if not wrong:
        return plan, ()
    bad = {one.column.split(".")[0] for one in wrong}
    kept = []
    for one in plan.signals:
        if one.signal not in bad:
            kept.append(one)
        elif one.signal in given.signal:
            own = given.signal[one.signal]
            if not _errors(network, Plan((own,))):
                kept.append(own)
    return replace(plan, signals=tuple(kept)), tuple(wrong)


def _search(site: Site, budget: _Budget, seed: int) -> Timing | None:
    """Descend from all starts, shake while there is time; the best timing."""
    best: Timing | None = None
    work = 0
    rng = np.random.default_rng(seed)

    def halt(more: int) -> bool:
        return budget.over(work + more)

    starts: list[Callable[[], Timing | None]] = [lambda: site.start(None)]
    ranked = sorted(site.cycles, key=lambda c: (sum(site.alone(k, c) for k in site.linked), c))
    for cycle in ranked[: 1 if site.large else TRIED_CYCLES]:
        starts += [lambda c=cycle: site.start(c), lambda c=cycle: _banded(site, c)]  # type: ignore[misc]
    for make in starts:
        timing = make()
        if timing is None or (best is not None and halt(0)):
            continue
        search = site.search(timing)
        most = FIRST_SWEEPS if site.large else MOST_SWEEPS
        search.run(halt, parts=site.parts, most_sweeps=most)
        work += search.work
        if best is None or timing.value < best.value - 1e-9:
            best = timing
    if best is not None and site.large:
        search = site.search(best)
        search.run(halt, parts=site.parts)
        work += search.work
    if best is None:  # nothing came in, and the best cycles do not suit everybody
        for cycle in ranked:
            best = site.start(cycle)
            if best is not None:
                site.search(best).value()
                break
    if best is None:
        return None
    best, more = _other_orders(site, best, halt)
    work += more
    while budget.bounded and not halt(0):
        timing = _shaken(best, site, rng)
        search = site.search(timing)
        search.run(halt, rng=rng, parts=site.parts)
        work += max(search.work, 1)
        if timing.value < best.value - 1e-9:
            best = timing
    return best


def _banded(site: Site, cycle: float) -> Timing | None:
    """Equal saturation with the widest bands along the main street."""
    timing = site.start(cycle)
    if timing is None or with_bands(site, timing) is None:
        return None
    return timing


def _other_orders(site: Site, best: Timing, halt: Callable[[int], bool]) -> tuple[Timing, int]:
    """Try the other orders of stages that a site allows, signal by signal."""
    work = 0
    for k, one in enumerate(site.signals):
        cycle = sum(best.lengths[k][: best.frames[k].sizes[0]])
        for order in orders(one):
            if order == best.frames[k].order or halt(work):
                continue
            form = frame(one, order)
            lengths = site.lengths(k, cycle, form)
            if lengths is None:
                continue
            timing = Timing(list(best.frames), [list(row) for row in best.lengths],
                            list(best.zeros))  # fmt: skip
            timing.frames[k], timing.lengths[k] = form, lengths
            search = site.search(timing)
            search.run(lambda more: halt(work + more), only=[k], most_sweeps=4)  # noqa: B023
            work += search.work
            if timing.value < best.value * (1 - 1e-4):
                best = timing
    return best, work


def _shaken(best: Timing, site: Site, rng: np.random.Generator) -> Timing:
    """A copy with a few offsets thrown anew."""
    zeros = list(best.zeros)
    free = [k for k, may in enumerate(site.may_offset) if may]
    cycles = best.cycles
    for k in rng.permutation(free)[: max(1, len(free) // 5)] if free else []:
        zeros[k] = float(rng.integers(0, int(cycles[k])))
    return Timing(list(best.frames), [list(row) for row in best.lengths], zeros)


def refused(network: Network) -> list[Finding]:
    """Return what makes a network unfit to be planned: findings of severity error."""
    found = [one for one in check(network) if one.severity == "error"]
    if not network.volumes:
        found.append(finding("signal_movement_missing", file=network.source, value="no demand"))
    return found
