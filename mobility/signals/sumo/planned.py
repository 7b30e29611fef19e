"""Our own fixed-time plan for a scenario of SUMO: proposed by the model, tried in the simulator.

Plans are tried on seeds that nobody is judged by. A plan replaces the shipped programs only when it
is better on further seeds by a paired test; otherwise the shipped ones stay.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.signals.check import check
from mobility.signals.dispersion import busiest, delay_of
from mobility.signals.program import plan_of
from mobility.signals.site import Site
from mobility.signals.stop_lines import streams_of
from mobility.signals.sumo.changes import Ways, behind, lost_at
from mobility.signals.sumo.config import read_config
from mobility.signals.sumo.demand import from_config
from mobility.signals.sumo.net import read_net
from mobility.signals.sumo.trial import Trial, try_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mobility.signals.descent import Timing
    from mobility.signals.plan import Plan
    from mobility.signals.problem import Network
    from mobility.signals.stop_lines import Streams
    from mobility.signals.sumo.changes import Key, Where

# (seed, factor of the demand) that plans are tried on, and the seeds of the test at the end.
TRIED = ((1000, 1.0), (1001, 1.1), (1002, 1.0))
TESTED = tuple(range(2000, 2008))
WORK = 40e6  # vehicle seconds that may be simulated: about 200 s of one core
SEARCH_S, WHOLE_S = 420.0, 840.0  # wall time after which the search, and all of it, must end
CYCLES_S = (40, 50, 60, 75, 90, 110)
KEPT = 3  # candidates of the model that go on to all seeds
ENOUGH = 0.98  # a round that gains less is the last
IDLE = 10  # changes in a row that gain nothing end the search
ROUNDS = 4  # in which the model is corrected by what SUMO shows
MOVING_S = 4.0  # a vehicle loses by starting and by slower drivers ahead, whatever the plan
WORSE = 1.05  # a change is given up at once when the first seed is worse by this factor
# Student's t, one-sided 95 %, by degrees of freedom.
T95 = (6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86)


@dataclass(frozen=True, eq=False)
class Planned:
    """What planning found.

    Parameters
    ----------
    plan
        None: the shipped programs stay.
    why
        What decided, in words.
    test
        Paired test: seeds, mean delay of both, difference and its upper end (95 %, one-sided).
    trials
        One row a plan that was tried: what, and its mean delay over the seeds it was tried on.
    work, seconds
        Vehicle seconds simulated, and wall time.
    """

    plan: Plan | None
    why: str
    test: dict[str, Any]
    trials: pd.DataFrame
    work: float
    seconds: float
    network: Network | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kept": "shipped" if self.plan is None else "planned", "why": self.why,
            "test": self.test, "tried": len(self.trials), "work": self.work,
            "seconds": self.seconds,
        }  # fmt: skip


def plan_for(
    config: str | Path,
    *,
    begin_s: float | None = None,
    end_s: float | None = None,
    scale: float = 1.0,
    teleport_s: float = -1,
    seed: int = 0,
    work: float = WORK,
) -> Planned:
    """Plan a scenario's signals: cycles, splits, offsets and order of stages.

    The model proposes plans for several cycles; SUMO tries them, and changes of the best one
    where vehicles lose most. All trials use seeds from 1000 on; a test on seeds from 2000 on
    decides between the best plan and the shipped programs.

    Parameters
    ----------
    begin_s, end_s, scale, teleport_s
        As for ``drive``.
    seed
        Of the choice of changes.
    work
        Vehicle seconds that may be simulated; repeats exactly unless the wall time of 14 minutes
        ends it before.

    Returns
    -------
    Planned
        Always; ``plan`` is None where the shipped programs stay.

    Raises
    ------
    ConfigError, TableError, MissingExtra
        When the scenario cannot be read, or SUMO is not installed.
    """
    lab = _Lab(config, begin_s, end_s, scale, teleport_s, work)
    base = lab.all(None)
    if base is None or lab.short:
        return lab.answer(None, "the scenario is too large for the work allowed", {})
    best = _proposed(lab)
    if best is None:
        return lab.answer(None, "the model has no plan that keeps all limits", {})
    best = _changed(lab, best, np.random.default_rng(seed))
    return _tested(lab, best)


@dataclass
class _Idea:
    """A timing, its plan, and how it did on the seeds it was tried on."""

    timing: Timing
    plan: Plan
    runs: list[Trial]
    name: str

    @property
    def mean_s(self) -> float:
        return fmean(one.delay_s for one in self.runs)


class _Lab:
    """The scenario, the work that is left, and everything that was tried."""

    def __init__(
        self,
        config: str | Path,
        begin_s: float | None,
        end_s: float | None,
        scale: float,
        teleport_s: float,
        work: float,
    ) -> None:
        self.begun = time.perf_counter()
        self.asked = read_config(config)
        self.begin = self.asked.begin_s or 0.0 if begin_s is None else begin_s
        self.end = self.asked.end_s if end_s is None else end_s
        self.scale, self.teleport = scale, teleport_s
        self.network = from_config(config, begin_s=self.begin, end_s=self.end, scale=scale)
        self.net = read_net(self.asked.net, self.asked.additional)
        self.left = self.whole = work
        self.cost = 0.0
        self.rows: list[tuple[str, int, float]] = []
        self.known = {(one.code, one.column) for one in self.network.input_findings}

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun

    @property
    def short(self) -> bool:
        """Whether not even three pairs of the test and as many trials can be paid."""
        return 9 * self.cost > self.left

    @property
    def pairs(self) -> int:
        """Pairs of the test at the end: as many as a quarter of the work pays, three at least."""
        return max(3, min(len(TESTED), int(self.whole / 4 / max(1.0, 2 * self.cost))))

    def searching(self) -> bool:
        """Whether there is work and time for another trial beside the test."""
        return (self.left - (2 * self.pairs + len(TRIED)) * self.cost > 0
                and self.seconds < SEARCH_S)  # fmt: skip

    def run(self, plan: Plan | None, seed: int, factor: float) -> Trial | None:
        """Try once; None where it takes more time than there is."""
        found = try_plan(
            self.asked, self.network, plan, seed=seed, begin_s=self.begin, end_s=self.end,
            scale=self.scale * factor, teleport_s=self.teleport, lanes=True,
            most_seconds=max(1.0, WHOLE_S - self.seconds),
        )  # fmt: skip
        if found is not None:
            self.left -= found.work
            self.cost = max(self.cost, found.work) if plan is None else self.cost
        return found

    def all(self, plan: Plan | None) -> list[Trial] | None:
        """Try on all seeds."""
        found = []
        for seed, factor in TRIED:
            one = self.run(plan, seed, factor)
            if one is None:
                return None
            found.append(one)
            if plan is None and self.short:
                break
        return found

    def safe(self, plan: Plan) -> bool:
        """Whether the checker has nothing against a plan that it has not against the shipped one."""
        return not [one for one in check(self.network, plan)
                    if (one.code, one.column) not in self.known]  # fmt: skip

    def note(self, name: str, runs: Sequence[Trial]) -> None:
        """Keep a row of what was tried."""
        self.rows.append((name, len(runs), fmean(one.delay_s for one in runs)))

    def answer(self, plan: Plan | None, why: str, test: dict[str, Any]) -> Planned:
        """Close the lab."""
        return Planned(plan, why, test, pd.DataFrame(self.rows, columns=["plan", "runs", "delay_s"]),
                       self.whole - self.left, self.seconds, self.network)  # fmt: skip


def _proposed(lab: _Lab) -> _Idea | None:
    """The best of the model's plans, the model corrected by what SUMO shows; the best few on all seeds."""
    volumes = busiest(lab.network)
    streams = streams_of(lab.network, volumes, bus_people=False)
    site = Site(lab.network, streams, plan_of(lab.network))
    where = behind(lab.network, lab.net)
    ideas: list[_Idea] = []
    _try(lab, ideas, "as it came in", site.start(None))
    for name, timing in _cycles(site, CYCLES_S):
        _try(lab, ideas, name, timing)
    if not ideas:
        return None
    shares: dict[Key, float] = {}
    for number in range(ROUNDS):
        best = min(ideas, key=lambda one: one.mean_s)
        before = best.mean_s
        last = ideas[-1] if number else best
        shares = _corrected(site.streams, shares, (last, best), where)
        site = Site(lab.network, _less(streams, shares), plan_of(lab.network))
        _try(lab, ideas, f"corrected {number + 1}", _descended(site, best.timing.copy()))
        cycle = best.timing.cycles[0]
        near = [c for c in site.cycles if abs(c - cycle) <= 15]
        for name, timing in _cycles(site, near[:: max(1, len(near) // 3)]):
            _try(lab, ideas, f"corrected {number + 1}, {name}", timing)
        if min(one.mean_s for one in ideas) > ENOUGH * before:
            break
    ideas.sort(key=lambda one: one.mean_s)
    for one in ideas[:KEPT]:
        for seed, factor in TRIED[1:]:
            run = lab.run(one.plan, seed, factor)
            if run is not None:
                one.runs.append(run)
        lab.note(one.name, one.runs)
    whole = [one for one in ideas[:KEPT] if len(one.runs) == len(TRIED)]
    return min(whole, key=lambda one: one.mean_s, default=None)


def _cycles(site: Site, cycles: Sequence[float]) -> Iterator[tuple[str, Timing | None]]:
    """The model's plans: as it came in and, for each cycle, from equal saturation; each descended."""
    yield "as it came in, descended", _descended(site, site.start(None))
    for cycle in cycles:
        if cycle in site.cycles:
            yield f"{cycle:g} s", _descended(site, site.start(float(cycle)))


def _try(lab: _Lab, ideas: list[_Idea], name: str, timing: Timing | None) -> None:
    """Try a timing on the first seed, once."""
    if timing is None or (ideas and not lab.searching()):
        return
    plan = timing.plan("planned")
    if any(one.plan.signals == plan.signals for one in ideas) or not lab.safe(plan):
        return
    run = lab.run(plan, *TRIED[0])
    if run is not None:
        lab.note(name, [run])
        ideas.append(_Idea(timing, plan, [run], name))


def _descended(site: Site, timing: Timing | None) -> Timing | None:
    if timing is not None:
        site.search(timing).run(lambda work: work > 50_000, parts=site.parts)
    return timing


def _corrected(
    streams: Streams, shares: dict[Key, float], ideas: tuple[_Idea, ...], where: Where
) -> dict[Key, float]:
    """Share of its saturation flow that each stop line really has, by what vehicles lost in SUMO."""
    found = dict(shares)
    for idea in ideas:
        model = delay_of(streams, idea.plan).rows
        lost = lost_at(where, idea.runs[:1])
        for row in model.to_dict("records"):
            key = str(row["signal"]), str(row["group"]), str(row["approach"])
            per_vehicle = max(1.0, lost.get(key, 0.0) / max(1.0, float(row["flow_h"])) - MOVING_S)
            ratio = (float(row["delay_s"]) + 5.0) / (per_vehicle + 5.0)
            change = min(1.08, max(0.6, ratio**0.4))
            found[key] = min(1.0, max(0.2, found.get(key, 1.0) * change))
        if len(ideas) > 1 and ideas[0] is ideas[1]:
            break
    return found


def _less(streams: Streams, shares: dict[Key, float]) -> Streams:
    """Stop lines with shares of their saturation flow."""
    rows = tuple(
        replace(row, full_h=row.full_h * share, yield_h=row.yield_h * share)
        if (share := shares.get((row.signal, row.group, row.approach), 1.0)) < 1 else row
        for row in streams.rows
    )  # fmt: skip
    return replace(streams, rows=rows)


def _changed(lab: _Lab, best: _Idea, rng: np.random.Generator) -> _Idea:
    """Change the best plan where vehicles lose most, as long as there is work."""
    ways = Ways(lab.network, lab.net)
    seen: set[tuple[tuple[float, ...], ...]] = set()
    idle = vain = 0
    while lab.searching() and idle < 200 and vain < IDLE:
        name, timing = ways.change(best.timing, best.runs, rng)
        key = (*(tuple(row) for row in timing.lengths), tuple(timing.zeros)) if timing else ()
        idle += 1
        if timing is None or key in seen:
            continue
        seen.add(key)
        plan = timing.plan("planned")
        if not lab.safe(plan):
            continue
        idle = 0
        runs: list[Trial] = []
        for (seed, factor), old in zip(TRIED, best.runs, strict=True):
            run = lab.run(plan, seed, factor)
            if run is None:
                break
            runs.append(run)
            if run.delay_s > WORSE * old.delay_s and len(runs) == 1:
                break
        if not runs:
            break
        lab.note(name, runs)
        vain += 1
        if len(runs) == len(TRIED) and fmean(one.delay_s for one in runs) < best.mean_s:
            best, vain = _Idea(timing, plan, runs, name), 0
    return best


def _tested(lab: _Lab, best: _Idea) -> Planned:
    """Decide by a paired test on seeds that were not tried."""
    ours: list[Trial] = []
    theirs: list[Trial] = []
    for seed in TESTED[: lab.pairs]:
        one, other = lab.run(best.plan, seed, 1.0), lab.run(None, seed, 1.0)
        if one is None or other is None:
            break
        ours.append(one)
        theirs.append(other)
    if len(ours) < 3:
        return lab.answer(None, "no time for a test: the shipped programs stay", {})
    differences = [a.delay_s - b.delay_s for a, b in zip(ours, theirs, strict=True)]
    count = len(differences)
    upper = fmean(differences) + T95[count - 2] * stdev(differences) / math.sqrt(count)
    stuck = sum(one.teleports for one in ours) > sum(one.teleports for one in theirs)
    test = {
        "seeds": list(TESTED[:count]), "planned_s": fmean(one.delay_s for one in ours),
        "shipped_s": fmean(one.delay_s for one in theirs),
        "difference_s": fmean(differences), "upper_s": upper,
        "never_departed": [sum(one.never_departed for one in rows) for rows in (ours, theirs)],
        "teleports": [sum(one.teleports for one in rows) for rows in (ours, theirs)],
    }  # fmt: skip
    if stuck:
        return lab.answer(None, "our plan has more teleports: the shipped programs stay", test)
    if upper >= 0:
        return lab.answer(None, "not better by the paired test: the shipped programs stay", test)
    return lab.answer(best.plan, f"better by the paired test ({best.name} last)", test)
