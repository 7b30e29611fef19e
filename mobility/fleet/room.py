"""Several parts of a fleet in the same depots: each with all the room, or one with what others leave."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mobility.fleet.depots import crowded, smaller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mobility.fleet.duty import Schedule
    from mobility.fleet.problem import Problem


def share_room(
    problem: Problem, parts: Sequence[Callable[[Problem], Schedule]]
) -> tuple[list[Schedule], list[Schedule]]:
    """Schedule every part; where together they are too many, one after another with the room left.

    Parameters
    ----------
    parts
        Each plans its trips in the depots of the problem it is given.

    Returns
    -------
    alone, together
        Schedules with all the room there is (their bounds hold whoever else needs a place), and
        ones that fit beside each other as far as that was found: a part that did not fit has `why`.
    """
    alone = [part(problem) for part in parts]
    if any(one.why for one in alone) or not _over(problem, alone):
        return alone, alone
    tried = []
    for order in (range(len(parts)), range(len(parts) - 1, -1, -1)):
        found: dict[int, Schedule] = {}
        room = problem
        for at in order:
            # The parts still to come have had their say in the first round: keep what fits of it.
            fits = not crowded(room, [duty.depot for duty in alone[at].duties])
            found[at] = alone[at] if fits else parts[at](room)
            room = smaller(room, Counter(duty.depot for duty in found[at].duties))
        tried.append([found[at] for at in range(len(parts))])
        if not any(one.why for one in tried[-1]):
            break
    return alone, tried[-1] if not any(one.why for one in tried[-1]) else tried[0]


def _over(problem: Problem, parts: Sequence[Schedule]) -> bool:
    return bool(crowded(problem, [duty.depot for one in parts for duty in one.duties]))
