"""A week of plans: which one runs when, and what it costs to get from one into the next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Intersection, Network, Seconds

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = DAYS[:5]
DAY_S = 86_400
METHODS = ("shortway", "dwell")
# A cycle in transition is at most this much longer or shorter: what controllers usually allow
# (FHWA, Traffic Signal Timing Manual 2008, chapter 6: 10 to 20 %).
SHORTWAY = 0.2


@dataclass(frozen=True)
class Slot:
    """From ``from_s`` seconds into each of ``days`` a plan runs, until the next slot."""

    days: tuple[str, ...]
    from_s: int
    plan: str


@dataclass(frozen=True)
class Transition:
    """The way of one signal from one plan into the next.

    Parameters
    ----------
    at_s
        Seconds into the day at which the plan is called.
    step_s
        How far the new reference point lies behind the old one's rhythm, in [0, new cycle).
    cost_s
        Seconds out of coordination, from the last reference point of the old plan that counts.
    cycles
        In so many cycles of the new plan, each longer or shorter by ``change_s`` at most.
    """

    signal: str
    day: str
    at_s: int
    before: str
    after: str
    method: str
    step_s: Seconds
    cost_s: Seconds
    cycles: int
    change_s: Seconds


@dataclass(frozen=True)
class Schedule(Shown):
    """Plans, and when each runs.

    Parameters
    ----------
    plans
        Each with a name of its own.
    slots
        Any order; the last one of the week runs on until the week's first.
    transition
        ``shortway``: cycles that are up to a fifth longer or shorter, whichever is sooner in step;
        ``dwell``: the reference stage is held until it is in step.

    Raises
    ------
    ConfigError
        When a name is not known or stands twice, two slots begin at one time, or a day or method
        does not exist.
    """

    plans: tuple[Plan, ...]
    slots: tuple[Slot, ...]
    transition: str = "shortway"

    def __post_init__(self) -> None:
        names = [one.name for one in self.plans]
        twice = sorted({one for one in names if names.count(one) > 1})
        if twice:
            raise ConfigError(f"two plans are called {twice[0]!r}", mend="give each its own name")
        if self.transition not in METHODS:
            raise ConfigError(f"no transition is called {self.transition!r}",
                              mend=f"one of {', '.join(METHODS)}")  # fmt: skip
        if not self.slots:
            raise ConfigError("no plan runs at any time", mend="give days and times a plan")
        seen: set[tuple[str, int]] = set()
        for slot in self.slots:
            if slot.plan not in names:
                raise ConfigError(f"no plan is called {slot.plan!r}",
                                  mend=f"there are {', '.join(names)}")  # fmt: skip
            if not 0 <= slot.from_s < DAY_S:
                raise ConfigError(f"no second of a day: {slot.from_s}", mend="0 to 86399")
            for day in slot.days:
                if day not in DAYS:
                    raise ConfigError(f"no day is called {day!r}", mend=f"one of {', '.join(DAYS)}")
                if (day, slot.from_s) in seen:
                    raise ConfigError(f"two plans begin on {day} at {slot.from_s} s",
                                      mend="one plan a time")  # fmt: skip
                seen.add((day, slot.from_s))

    @classmethod
    def of(cls, plans: Sequence[Plan], *, days: Sequence[str] = DAYS,
           transition: str = "shortway") -> Schedule:  # fmt: skip
        """Let plans run in the hours that they name themselves, on every one of ``days``.

        Before the day's first plan begins, the last one of the day before runs on.

        Raises
        ------
        ConfigError
            When two of them overlap, or one has no name of its own.
        """
        made = sorted(plans, key=lambda one: one.from_s)
        for one, other in pairwise(made):
            if other.from_s < one.to_s:
                raise ConfigError(f"{one.name} runs until {one.to_s} s, {other.name} begins before",
                                  mend="let each plan begin when the one before ends")  # fmt: skip
        slots = tuple(Slot(tuple(days), one.from_s % DAY_S, one.name) for one in made)
        return cls(tuple(made), slots, transition)

    @cached_property
    def plan(self) -> dict[str, Plan]:
        """Plans by name."""
        return {one.name: one for one in self.plans}

    @cached_property
    def _week(self) -> list[tuple[int, str]]:
        """(second of the week, plan) of every start, in order."""
        return sorted(
            (DAYS.index(day) * DAY_S + slot.from_s, slot.plan)
            for slot in self.slots for day in slot.days
        )  # fmt: skip

    def at(self, day: str, second: int) -> Plan:
        """Give the plan that runs at a second of a day.

        Raises
        ------
        ConfigError
            When there is no such day.
        """
        if day not in DAYS:
            raise ConfigError(f"no day is called {day!r}", mend=f"one of {', '.join(DAYS)}")
        moment = DAYS.index(day) * DAY_S + second
        before = [name for start, name in self._week if start <= moment]
        return self.plan[before[-1] if before else self._week[-1][1]]

    def changes(self) -> list[tuple[str, int, str, str]]:
        """Give (day, second, plan before, plan after) of every change in a week."""
        found = []
        for k, (start, name) in enumerate(self._week):
            before = self._week[k - 1][1]
            if before != name:
                found.append((DAYS[start // DAY_S], start % DAY_S, before, name))
        return found

    def transitions(self, network: Network) -> pd.DataFrame:
        """One row a signal and change of the week: the fields of ``Transition``."""
        rows: list[Transition] = []
        for day, at, before, after in self.changes():
            for new in self.plan[after].signals:
                old = self.plan[before].signal.get(new.signal)
                if old is None or new.signal not in network.signal:
                    continue
                rows.append(
                    transition(network.signal[new.signal], old, new, day=day, at_s=at,
                               zero_s=network.zero_s, method=self.transition,
                               names=(before, after))
                )  # fmt: skip
        return pd.DataFrame([one.__dict__ for one in rows], columns=list(
            Transition.__dataclass_fields__))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "plans": [one.to_dict() for one in self.plans],
            "slots": [{"days": list(one.days), "from_s": one.from_s, "plan": one.plan}
                      for one in self.slots],
            "transition": self.transition,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"week of {len(self.plans)} plans, {len(self.changes())} changes ({self.transition})"


def transition(
    one: Intersection,
    old: SignalPlan,
    new: SignalPlan,
    *,
    day: str,
    at_s: int,
    zero_s: int,
    method: str,
    names: tuple[str, str] = ("", ""),
) -> Transition:
    """Work out how a signal gets from one plan into the next.

    The old plan runs to its first reference point at or after the call. From there the new one's
    reference point is ``step_s`` away. To dwell is to hold the reference stage for that long. The
    short way lengthens cycles by up to a fifth, or shortens them by up to a fifth and never below
    what the stages need, whichever ends sooner.
    """
    call = (at_s - zero_s) % DAY_S
    leave = call + (old.offset_s - call) % old.cycle_s
    step = (new.offset_s - leave) % new.cycle_s
    if min(step, new.cycle_s - step) < 1e-6:
        return Transition(one.id, day, at_s, *names, method, 0, 0, 0, 0)
    if method == "dwell":
        return Transition(one.id, day, at_s, *names, method, step, step, 0, step)
    cycle, most = new.cycle_s, SHORTWAY * new.cycle_s
    longer = math.ceil(step / most - 1e-9)
    found = longer * cycle + step, longer, step / longer
    less = min(most, cycle - least_cycle_s(one, new))
    if less > 1e-6:
        back = cycle - step
        shorter = math.ceil(back / less - 1e-9)
        found = min(found, (shorter * cycle - back, shorter, -back / shorter))
    cost, cycles, change = found
    return Transition(one.id, day, at_s, *names, method, step, cost, cycles, change)


def least_cycle_s(one: Intersection, plan: SignalPlan) -> Seconds:
    """Give the cycle that is left when every stage of a plan is as short as its groups allow.

    A stage is shortened by no more than the group in it with the least to spare has.
    """
    spare = {
        group: sum(two.to_s - two.from_s for two in shown if str(two.state) in _GREEN)
        - one.group[group].least_green_s
        for group, shown in plan.of_group.items() if group in one.group
    }  # fmt: skip
    cycle = plan.cycle_s
    for time in plan.stages:
        if time.stage not in one.stage:
            continue
        groups = one.stage[time.stage].groups
        cut = min([max(0.0, time.green_s - 1), *(max(0.0, spare.get(name, 0)) for name in groups)])
        for name in groups:
            spare[name] = spare.get(name, 0) - cut
        cycle -= cut
    return cycle


_GREEN = {"green", "yield", "flashing-green"}
