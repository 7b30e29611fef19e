"""Rules that a feed's own blocks follow: what its block_id shows of layovers, waits, interlining.

A planner's rules are seldom written down; the blocks that a planner has made are. What they show is
the least layover at each terminal, the routes that share a bus, the longest wait at each terminal and
the longest block. Where a bus is on time although our empty run would be late, the run is quicker than
we took it to be: the block is the evidence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.findings import finding
from mobility.fleet.activities import write_out
from mobility.fleet.blocks import plan_blocks
from mobility.fleet.duty import CONVENTIONAL, STRAIGHT, Duty, Schedule
from mobility.fleet.links import links, run_metres, run_time
from mobility.fleet.plan import block_plan
from mobility.fleet.problem import UNREACHABLE_S
from mobility.fleet.rules import Layover, Terminal
from mobility.shown import Shown
from mobility.units import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobility.fleet.plan import BlockPlan
    from mobility.fleet.problem import Deadheads, Problem
    from mobility.fleet.rules import Rules

# Two stops so near are one terminal: a gap of any length is evidence. Farther apart, a run that would
# have to be faster than a coach on a motorway is a slip in the feed.
ONE_TERMINAL_M = 500
FASTEST_KMH = 100.0

# Rules that blocks say something of; the others stay the case's.
INFERRED = ("layover", "wait", "interline", "block")


@dataclass(frozen=True, eq=False)
class InferredRules(Shown):
    """Rules that a feed's blocks follow, and what they rest on.

    Parameters
    ----------
    rules
        Least layover and longest wait by terminal, groups of interlined routes, longest block. What
        blocks say nothing of (types and depots of routes, parking, reliefs) is the case's.
    problem
        The trips with a block_id, under these rules, with empty runs as quick as the blocks show.
    given
        The feed's blocks, each connection by its cheapest way that these rules allow.
    connections
        One row a connection within a block: block_id, trip_id, then_trip_id, stop_id, to_stop_id,
        route_id, then_route_id, gap_s (from arrival to departure), run_s (of the empty run, as
        inferred), layover_s (what is left), assumed_run_s, evidence (False: no bus can drive it).
    terminals
        One row a terminal: stop_id, connections (that leave from trips that end there), layover_s
        (the least), as_short (connections that have no more), p05_s and median_s of the layovers,
        waits (connections that wait for a trip that starts there), max_wait_s (-1: none waits).
    interlined
        One row a pair of routes that follow each other: route_id, then_route_id, connections.
    """

    rules: Rules
    problem: Problem
    given: BlockPlan
    connections: pd.DataFrame
    terminals: pd.DataFrame
    interlined: pd.DataFrame
    assumptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        used = self.connections[self.connections["evidence"]]
        seen = self.terminals[self.terminals["connections"] > 0]
        groups = [one for one in self.rules.interline if len(one) > 1]
        least = (
            f"least layover {int(seen['layover_s'].min())}-{int(seen['layover_s'].max())} s"
            if len(seen)
            else "no layover"
        )
        return (
            f"{least} at {len(seen)} terminals, {sum(len(one) for one in groups)} routes interlined "
            f"in {len(groups)} groups, blocks up to {self.rules.max_block_s / 3600:.1f} h: from "
            f"{len(used):,} connections of {self.problem.trips['block_id'].nunique():,} blocks"
        )

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{self.terminals.to_html(index=False)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: the figures, and how many connections each rests on."""
        evidence = self.connections["evidence"]
        return {
            "headline": str(self),
            "connections": int(evidence.sum()),
            "connections_left_out": int((~evidence).sum()),
            "max_block_s": self.rules.max_block_s,
            "interline": [list(one) for one in self.rules.interline if len(one) > 1],
            "routes_alone": sum(len(one) == 1 for one in self.rules.interline),
            "terminals": self.terminals.to_dict("records"),
            "quicker_runs": int((self.connections["run_s"] < self.connections["assumed_run_s"]).sum()),
            "assumptions": list(self.assumptions),
        }  # fmt: skip


