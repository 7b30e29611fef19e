"""Our own fixed-time plan for a scenario of SUMO: proposed by the model, tried in the simulator.

Plans are tried on seeds that nobody is judged by. A plan replaces the shipped programs only when it
is better on further seeds by a paired test, and no worse on less and more demand; otherwise the
shipped ones stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.signals.dispersion import busiest, delay_of
from mobility.signals.program import plan_of
from mobility.signals.site import Site
from mobility.signals.stop_lines import streams_of
from mobility.signals.sumo.changes import Ways, behind, lost_at
from mobility.signals.sumo.lab import FINALISTS, FURTHER, TESTED, TRIED, WATCHED, Lab, Late

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mobility.signals.descent import Timing
    from mobility.signals.plan import Plan
    from mobility.signals.problem import Network
    from mobility.signals.stop_lines import Streams
    from mobility.signals.sumo.changes import Key, Where
    from mobility.signals.sumo.trial import Trial

MOST_S = 1080.0  # wall time after which planning must end: a run ends in 20 minutes
WORK = 60e6  # vehicle steps that may be simulated: 5 to 8 minutes of one core
CYCLES_S = (40, 50, 60, 75, 90, 110)
KEPT = 3  # candidates of the model that go on to all seeds
ENOUGH = 0.98  # a round that gains less is the last
IDLE = 14  # changes in a row that gain nothing end the search
DRAWN = 2  # changes that are drawn from the same plan and tried beside each other
SWEPT = 50_000  # changes that the model's descent may look at
ROUNDS = 4  # in which the model is corrected by what SUMO shows
MOVING_S = 4.0  # a vehicle loses by starting and by slower drivers ahead, whatever the plan
WORSE = 1.05  # a change is given up at once when the first seed is worse by this factor
OTHERWISE = 1.01  # a plan may be worse by this factor on other demand
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
        Vehicle steps simulated, and wall time.
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
    most_s: float = MOST_S,
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
        Vehicle steps that may be simulated; repeats exactly.
    most_s
        Wall time after which the shipped programs stay, whatever was found.

    Returns
    -------
    Planned
        Always; ``plan`` is None where the shipped programs stay.

    Raises
    ------
    ConfigError, TableError, MissingExtra
        When the scenario cannot be read, or SUMO is not installed.
    """
    lab = Lab(config, begin_s, end_s, scale, teleport_s, work, most_s)
    try:
        return _planned(lab, np.random.default_rng(seed))
    except Late as late:
        return _answer(lab, None, f"{late}: the shipped programs stay", {})


def _planned(lab: Lab, rng: np.random.Generator) -> Planned:
    lab.run([(None, *TRIED[0])])
    if lab.short:
        return _answer(lab, None, "the scenario is too large for the work allowed", {})
    ideas = _proposed(lab)
    if not ideas:
        return _answer(lab, None, "the model has no plan that keeps all limits", {})
    return _tested(lab, _best(lab, _changed(lab, ideas, rng)))


def _answer(lab: Lab, plan: Plan | None, why: str, test: dict[str, Any]) -> Planned:
    """Close the lab."""
    return Planned(plan, why, test, pd.DataFrame(lab.rows, columns=["plan", "runs", "delay_s"]),
                   lab.whole - lab.left, lab.seconds, lab.network)  # fmt: skip


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


