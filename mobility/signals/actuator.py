"""The last thing before the lamps: it takes wishes and shows only what the rules allow.

Whatever a controller wants, a group that is green stays so for its minimum, shows its whole
sequence to red, and starts only when every foe has given its intergreen. It knows no traffic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.signals.problem import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.signals.problem import Intersection

RED, START, GREEN, HELD, END = range(5)  # HELD: a countdown runs, the green's end is decided
_LONG_AGO = -1_000_000


class Actuator:
    """Lamps of one signal, second by second.

    Parameters
    ----------
    one
        The signal.
    at_s
        First second.
    stage
        What it shows then; by default its first stage. Its groups are green, all others red.

    Notes
    -----
    Invariants 1 (minimum green), 2 (maximum green), 3 (sequences), 4 (intergreens), 5 (walk and
    clearance), 6 (conflicts) and re-service hold whatever is wished. Pre-emption (``urgent``) may
    end vehicles' greens before their minimum, and nothing else.
    """

    def __init__(self, one: Intersection, at_s: int = 0, stage: str | None = None) -> None:
        self.one = one
        self.names = tuple(group.id for group in one.groups)
        row = {name: k for k, name in enumerate(self.names)}
        self.row = row
        count = len(self.names)
        self.stages = {
            stage.id: frozenset(row[name] for name in stage.groups) for stage in one.stages
        }
        self.yields = {
            stage.id: frozenset(row[name] for name in stage.yields) for stage in one.stages
        }
        self._start = [tuple((state, _whole(s)) for state, s in group.sequence.start)
                       for group in one.groups]  # fmt: skip
        self._end = [tuple((state, _whole(s)) for state, s in group.sequence.end)
                     for group in one.groups]  # fmt: skip
        self._start_s = [sum(s for _, s in steps) for steps in self._start]
        self._end_s = [sum(s for _, s in steps) for steps in self._end]
        self._flash_s = [_part(steps, State.FLASHING_GREEN) for steps in self._end]
        # When a foe may think of starting: people block until their clearance is over.
        self._clear_s = [
            self._flash_s[k] + (_part(self._end[k], State.CLEARANCE) if group.on_foot else 0)
            for k, group in enumerate(one.groups)
        ]
        self._least = [
            max(0, _whole(group.min_green_s) - self._flash_s[k],
                _whole(group.walk_s) - self._flash_s[k] if group.on_foot else 0)
            for k, group in enumerate(one.groups)
        ]  # fmt: skip
        self._walk = [_whole(group.walk_s) if group.on_foot and not group.walk_may_be_cut else 0
                      for group in one.groups]  # fmt: skip
        self._on_foot = [group.on_foot for group in one.groups]
        self._most = [
            None if group.max_green_s is None
            else max(1, int(group.max_green_s) - self._flash_s[k])
            for k, group in enumerate(one.groups)
        ]  # fmt: skip
        self._countdown = [_whole(group.countdown_s) for group in one.groups]
        self._min_red = [_whole(group.min_red_s) for group in one.groups]
        self.intergreen = {
            (row[a], row[b]): _whole(s) for (a, b), s in one.intergreen_s.items() if a != b
        }
        foes: list[set[int]] = [set() for _ in range(count)]
        for a, b in self.intergreen:
            foes[a].add(b)
            foes[b].add(a)
        self._foes = [tuple(sorted(one)) for one in foes]
        self._meet = {(row[a], row[b]) for a, b in one.may_meet}
        self._meet |= {(b, a) for a, b in self._meet}
        both = {(row[a], row[b]) for a, b in one.both_protected}
        both |= {(b, a) for a, b in both}
        self._gives = [
            tuple(sorted(row[b] for a, b in one.permissive
                         if row[a] == k and (k, row[b]) not in both))
            for k in range(count)
        ]  # fmt: skip
        change = min((s for (a, _), s in self.intergreen.items() if not self._on_foot[a]),
                     default=0)  # fmt: skip
        # After their green people still hold the stage until a foe's own change is long enough.
        self._clearing = [
            max(0, self._clear_s[k] + max(
                (s for (a, _), s in self.intergreen.items() if a == k), default=0) - change)
            if group.on_foot else 0 for k, group in enumerate(one.groups)
        ]  # fmt: skip
        self._change = {(a, b): self._change_s(a, b) for a in self.stages for b in self.stages}
        self._least_of = {
            name: max((self._least[k] + self._flash_s[k] + self._clearing[k] for k in groups),
                      default=1)
            for name, groups in self.stages.items()
        }  # fmt: skip
        self._shows_yield = one.yield_shown
        self.now_s = at_s
        self.phase = [RED] * count
        self.since = [_LONG_AGO] * count  # of the phase
        self.green_since = [_LONG_AGO] * count
        self.green_end = [_LONG_AGO] * count
        self.clear_at = [_LONG_AGO] * count  # from here a foe's intergreen runs
        first = stage if stage is not None else next(iter(self.stages), None)
        for k in self.stages.get(first or "", ()):
            self.phase[k] = GREEN
            self.since[k] = self.green_since[k] = at_s
        self.walked: set[int] = set()  # people who have had their green in this stage

    def wanted(self, stage: str) -> frozenset[int]:
        """Rows of a stage's groups that should be green: people walk once, at its beginning.

        Their clearance then runs while vehicles go on, and is no time lost.
        """
        groups = self.stages[stage]
        if not all(self._on_foot[k] or self.phase[k] in {GREEN, HELD} for k in groups):
            return groups - self.walked
        for k in groups:
            walking = self._on_foot[k] and self.phase[k] == GREEN
            if walking and self.now_s - self.green_since[k] >= self._least[k]:
                self.walked.add(k)
        return groups - self.walked if self.walked else groups

    def step(
        self,
        wanted: Iterable[int],
        yields: frozenset[int] = frozenset(),
        *,
        urgent: bool = False,
        together: bool = False,
    ) -> list[State]:
        """Decide what every group shows for the next second.

        Parameters
        ----------
        wanted
            Rows of the groups that should be green.
        yields
            Those that should show that they give way.
        urgent
            Pre-emption: minimum greens of vehicles do not hold, nor do maximum greens.
        together
            Groups start only once all that are wanted may.
        """
        want = wanted if isinstance(wanted, (set, frozenset)) else set(wanted)
        t = self.now_s
        phase = self.phase
        starting: list[int] = []
        for k in range(len(phase)):
            what = phase[k]
            if what == RED:
                if k in want:
                    starting.append(k)
            elif what == GREEN:
                self._maybe_end(k, k in want, t, urgent)
            elif what == HELD:
                if t >= self.since[k] + self._countdown[k]:
                    self._begin_end(k, t)
            elif what == START and t >= self.since[k] + self._start_s[k]:
                phase[k] = GREEN
                self.since[k] = self.green_since[k] = t
            if phase[k] == END and t >= self.since[k] + self._end_s[k]:
                phase[k] = RED
                self.since[k] = t
        if starting:
            able = [k for k in starting if self._may_start(k, t, want)]
            if not together or len(able) == len(starting):
                for k in able:
                    if self._may_start(k, t, want):  # none that began just now is its foe
                        self._begin(k, t)
        shown = [self._state(k, t, yields) for k in range(len(phase))]
        if self._shows_yield:
            self._settle_yields(shown, yields)
        self.now_s = t + 1
        return shown

    def _maybe_end(self, k: int, wanted: bool, t: int, urgent: bool) -> None:
        age = t - self.green_since[k]
        most = self._most[k]
        if not wanted or (most is not None and age >= most - self._countdown[k] and not urgent):
            least = self._least[k]
            if urgent:
                least = max(0, self._walk[k] - self._flash_s[k]) if self._on_foot[k] else 1
            if self._countdown[k]:
                if age >= least - self._countdown[k]:
                    self.phase[k] = HELD
                    self.since[k] = t
            elif age >= least:
                self._begin_end(k, t)

    def _begin_end(self, k: int, t: int) -> None:
        self.phase[k] = END
        self.since[k] = t
        self.green_end[k] = t + self._flash_s[k]
        self.clear_at[k] = t + self._clear_s[k]

    def _begin(self, k: int, t: int) -> None:
        if self._start_s[k]:
            self.phase[k] = START
            self.since[k] = t
        else:
            self.phase[k] = GREEN
            self.since[k] = self.green_since[k] = t

    def _may_start(self, k: int, t: int, want: set[int] | frozenset[int]) -> bool:
        if self.phase[k] != RED:
            return False
        green_at = t + self._start_s[k]
        if self.green_end[k] + self._min_red[k] > green_at:
            return False
        for foe in self._foes[k]:
            what = self.phase[foe]
            if what in {GREEN, START, HELD} and (
                what == HELD or foe not in want or (k, foe) not in self._meet
            ):
                return False
            # Also where it is green again already: those of its last green may not be out of the way.
            if self.clear_at[foe] + self.intergreen.get((foe, k), 0) > green_at:
                return False
        return True

    def _state(self, k: int, t: int, yields: frozenset[int]) -> State:
        what = self.phase[k]
        if what == RED:
            return State.RED
        if what in {GREEN, HELD}:
            return State.YIELD if k in yields else State.GREEN
        steps = self._start[k] if what == START else self._end[k]
        at = self.since[k]
        for state, seconds in steps:
            at += seconds
            if t < at:
                return state
        return State.RED

    def _settle_yields(self, shown: list[State], yields: frozenset[int]) -> None:
        """Whoever gives way to a foe that is green, or has not cleared, shows it."""
        for k, state in enumerate(shown):
            if state is not State.GREEN or not self._gives[k]:
                continue
            for foe in self._gives[k]:
                going = self.phase[foe] in {GREEN, HELD} and shown[foe] is not State.YIELD
                clearing = (
                    self.phase[foe] == END
                    or self.clear_at[foe] + self.intergreen.get((foe, k), 0) > self.now_s
                )
                if (going and not (foe in yields and k not in yields)) or clearing:
                    shown[k] = State.YIELD
                    break

    def settled(self, stage: str) -> bool:
        """Whether a stage's groups are green, or have walked, and no others are green."""
        groups = self.stages[stage]
        for k, what in enumerate(self.phase):
            if k in groups:
                if what not in {GREEN, HELD} and k not in self.walked:
                    return False
            elif what in {GREEN, HELD}:
                return False
        return True

    def like(self, wanted: frozenset[int]) -> bool:
        """Whether just these vehicles' groups are green, and no people walk who should not."""
        for k, what in enumerate(self.phase):
            if self._on_foot[k]:
                if what in {GREEN, HELD, START} and k not in wanted:
                    return False
            elif what != (GREEN if k in wanted else RED):
                return False
        return True

    def least_left(self, stage: str) -> int:
        """Seconds until every group of a stage has had its minimum, people their clearance."""
        left = 0
        for k in self.stages[stage]:
            if self.phase[k] == GREEN:
                at = self.green_since[k] + self._least[k] - self._countdown[k]
                if self._on_foot[k]:
                    at += self._clearing[k]
            elif self._on_foot[k] and k in self.walked:
                at = self.since[k] + self._clearing[k] if self.phase[k] == END else 0
            else:
                continue
            left = max(left, at - self.now_s)
        return left

    def own_left(self, k: int) -> int:
        """Seconds until a green group has had its minimum."""
        return self.green_since[k] + self._least[k] - self.now_s if self.phase[k] == GREEN else 0

    def most_left(self, stage: str) -> int:
        """Seconds until a group of a stage must end; a large number where nothing limits it."""
        return min(
            (self.green_since[k] + most - self._countdown[k] - self.now_s
             for k in self.stages[stage]
             if self.phase[k] == GREEN and (most := self._most[k]) is not None),
            default=1_000_000,
        )  # fmt: skip

    def change_s(self, here: str, there: str) -> int:
        """Seconds from the end of one stage until all groups of another are green."""
        return self._change[here, there]

    def least_of(self, stage: str) -> int:
        """For how long a stage's groups stay green once they are."""
        return self._least_of[stage]

    def _change_s(self, here: str, there: str) -> int:
        old, new = self.stages[here] - self.stages[there], self.stages[there] - self.stages[here]
        return max(
            (
                self._countdown[a]
                + max(self._clear_s[a] + self.intergreen.get((a, b), 0), self._start_s[b])
                for b in new
                for a in old
                if (a, b) in self.intergreen and not self._on_foot[a]
            ),
            default=max((self._start_s[b] for b in new), default=0),
        )


def _whole(seconds: float) -> int:
    """Round up: a lamp changes at whole seconds, and no time is cut."""
    return -int(-seconds // 1)


def _part(steps: tuple[tuple[State, int], ...], state: State) -> int:
    return sum(seconds for one, seconds in steps if one is state)
