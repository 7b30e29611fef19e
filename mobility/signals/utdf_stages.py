"""UTDF phases of one ring to stages: a movement of several phases is a group that stays green."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.signals.problem import Group, Sequence, Stage, State
from mobility.signals.utdf_phases import FROM

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.signals.problem import Pair
    from mobility.signals.utdf_phases import Move, Phase

# Phases of a group, in the ring's order; below 0 the one phase that permits its movements.
Key = tuple[int, ...]
_SUFFIXES = ("", *"bcdefghijklmnop")  # more groups of the same phases than approaches there are not


def stages_of(
    phases: list[Phase], splits_s: dict[str, float]
) -> tuple[tuple[Group, ...], tuple[Stage, ...], dict[Pair, float], set[Pair]]:
    """Groups, stages, intergreens and permissive pairs of phases that follow each other in one ring.

    Each phase is a stage. Movements of the same protected phases are one group, ``"2"``, or
    ``"1+2"`` where they stay green from one phase to the next (an overlap); where their approaches
    have not the same turns there are more, ``"2b"``. Movements that a phase permits are a group of
    their own, ``"2p"``, which gives way.
    """
    moves = _groups(phases)
    groups = [
        vehicles(name, own, max(phase.yellow_s for phase in _lasts(key, phases)),
                 max(phase.min_green_s for phase in phases if phase.number in _numbers(key)))
        for name, (key, own) in moves.items()
    ]  # fmt: skip
    groups += [people(one) for one in phases if one.walk_s]
    stages = tuple(
        Stage(one.name, (*(name for name, (key, _) in moves.items() if one.number in _numbers(key)),
                         *([f"P{one.name}"] if one.walk_s else [])),
              splits_s[one.name] - one.after_s)
        for one in phases
    )  # fmt: skip
    intergreen, permissive = _pairs(phases, moves)
    return tuple(groups), stages, intergreen, permissive


def vehicles(name: str, moves: list[Move], yellow_s: float, min_green_s: float) -> Group:
    """Lamps of movements; lanes that a turn shares count with the through lanes."""
    lanes: dict[str, set[tuple[str, int]]] = {}
    alone = all(move.permitted for move in moves)
    for move in moves:
        if alone or not move.permitted:
            lanes.setdefault(move.approach, set()).add((move.movement, move.lanes))
    widest = max((sum(count for _, count in own) for own in lanes.values()), default=1)
    through = max((count for own in lanes.values() for turn, count in own if turn == "through"),
                  default=widest)  # fmt: skip
    return Group(
        name, sequence=Sequence((), ((State.YELLOW, yellow_s),) if yellow_s else ()),
        min_green_s=min_green_s, approaches=tuple(sorted({two.approach for two in moves})),
        movements=tuple(sorted({two.movement for two in moves})), lanes=max(1, through),
        saturation_lane_vph=max((move.ideal_flow for move in moves), default=1900.0),
    )  # fmt: skip


def people(one: Phase) -> Group:
    """People who walk with a phase."""
    return Group(
        f"P{one.name}", "pedestrian", Sequence((), ((State.CLEARANCE, one.clearance_s),)),
        min_green_s=0, walk_s=one.walk_s,
    )  # fmt: skip


def gives_way(moves: Iterable[Move], others: Iterable[Move]) -> bool:
    """Whether a permitted left of the ones meets traffic of the others that comes towards it."""
    towards = {move.approach for move in others
               if not move.permitted and move.movement in {"through", "right"}}  # fmt: skip
    opposite = {FROM[move.approach] for move in moves if move.permitted}
    return bool(towards & opposite)


def _groups(phases: list[Phase]) -> dict[str, tuple[Key, list[Move]]]:
    """Phases and movements of each group: all its turns from all its approaches."""
    found: dict[str, tuple[Key, list[Move]]] = {}
    for key, own in _moves(phases).items():
        turns: dict[str, set[str]] = {}
        for move in own:
            turns.setdefault(move.approach, set()).add(move.movement)
        kinds = sorted({tuple(sorted(two)) for two in turns.values()})
        for suffix, kind in zip(_SUFFIXES, kinds or [()], strict=False):
            sides = {side for side, two in turns.items() if tuple(sorted(two)) == kind}
            found[_name(key) + suffix] = key, [move for move in own if move.approach in sides]
    return found


def _moves(phases: list[Phase]) -> dict[Key, list[Move]]:
    """Movements by the phases that protect them; a phase that protects none has its own group."""
    protected: dict[tuple[str, str], list[tuple[int, Move]]] = {}
    found: dict[Key, list[Move]] = {}
    for one in phases:
        for move in one.moves:
            if not move.permitted:
                protected.setdefault((move.approach, move.movement), []).append((one.number, move))
    for own in protected.values():
        key = tuple(dict.fromkeys(number for number, _ in own))
        found.setdefault(key, []).append(own[0][1])
    for one in phases:
        permitted = [move for move in one.moves if move.permitted]
        if permitted:
            found[(-one.number,)] = permitted
        elif not any(one.number in key for key in found):
            found[(one.number,)] = []
    place = {one.number: k for k, one in enumerate(phases)}
    return dict(
        sorted(found.items(), key=lambda item: ([place[abs(n)] for n in item[0]], item[0][0] < 0))
    )


def _name(key: Key) -> str:
    return f"{-key[0]}p" if key[0] < 0 else "+".join(map(str, key))


def _numbers(key: Key) -> set[int]:
    return {abs(number) for number in key}


def _lasts(key: Key, phases: list[Phase]) -> list[Phase]:
    """Phases with which a group's greens end; of one that never ends, all."""
    count = len(phases)
    own = [k for k, one in enumerate(phases) if one.number in _numbers(key)]
    ends = [k for k in own if (k + 1) % count not in own]
    return [phases[k] for k in ends or own]


def _pairs(
    phases: list[Phase], moves: dict[str, tuple[Key, list[Move]]]
) -> tuple[dict[Pair, float], set[Pair]]:
    intergreen: dict[Pair, float] = {}
    permissive: set[Pair] = set()
    walks = {(one.number,): f"P{one.name}" for one in phases if one.walk_s}
    for a, (key, own) in moves.items():
        for b, (other, others) in moves.items():
            if a == b:
                continue
            if not _numbers(key) & _numbers(other):
                intergreen[a, b] = _between(key, other, phases)
            elif gives_way(own, others):
                intergreen[a, b] = intergreen[b, a] = 0.0
                permissive.add((a, b))
        for number, walk in walks.items():
            if number[0] not in _numbers(key):
                intergreen[a, walk] = _between(key, number, phases)
                intergreen[walk, a] = _between(number, key, phases)
            elif any(move.movement in {"left", "right"} for move in own):
                intergreen[a, walk] = intergreen[walk, a] = 0.0
                permissive.add((a, walk))
    return intergreen, permissive


def _between(a: Key, b: Key, phases: list[Phase]) -> float:
    """Yellow and all-red of the phase that ends the one just before the other begins, if any does."""
    ends = _lasts(a, phases)
    direct = [
        one.after_s for k, one in enumerate(phases)
        if one in ends and phases[(k + 1) % len(phases)].number in _numbers(b)
    ]  # fmt: skip
    return max(direct or [one.after_s for one in ends])