def infer_rules(problem: Problem) -> InferredRules:
    """Read the rules off the feed's filled block_ids.

    A least is a least: one bus that goes on at once makes its terminal's layover 0. How many
    connections stand so short, and what is usual there, is in ``terminals``.

    Parameters
    ----------
    problem
        ``trips["block_id"]``: trips of one block, in order of departure, are one bus's day.

    Returns
    -------
    InferredRules
        Every given connection that can be driven is allowed under its ``rules``.

    Raises
    ------
    ConfigError
        When no trip has a block_id.
    """
    filled = with_blocks(problem)
    said = list(_left_out(problem, filled))
    seen = _connections(filled)
    first, then = seen["first"].to_numpy(np.int32), seen["then"].to_numpy(np.int32)
    deadheads, told = _as_quick_as_seen(filled, seen)
    said += told
    faster = replace(filled, deadheads=deadheads)
    at = filled.arrive_s[first].astype(np.int64)
    seen["run_s"] = run_time(deadheads, filled.to_place[first], filled.from_place[then], at)
    seen["layover_s"] = seen["gap_s"] - seen["run_s"]

    used = seen[seen["evidence"]]
    loose = replace(
        filled.rules,
        min_layover_s=_least(filled, used),
        layovers=_layovers(filled, used),
        interline=_groups(filled, used),
        max_wait_s=None,
        terminals=tuple(replace(one, max_wait_s=None) for one in filled.rules.terminals),
        max_block_s=DAY_S,
        shift_s=0,
        soft=tuple(one for one in filled.rules.soft if one not in INFERRED),
    )
    asked = replace(faster, rules=loose)
    kept = plan_blocks(asked, blocks="given")
    duties = _duties(asked, kept)
    table = write_out(asked, duties, minor_km=asked.costs.deadhead_km_minor, keep=True)
    waits = _waits(table)
    rules = replace(
        loose,
        max_wait_s=_longest(filled, waits),
        terminals=_terminals(filled, waits),
        max_block_s=_longest_block(table),
    )
    said += _unseen(filled, used)
    said += _cut(filled, len(duties))
    asked = replace(asked, rules=rules, assumptions=(*filled.assumptions, *said))
    return InferredRules(
        rules=rules,
        problem=asked,
        given=_given(asked, kept, duties, seen),
        connections=seen.drop(columns=["first", "then"]),
        terminals=_evidence(used, waits),
        interlined=_interlined(used),
        assumptions=tuple(said),
    )


def with_blocks(problem: Problem) -> Problem:
    """The problem of the trips that have a block_id alone.

    Raises
    ------
    ConfigError
        When none has one.
    """
    filled = (problem.trips["block_id"] != "").to_numpy()
    if not filled.any():
        raise ConfigError(
            "no trip has a block_id: there are no given blocks to learn from",
            mend="--blocks optimise makes them",
        )
    if filled.all():
        return problem
    return replace(problem, trips=problem.trips[filled].reset_index(drop=True))


def _left_out(problem: Problem, filled: Problem) -> Iterable[str]:
    lost = len(problem.trips) - len(filled.trips)
    if lost:
        yield (
            f"{lost:,} of {len(problem.trips):,} trips have no block_id: given blocks and their rules "
            "are those of the others"
        )


