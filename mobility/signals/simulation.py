"""What the fast model says: delays, stops and queues by movement, buses, and what lamps showed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.shown import Shown, in_short
from mobility.signals.check import check
from mobility.signals.control_view import whole_seconds
from mobility.signals.lamps import log_of
from mobility.signals.program import plan_of
from mobility.solution import Report, Status

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.plan import Log, Plan
    from mobility.signals.queues import Queues
    from mobility.signals.streets import Streets
    from mobility.signals.traffic import Traffic

JUDGED_S = 3600  # of a fixed plan's log
STOPPED_S = 1.0  # a vehicle that waits longer at a stop line has stopped


@dataclass(frozen=True, eq=False)
class Simulation(Shown):
    """One run of the fast model; times of tables are seconds into the day.

    Parameters
    ----------
    states
        (seconds, groups): what was shown.
    plan, controller
        One of them.
    """

    streets: Streets
    traffic: Traffic
    queues: Queues
    states: Any
    plan: Plan | None
    controller: Any
    seed: int
    seconds: float

    @cached_property
    def hops(self) -> pd.DataFrame:
        """One row a vehicle and stop line or stop that it reached, or should have.

        vehicle, id, bus, people, move (-1: a stop), stop, arrive_s, leave_s, delay_s. Delay counts
        until the end where the vehicle did not leave; NaN where it never arrived.
        """
        one = self.traffic
        owner = np.repeat(np.arange(len(one)), np.diff(one.hop_first))
        arrive, leave = self.queues.arrive_s, self.queues.leave_s
        line = one.move >= 0
        delay = np.where(np.isnan(leave), float(self.queues.now), leave) - arrive
        stops = np.array([*one.stops, ""], dtype=object)
        return pd.DataFrame({
            "vehicle": owner, "bus": one.bus[owner].astype(bool), "people": one.people[owner],
            "move": np.where(line, one.move, -1),
            "stop": stops[np.where(line, len(one.stops), -1 - one.move)],
            "arrive_s": arrive + one.begin_s, "leave_s": leave + one.begin_s,
            "delay_s": np.where(line, delay, 0.0),
        })  # fmt: skip

    @cached_property
    def delay_s(self) -> Any:
        """By vehicle: seconds lost outside and at stop lines, until the end."""
        one = self.traffic
        lost = np.nan_to_num(self.hops["delay_s"].to_numpy(float))
        total = np.bincount(self.hops["vehicle"], lost, minlength=len(one))
        enter = np.where(np.isnan(self.queues.enter_s), float(self.queues.now), self.queues.enter_s)
        return total + np.maximum(0.0, enter - one.depart_s)

    @cached_property
    def movements(self) -> pd.DataFrame:
        """One row a movement.

        signal, approach, movement, vehicles (arrived at the line), delay_s and stops (a vehicle),
        person_delay_s (in all), max_queue (vehicles that wait at once).
        """
        hops = self.hops[(self.hops["move"] >= 0) & self.hops["arrive_s"].notna()]
        size = len(self.streets.movements)
        move = hops["move"].to_numpy()
        count = np.bincount(move, minlength=size)
        lost = hops["delay_s"].to_numpy()
        each = np.maximum(count, 1)
        keys = pd.DataFrame(self.streets.movements, columns=["signal", "approach", "movement"])
        return keys.assign(
            vehicles=count, delay_s=np.bincount(move, lost, minlength=size) / each,
            stops=np.bincount(move, lost > STOPPED_S, minlength=size) / each,
            person_delay_s=np.bincount(move, lost * hops["people"].to_numpy(), minlength=size),
            max_queue=self.queues.record[5],
        )  # fmt: skip

    @cached_property
    def lanes(self) -> pd.DataFrame:
        """One row a lane: lane, signal, approach, max_queue_m, storage_m."""
        return pd.DataFrame({
            "lane": [one.id for one in self.streets.lanes],
            "signal": [one.signal for one in self.streets.lanes],
            "approach": [one.approach for one in self.streets.lanes],
            "max_queue_m": self.queues.lanes[8],
            "storage_m": [one.storage_m for one in self.streets.lanes],
        })  # fmt: skip

    @cached_property
    def buses(self) -> pd.DataFrame:
        """Trajectories: id, kind (signal or stop), name, arrive_s, leave_s, delay_s."""
        hops = self.hops[self.hops["bus"]]
        ids = np.array(self.traffic.ids, dtype=object)
        names = np.array([*(one[0] for one in self.streets.movements), ""], dtype=object)
        line = (hops["move"] >= 0).to_numpy()
        return pd.DataFrame({
            "id": ids[hops["vehicle"]], "kind": np.where(line, "signal", "stop"),
            "name": np.where(line, names[hops["move"]], hops["stop"]),
            "arrive_s": hops["arrive_s"].to_numpy(), "leave_s": hops["leave_s"].to_numpy(),
            "delay_s": hops["delay_s"].to_numpy(),
        })  # fmt: skip

    @cached_property
    def figures(self) -> dict[str, Any]:
        """vehicles, delay_s and stops a vehicle, person_delay_s, bus, max_queue_m, unfinished ..."""
        one, lost = self.traffic, self.delay_s
        count = len(one)
        bus = one.bus.astype(bool)
        waits = self.hops["delay_s"].to_numpy() > STOPPED_S
        stops = np.bincount(self.hops["vehicle"], waits, minlength=count)
        people = one.people.sum()
        worst = self.movements[self.movements["vehicles"] >= 10].nlargest(1, "delay_s")
        return {
            "vehicles": count,
            "delay_s": float(lost.mean()) if count else None,
            "person_delay_s": float((lost * one.people).sum() / people) if count else None,
            "stops": float(stops.mean()) if count else None,
            "bus": {
                "n": int(bus.sum()),
                "delay_s": float(lost[bus].mean()) if bus.any() else None,
                "delay_sd_s": float(lost[bus].std()) if bus.any() else None,
                "stops": float(stops[bus].mean()) if bus.any() else None,
            },
            "max_queue_m": float(self.queues.lanes[8].max(initial=0.0)),
            "never_entered": int(np.isnan(self.queues.enter_s).sum()),
            "unfinished": int(np.isnan(self.queues.done_s).sum()),
            "worst_movement": worst[["signal", "approach", "movement", "vehicles", "delay_s"]]
            .to_dict("records")[0] if len(worst) else None,
        }  # fmt: skip

    @cached_property
    def log(self) -> Log:
        """What was shown; a controller's own log where it keeps one."""
        own = getattr(self.controller, "log", None)
        if own is not None:
            return own() if callable(own) else own  # type: ignore[no-any-return]
        digest = self.streets.network.digest if self.plan is not None else ""
        return log_of(
            self.streets, self.states, self.traffic.begin_s, plan=self.plan, digest=digest
        )

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What the lamps broke; what came with the network's own plan is not counted again.

        A plan comes back cycle by cycle: it is judged itself, and its log's first hour. The log of
        a controller is judged whole.
        """
        network = self.streets.network
        if self.controller is not None:
            return tuple(check(whole_seconds(network), self.log))
        if self.plan is None:
            found = check(network, self.log)
        elif not _whole(self.plan):
            found = check(network, self.plan)  # second by second its lamps cannot be exact
        else:
            digest = network.digest
            hour = log_of(self.streets, self.states[:JUDGED_S], self.traffic.begin_s,
                          plan=self.plan, digest=digest)  # fmt: skip
            found = [*check(network, self.plan), *check(network, hour)]
        own = self.plan is not None and self.plan.signals != plan_of(network).signals
        came_in = () if own else network.input_findings
        known = {(one.code, one.column) for one in came_in}
        fresh = {(one.code, one.column): one for one in found
                 if (one.code, one.column) not in known}  # fmt: skip
        return tuple(fresh.values())

    @cached_property
    def report(self) -> Report:
        """Person delay in all, hours."""
        people, lost = self.traffic.people, self.delay_s
        bus = self.traffic.bus.astype(bool)
        parts = {"car": float((lost * people)[~bus].sum() / 3600),
                 "bus": float((lost * people)[bus].sum() / 3600)}  # fmt: skip
        return Report(Status.FEASIBLE, sum(parts.values()), "person-hours of delay", parts,
                      seconds=self.seconds, seed=self.seed)  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "plan": self.plan.name if self.plan is not None else type(self.controller).__name__,
            "from_s": self.traffic.begin_s, "to_s": self.traffic.end_s, **self.figures,
            "findings": [one.to_dict() for one in self.findings],
            "movements": self.movements.round(2).to_dict("records"),
            "assumptions": list(self.streets.network.assumptions),
            "report": self.report.to_dict(),
        }  # fmt: skip

    def _shown(self) -> dict[str, str]:
        told = {"plan": self.plan, **self.figures, "seed": self.seed, "seconds": self.seconds}
        return {name: text for name, value in told.items() if (text := in_short(value))}

    def __str__(self) -> str:
        told = self.figures
        if not told["vehicles"]:
            return "nobody drove"
        bus = told["bus"]
        buses = f", {bus['delay_s']:.1f} s a bus" if bus["n"] else ""
        return (
            f"{told['vehicles']:,} vehicles: {told['delay_s']:.1f} s a vehicle, "
            f"{told['person_delay_s']:.1f} s a person{buses}, {told['stops']:.2f} stops "
            f"({len(self.findings)} findings)"
        )


def _whole(plan: Plan) -> bool:
    """Whether all that a plan shows changes at whole seconds."""
    return all(
        float(at).is_integer()
        for one in plan.signals
        for at in (one.zero_s, one.cycle_s, *(shown.from_s for shown in one.shows))
    )
