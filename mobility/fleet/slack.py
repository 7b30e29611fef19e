"""Times that may move within limits, and constraints between two of them that are added one by one.

Every value lies within ``-high <= value <= high``; a constraint says ``value[b] >= value[a] + by``.
Adding one is exact: it is refused if and only if no values fulfil it together with the earlier ones.

References
----------
Cotton, Maler (2006), "Fast and flexible difference constraint propagation for DPLL(T)", SAT 2006.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Slack:
    """Values that start at 0 and fulfil every constraint added so far.

    Parameters
    ----------
    high
        How far each value may move, either way.

    Examples
    --------
    >>> slack = Slack([60, 60])
    >>> slack.add(0, 1, 90), slack.add(1, 0, -50)
    (True, False)
    >>> slack.value
    [-30, 60]
    """

    def __init__(self, high: Sequence[int]) -> None:
        self.value = [0] * len(high)
        self._high = list(high)
        # Constraints that start at a value, and that end at it: (other, by).
        self._above: list[list[tuple[int, int]]] = [[] for _ in high]
        self._below: list[list[tuple[int, int]]] = [[] for _ in high]

    def hold(self, a: int, b: int, by: int) -> None:
        """Add ``value[b] >= value[a] + by`` that holds already, as where ``by <= 0`` at the start."""
        self._above[a].append((b, by))
        self._below[b].append((a, by))

    def add(self, a: int, b: int, by: int) -> bool:
        """Add ``value[b] >= value[a] + by`` if it can hold; say whether."""
        short = self.value[a] + by - self.value[b]
        if short > 0:
            before: dict[int, int] = {}
            # First raise b as far as it can go, then lower a by the rest.
            rest = self._move(b, short, a, 1, before)
            if rest is None or (rest and self._move(a, rest, b, -1, before) != 0):
                for at, value in before.items():
                    self.value[at] = value
                return False
        self.hold(a, b, by)
        return True

    def _move(
        self, start: int, by: int, kept: int, sign: int, before: dict[int, int]
    ) -> int | None:
        """Raise (1) or lower (-1) a value as far as limits let it, up to ``by``; what is left.

        Values that constraints tie to it follow. None where ``kept`` would have to follow: then
        the two can never be as far apart. Old values are noted in ``before``.
        """
        pushed, over = self._pushed(start, by, kept, sign)
        if pushed is None:
            return None
        if over >= by:
            return by
        if over > 0:
            pushed, _ = self._pushed(start, by - over, kept, sign)
        for at, value in (pushed or {}).items():
            before.setdefault(at, self.value[at])
            self.value[at] = value
        return max(over, 0)

    def _pushed(
        self, start: int, by: int, kept: int, sign: int
    ) -> tuple[dict[int, int] | None, int]:
        """Values that follow a move, and by how much the worst of them passes its limit.

        The farthest first, as in Dijkstra's method: what a constraint has to spare is never below 0,
        so that no value is met twice.
        """
        ties = self._above if sign > 0 else self._below
        value, high = self.value, self._high
        moved: dict[int, int] = {}
        over = -by
        heap = [(-by, start)]
        while heap:
            less, here = heappop(heap)
            if here in moved:
                continue
            step = -less
            moved[here] = step
            old = sign * value[here]
            over = max(over, old + step - high[here])
            if over >= by:  # it cannot move at all
                return {}, by
            for other, gap in ties[here]:
                more = step + old + gap - sign * value[other]
                if more > 0 and other not in moved:
                    if other == kept:
                        return None, 0
                    heappush(heap, (-more, other))
        return {at: value[at] + sign * step for at, step in moved.items()}, over
