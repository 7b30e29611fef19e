"""``signals.toml`` to a network: read, checked, and never guessed at."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mobility.errors import ConfigError
from mobility.findings import finding
from mobility.signals.case_parts import (
    Case,
    CrossingPart,
    DefaultsPart,
    DemandPart,
    EmergencyRoutePart,
    GroupPart,
    SignalPart,
    keys_at,
)
from mobility.signals.crossings import left_out, promised
from mobility.signals.problem import (
    BusRoute,
    BusStop,
    Crossing,
    Detector,
    EmergencyRoute,
    Group,
    Intersection,
    Link,
    Network,
    Rings,
    Rules,
    Sequence,
    Service,
    Stage,
    State,
    Volumes,
)
from mobility.signals.program import has_plan, program
from mobility.signals.values import Values
from mobility.units import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobility.findings import Finding
    from mobility.signals.problem import Pair, Step

_SAMPLE = "see gtfs_samples/changsha/signals.toml"
_TURNS = ("left", "through", "right")


def read_network(source: str | Path | dict[str, Any]) -> Network:
    """Read signals, links, buses, demand and rules.

    Parameters
    ----------
    source
        A TOML file, or its content.

    Raises
    ------
    ConfigError
        When the file cannot be read, is no TOML, has an unknown key or a wrong value, or names a
        group or stage that its signal does not have.
    """
    if isinstance(source, dict):
        return network_of(check_case(source, "signals"), "signals")
    path = Path(source)
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", mend="name a signals.toml") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}", mend=_SAMPLE) from None
    return network_of(check_case(content, str(path)), path.name)


def check_case(content: dict[str, Any], name: str) -> Case:
    """Check the content of a file of signals.

    Raises
    ------
    ConfigError
        Names the place and, for an unknown key, the nearest key that exists.
    """
    try:
        return Case.model_validate(content)
    except ValidationError as error:
        raise _config_error(error, name) from None


def network_of(case: Case, name: str) -> Network:
    """Turn a checked file into a network.

    Raises
    ------
    ConfigError
        When an id stands twice, or is not known where it is named.
    """
    _unique([one.id for one in case.signal], f"{name}: signal")
    network = Network(
        intersections=tuple(_signal(one, case.defaults, name) for one in case.signal),
        links=tuple(
            Link(one.from_signal, one.to_signal, one.distance_m, one.travel_s, one.lanes,
                 one.dispersion.alpha, one.dispersion.beta, one.approach)
            for one in case.link
        ),
        bus_stops=tuple(BusStop(**one.model_dump()) for one in case.bus_stop),
        bus_routes=tuple(
            BusRoute(one.route_id, one.direction_id, tuple(one.signals), one.occupancy)
            for one in case.bus_route
        ),
        volumes=tuple(_volumes(one, name) for one in case.demand),
        emergency_routes=tuple(map(_emergency, case.emergency_route)),
        rules=Rules(**case.rules.model_dump()), service=Service(**case.service.model_dump()),
        city=case.city, corridor=case.corridor, timezone=case.timezone,
        zero_s=parse_time(case.defaults.master_clock_zero), source=name,
        values=None if case.values is None else Values(**case.values.model_dump(exclude_none=True)),
    )  # fmt: skip
    network = replace(network, crossings=tuple(_crossing(one, network) for one in case.crossing))
    return replace(network, input_findings=(*_contradictions(network), *_not_kept(network)))


def _contradictions(network: Network) -> Iterator[Finding]:
    """Say where the greens that came in and what lies between them are not the cycle that did."""
    for one in network.intersections:
        if one.cycle_s and has_plan(one):
            needed = program(one).cycle_s
            if abs(needed - one.cycle_s) > 1e-6:
                yield finding(
                    "signal_cycle_does_not_add_up", file=network.source, column=one.id,
                    value=f"greens and intergreens {needed:g} s, cycle_s {one.cycle_s:g} s",
                )  # fmt: skip


def _not_kept(network: Network) -> Iterator[Finding]:
    """Say what is promised to people on foot and cannot be kept."""
    for promise in promised(network):
        if told := left_out(network.signal[promise.signal], promise):
            yield finding("signal_crossing_not_kept", file=network.source,
                          column=f"{promise.signal}.{promise.group}", value=told)  # fmt: skip


def _crossing(part: CrossingPart, network: Network) -> Crossing:
    where = f"{network.source}: crossing"
    _known([part.signal], network.signal, f"{where}: signal")
    if part.group:
        on_foot = [one.id for one in network.signal[part.signal].groups if one.on_foot]
        _known([part.group], on_foot, f"{where} of {part.signal}: pedestrian group")
    elif not any(one.on_foot for one in network.signal[part.signal].groups):
        raise ConfigError(f"{where}: signal {part.signal} has none", mend="name a signal with one")
    return Crossing(part.signal, part.group, part.place, part.older_people, part.pace_m_s,
                    part.max_wait_s, part.leading_walk_s)  # fmt: skip


def _signal(one: SignalPart, defaults: DefaultsPart, name: str) -> Intersection:
    where = f"{name}: signal {one.id}"
    _unique([group.id for group in one.groups], f"{where}: group")
    _unique([stage.id for stage in one.stages], f"{where}: stage")
    groups = tuple(_group(group, defaults) for group in one.groups)
    known = {group.id: group for group in groups}
    for stage in one.stages:
        _known(stage.groups, known, f"{where}: stage {stage.id}: group")
    _known(one.order, {stage.id for stage in one.stages}, f"{where}: order: stage")
    for pair in (*one.permissive, *one.conflicts, *((a, b) for a, b, _ in one.intergreen_s)):
        _known(pair, known, f"{where}: group")
    rings = _rings(one, known, where)
    if rings is None and not one.stages:
        raise ConfigError(f"{where} has neither stages nor rings", mend=_SAMPLE)
    stages = tuple(
        Stage(stage.id, tuple(stage.groups), stage.green_s, stage.optional) for stage in one.stages
    )
    stages = stages or ring_stages(rings)
    if one.reference_stage:
        _known(
            [one.reference_stage], {two.id for two in stages}, f"{where}: reference_stage: stage"
        )
    return Intersection(
        id=one.id, name=one.name, lat=one.lat, lon=one.lon, groups=groups,
        stages=stages, rings=rings, order=tuple(one.order),
        intergreen_s=_intergreens(one, known, defaults), permissive=frozenset(one.permissive),
        cycle_s=one.cycle_s, offset_s=one.offset_s,
        reference=one.reference or defaults.offset_reference,
        reference_stage=one.reference_stage,
        cycle_range_s=one.cycle_range_s or defaults.cycle_range_s, linked=one.linked,
        lock=tuple("offset" if lock == "offsets" else lock for lock in one.lock),
        detectors=tuple(
            Detector(two.id, two.kind, tuple(two.lanes), two.distance_m, two.length_m,
                     two.extend_s, two.delay_s)
            for two in one.detectors
        ),
    )  # fmt: skip


def _group(part: GroupPart, defaults: DefaultsPart) -> Group:
    on_foot = part.kind == "pedestrian"

    def said(key: str) -> Any:
        value = getattr(part, key)
        return getattr(defaults, key) if value is None else value

    if on_foot:
        start, end = [], [(State.CLEARANCE, part.clearance_s)] if part.clearance_s else []
    else:
        start = [(State.RED_AMBER, said("red_amber_s"))]
        end = [(State.FLASHING_GREEN, said("flashing_green_s")), (State.YELLOW, said("yellow_s"))]
    return Group(
        id=part.id, kind=part.kind, sequence=Sequence(_steps(start), _steps(end)),
        min_green_s=part.min_green_s if part.min_green_s is not None
        else (0 if on_foot else defaults.min_green_s),
        max_green_s=said("max_green_s"), max_red_s=said("max_red_s"), min_red_s=said("min_red_s"),
        walk_s=said("walk_s") if on_foot else 0, walk_may_be_cut=said("walk_may_be_cut"),
        countdown_s=said("countdown_s"), approaches=tuple(part.approaches),
        movements=tuple(part.movements), lanes=part.lanes,
        saturation_lane_vph=said("saturation_lane_vph"), crossing_m=part.crossing_m,
        detectors=tuple(part.detectors),
    )  # fmt: skip


def _steps(steps: list[Any]) -> tuple[Step, ...]:
    return tuple((state, seconds) for state, seconds in steps if seconds)


def _intergreens(
    one: SignalPart, known: dict[str, Group], defaults: DefaultsPart
) -> dict[Pair, float]:
    """Given pairs; those of ``conflicts`` take yellow and all-red of the group that ends."""
    all_red = {group.id: group.all_red_s for group in one.groups}
    found: dict[Pair, float] = {}
    for pair in one.conflicts:
        for a, b in (pair, pair[::-1]):
            red = all_red[a]
            found[a, b] = known[a].yellow_s + (defaults.all_red_s if red is None else red)
    return found | {(a, b): seconds for a, b, seconds in one.intergreen_s}


def _rings(one: SignalPart, known: dict[str, Group], where: str) -> Rings | None:
    part = one.rings
    if part is None:
        return None
    named = [name for ring in part.rings for barrier in ring for name in barrier]
    walks = part.pedestrians
    _known([*named, *part.optional, *part.splits_s, *walks, *walks.values()], known,
           f"{where}: rings: group")  # fmt: skip
    return Rings(
        tuple(tuple(map(tuple, ring)) for ring in part.rings), part.may_swap,
        tuple(part.optional), dict(part.splits_s), dict(walks),
    )  # fmt: skip


def ring_stages(rings: Rings | None) -> tuple[Stage, ...]:
    """All pairs of groups, one of each ring, that may be green together."""
    if rings is None:
        return ()
    found = []
    for block in range(min(len(ring) for ring in rings.rings)):
        made: list[tuple[str, ...]] = [()]
        for ring in rings.rings:  # a ring without a group here rests
            made = [(*one, name) for one in made for name in ring[block]] or made
        found += [Stage("+".join(one), one) for one in made if one]
    return tuple(found)


def _volumes(part: DemandPart, name: str) -> Volumes:
    vehicles: dict[tuple[str, str, str], float] = {}
    for signal, approach, *flows in part.vehicles_h:
        if (signal, approach, "left") in vehicles:
            raise ConfigError(
                f"{name}: demand from {part.from_time}: {signal} {approach} stands twice",
                mend="one row a signal and approach",
            )
        vehicles |= {
            (signal, approach, turn): flow for turn, flow in zip(_TURNS, flows, strict=True)
        }
    start, end = parse_time(part.from_time), parse_time(part.to_time)
    if end <= start:
        raise ConfigError(f"{name}: demand from {part.from_time} ends before it begins",
                          mend="times after midnight continue past 24:00")  # fmt: skip
    people = {(signal, group): flow for signal, group, flow in part.pedestrians_h}
    return Volumes(start, end, vehicles, people, part.car_occupancy)


def _emergency(part: EmergencyRoutePart) -> EmergencyRoute:
    given = part.model_dump()
    for key in ("station", "destination"):
        place = given[key]
        given[key] = None if place is None else (place["lat"], place["lon"])
    given |= {"signals": tuple(part.signals), "movements": tuple(part.movements)}
    return EmergencyRoute(**given)


def _unique(ids: list[str], what: str) -> None:
    twice = sorted({one for one in ids if ids.count(one) > 1})
    if twice:
        raise ConfigError(f"{what} {twice[0]!r} stands twice", mend="give each its own id")


def _known(names: Any, known: Any, what: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, list(known), n=1, cutoff=0.0)
            raise ConfigError(f"{what} {name!r} is not known",
                              mend=f"did you mean {near[0]!r}?" if near else "add it")  # fmt: skip


def _config_error(error: ValidationError, name: str) -> ConfigError:
    first = error.errors()[0]
    place = ".".join(str(one) for one in first["loc"])
    if first["type"] == "extra_forbidden":
        known = keys_at(first["loc"][:-1])
        near = get_close_matches(str(first["loc"][-1]), known, n=1, cutoff=0.5)
        mend = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"
        return ConfigError(f"{name}: unknown key {place!r}", mend=mend)
    return ConfigError(f"{name}: {place}: {first['msg']} (found {first['input']!r})", mend=_SAMPLE)