def _proposed(lab: Lab) -> list[_Idea]:
    """The best of the model's plans, the model corrected by what SUMO shows, on all seeds."""
    volumes = busiest(lab.network)
    streams = streams_of(lab.network, volumes, bus_people=False)
    site = Site(lab.network, streams, plan_of(lab.network))
    where = behind(lab.network, lab.net)
    ideas: list[_Idea] = []
    _try(lab, ideas, [("as it came in", site.start(None)), *_cycles(site, CYCLES_S)])
    if not ideas:
        return []
    shares: dict[Key, float] = {}
    for number in range(ROUNDS):
        best = min(ideas, key=lambda one: one.mean_s)
        before = best.mean_s
        last = ideas[-1] if number else best
        shares = _corrected(site.streams, shares, (last, best), where)
        site = Site(lab.network, _less(streams, shares), plan_of(lab.network))
        name = f"corrected {number + 1}"
        cycle = best.timing.cycles[0]
        near = [c for c in site.cycles if abs(c - cycle) <= 15]
        more = _cycles(site, near[:: max(1, len(near) // 3)])
        _try(lab, ideas, [(name, _descended(site, best.timing.copy())),
                          *((f"{name}, {other}", timing) for other, timing in more)])  # fmt: skip
        if min(one.mean_s for one in ideas) > ENOUGH * before:
            break
    ideas.sort(key=lambda one: one.mean_s)
    del ideas[KEPT:]
    further = TRIED[1:]
    runs = lab.run([(one.plan, *seed) for one in ideas for seed in further])
    for k, one in enumerate(ideas):
        one.runs += runs[k * len(further) : (k + 1) * len(further)]
        lab.note(one.name, one.runs)
    return ideas


def _cycles(site: Site, cycles: Sequence[float]) -> Iterator[tuple[str, Timing | None]]:
    """The model's plans: as it came in and, for each cycle, from equal saturation; each descended."""
    yield "as it came in, descended", _descended(site, site.start(None))
    for cycle in cycles:
        if cycle in site.cycles:
            yield f"{cycle:g} s", _descended(site, site.start(float(cycle)))


def _try(lab: Lab, ideas: list[_Idea], named: Sequence[tuple[str, Timing | None]]) -> None:
    """Try timings on the first seed, each plan once, as far as there is work."""
    fresh: list[_Idea] = []
    for name, timing in named:
        if timing is None:
            continue
        plan = timing.plan("planned")
        known = any(one.plan.signals == plan.signals for one in (*ideas, *fresh))
        if not known and lab.safe(plan):
            fresh.append(_Idea(timing, plan, [], name))
    payable = sum(lab.searching(k + 1) for k in range(len(fresh)))
    fresh = fresh[: payable if ideas else max(1, payable)]
    for one, run in zip(fresh, lab.run([(one.plan, *TRIED[0]) for one in fresh]), strict=True):
        one.runs.append(run)
        lab.note(one.name, one.runs)
    ideas += fresh


def _descended(site: Site, timing: Timing | None) -> Timing | None:
    if timing is not None:
        site.search(timing).run(lambda work: work > SWEPT, parts=site.parts)
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


def _changed(lab: Lab, ideas: list[_Idea], rng: np.random.Generator) -> list[_Idea]:
    """Change the best plan where vehicles lose most; give all plans that ran on all seeds."""
    ways = Ways(lab.network, lab.net)
    found = list(ideas)
    best = min(found, key=lambda one: one.mean_s)
    seen: set[tuple[tuple[float, ...], ...]] = set()
    vain = 0
    while vain < IDLE and lab.searching(DRAWN * len(TRIED)):
        drawn = _drawn(lab, ways, best, seen, rng)
        if not drawn:
            break
        first = lab.run([(one.plan, *TRIED[0]) for one in drawn])
        for one, run in zip(drawn, first, strict=True):
            one.runs.append(run)
        vain += len(drawn)
        old = best
        for one in sorted(drawn, key=lambda one: one.mean_s):
            if old is best and one.mean_s <= WORSE * best.runs[0].delay_s:
                one.runs += lab.run([(one.plan, *seed) for seed in TRIED[1:]])
                found.append(one)
                if one.mean_s < best.mean_s:
                    best, vain = one, 0
            lab.note(one.name, one.runs)
    return found


def _best(lab: Lab, ideas: list[_Idea]) -> _Idea:
    """Halve the best few on further seeds, as many as there is work for."""
    for count, seeds in zip(FINALISTS, FURTHER, strict=True):
        ideas = sorted(ideas, key=lambda one: one.mean_s)[:count]
        while len(ideas) > 1 and not lab.pays(len(ideas) * len(seeds)):
            ideas.pop()
        if len(ideas) == 1:
            break
        runs = lab.run([(one.plan, *seed) for one in ideas for seed in seeds])
        for k, one in enumerate(ideas):
            one.runs += runs[k * len(seeds) : (k + 1) * len(seeds)]
            lab.note(f"further: {one.name}", one.runs)
    return min(ideas, key=lambda one: one.mean_s)


def _drawn(
    lab: Lab,
    ways: Ways,
    best: _Idea,
    seen: set[tuple[tuple[float, ...], ...]],
    rng: np.random.Generator,
) -> list[_Idea]:
    """Draw changes of the best plan that were not tried yet and are safe."""
    found: list[_Idea] = []
    for _ in range(200):
        name, timing = ways.change(best.timing, best.runs, rng)
        key = (*(tuple(row) for row in timing.lengths), tuple(timing.zeros)) if timing else ()
        if timing is None or key in seen:
            continue
        seen.add(key)
        plan = timing.plan("planned")
        if lab.safe(plan):
            found.append(_Idea(timing, plan, [], name))
        if len(found) == DRAWN:
            break
    return found


def _tested(lab: Lab, best: _Idea) -> Planned:
    """Decide by a paired test on seeds that were not tried, and by pairs on other demand."""
    count = lab.pairs
    pairs = [*((seed, 1.0) for seed in TESTED[:count]), *WATCHED]
    runs = lab.run([(plan, *pair) for pair in pairs for plan in (best.plan, None)])
    both = list(zip(runs[::2], runs[1::2], strict=True))
    ours, theirs = zip(*both[:count], strict=True)
    differences = [a.delay_s - b.delay_s for a, b in both[:count]]
    upper = fmean(differences) + T95[count - 2] * stdev(differences) / math.sqrt(count)
    other = [{"factor": factor, "planned_s": a.delay_s, "shipped_s": b.delay_s}
             for (_, factor), (a, b) in zip(WATCHED, both[count:], strict=True)]  # fmt: skip
    test: dict[str, Any] = {
        "seeds": list(TESTED[:count]), "planned_s": fmean(one.delay_s for one in ours),
        "shipped_s": fmean(one.delay_s for one in theirs),
        "difference_s": fmean(differences), "upper_s": upper,
        "never_departed": [sum(one.never_departed for one in rows) for rows in (ours, theirs)],
        "teleports": [sum(one.teleports for one in rows) for rows in (ours, theirs)],
        "other_demand": other,
    }  # fmt: skip
    if test["teleports"][0] > test["teleports"][1]:
        return _answer(lab, None, "our plan has more teleports: the shipped programs stay", test)
    if upper >= 0:
        why = "not better by the paired test: the shipped programs stay"
        return _answer(lab, None, why, test)
    if any(one["planned_s"] > OTHERWISE * one["shipped_s"] for one in other):
        return _answer(lab, None, "worse on other demand: the shipped programs stay", test)
    return _answer(lab, best.plan, f"better by the paired test ({best.name} last)", test)
