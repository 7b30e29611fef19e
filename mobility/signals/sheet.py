"""Timing sheets: what the person who sets the controller needs of one junction, and no more."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

import pandas as pd

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.crossings import longest_wait_s, promised
from mobility.signals.problem import GREENS, State
from mobility.signals.rows import write_rows
from mobility.signals.schedule import DAY_S, DAYS, Schedule
from mobility.signals.sheet_page import page_of
from mobility.units import format_time

if TYPE_CHECKING:
    from mobility.signals.plan import Indication, Plan, SignalPlan
    from mobility.signals.problem import Intersection, Network, Seconds

PAGE = "sheets.html"
COLUMNS = ("section", "row", "field", "value")


@dataclass(frozen=True, eq=False)
class TimingSheet(Shown):
    """One junction on paper.

    Parameters
    ----------
    tables
        Title -> table, in reading order: groups, intergreens, permissive, stages, detectors, plans,
        stage times, ring splits, green times, crossings, week, transitions. Times in seconds.
    notes
        What holds for all of it: the clock, the reference points, what happens at the clock's zero.
    programs
        Plan -> what is shown.
    """

    signal: str
    name: str
    tables: dict[str, pd.DataFrame]
    notes: tuple[str, ...]
    programs: dict[str, SignalPlan]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "signal": self.signal, "name": self.name, "notes": list(self.notes),
            **{title: table.to_dict("records") for title, table in self.tables.items()},
        }  # fmt: skip

    def rows(self) -> list[tuple[str, object, str, object]]:
        """(section, row, field, value) of everything: the CSV."""
        found: list[tuple[str, object, str, object]] = [
            ("signal", 1, "id", self.signal), ("signal", 1, "name", self.name),
            *(("notes", k + 1, "note", note) for k, note in enumerate(self.notes)),
        ]  # fmt: skip
        for title, table in self.tables.items():
            for k, row in enumerate(table.to_dict("records")):
                found += [(title, k + 1, str(name), value) for name, value in row.items()]
        return found

    def __str__(self) -> str:
        return f"{self.signal} {self.name}: {', '.join(self.tables)}"


def timing_sheets(network: Network, plans: Plan | Schedule) -> tuple[TimingSheet, ...]:
    """Make a timing sheet of every signal that has a plan.

    Parameters
    ----------
    plans
        A plan, which then runs in its own hours on every day, or a week of plans.

    Returns
    -------
    tuple[TimingSheet, ...]
        In the network's order.
    """
    week = plans if isinstance(plans, Schedule) else Schedule.of((plans,))
    changes = week.transitions(network)
    made = []
    for one in network.intersections:
        own = {plan.name: plan.signal[one.id] for plan in week.plans if one.id in plan.signal}
        if own:
            made.append(_sheet(network, one, own, week, changes[changes["signal"] == one.id]))
    return tuple(made)


def _sheet(
    network: Network,
    one: Intersection,
    plans: dict[str, SignalPlan],
    week: Schedule,
    changes: pd.DataFrame,
) -> TimingSheet:
    tables = {
        "groups": _groups(one),
        "intergreens": _intergreens(one),
        "permissive": pd.DataFrame(sorted(one.permissive), columns=["gives_way", "to"]),
        "stages": pd.DataFrame(
            [(two.id, " ".join(two.groups), " ".join(two.yields), two.optional)
             for two in one.stages],
            columns=["stage", "groups", "give_way", "optional"],
        ),
        "detectors": _detectors(one),
        "plans": pd.DataFrame(
            [(name, plan.cycle_s, plan.offset_s, plan.reference, plan.reference_stage, plan.zero_s)
             for name, plan in plans.items()],
            columns=["plan", "cycle_s", "offset_s", "reference", "reference_stage", "zero_s"],
        ),
        "stage times": _stage_times(plans),
        "ring splits": _ring_splits(one, plans),
        "green times": _green_times(one, plans),
        "crossings": _crossings(network, one, plans),
        "week": pd.DataFrame(
            [(" ".join(day for day in DAYS if day in slot.days), format_time(slot.from_s), slot.plan)
             for slot in sorted(week.slots, key=lambda slot: (slot.from_s, slot.days))],
            columns=["days", "from", "plan"],
        ),
        "transitions": _transitions(changes),
    }  # fmt: skip
    return TimingSheet(one.id, one.name, tables, _notes(network, one, plans, week), plans)


def _groups(one: Intersection) -> pd.DataFrame:
    """What each group may do; ``all_red_s`` is the longest that follows its yellow."""
    rows = []
    for group in one.groups:
        after = [seconds for (a, _), seconds in one.intergreen_s.items() if a == group.id]
        all_red = max((seconds - group.yellow_s for seconds in after), default=0)
        rows.append((
            group.id, group.kind, " ".join(group.approaches), " ".join(group.movements),
            group.lanes, group.min_green_s, group.max_green_s, group.yellow_s, max(0, all_red),
            sum(seconds for state, seconds in group.sequence.start if state is State.RED_AMBER),
            group.walk_s, group.clearance_s, group.max_red_s, group.min_red_s, group.countdown_s,
            " ".join(group.detectors),
        ))  # fmt: skip
    names = [
        "group", "kind", "from", "movements", "lanes", "min_green_s", "max_green_s", "yellow_s",
        "all_red_s", "red_amber_s", "walk_s", "clearance_s", "max_red_s", "min_red_s",
        "countdown_s", "detectors",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names).astype(object).where(lambda x: x.notna(), None)


def _intergreens(one: Intersection) -> pd.DataFrame:
    """Ends x starts, seconds from the end of green (people: of clearance) to the start of green."""
    ends = [group.id for group in one.groups]
    rows = [[a, *(one.intergreen_s.get((a, b)) for b in ends)] for a in ends]
    frame = pd.DataFrame(rows, columns=["ends / starts", *ends], dtype=object)
    return frame.where(frame.notna(), None)


def _stage_times(plans: dict[str, SignalPlan]) -> pd.DataFrame:
    """Each stage's green, and its split: from its start to the next one's."""
    rows = []
    for name, plan in plans.items():
        starts = [time.from_s for time in plan.stages]
        for k, time in enumerate(plan.stages):
            following = starts[(k + 1) % len(starts)]
            split = (following - time.from_s) % plan.cycle_s or plan.cycle_s
            rows.append((name, time.stage, time.from_s, time.green_s, split))
    return pd.DataFrame(rows, columns=["plan", "stage", "from_s", "green_s", "split_s"])


def _ring_splits(one: Intersection, plans: dict[str, SignalPlan]) -> pd.DataFrame:
    """Each ring's groups in the order of the plan: green, and split until the ring's next group."""
    rows: list[tuple[object, ...]] = []
    for name, plan in plans.items():
        for number, ring in enumerate(one.rings.rings if one.rings is not None else ()):
            own = sorted(
                (start, group, green)
                for barrier in ring for group in barrier
                for start, _, green in _greens(plan.of_group.get(group, ()), plan.cycle_s)
            )  # fmt: skip
            for k, (start, group, green) in enumerate(own):
                split = (own[(k + 1) % len(own)][0] - start) % plan.cycle_s or plan.cycle_s
                rows.append((name, number + 1, group, start, green, split))
    return pd.DataFrame(rows, columns=["plan", "ring", "group", "from_s", "green_s", "split_s"])


def _detectors(one: Intersection) -> pd.DataFrame:
    """Where each detector lies, what it does, and to which groups."""
    rows = [
        (two.id, two.kind, ", ".join(two.lanes), two.distance_m, two.length_m, two.extend_s,
         two.delay_s, " ".join(group.id for group in one.groups if two.id in group.detectors))
        for two in one.detectors
    ]  # fmt: skip
    names = ["detector", "kind", "lanes", "distance_m", "length_m", "extend_s", "delay_s", "groups"]
    return pd.DataFrame(rows, columns=names)


def _crossings(network: Network, one: Intersection, plans: dict[str, SignalPlan]) -> pd.DataFrame:
    """What people on foot get of each plan, beside what they are promised."""
    wanted = {two.group: two for two in promised(network) if two.signal == one.id}
    rows = []
    for name, plan in plans.items():
        for group in one.groups:
            if not group.on_foot or group.id not in plan.of_group:
                continue
            walks = [green for _, _, green in _greens(plan.of_group[group.id], plan.cycle_s)]
            promise = wanted.get(group.id)
            rows.append((
                name, group.id, group.crossing_m or None, min(walks, default=0.0),
                group.clearance_s, longest_wait_s(plan, group.id),
                promise.max_wait_s if promise is not None else None,
                promise.place if promise is not None else "",
            ))  # fmt: skip
    names = ["plan", "group", "crossing_m", "walk_s", "clearance_s", "longest_wait_s", "max_wait_s",
             "place"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names).astype(object)
    return frame.where(frame.notna(), None)


def _green_times(one: Intersection, plans: dict[str, SignalPlan]) -> pd.DataFrame:
    """Each group's greens in the cycle: it may begin late in it and end after its zero."""
    rows = [
        (name, group.id, start, end, length)
        for name, plan in plans.items()
        for group in one.groups
        for start, end, length in _greens(plan.of_group.get(group.id, ()), plan.cycle_s)
    ]
    return pd.DataFrame(rows, columns=["plan", "group", "from_s", "to_s", "green_s"])