def _connections(problem: Problem) -> pd.DataFrame:
    """One row a pair of trips that follow each other in a block, with the assumed run between them."""
    trips = problem.trips
    order = np.lexsort((np.arange(len(trips)), pd.factorize(trips["block_id"], sort=True)[0]))
    block = trips["block_id"].to_numpy(object)[order]
    same = block[1:] == block[:-1]
    first, then = order[:-1][same].astype(np.int32), order[1:][same].astype(np.int32)
    at = problem.arrive_s[first].astype(np.int64)
    origin, target = problem.to_place[first], problem.from_place[then]
    run_s = run_time(problem.deadheads, origin, target, at)
    metres = run_metres(problem.deadheads, origin, target, at)
    gap_s = problem.depart_s[then].astype(np.int64) - at
    # Metres over seconds, without dividing by a gap of 0.
    believed = (metres <= ONE_TERMINAL_M) | (metres * 3.6 <= FASTEST_KMH * gap_s)
    column = {name: trips[name].to_numpy(object) for name in ("trip_id", "route_id", "from_stop")}
    return pd.DataFrame({
        "block_id": block[1:][same],
        "trip_id": column["trip_id"][first],
        "then_trip_id": column["trip_id"][then],
        "stop_id": trips["to_stop"].to_numpy(object)[first],
        "to_stop_id": column["from_stop"][then],
        "route_id": column["route_id"][first],
        "then_route_id": column["route_id"][then],
        "gap_s": gap_s,
        "distance_m": metres,
        "assumed_run_s": run_s,
        "evidence": (gap_s >= 0) & (run_s < UNREACHABLE_S) & ((run_s <= gap_s) | believed),
        "first": first,
        "then": then,
    })  # fmt: skip


def _as_quick_as_seen(problem: Problem, seen: pd.DataFrame) -> tuple[Deadheads, list[str]]:
    """Empty runs, shortened where a given bus is quicker than they are, in the band where it is.

    What the bus has left of its gap after the terminal's least layover is the time of the run; where
    that would be faster than a bus drives, all of the gap is.
    """
    table = problem.deadheads
    tight = seen["evidence"] & (seen["assumed_run_s"] > seen["gap_s"])
    if not tight.any():
        return table, []
    easy = seen[seen["evidence"] & ~tight]
    least = (easy["gap_s"] - easy["assumed_run_s"]).groupby(easy["stop_id"]).min()
    late = seen[tight]
    gap, metres = late["gap_s"].to_numpy(np.int64), late["distance_m"].to_numpy(np.int64)
    left = gap - late["stop_id"].map(least).fillna(0).to_numpy(np.int64)
    fine = (left >= 0) & ((metres <= ONE_TERMINAL_M) | (metres * 3.6 <= FASTEST_KMH * left))
    run = np.where(fine, left, gap).astype(np.int32)
    first, then = late["first"].to_numpy(np.int32), late["then"].to_numpy(np.int32)
    band = np.maximum(np.searchsorted(table.from_s, problem.arrive_s[first], side="right") - 1, 0)
    time_s = table.time_s.copy()
    np.minimum.at(time_s, (band, problem.to_place[first], problem.from_place[then]), run)
    one = late.iloc[0]
    told = (
        f"the feed's blocks are evidence: {int(tight.sum()):,} of their connections leave less time than "
        f"the assumed empty run; {len(late[['stop_id', 'to_stop_id']].drop_duplicates()):,} pairs of "
        f"places are taken to be as quick as the blocks show, the first {one['stop_id']} -> "
        f"{one['to_stop_id']}: {int(run[0])} s where {int(one['assumed_run_s'])} s were assumed"
    )
    return replace(table, time_s=time_s), [told]


def _least(problem: Problem, used: pd.DataFrame) -> int:
    """The least layover anywhere: every terminal of the trips has a rule of its own besides."""
    seen = int(used["layover_s"].min()) if len(used) else problem.rules.min_layover_s
    return min(problem.rules.min_layover_s, seen)


def _layovers(problem: Problem, used: pd.DataFrame) -> tuple[Layover, ...]:
    """The least layover seen at each terminal; the case's where none is."""
    least = used.groupby("stop_id")["layover_s"].min()
    stops: dict[int, list[str]] = {}
    for stop, seconds in least.items():
        stops.setdefault(int(seconds), []).append(str(stop))
    seen = tuple(Layover(seconds=one, stops=tuple(sorted(stops[one]))) for one in sorted(stops))
    rest = tuple(sorted(set(problem.trips["to_stop"]) - set(least.index)))
    others = (Layover(seconds=problem.rules.min_layover_s, stops=rest),) if rest else ()
    return (*seen, *problem.rules.layovers, *others)


