"""What the bus feels: a day's timetable driven through the signals, before and after."""

from __future__ import annotations

import copy
import itertools
import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import stats

from mobility.errors import ConfigError
from mobility.shown import Shown
from mobility.signals.control import PriorityController
from mobility.signals.plan import Plan
from mobility.signals.policies import policy_of
from mobility.signals.program import plan_of
from mobility.signals.regularity import measures
from mobility.signals.simulate import simulate
from mobility.signals.streets import streets_of
from mobility.signals.timetable import Losses, Noise, buses_of, timetable_of
from mobility.signals.traffic import draw, joined

if TYPE_CHECKING:
    from collections.abc import Callable

    from mobility.feed import ServiceDay
    from mobility.signals.demand import Volumes
    from mobility.signals.policy import Policy
    from mobility.signals.problem import Network
    from mobility.signals.simulation import Simulation
    from mobility.signals.streets import Streets
    from mobility.signals.timetable import Timetable
    from mobility.signals.traffic import Traffic

FIGURES = ("on_time", "late_s", "excess_wait_s", "headway_cv", "bunched")
SHARES = ("on_time", "bunched")
OFF_PEAK = 0.6  # of the nearest period's volumes, in hours that no period names; assumed
LATEST_S = (
    1800  # after the last arrival of the timetable it is over: who is not there counts as lost
)
WARM_S = 900  # cars that are there before the first bus


@dataclass(frozen=True, eq=False)
class Punctuality(Shown):
    """Before and after, over several draws of the same day.

    Parameters
    ----------
    by_seed
        seed, when (before, after), and the figures of all lines: on_time (share of calls at
        timepoints), late_s, excess_wait_s, headway_cv, bunched, bus_delay_s and car_delay_s (at
        signals, a vehicle).
    by_route, by_stop
        The same by route_id and direction_id, and by stop too: mean over seeds, before and after.
    findings
        Of the lamps, in all runs.
    """

    by_seed: pd.DataFrame
    by_route: pd.DataFrame
    by_stop: pd.DataFrame
    trips: int
    date: str
    findings: tuple[Any, ...]
    on_time_s: tuple[float, float]
    seconds: float
    assumptions: tuple[str, ...] = ()
    names: tuple[str, str] = ("before", "after")

    @cached_property
    def figures(self) -> dict[str, dict[str, float | None]]:
        """Figure -> before, after, change, and half the width of its 95 % interval over seeds.

        Shares change in percentage points.
        """
        found: dict[str, dict[str, float | None]] = {}
        wide = self.by_seed.pivot_table(index="seed", columns="when", sort=False)
        for name in (*FIGURES, "bus_delay_s", "car_delay_s"):
            if (name, "before") not in wide:
                continue
            before = wide[name, "before"].to_numpy(float)
            row: dict[str, float | None] = {"before": _mean(before), "after": None, "change": None,
                                            "half_width": None}  # fmt: skip
            if (name, "after") in wide:
                after = wide[name, "after"].to_numpy(float)
                change = (after - before) * (100.0 if name in SHARES else 1.0)
                row |= {"after": _mean(after), "change": _mean(change),
                        "half_width": half_width(change)}  # fmt: skip
            else:
                row["half_width"] = half_width(before)
            found[name] = row
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "date": self.date, "trips": self.trips, "seeds": int(self.by_seed["seed"].nunique()),
            "on_time_s": list(self.on_time_s), "plans": list(self.names), "figures": self.figures,
            "by_route": _records(self.by_route), "by_stop": _records(self.by_stop),
            "findings": [one.to_dict() for one in self.findings],
            "assumptions": list(self.assumptions), "seconds": round(self.seconds, 2),
        }  # fmt: skip

    def __str__(self) -> str:
        one = self.figures["on_time"]
        before = one["before"]
        told = "no timepoints" if before is None else f"{before:.1%} on time"
        if one["change"] is not None and one["after"] is not None:
            told += f" -> {one['after']:.1%} ({one['change']:+.1f} points"
            told += f", +-{one['half_width']:.1f})" if one["half_width"] is not None else ")"
        return f"{self.trips:,} trips: {told}"


