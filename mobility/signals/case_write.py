"""A network as ``signals.toml``: what came from Synchro or from a list of signals, for a person to go on with."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError
from mobility.signals.case import ring_stages
from mobility.signals.problem import Rules, Service, State
from mobility.signals.rows import whole_file
from mobility.units import format_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mobility.signals.problem import Group, Intersection, Network, Volumes
    from mobility.signals.values import Values

_STEPS = {State.RED_AMBER: "red_amber_s", State.FLASHING_GREEN: "flashing_green_s",
          State.YELLOW: "yellow_s"}  # fmt: skip


def write_network(network: Network, path: str | Path) -> Path:
    """Write a network as ``signals.toml`` that reads back as the same network; whole or not at all.

    Every figure is written out, so that nothing hangs on a default.

    Raises
    ------
    ConfigError
        When the network has what the file cannot say: programs of SUMO with links of their own, a
        sequence of other steps, a volume of u-turns.
    """
    blocks = [
        _head(network), _rules(network.rules), _service(network.service), _values(network.values),
        *(_signal(one) for one in network.intersections),
        *(_table("link", {
            "from": one.from_signal, "to": one.to_signal, "distance_m": one.distance_m,
            "travel_s": one.travel_s, "lanes": one.lanes, "approach": one.approach,
            "dispersion": {"alpha": one.alpha, "beta": one.beta},
        }) for one in network.links),
        *(_table("bus_route", {
            "route_id": one.route_id, "direction_id": one.direction_id, "signals": one.signals,
            "occupancy": one.occupancy,
        }) for one in network.bus_routes),
        *(_table("bus_stop", {
            "stop_id": one.stop_id, "link": one.link, "after_m": one.after_m,
            "dwell_mean_s": one.dwell_mean_s, "dwell_sd_s": one.dwell_sd_s,
        }) for one in network.bus_stops),
        *(_demand(one) for one in network.volumes),
        *(_table("emergency_route", {
            "id": one.id, "name": one.name, "station": _place(one.station),
            "destination": _place(one.destination), "signals": one.signals,
            "movements": one.movements, "from": one.approach, "speed_kmh": one.speed_kmh,
            "turnout_s": one.turnout_s, "target_s": one.target_s,
        }) for one in network.emergency_routes),
        *(_table("crossing", {
            "signal": one.signal, "group": one.group, "place": one.place,
            "older_people": one.older_people, "pace_m_s": one.pace_ms,
            "max_wait_s": one.max_wait_s, "leading_walk_s": one.leading_walk_s,
        }) for one in network.crossings),
    ]  # fmt: skip
    text = "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"
    return whole_file(path, lambda part: part.write_text(text, "utf-8"))


def same_network(one: Network, other: Network) -> bool:
    """Whether two networks are the same, whatever file they came from; no volume is a volume of 0."""

    def bare(network: Network) -> Network:
        volumes = tuple(
            replace(
                period, vehicles_h={key: flow for key, flow in period.vehicles_h.items() if flow}
            )
            for period in network.volumes
        )
        return replace(network, source="", assumptions=(), input_findings=(), volumes=volumes)

    return bare(one) == bare(other)


def _head(network: Network) -> list[str]:
    lines = [f"# {one}" for one in network.assumptions]
    for key, value in (
        ("city", network.city), ("corridor", network.corridor), ("timezone", network.timezone),
    ):  # fmt: skip
        if value:
            lines.append(f"{key} = {_toml(value)}")
    clock = _toml(format_time(network.zero_s))
    return [*lines, "", "[defaults]", f"master_clock_zero = {clock}"]


def _rules(rules: Rules) -> list[str]:
    if rules == Rules():
        return []
    return ["[rules]", *(f"{key} = {_toml(value)}" for key, value in rules.__dict__.items())]


def _values(values: Values | None) -> list[str]:
    if values is None:
        return []
    return ["[values]", *(f"{key} = {_toml(value)}" for key, value in values.__dict__.items())]


def _service(service: Service) -> list[str]:
    if service == Service():
        return []
    return ["[service]", *(f"{key} = {_toml(value)}" for key, value in service.__dict__.items())]


def _signal(one: Intersection) -> list[str]:
    strange = one.yield_shown or one.order_free or one.both_protected
    if (
        strange
        or any(group.source for group in one.groups)
        or any(two.yields for two in one.stages)
    ):
        raise ConfigError(f"signal {one.id} comes from SUMO: its program says more than the file can",
                          mend="read the .net.xml itself")  # fmt: skip
    told: dict[str, Any] = {
        "id": one.id, "name": one.name, "lat": one.lat, "lon": one.lon, "cycle_s": one.cycle_s,
        "offset_s": one.offset_s, "reference": one.reference,
        "reference_stage": one.reference_stage, "cycle_range_s": one.cycle_range_s,
        "linked": one.linked, "lock": one.lock, "order": one.order,
    }  # fmt: skip
    lines = ["[[signal]]", *_pairs(told)]
    if one.rings is not None:
        rings = one.rings
        lines.append("rings = " + _toml({
            "rings": rings.rings, "may_swap": rings.may_swap, "optional": rings.optional,
            "splits_s": rings.splits_s, "pedestrians": rings.pedestrians,
        }))  # fmt: skip
    lines += ["groups = [", *(f"  {_toml(_group(one, group))}," for group in one.groups), "]"]
    if one.stages != ring_stages(one.rings):
        lines += ["stages = [", *(
            "  " + _toml({"id": two.id, "groups": two.groups, "green_s": two.green_s,
                          "optional": two.optional}) + ","
            for two in one.stages
        ), "]"]  # fmt: skip
    rows = sorted((a, b, seconds) for (a, b), seconds in one.intergreen_s.items())
    lines += ["# from group, to group, seconds from the end of its green (people: of clearance)"]
    lines += ["intergreen_s = [", *(f"  {_toml(row)}," for row in rows), "]"]
    if one.permissive:
        lines.append(f"permissive = {_toml(sorted(one.permissive))}")
    if one.detectors:
        lines.append("detectors = " + _toml([dict(two.__dict__) for two in one.detectors]))
    return lines


def _group(one: Intersection, group: Group) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": group.id, "kind": group.kind, "from": group.approaches,
        "movements": group.movements, "lanes": group.lanes,
        "saturation_lane_vph": group.saturation_lane_vph, "min_green_s": group.min_green_s,
        "max_green_s": group.max_green_s, "max_red_s": group.max_red_s,
        "min_red_s": group.min_red_s, "countdown_s": group.countdown_s,
        "crossing_m": group.crossing_m, "detectors": group.detectors,
        "walk_may_be_cut": group.walk_may_be_cut,
    }  # fmt: skip
    if group.on_foot:
        told |= {"walk_s": group.walk_s, "clearance_s": group.clearance_s or None}
        fits = group.sequence.start == () and [two[0] for two in group.sequence.end] in (
            [], [State.CLEARANCE],
        )  # fmt: skip
    else:
        steps = dict.fromkeys(_STEPS.values(), 0.0)
        steps |= {_STEPS[state]: seconds for state, seconds in
                  (*group.sequence.start, *group.sequence.end) if state in _STEPS}  # fmt: skip
        told |= steps
        order = [State.RED_AMBER, State.FLASHING_GREEN, State.YELLOW]
        shown = [state for state, _ in (*group.sequence.start, *group.sequence.end)]
        fits = shown == [state for state in order if state in shown] and group.walk_s == 0
        fits &= all(state is State.RED_AMBER for state, _ in group.sequence.start)
        fits &= all(state is not State.RED_AMBER for state, _ in group.sequence.end)
    if not fits:
        raise ConfigError(f"signal {one.id}: group {group.id} has steps that the file cannot say",
                          mend="red-amber before green, flashing green and yellow after it")  # fmt: skip
    return {key: value for key, value in told.items() if value not in (None, ())}


def _demand(one: Volumes) -> list[str]:
    if any(flow for (_, _, turn), flow in one.vehicles_h.items() if turn == "u-turn"):
        raise ConfigError("a volume of u-turns does not fit into signals.toml",
                          mend="add it to the left turns of its approach")  # fmt: skip
    sides = dict.fromkeys((signal, side) for signal, side, _ in one.vehicles_h)
    rows = [
        (signal, side,
         *(one.vehicles_h.get((signal, side, turn), 0) for turn in ("left", "through", "right")))
        for signal, side in sides
    ]  # fmt: skip
    people = [(*key, flow) for key, flow in one.pedestrians_h.items()]
    return [
        "[[demand]]", f"from = {_toml(format_time(one.from_s))}",
        f"to = {_toml(format_time(one.to_s))}", f"car_occupancy = {_toml(one.car_occupancy)}",
        "vehicles_h = [", *(f"  {_toml(row)}," for row in rows), "]",
        "pedestrians_h = [", *(f"  {_toml(row)}," for row in people), "]",
    ]  # fmt: skip


def _place(place: tuple[float, float] | None) -> dict[str, float] | None:
    return None if place is None else {"lat": place[0], "lon": place[1]}


def _table(name: str, told: dict[str, Any]) -> list[str]:
    return [f"[[{name}]]", *_pairs(told)]


def _pairs(told: dict[str, Any]) -> Iterable[str]:
    """Lines of keys that say something."""
    return [f"{key} = {_toml(value)}" for key, value in told.items() if value not in (None, "", ())]


def _toml(value: Any) -> str:
    """One value in TOML; a text as JSON has it, which TOML reads the same."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ConfigError("a figure is no number", mend="correct the network first")
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dict):
        inner = ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: object) -> str:
    text = str(key)
    return text if text.isidentifier() and text.isascii() else json.dumps(text, ensure_ascii=False)