def _greens(
    shown: tuple[Indication, ...], cycle: Seconds
) -> list[tuple[Seconds, Seconds, Seconds]]:
    found: list[tuple[Seconds, Seconds]] = []
    for one in shown:
        if one.state not in GREENS:
            continue
        if found and found[-1][1] == one.from_s:
            found[-1] = found[-1][0], one.to_s
        else:
            found.append((one.from_s, one.to_s))
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == cycle:
        _, end = found.pop(0)
        found[-1] = found[-1][0], cycle + end
    return [(start, end % cycle if end > cycle else end, end - start) for start, end in found]


def _transitions(changes: pd.DataFrame) -> pd.DataFrame:
    """The week's changes of one signal, days with the same numbers in one row."""
    names = ["at_s", "before", "after", "method", "step_s", "cost_s", "cycles", "change_s"]
    rows = []
    for key, part in changes.groupby(names, sort=True):
        told: dict[str, Any] = dict(zip(names, key, strict=True))
        at = format_time(int(told.pop("at_s")))
        rows.append((" ".join(day for day in DAYS if day in set(part["day"])), at, *told.values()))
    return pd.DataFrame(rows, columns=["days", "at", *names[1:]])


def _notes(
    network: Network, one: Intersection, plans: dict[str, SignalPlan], week: Schedule
) -> tuple[str, ...]:
    place = "" if one.lat is None or one.lon is None else f" at {one.lat:.5f}, {one.lon:.5f}"
    notes = [
        f"{network.corridor or network.source}: {one.id} {one.name}".rstrip() + place,
        f"master clock zero {format_time(network.zero_s)}, time zone {network.timezone}",
        f"transition method {week.transition}; costs are seconds out of coordination",
        f"the site allows cycles of {one.cycle_range_s[0]:g} to {one.cycle_range_s[1]:g} s",
    ]
    for name, plan in plans.items():
        point = f"{plan.reference} of stage {plan.reference_stage}"
        notes.append(
            f"{name}: {point} is {plan.offset_s:g} s after the master clock's zero, and every "
            f"{plan.cycle_s:g} s from there"
        )
        if rest := DAY_S % plan.cycle_s:
            notes.append(
                f"{name}: a day is no multiple of {plan.cycle_s:g} s; at the clock's zero the cycle "
                f"is {rest:g} s in, and the signal comes into step as after a change of plan"
            )
    if one.lock:
        notes.append(f"locked: {', '.join(one.lock)}")
    if not one.linked:
        notes.append("not linked: it may have a cycle of its own")
    return tuple(notes)


