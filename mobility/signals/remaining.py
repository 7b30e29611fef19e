"""What lamps may promise: how long each movement's green or red lasts, at least and at most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.groups import GREENS, State
from mobility.signals.plan import Log, Promise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobility.signals.plan import Plan, SignalPlan
    from mobility.signals.problem import Group, Intersection, Network

# SAE J2735 MovementPhaseState of what a group shows.
EVENT = {
    State.RED: "stop-And-Remain", State.RED_AMBER: "pre-Movement",
    State.GREEN: "protected-Movement-Allowed", State.YIELD: "permissive-Movement-Allowed",
    State.FLASHING_GREEN: "protected-Movement-Allowed", State.YELLOW: "protected-clearance",
    State.CLEARANCE: "protected-clearance", State.OFF: "dark",
    State.FLASH: "caution-Conflicting-Traffic",
}  # fmt: skip
SURE, UNSURE = 15, 0  # TimeIntervalConfidence: 15 is certain, 0 the least
UNKNOWN_MARK = 36_001  # TimeMark: not known
NEVER_S = math.inf
LONG_AGO_S = -1e9  # since when a state holds that a log begins with
Seen = tuple[State, float]  # what a group shows, and since when


@dataclass(frozen=True)
class Ending:
    """One group: what it shows, and when that ends; ``max_end_s`` is infinite where nothing limits it.

    ``min_end_s`` and ``max_end_s`` are guaranteed, ``likely_end_s`` is what the plan has.
    """

    signal: str
    group: str
    state: State
    since_s: float
    min_end_s: float
    max_end_s: float
    likely_end_s: float
    sure: bool
    movements: str
    number: int


@dataclass(frozen=True)
class Remaining(Shown):
    """All groups at one second."""

    at_s: float
    endings: tuple[Ending, ...]

    @property
    def promises(self) -> tuple[Promise, ...]:
        """For a log that ``signals.check`` judges (invariant 13)."""
        return tuple(
            Promise(one.signal, one.group, self.at_s, one.min_end_s, one.max_end_s)
            for one in self.endings
        )

    def to_dict(self) -> dict[str, Any]:
        """A message in the manner of SPaT: SAE J2735's names where they fit.

        Time marks are tenths of a second in the hour that runs (or the next one); what is more than
        an hour away, or not known, is 36001.
        """
        rows: dict[str, list[dict[str, Any]]] = {}
        for one in self.endings:
            rows.setdefault(one.signal, []).append({
                "movementName": one.movements, "signalGroup": one.number,
                "state-time-speed": [{
                    "eventState": EVENT[one.state],
                    "timing": {
                        "startTime": self._mark(one.since_s), "minEndTime": self._mark(one.min_end_s),
                        "maxEndTime": self._mark(one.max_end_s),
                        "likelyTime": self._mark(one.likely_end_s),
                        "confidence": SURE if one.sure else UNSURE,
                    },
                }],
            })  # fmt: skip
        return {
            "timeStamp": self.at_s,
            "intersections": [{"id": name, "states": states} for name, states in rows.items()],
        }

    def _mark(self, at_s: float) -> int:
        if not math.isfinite(at_s) or abs(at_s - self.at_s) >= 3600:
            return UNKNOWN_MARK
        return round(at_s * 10) % 36_000

    def __str__(self) -> str:
        lines = []
        for one in self.endings:
            low, high = one.min_end_s - self.at_s, one.max_end_s - self.at_s
            told = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
            lines.append(f"{one.signal} {one.movements}: {one.state} for {told}")
        return "\n".join(lines)


def remaining(
    network: Network,
    plan: Plan,
    now_s: float,
    *,
    signal: str | None = None,
    adaptive: bool = False,
    preemption: bool = False,
    shown: Mapping[tuple[str, str], Seen] | Log | None = None,
) -> Remaining:
    """Tell how long what lamps show lasts: what is sure, and what is likely.

    A fixed plan keeps its seconds: minimum and maximum are the same. Where control in real time
    may change them, the minimum is what no rule lets it cut (minimum green and walk of a green;
    of a red the foes' own minimum, clearance and intergreen), the maximum what no rule lets it
    pass (maximum green, maximum red, sequences). So no promise is ever contradicted (invariant 13).

    Parameters
    ----------
    plan
        The base plan.
    now_s
        Seconds into the day.
    signal
        One signal only.
    adaptive
        Control in real time may change greens.
    preemption
        A fire engine may cut minimum greens: then a green of vehicles promises one second.
    shown
        (signal, group) -> (state, since when): what lamps show, where it is not the plan's; or the
        log of a run (``PriorityController.log()``, ``sumo.drive(...).log``) that has this second.

    Raises
    ------
    ConfigError
        When the signal is not known, or has no program, or the log does not have this second.
    """
    if isinstance(shown, Log):
        shown = seen_at(shown, now_s)
    if signal is not None and signal not in network.signal:
        raise ConfigError(
            f"no signal is called {signal!r}", mend=f"there are {', '.join(network.signal)}"
        )
    found = []
    for one in sorted(network.intersections, key=lambda two: two.id):
        program = plan.signal.get(one.id)
        if signal not in {None, one.id}:
            continue
        if program is None:
            if signal is not None:
                raise ConfigError(f"signal {one.id} has no program", mend="give it one in the plan")
            continue
        clock = now_s - network.zero_s
        seen = {group.id: _planned(program, group.id, clock) for group in one.groups}
        likely = {name: (state, since + network.zero_s, end + network.zero_s)
                  for name, (state, since, end) in seen.items()}  # fmt: skip
        if shown is not None:
            likely = {name: (*shown.get((one.id, name), (state, since)), end)
                      for name, (state, since, end) in likely.items()}  # fmt: skip
        for number, group in enumerate(one.groups, start=1):
            state, since, end = likely[group.id]
            if since <= LONG_AGO_S:  # nobody knows how long it has lasted
                low, high = math.floor(now_s) + 1.0, NEVER_S
            elif adaptive or shown is not None:
                low, high = _bounds(one, group, likely, now_s, preemption=preemption)
            else:
                low = high = end
            end = min(max(end, low), high)
            ways = " ".join(group.movements) or group.kind
            named = f"{group.id}: {', '.join(group.approaches)} {ways}".strip()
            found.append(Ending(one.id, group.id, state, since, low, high, end, low == high, named,
                                number))  # fmt: skip
    return Remaining(now_s, tuple(found))


def seen_at(log: Log, now_s: float) -> dict[tuple[str, str], Seen]:
    """What a log shows at one second, and since when.

    What it begins with has lasted for longer, nobody knows how long.

    Raises
    ------
    ConfigError
        When the log does not have this second.
    """
    rows = log.shown[log.shown["from_s"] <= now_s].sort_values("from_s", kind="stable")
    if not len(rows) or float(log.shown["to_s"].max()) <= now_s:
        raise ConfigError(
            f"the log does not show {now_s:g} s", mend="a second between its first and last"
        )
    first = float(log.shown["from_s"].min())
    found: dict[tuple[str, str], Seen] = {}
    for signal, group, state, start in zip(*(rows[name] for name in ("signal", "group", "state",
                                             "from_s")), strict=True):  # fmt: skip
        before = found.get((str(signal), str(group)))
        if before is None or before[0] != state:
            since = LONG_AGO_S if before is None and float(start) <= first else float(start)
            found[str(signal), str(group)] = State(state), since
    return found


def _planned(one: SignalPlan, group: str, clock_s: float) -> tuple[State, float, float]:
    """What the plan shows at a second of the clock: state, since when, until when."""
    cycle = one.cycle_s
    at = (clock_s - one.zero_s) % cycle
    rows = one.of_group[group]
    here = next(k for k, row in enumerate(rows) if row.from_s <= at < row.to_s)
    state = rows[here].state
    start, end = rows[here].from_s - at, rows[here].to_s - at
    # Over the cycle's edge the same state goes on.
    if all(row.state is state for row in rows):
        return state, clock_s - at, NEVER_S
    k = here
    while k == 0 or rows[k - 1].state is state:
        k = (k - 1) % len(rows)
        if rows[k].state is not state:
            break
        start -= rows[k].to_s - rows[k].from_s
    k = here
    while True:
        k = (k + 1) % len(rows)
        if rows[k].state is not state:
            break
        end += rows[k].to_s - rows[k].from_s
    return state, clock_s + start, clock_s + end


def _bounds(
    one: Intersection,
    group: Group,
    seen: Mapping[str, tuple[State, float, float]],
    now_s: float,
    *,
    preemption: bool,
) -> tuple[float, float]:
    state, since, _ = seen[group.id]
    soon = math.floor(now_s) + 1.0  # lamps change at whole seconds
    fixed = dict(group.sequence.start) | dict(group.sequence.end)
    if state in fixed:
        end = since + fixed[state]
        return max(end, now_s), max(end, now_s)
    if state in GREENS:
        gives_way = any(group.id in stage.yields for stage in one.stages)
        low = soon if gives_way or (preemption and not group.on_foot) else _least_end(group, since)
        flashes = group.sequence.ends_with(State.FLASHING_GREEN)
        high = NEVER_S if group.max_green_s is None else since + group.max_green_s - flashes
        low = max(low, soon)
        return low, max(high, low)
    if state is State.RED:
        start = sum(seconds for _, seconds in group.sequence.start)
        ended = since - _after_green(group)
        low = max(soon, ended + group.min_red_s - start)
        for foe in one.groups:
            low = max(low, _foe_clears(one, group, foe, seen, now_s, preemption=preemption) - start)
        high = NEVER_S if group.max_red_s is None else ended + group.max_red_s - start
        return low, max(high, low)
    return soon, NEVER_S


def _least_end(group: Group, since: float) -> float:
    """When a green that began then may end: flashing green counts as green."""
    return since + max(0.0, group.least_green_s - group.sequence.ends_with(State.FLASHING_GREEN))


def _after_green(group: Group) -> float:
    """Seconds between the end of green and red."""
    return sum(seconds for state, seconds in group.sequence.end if state not in GREENS)


def _foe_clears(
    one: Intersection,
    group: Group,
    foe: Group,
    seen: Mapping[str, tuple[State, float, float]],
    now_s: float,
    *,
    preemption: bool,
) -> float:
    """When a foe is out of the way at the earliest, its intergreen included."""
    pair = min(group.id, foe.id), max(group.id, foe.id)
    if pair not in one.conflicts or pair in one.may_meet:
        return -math.inf
    state, since, _ = seen[foe.id]
    gap = one.intergreen_s.get((foe.id, group.id), 0.0)
    clearance = foe.clearance_s if foe.on_foot else 0.0
    flashes = foe.sequence.ends_with(State.FLASHING_GREEN)
    if state in {State.GREEN, State.YIELD}:
        least = _least_end(foe, since)
        if preemption and not foe.on_foot:
            least = now_s
        if any(foe.id in stage.yields for stage in one.stages):
            least = now_s  # it may have begun before it gave way
        return max(least, now_s) + flashes + clearance + gap
    if state is State.FLASHING_GREEN:
        return since + flashes + clearance + gap
    if state in {State.YELLOW, State.CLEARANCE}:
        return since + clearance + gap
    return -math.inf