def _groups(problem: Problem, used: pd.DataFrame) -> tuple[tuple[str, ...], ...]:
    """Routes that share a bus, directly or through others; a route that shares with none is alone."""
    group = {route: route for route in sorted(set(problem.trips["route_id"]))}

    def head(route: str) -> str:
        while group[route] != route:
            group[route] = group[group[route]]
            route = group[route]
        return route

    for one, other in sorted(set(zip(used["route_id"], used["then_route_id"], strict=True))):
        low, high = sorted((head(one), head(other)))
        group[high] = low
    found: dict[str, list[str]] = {}
    for route in group:
        found.setdefault(head(route), []).append(route)
    return tuple(tuple(routes) for _, routes in sorted(found.items()))


def _duties(problem: Problem, kept: BlockPlan) -> tuple[Duty, ...]:
    """The buses of a plan, each connection by its cheapest way that the problem's rules allow."""
    if kept.report.objective is None:
        return ()
    row = pd.Series(np.arange(len(problem.trips)), index=problem.trips["trip_id"])
    depots = {one.id: at for at, one in enumerate(problem.depots)}
    types = {one.id: at for at, one in enumerate(problem.vehicles)}
    trips = kept.blocks[kept.blocks["kind"] == "trip"]
    duties = []
    for _, day in trips.groupby("vehicle", sort=False):
        rows, depot = row[day["trip_id"]].to_numpy(np.int32), depots[str(day["depot"].iloc[0])]
        ways = links(problem, rows[:-1], rows[1:], int(problem.depot_place[depot]),
                     minor_km=problem.costs.deadhead_km_minor)  # fmt: skip
        bus = types.get(str(day["type"].iloc[0]), CONVENTIONAL)
        ends = [0, *(np.flatnonzero(~np.isfinite(ways.cost_minor)) + 1).tolist(), rows.size]
        for start, end in pairwise(ends):
            via = np.where(ways.via[start : end - 1], depot, STRAIGHT).tolist()
            duties.append(Duty(depot, tuple(rows[start:end].tolist()), tuple(via), bus))
    return tuple(sorted(duties, key=lambda duty: duty.trips))


def _given(
    problem: Problem, kept: BlockPlan, duties: tuple[Duty, ...], seen: pd.DataFrame
) -> BlockPlan:
    """The given blocks as a plan under the inferred rules; no answer stays none."""
    lost = seen[~seen["evidence"]]
    told = kept.findings
    if len(lost):
        one = lost.iloc[0]
        told = (
            finding("block_cannot_be_driven", file="trips.txt", column="block_id", count=len(lost),
                    value=f"{one['block_id']}: {one['trip_id']} -> {one['then_trip_id']}"),
        )  # fmt: skip
    kept = replace(kept, findings=told)
    if kept.report.objective is None:
        return replace(kept, problem=problem)
    bound = kept.report.bound or 0.0
    found = Schedule(duties, bound, kept.vehicles_bound, findings=kept.findings)
    return block_plan(problem, found, "given", kept.report.seconds, kept.report.seed)


def _waits(table: pd.DataFrame) -> pd.DataFrame:
    """stop_id and wait_s of every connection that waits at a terminal and does not go home."""
    if table.empty:
        return pd.DataFrame({"stop_id": np.empty(0, object), "wait_s": np.empty(0, np.int64)})
    kind = table["kind"].to_numpy(object)
    before = np.append("", kind[:-1])
    here = table[(kind == "wait") & np.isin(before, ["trip", "deadhead"])]
    return pd.DataFrame({"stop_id": here["from_stop"], "wait_s": here["end_s"] - here["start_s"]})


