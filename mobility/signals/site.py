"""What may be planned at each signal: frames, cycles, locks, and timings to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.signals.descent import Search, Timing
from mobility.signals.dispersion import webster_delay
from mobility.signals.frame import frame
from mobility.signals.splits import equal_saturation, least_cycle_s, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.signals.frame import Frame
    from mobility.signals.plan import Plan
    from mobility.signals.problem import Intersection, Network
    from mobility.signals.stop_lines import Stream, Streams

CYCLE_STEP_S = 5
LARGE = 60  # signals from which on one cycle is tried, and no parts are shifted together


class Site:
    """What may be planned: frames, cycles and locks of each signal, in order of their names."""

    def __init__(self, network: Network, streams: Streams, given: Plan) -> None:
        self.network, self.streams, self.given = network, streams, given
        self.signals = streams.signals
        self.frames = [frame(one) for one in self.signals]
        self.rows: list[list[Stream]] = [[] for _ in self.signals]
        number = {one.id: k for k, one in enumerate(self.signals)}
        for row in streams.rows:
            self.rows[number[row.signal]].append(row)
        self.may_offset = ["offset" not in one.lock for one in self.signals]
        self.may_split = ["splits" not in one.lock for one in self.signals]
        self.linked = [k for k, one in enumerate(self.signals) if one.linked]
        self.large = len(self.signals) > LARGE
        self.parts = [] if self.large else _parts(network, self.signals)
        self.least = [least_cycle_s(one) for one in self.frames]
        self.why = ""
        self.cycles = self._cycles()
        self._made: dict[tuple[int, tuple[str, ...], float], list[float] | None] = {}

    def _cycles(self) -> list[float]:
        """Cycles that all linked signals may have."""
        for one, least in zip(self.signals, self.least, strict=True):
            if least is None or least > one.cycle_range_s[1]:
                told = "none" if least is None else f"at least {least:g} s"
                self.why = (f"signal {one.id}: no cycle keeps its limits "
                            f"({told}, allowed up to {one.cycle_range_s[1]:g} s)")  # fmt: skip
                return []
        own = [self.signals[k] for k in self.linked]
        if not own:
            return []
        fixed = {
            self.given.signal[one.id].cycle_s
            for one in own
            if "splits" in one.lock and one.id in self.given.signal
        }
        low = max(one.cycle_range_s[0] for one in own)
        low = max(low, *(self.least[k] or 0.0 for k in self.linked))
        high = min(one.cycle_range_s[1] for one in own)
        if fixed:
            return sorted(one for one in fixed if low <= one <= high and one == round(one))[:1]
        first = int(-(-low // 1))
        step = (3 if self.large else 1) * CYCLE_STEP_S
        steps = range(first + (-first) % step, int(high) + 1, step)
        return sorted({float(one) for one in (*steps, first) if one <= high})

    def lengths(self, k: int, cycle: float, one: Frame | None = None) -> list[float] | None:
        """Splits of equal saturation of a signal in a cycle; those that came in where locked."""
        if not self.may_split[k]:
            return self.came(k, cycle)
        form = one or self.frames[k]
        key = k, form.order, cycle
        if key not in self._made:
            self._made[key] = equal_saturation(form, self.rows[k], cycle)
        return self._made[key]

    def came(self, k: int, cycle: float | None = None) -> list[float] | None:
        """Lengths that came in, in whole seconds and inside the limits; None without any."""
        one = self.given.signal.get(self.signals[k].id)
        if one is None:
            return None
        form = self.frames[k]
        own = float(round(one.cycle_s))
        if cycle is not None and cycle != own:
            return None
        if self.signals[k].rings is not None:
            splits = self.signals[k].rings.splits_s  # type: ignore[union-attr]
            wish = [splits[name] for name in form.order]
        else:
            if tuple(stage.stage for stage in one.stages) != form.order:
                return None
            starts = [stage.from_s for stage in one.stages]
            wish = [(starts[(j + 1) % len(starts)] - at) % one.cycle_s or one.cycle_s
                    for j, at in enumerate(starts)]  # fmt: skip
        return nearest(form, wish, own)

    def zero(self, k: int) -> float:
        """Whole second at which the first element began in the plan that came in."""
        one = self.given.signal.get(self.signals[k].id)
        if one is None:
            return float(round(self.signals[k].offset_s))
        at = one.stages[0].from_s if one.stages and self.signals[k].rings is None else 0.0
        return float(round(one.zero_s + at) % max(1, round(one.cycle_s)))

    def start(self, cycle: float | None) -> Timing | None:
        """Equal saturation in a common cycle (None: all as they came in), offsets as they came."""
        lengths = []
        for k, one in enumerate(self.signals):
            if cycle is None:
                found = self.came(k)
            elif one.linked:
                found = self.lengths(k, cycle)
            else:
                found = self.lengths(k, self.own_cycle(k))
            if found is None:
                return None
            lengths.append(found)
        return Timing(list(self.frames), lengths, [self.zero(k) for k in range(len(lengths))])

    def own_cycle(self, k: int) -> float:
        """Cycle of a signal that is not linked: its least delay by itself."""
        if not self.may_split[k]:
            one = self.given.signal.get(self.signals[k].id)
            return float(round(one.cycle_s)) if one is not None else self.least[k] or 60.0
        low, high = self.signals[k].cycle_range_s
        first = max(self.least[k] or low, low)
        choices = [float(c) for c in range(int(-(-first // 1)), int(high) + 1, CYCLE_STEP_S)]
        return min(choices, key=lambda c: (self.alone(k, c), c))

    def alone(self, k: int, cycle: float) -> float:
        """Person seconds lost a second at one signal when vehicles arrive at all times."""
        lengths = self.lengths(k, cycle)
        if lengths is None:
            return float("inf")
        form, total = self.frames[k], 0.0
        for row in self.rows[k]:
            green = sum(
                form.sum_s(lengths, window) - window.cut_s
                for window in form.windows if window.group == row.group
            )  # fmt: skip
            if row.group in form.always:
                continue
            if row.on_foot:
                total += row.flow_h / 3600 * (cycle - green) ** 2 / (2 * cycle)
                continue
            gives = sum(
                lengths[(window.first + j) % form.sizes[0]]
                for window in form.windows if window.group == row.group for j in window.yields
            )  # fmt: skip
            share = min(1.0, gives / green) if green > 0 else 0.0
            flow = row.full_h * (1 - share) + row.yield_h * share
            a, b = webster_delay(row.flow_h, max(flow, 1.0), max(green, 0.1), cycle,
                                 self.streams.period_h)  # fmt: skip
            total += row.people * row.flow_h / 3600 * (a + b)
        return total

    def search(self, timing: Timing) -> Search:
        """Arrays of a timing, ready to descend."""
        return Search(self.streams, timing, self.may_offset, self.may_split)


def _parts(network: Network, signals: Sequence[Intersection]) -> list[list[int]]:
    """For each street of a spanning tree, the linked signals beyond it."""
    number = {one.id: k for k, one in enumerate(signals) if one.linked}
    near: dict[int, set[int]] = {k: set() for k in number.values()}
    for link in network.links:
        a, b = number.get(link.from_signal), number.get(link.to_signal)
        if a is not None and b is not None and a != b:
            near[a].add(b)
            near[b].add(a)
    seen: dict[int, int | None] = {}
    order: list[int] = []
    for root in sorted(near):
        if root in seen:
            continue
        seen[root] = None
        todo = [root]
        while todo:
            k = todo.pop(0)
            order.append(k)
            for other in sorted(near[k] - set(seen)):
                seen[other] = k
                todo.append(other)
    below: dict[int, list[int]] = {k: [k] for k in order}
    for k in reversed(order):
        parent = seen[k]
        if parent is not None:
            below[parent] += below[k]
    return [sorted(below[k]) for k in order if seen[k] is not None and len(below[k]) > 1]