def write_sheets(sheets: tuple[TimingSheet, ...], folder: str | Path) -> Path:
    """Write a CSV a junction, and one page that prints a junction a sheet, into a folder of theirs.

    Raises
    ------
    ConfigError
        When the folder holds anything but an earlier set of sheets.
    """
    target = Path(folder).expanduser().resolve()
    _may_write(target, folder)
    part = target.parent / f".{target.name}.{uuid4().hex[:8]}.part"
    part.mkdir(parents=True)
    try:
        for one in sheets:
            write_rows(part / f"{quote(one.signal, safe=' ')}.csv", COLUMNS, one.rows())
        (part / PAGE).write_text(page_of(sheets), "utf-8")
        if target.exists():
            aside = target.parent / f"{part.name}.old"
            target.rename(aside)
            part.rename(target)
            shutil.rmtree(aside)
        else:
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _may_write(target: Path, folder: str | Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise ConfigError(f"{folder}: is a file", mend="name a folder")
    if Path.cwd().is_relative_to(target):
        raise ConfigError(f"{folder}: is where you are", mend="name a folder inside it")
    held = sorted(one.name for one in target.iterdir())
    strange = [name for name in held if name != PAGE and not name.endswith(".csv")]
    if held and (strange or PAGE not in held):
        raise ConfigError(f"{folder}: holds something else (found {(strange or held)[0]!r})",
                          mend="name a folder that is new or holds sheets alone")  # fmt: skip