def punctuality(
    day: ServiceDay,
    network: Network,
    controller: Plan | str | Policy | PriorityController | Callable[[float], Any] | None = None,
    *,
    before: Plan | None = None,
    seeds: int = 5,
    seed: int = 0,
    begin_s: float | None = None,
    end_s: float | None = None,
    on_time_s: tuple[float, float] | None = None,
    noise: Noise | None = None,
    hold: bool = True,
    off_peak: float = OFF_PEAK,
) -> Punctuality:
    """Drive every scheduled trip of a day through the signals, under two controls.

    Each seed draws cars, departures, running times and dwells once, and both controls get the
    same. The timetable is taken to fit the signals before: what a bus loses at them on the mean is
    taken out of its scheduled run, so that the fast model can put it back as it comes.

    Parameters
    ----------
    controller
        A plan; or control in real time: a policy or its name (``adaptive``, ``priority``,
        ``actuated`` ...) on top of the signals before, a ``PriorityController``, of which every
        seed gets a fresh one with its plan and policy, or a function that makes a controller for a
        begin (seconds into the day). None: only the signals before are driven.
    before
        By default the plan that came in.
    begin_s, end_s
        Trips that depart in this time; by default all of the day.
    on_time_s
        Earliest and latest departure that is on time, seconds after the timetable's; by default
        ``[service]`` of the case.
    noise
        What differs from day to day; by default ``[service]`` of the case.
    hold
        Buses wait at timepoints until they may leave; else a quicker plan makes them early.
    off_peak
        Part of the nearest period's volumes that drives where no period is given.

    Raises
    ------
    ConfigError
        When no trip runs on a line of the network, there is no demand, or the controller is none.
    """
    started = time.perf_counter()
    if seeds < 1:
        raise ConfigError("at least one seed is needed", mend="seeds=5")
    judged = network.service.on_time_s if on_time_s is None else on_time_s
    kind = noise or Noise(network.service.start_late_s, network.service.run_cv)
    streets = streets_of(network)
    table = timetable_of(day, network, streets)
    departs = [table.calls[row].depart_s for row in table.first.values()]
    begin = min(departs) if begin_s is None else begin_s
    end = max(departs) + 1 if end_s is None else end_s
    begin = float(np.floor(begin)) - WARM_S
    if not any(begin <= one < end for one in departs):
        raise ConfigError("no trip departs in this time", mend="an earlier begin, or a later end")
    # Until the last bus should be there, and half an hour for those that are late.
    last = max(
        table.calls[row + len(table.passes[trip]) - 1].arrive_s for trip, row in table.first.items()
        if begin <= table.calls[row].depart_s < end
    ) + LATEST_S // 2  # fmt: skip
    volumes = _all_day(network, begin, last, off_peak)
    base = plan_of(network) if before is None else before
    rows, routes, stops = [], [], []
    findings: dict[tuple[str, str], Any] = {}
    losses = _mean_losses(streets, volumes, base, table, begin, end, seed)
    for number in range(seed, seed + seeds):
        cars = draw(streets, volumes, seed=number)
        buses = buses_of(network, table, losses, begin_s=begin, end_s=end, noise=kind, hold=hold,
                         seed=number)  # fmt: skip
        traffic = joined(cars, buses)
        controls: list[tuple[str, Any]] = [("before", base)]
        if controller is not None:
            controls.append(("after", _ready(controller, network, base, begin)))
        for when, control in controls:
            run = simulate(network, control, traffic, clear_s=LATEST_S // 2)
            if number == seed or not isinstance(control, Plan):  # a plan shows the same each time
                findings |= {(one.code, one.column): one for one in run.findings}
            calls = _calls(run, table, buses)
            whole = measures(calls.assign(all="all"), ["all"], judged).iloc[0]
            lost = run.delay_s
            bus = traffic.bus.astype(bool)
            rows.append({
                "seed": number, "when": when,
                **{name: float(whole.get(name, np.nan)) for name in FIGURES},
                "bus_delay_s": float(lost[bus].mean()), "car_delay_s": float(lost[~bus].mean()),
            })  # fmt: skip
            keys = ["route_id", "direction_id"]
            routes.append(measures(calls, keys, judged).assign(seed=number, when=when))
            stops.append(measures(calls, [*keys, "stop_id"], judged).assign(seed=number, when=when))
    assumed = (
        "the timetable fits the signals before: mean delay at them is taken out of the run",
        f"buses leave their first stop {kind.start_s:g} s late on the mean (exponential)",
        f"running times vary by {kind.run_cv:.0%} between stops, dwell as the network says",
        f"hours without a demand have {off_peak:.0%} of the nearest period's",
        f"on time: {judged[0]:g} to {judged[1]:g} s",
    )
    return Punctuality(
        pd.DataFrame(rows), _wide(routes, ["route_id", "direction_id"]),
        _wide(stops, ["route_id", "direction_id", "stop_id"]), len(buses),
        str(day.date), tuple(findings.values()), judged, time.perf_counter() - started,
        (*network.assumptions, *assumed), (base.name, _name(controller)),
    )  # fmt: skip


def _ready(controller: Any, network: Network, base: Plan, begin: float) -> Any:
    """What is driven: a plan, or a controller that has not run yet.

    Raises
    ------
    ConfigError
        When it is none of these.
    """
    if isinstance(controller, Plan):
        return controller
    if isinstance(controller, PriorityController):
        return PriorityController(
            controller.network, controller.plan, copy.deepcopy(controller.policy),
            approaches=controller.approaches, at_s=int(begin),
        )  # fmt: skip
    if isinstance(controller, str):
        return PriorityController(network, base, policy_of(controller), at_s=int(begin))
    if callable(getattr(controller, "choose", None)):
        return PriorityController(network, base, copy.deepcopy(controller), at_s=int(begin))
    if callable(controller):
        return controller(begin)
    raise ConfigError(
        f"a {type(controller).__name__} cannot be driven again for every seed",
        mend="give a plan, a policy, a PriorityController, or a function of the begin",
    )


def _name(controller: Any) -> str:
    if controller is None:
        return ""
    policy = getattr(controller, "policy", controller)
    return controller if isinstance(controller, str) else str(getattr(policy, "name", "controller"))


def _mean_losses(
    streets: Streets,
    volumes: list[Volumes],
    base: Plan,
    table: Timetable,
    begin: float,
    end: float,
    seed: int,
) -> Losses:
    """Mean delay of each line's buses at each movement under a plan: what a timetable has learnt.

    First of cars, then, with these, of the buses themselves.
    """
    network = streets.network
    cars = draw(streets, volumes, seed=seed + 1000)
    found: Losses = {}
    moved = simulate(network, base, cars).movements
    everywhere = {k: float(lost) for k, lost in enumerate(moved["delay_s"])}
    for row in table.passes.values():
        for moves in row:
            found |= {("", -1, move): everywhere[move] for move in moves}
    for number in range(2):
        buses = buses_of(network, table, found, begin_s=begin, end_s=end, seed=seed + 1000 + number)
        run = simulate(network, base, joined(cars, buses), clear_s=1800)
        hops = run.hops[run.hops["bus"] & (run.hops["move"] >= 0) & run.hops["leave_s"].notna()]
        seen: dict[tuple[str, int, int], list[float]] = {}
        for vehicle, move, lost in zip(hops["vehicle"], hops["move"], hops["delay_s"], strict=True):
            one = table.calls[table.first[run.traffic.ids[vehicle]]]
            seen.setdefault((one.route, one.direction, int(move)), []).append(float(lost))
        found |= {key: float(np.mean(values)) for key, values in seen.items()}
    return found


def _all_day(network: Network, begin: float, end: float, off_peak: float) -> list[Volumes]:
    """Volumes that cover a time: the network's, and parts of the nearest where it has none."""
    periods = sorted(network.volumes, key=lambda one: one.from_s)
    if not periods:
        raise ConfigError("the network has no demand", mend="[[demand]] in signals.toml")
    edges = sorted({int(begin), int(np.ceil(end)), *(max(int(begin), min(int(end), edge))
                    for one in periods for edge in (one.from_s, one.to_s))})  # fmt: skip
    found = []
    for start, stop in itertools.pairwise(edges):
        inside = next((one for one in periods if one.from_s <= start < one.to_s), None)
        near = inside or min(
            periods, key=lambda one: min(abs(one.from_s - stop), abs(one.to_s - start))
        )
        part = 1.0 if inside is not None else off_peak
        found.append(replace(near, from_s=start, to_s=stop,
                             vehicles_h={key: part * flow for key, flow in near.vehicles_h.items()}))  # fmt: skip
    return found


def _calls(run: Simulation, table: Timetable, buses: Traffic) -> pd.DataFrame:
    """Planned and real departures (arrivals at the last stop) of every call of the day's buses."""
    hops = run.buses
    real: dict[tuple[str, str], tuple[float, float]] = {}
    stops = hops[hops["kind"] == "stop"]
    for trip, stop, arrive, leave in zip(
        stops["id"], stops["name"], stops["arrive_s"], stops["leave_s"], strict=True
    ):
        real[trip, stop] = arrive, leave
    rows = []
    starts = dict(zip(buses.ids, buses.depart_s + buses.begin_s, strict=True))
    for trip in buses.ids:
        row = table.first[trip]
        count = len(table.passes[trip])
        for n, call in enumerate(table.calls[row : row + count]):
            if n == 0:
                plan_s, real_s = call.depart_s, starts[trip]
            else:
                arrive, leave = real.get(
                    (trip, f"{call.route}|{call.direction}|{call.stop}"), (np.nan, np.nan)
                )
                ends = n == count - 1
                plan_s, real_s = (call.arrive_s, arrive) if ends else (call.depart_s, leave)
            rows.append((call.route, call.direction, call.stop, plan_s, real_s, call.timepoint,
                         call.promised))  # fmt: skip
    return pd.DataFrame(rows, columns=["route_id", "direction_id", "stop_id", "plan_s", "real_s",
                                       "timepoint", "promised"])  # fmt: skip


def _wide(parts: list[pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    """Mean over seeds, one row a key, columns ``figure_before`` and ``figure_after``."""
    table = pd.concat(parts, ignore_index=True)
    names = [name for name in (*FIGURES, "headways") if name in table]
    mean = table.pivot_table(index=keys, columns="when", values=names, sort=True)
    mean.columns = pd.Index([f"{one[0]}_{one[1]}" for one in mean.columns.to_flat_index()])
    for name in SHARES:
        if f"{name}_after" in mean:
            mean[f"{name}_points"] = 100 * (mean[f"{name}_after"] - mean[f"{name}_before"])
    return mean.reset_index()


def half_width(values: Any) -> float | None:
    """Half of the 95 % interval of a mean over seeds (Student); None with fewer than two."""
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return None
    return float(stats.t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))


def _mean(values: Any) -> float | None:
    known = np.asarray(values, float)
    known = known[np.isfinite(known)]
    return float(known.mean()) if len(known) else None


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object).where(table.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in plain.to_dict("records")]