def _longest(problem: Problem, waits: pd.DataFrame) -> int | None:
    """The case's longest wait, or the longest seen where that is more: no terminal's own is above."""
    most = problem.rules.max_wait_s
    return most if most is None or waits.empty else max(most, int(waits["wait_s"].max()))


def _terminals(problem: Problem, waits: pd.DataFrame) -> tuple[Terminal, ...]:
    """The longest wait seen at each terminal; the case's where nobody waits."""
    longest = waits.groupby("stop_id")["wait_s"].max()
    stops: dict[int, list[str]] = {}
    for stop, seconds in longest.items():
        stops.setdefault(int(seconds), []).append(str(stop))
    seen = [Terminal(tuple(sorted(stops[one])), max_wait_s=one) for one in sorted(stops)]
    rest = tuple(sorted(set(problem.trips["from_stop"]) - set(longest.index)))
    others = [Terminal(rest, max_wait_s=problem.rules.max_wait_s)] if rest else []
    return (*seen, *problem.rules.terminals, *others)


def _longest_block(table: pd.DataFrame) -> int:
    if table.empty:
        return DAY_S
    day = table.groupby("vehicle", sort=False)
    return max(1, min(DAY_S, int((day["end_s"].max() - day["start_s"].min()).max())))


def _evidence(used: pd.DataFrame, waits: pd.DataFrame) -> pd.DataFrame:
    """What every terminal's rule rests on, by stop_id."""
    layover = used.groupby("stop_id")["layover_s"]
    least = layover.min()
    table = pd.DataFrame({
        "connections": layover.size(),
        "layover_s": least,
        "as_short": (used["layover_s"] == used["stop_id"].map(least)).groupby(used["stop_id"]).sum(),
        "p05_s": layover.quantile(0.05),
        "median_s": layover.median(),
    })  # fmt: skip
    stood = waits.groupby("stop_id")["wait_s"]
    both = table.join(pd.DataFrame({"waits": stood.size(), "max_wait_s": stood.max()}), how="outer")
    whole = {"connections": 0, "layover_s": -1, "as_short": 0, "waits": 0, "max_wait_s": -1}
    both = both.fillna({**whole, "p05_s": -1.0, "median_s": -1.0}).astype(dict.fromkeys(whole, int))
    return both.rename_axis("stop_id").sort_index().reset_index()[
        ["stop_id", "connections", "layover_s", "as_short", "p05_s", "median_s", "waits", "max_wait_s"]
    ]  # fmt: skip


def _interlined(used: pd.DataFrame) -> pd.DataFrame:
    other = used[used["route_id"] != used["then_route_id"]]
    return other.groupby(["route_id", "then_route_id"]).size().rename("connections").reset_index()


def _cut(problem: Problem, vehicles: int) -> Iterable[str]:
    blocks = problem.trips["block_id"].nunique()
    if vehicles > blocks:
        yield (
            f"the {blocks:,} given blocks are {vehicles:,} vehicles: some cannot be driven as they stand, "
            "or pass 24 hours with the way out and home"
        )


def _unseen(problem: Problem, used: pd.DataFrame) -> Iterable[str]:
    ends = set(problem.trips["to_stop"])
    if rest := ends - set(used["stop_id"]):
        yield (
            f"no given bus goes on from {len(rest)} of {len(ends)} terminals: the case's least layover "
            "stays there"
        )
    seen = used.groupby("stop_id").size()
    if few := int((seen < 5).sum()):
        yield f"the least layover of {few} terminals rests on fewer than 5 connections each"
    if len(used):
        least = used["layover_s"] - used["stop_id"].map(used.groupby("stop_id")["layover_s"].min())
        share = math.floor(100 * float((least == 0).mean()))
        yield f"{share} % of {len(used):,} given connections stand no longer than their terminal's least"
