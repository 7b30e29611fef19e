"""Green bands along a corridor: the widest that cars and buses can have, proved (MAXBAND).

All times inside are parts of a cycle. Bands of two directions are found by ``band_search``. With
bands for buses, or on request, a mixed-integer program is solved: for each street between two
signals the fronts of the two directions' bands go once around a loop, so what they add up to is a
whole number of cycles, and with a frequency ``z = 1 / cycle`` all is linear.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError
from mobility.solution import Report, Status, StopReason
from mobility.stop import seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.stop import Stop

DIRECTIONS = ("out", "back", "bus_out", "bus_back")


@dataclass(frozen=True)
class Pattern:
    """One order of a signal's stages, as parts of a cycle after its own zero.

    ``out_from`` and ``back_from`` are where the greens of the two directions begin, ``out_green``
    and ``back_green`` how long they are.
    """

    out_from: float
    out_green: float
    back_from: float
    back_green: float
    name: str = ""


@dataclass(frozen=True)
class BandProblem:
    """A corridor of signals.

    Parameters
    ----------
    patterns
        Of each signal in the order of the outward direction, one at least.
    out_s, back_s
        Travel from signal to signal outward, and back over the same street: one fewer than signals.
    cycle_range_s
        Shortest and longest cycle; twice the same fixes it.
    weights
        What a band of one cycle is worth: outward, back.
    bus_out_s, bus_back_s
        Travel of buses with their dwell; empty: no bands for buses.
    bus_weights
        As ``weights``.
    ratio
        The band back is at least this share of the outward one, and the other way round.
    """

    patterns: tuple[tuple[Pattern, ...], ...]
    out_s: tuple[float, ...]
    back_s: tuple[float, ...]
    cycle_range_s: tuple[float, float]
    weights: tuple[float, float] = (1.0, 1.0)
    bus_out_s: tuple[float, ...] = ()
    bus_back_s: tuple[float, ...] = ()
    bus_weights: tuple[float, float] = (1.0, 1.0)
    ratio: float = 0.0


@dataclass(frozen=True)
class Bands:
    """The widest bands.

    Parameters
    ----------
    cycle_s
        The cycle.
    offsets
        Of each signal's zero, parts of the cycle, the first signal's 0.
    chosen
        Number of each signal's pattern.
    widths
        ``out``, ``back`` and, where asked, ``bus_out``, ``bus_back``: parts of the cycle.
    fronts
        When each band's front passes the first signal, parts of the cycle.
    why
        Why there are none; empty otherwise.
    """

    cycle_s: float
    offsets: tuple[float, ...]
    chosen: tuple[int, ...]
    widths: dict[str, float]
    fronts: dict[str, float]
    report: Report = field(compare=False)
    why: str = ""

    def __str__(self) -> str:
        if self.why:
            return self.why
        told = ", ".join(f"{name} {self.cycle_s * width:.1f} s"
                         for name, width in self.widths.items())  # fmt: skip
        return f"cycle {self.cycle_s:.1f} s: {told} ({self.report.headline()})"


def widest_bands(
    problem: BandProblem, *, stop: Stop | None = None, seed: int = 0, solver: str = ""
) -> Bands:
    """Find cycle, offsets and patterns with the widest bands.

    Parameters
    ----------
    stop
        ``Seconds``; by default until proved.
    seed
        Of the mixed-integer solver.
    solver
        ``search``: our own branch and bound over cycle and phase, for two directions; ``scip`` or
        ``highs``: the mixed-integer program, both through OR-Tools. By default ``search`` where it
        can, else ``scip``.

    Returns
    -------
    Bands
        ``report.bound`` is the solver's proven bound on the weighted sum of widths. The status
        is ``infeasible``, with ``why``, where even bands without width meet a red: with short
        greens and one cycle, two directions cannot always both pass.

    Raises
    ------
    ConfigError
        When lengths do not fit each other, a green is not a part of a cycle, or ``search`` is
        asked for bands of buses.

    References
    ----------
    Little, Kelson, Gartner (1981), MAXBAND.
    """
    _judge(problem)
    plain = not (problem.bus_out_s or problem.bus_back_s) and problem.ratio <= 1
    if solver == "search" and not plain:
        raise ConfigError("search finds bands of two directions only", mend="leave solver out")
    if solver == "search" or (not solver and plain and min(problem.weights) >= 0):
        return _searched(problem, seconds_of(stop), seed)
    return _programmed(problem, seconds_of(stop), seed, solver or "scip")


def _searched(problem: BandProblem, limit: float | None, seed: int) -> Bands:
    from mobility.signals.band_search import SLACK, Search

    begun = time.perf_counter()
    search = Search(problem)
    found = search.run(limit)
    seconds = time.perf_counter() - begun
    if found.value < 0:
        return _none(impossible=found.closed, seconds=seconds, seed=seed)
    chosen, out, back = search.chosen(found)
    return _answer(
        problem, rate=found.rate, chosen=chosen, after_out=out, after={"out": out[0], "back": back[0]},
        widths={"out": max(0.0, found.out - SLACK), "back": max(0.0, found.back - SLACK)},
        bound=found.bound, proved=found.closed, seconds=seconds, seed=seed,
    )  # fmt: skip


def _programmed(problem: BandProblem, limit: float | None, seed: int, solver: str) -> Bands:
    begun = time.perf_counter()
    from ortools.math_opt.python import mathopt

    model = mathopt.Model(name="bands")
    low, high = problem.cycle_range_s
    z = model.add_variable(lb=1 / high, ub=1 / low, name="z")
    count = len(problem.patterns)
    picks = [
        [model.add_binary_variable(name=f"x{i}_{p}") for p in range(len(row))]
        if len(row) > 1 else [1.0]
        for i, row in enumerate(problem.patterns)
    ]  # fmt: skip
    for row in picks:
        if len(row) > 1:
            model.add_linear_constraint(sum(row) == 1)

    def of(i: int, name: str) -> Any:
        return sum(
            getattr(pattern, name) * pick
            for pattern, pick in zip(problem.patterns[i], picks[i], strict=True)
        )

    times = {"out": problem.out_s, "back": problem.back_s,
             "bus_out": problem.bus_out_s, "bus_back": problem.bus_back_s}  # fmt: skip
    worth = dict(zip(DIRECTIONS, (*problem.weights, *problem.bus_weights), strict=True))
    wanted = [name for name in DIRECTIONS if name in ("out", "back") or times[name]]
    width, after = {}, {}
    for name in wanted:
        side = name.removeprefix("bus_")
        width[name] = model.add_variable(lb=0, ub=1, name=name)
        after[name] = [model.add_variable(lb=0, ub=1, name=f"w_{name}_{i}") for i in range(count)]
        for i in range(count):
            model.add_linear_constraint(after[name][i] + width[name] <= of(i, f"{side}_green"))
    _loops(model, problem, times, wanted, after, of, z)
    if problem.ratio > 0:
        for a, b in (("out", "back"), ("back", "out")):
            model.add_linear_constraint(width[a] >= problem.ratio * width[b])
    model.maximize(sum(worth[name] * width[name] for name in wanted))
    parameters = mathopt.SolveParameters(
        time_limit=None if limit is None else dt.timedelta(seconds=limit),
        threads=1 if solver == "scip" else None, random_seed=seed, relative_gap_tolerance=1e-6,
        cuts=mathopt.Emphasis.OFF if solver == "scip" else None,
    )  # fmt: skip
    kind = {"scip": mathopt.SolverType.GSCIP, "highs": mathopt.SolverType.HIGHS}[solver]
    result = mathopt.solve(model, kind, params=parameters)
    proved = result.termination.reason == mathopt.TerminationReason.OPTIMAL
    if not result.has_primal_feasible_solution():
        impossible = result.termination.reason in {
            mathopt.TerminationReason.INFEASIBLE, mathopt.TerminationReason.INFEASIBLE_OR_UNBOUNDED,
        }  # fmt: skip
        return _none(impossible=impossible, seconds=time.perf_counter() - begun, seed=seed)
    values = result.variable_values()
    return _answer(
        problem, rate=values[z],
        chosen=[0 if len(row) == 1 else max(range(len(row)), key=lambda p: values[row[p]])
                for row in picks],
        after_out=[values[one] for one in after["out"]],
        after={name: values[after[name][0]] for name in wanted},
        widths={name: max(0.0, float(values[width[name]])) for name in wanted},
        bound=float(result.termination.objective_bounds.dual_bound),
        proved=proved, seconds=time.perf_counter() - begun, seed=seed,
    )  # fmt: skip


def _none(*, impossible: bool, seconds: float, seed: int) -> Bands:
    report = Report(
        Status.INFEASIBLE if impossible else Status.UNKNOWN, seed=seed, maximise=True,
        seconds=seconds, stop_reason=StopReason.FINISHED if impossible else StopReason.SECONDS,
    )  # fmt: skip
    why = ("no offsets let a front pass all greens in every direction asked for"
           if impossible else "no bands were found in the time given")  # fmt: skip
    return Bands(0.0, (), (), {}, {}, report, why)


def _loops(
    model: Any,
    problem: BandProblem,
    times: dict[str, tuple[float, ...]],
    wanted: Sequence[str],
    after: dict[str, list[Any]],
    of: Any,
    z: Any,
) -> None:
    """Around each street: both directions, and buses beside cars of their direction."""
    most = 1 / problem.cycle_range_s[0]
    for i, j in pairwise(range(len(problem.patterns))):
        out, back = problem.out_s[i], problem.back_s[i]
        first, last = _turns(problem, i)
        whole = model.add_integer_variable(lb=first, ub=last, name=f"m{i}")
        model.add_linear_constraint(
            (out + back) * z == after["out"][j] - after["out"][i] + of(j, "out_from")
            - of(i, "out_from") - (after["back"][j] - after["back"][i]) - of(j, "back_from")
            + of(i, "back_from") + whole
        )  # fmt: skip
        for name in wanted:
            if not name.startswith("bus_"):
                continue
            side = name.removeprefix("bus_")
            more = times[name][i] - times[side][i]
            turns = int(abs(more) * most) + 2
            whole = model.add_integer_variable(lb=-turns, ub=turns, name=f"m_{name}_{i}")
            # Back, a bus passes j before i.
            sign = 1 if side == "out" else -1
            model.add_linear_constraint(
                sign * more * z == after[name][j] - after[name][i]
                - (after[side][j] - after[side][i]) + whole
            )  # fmt: skip


def _turns(problem: BandProblem, i: int) -> tuple[int, int]:
    """Whole cycles around a street that patterns, greens and cycles allow."""
    here, there = problem.patterns[i], problem.patterns[i + 1]
    once = problem.out_s[i] + problem.back_s[i]
    green = [
        max(one.out_green for one in there) + max(one.back_green for one in here),
        max(one.out_green for one in here) + max(one.back_green for one in there),
    ]
    apart = [[one.out_from - one.back_from for one in row] for row in (here, there)]
    low = once / problem.cycle_range_s[1] - green[0] - max(apart[1]) + min(apart[0])
    high = once / problem.cycle_range_s[0] + green[1] - min(apart[1]) + max(apart[0])
    return math.floor(low + 1e-9), math.ceil(high - 1e-9)


def _answer(
    problem: BandProblem,
    *,
    rate: float,
    chosen: Sequence[int],
    after_out: Sequence[float],
    after: dict[str, float],
    widths: dict[str, float],
    bound: float,
    proved: bool,
    seconds: float,
    seed: int,
) -> Bands:
    """Offsets and fronts from how long after a green's begin fronts pass.

    ``after_out`` is that of the outward front at every signal, ``after`` of all at the first one.
    """
    worth = dict(zip(DIRECTIONS, (*problem.weights, *problem.bus_weights), strict=True))
    greens = [row[p] for row, p in zip(problem.patterns, chosen, strict=True)]
    front = 0.0
    offsets = []
    for i, green in enumerate(greens):
        offsets.append((front - green.out_from - after_out[i]) % 1.0)
        if i < len(problem.out_s):
            front += problem.out_s[i] * rate
    first = offsets[0]
    fronts = {}
    for name, late in after.items():
        begin = greens[0].out_from if name.endswith("out") else greens[0].back_from
        fronts[name] = (begin + late) % 1.0
    parts = {name: worth[name] * widths[name] for name in widths}
    objective = sum(parts.values())
    report = Report(
        Status.OPTIMAL if proved else Status.FEASIBLE, objective=objective,
        objective_unit="weighted cycles of green band", parts=parts, bound=max(objective, bound),
        bound_scope="these patterns, speeds and cycles", seconds=seconds, seed=seed,
        stop_reason=StopReason.FINISHED if proved else StopReason.SECONDS, maximise=True,
    )  # fmt: skip
    return Bands(1 / rate, tuple((one - first) % 1.0 for one in offsets), tuple(chosen), widths,
                 fronts, report)  # fmt: skip


def _judge(problem: BandProblem) -> None:
    streets = len(problem.patterns) - 1
    for name in ("out_s", "back_s", "bus_out_s", "bus_back_s"):
        given = getattr(problem, name)
        if len(given) != streets and (given or not name.startswith("bus_")):
            raise ConfigError(f"{name} has {len(given)} times for {streets} streets",
                              mend="give one for each street between two signals")  # fmt: skip
    low, high = problem.cycle_range_s
    if not 0 < low <= high:
        raise ConfigError(f"cycles from {low:g} to {high:g} s", mend="shortest first, above 0")
    for i, row in enumerate(problem.patterns):
        if not row:
            raise ConfigError(f"signal {i} has no pattern", mend="give one at least")
        for one in row:
            if not (0 <= one.out_green <= 1 and 0 <= one.back_green <= 1):
                raise ConfigError(f"signal {i}: greens {one.out_green:g}, {one.back_green:g}",
                                  mend="greens are parts of a cycle")  # fmt: skip
