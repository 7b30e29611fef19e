"""The independent checker of a table of stays: every session replayed, slot by slot, by plain loops."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from mobility.findings import finding
from mobility.fleet.check_say import DAY, KW, WH

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.fleet.stays import ChargingProblem
    from mobility.fleet.stays_plan import ChargingPlan


def check_stays(problem: ChargingProblem, plan: ChargingPlan) -> list[Finding]:
    """Say what is wrong with a plan of charging; an empty list when it can be carried out for its price.

    Parameters
    ----------
    problem
        What was asked; not the plan's own copy.
    plan
        What was answered. A plan without an objective must have no sessions; a relaxation has none.
    """
    report = plan.report
    if report.objective is None:
        unasked = len(plan.sessions) > 0
        return [finding("cost_does_not_add_up", value="sessions without a cost")] if unasked else []
    if plan.relaxed:
        return []
    wrong: dict[str, list[str]] = {}

    def say(code: str, told: str) -> None:
        wrong.setdefault(code, []).append(told)

    sites = {one.name: one for one in problem.sites}
    stays: dict[tuple[str, str], list[Any]] = {}
    row: Any  # pandas types a row's cells as anything
    for row in problem.stays.itertuples(index=False):
        stays.setdefault((row.bus, row.site), []).append(row)
    slot = problem.slot_s
    charged: dict[tuple[str, int], float] = {}
    plugged: dict[tuple[str, int], list[Any]] = {}
    load: dict[str, dict[int, float]] = {name: {} for name in sites}
    busy: dict[tuple[str, int], list[tuple[int, int, str, str]]] = {}
    for row in plan.sessions.itertuples(index=False):
        name = f"{row.bus} at {row.site} {row.start_s}-{row.end_s}"
        site = sites.get(row.site)
        if site is None:
            say("unknown_site", name)
            continue
        slots = len(row.kw)
        figures = np.array([row.kwh, *row.kw], float)
        shaped = row.start_s % slot == 0 and row.end_s - row.start_s == slots * slot and slots > 0
        least = -KW if problem.give_back is None else -np.inf
        if not shaped or not np.isfinite(figures).all() or figures.min() < least:
            say("session_malformed", name)
            continue
        if abs(sum(row.kw) * slot / 3600.0 - row.kwh) > WH:
            say("session_malformed", f"{name}: its power is not {row.kwh:.3f} kWh")
        stay = next((one for one in stays.get((row.bus, row.site), [])
                     if one.arrive_s <= row.start_s and row.end_s <= one.depart_s), None)  # fmt: skip
        if stay is None:
            say("charging_while_driving", name)
        else:
            if max(row.kw) > min(stay.max_kw, site.kw) + KW:
                say("power_above_charger", name)
            if problem.give_back is not None and min(row.kw) < -problem.give_back.kw - KW:
                say("power_above_charger", f"{name}: gives back {-min(row.kw):.1f} kW")
            if row.start_s < stay.arrive_s + site.setup_s:
                say("charging_before_setup", name)
            key = (row.bus, int(stay.arrive_s))
            charged[key] = charged.get(key, 0.0) + sum(row.kw) * slot / 3600.0
            plugged.setdefault(key, []).append(row)
        if not 0 <= row.charger < site.chargers:
            say("too_many_chargers_used", f"{row.site} charger {row.charger}")
        busy.setdefault((row.site, int(row.charger)), []).append(
            (row.start_s, row.end_s, name, row.bus)
        )
        for at, kw in enumerate(row.kw):
            when = row.start_s // slot + at
            load[row.site][when] = load[row.site].get(when, 0.0) + kw
    for (site_name, _), held in busy.items():
        held.sort()
        for before, after in itertools.pairwise(held):
            rest = sites[site_name].buffer_s if before[3] != after[3] else 0
            if after[0] < before[1] + rest:
                say("charger_overlap", f"{before[2]} and {after[2]}")
    for row in problem.stays.itertuples(index=False):
        own = plugged.get((row.bus, int(row.arrive_s)), [])
        own.sort(key=lambda one: one.start_s)
        _stay(row, own, sites[row.site].plug_ins, slot, problem.give_back, say)
    _energy(problem, plan, charged, say)
    _money(problem, plan, load, plugged, say)
    return [finding(code, value=names[0], count=len(names)) for code, names in wrong.items()]


def _stay(stay: Any, sessions: list[Any], most: int, slot: int, back: Any, say: Any) -> None:
    """Not plugged in too often, nor at two chargers at once; never above the battery, slot by slot."""
    told = f"{stay.bus} at {stay.site} from {stay.arrive_s} s"
    if len(sessions) > most:
        say("plugged_in_twice", f"{told}: {len(sessions)} sessions, {most} allowed")
    for one, other in itertools.pairwise(sessions):
        if other.start_s < one.end_s:
            say("plugged_in_twice", f"{told}: two chargers at once from {other.start_s} s")
    gives = any(min(one.kw) < -KW for one in sessions)
    known = np.isfinite(stay.battery_kwh) and np.isfinite(stay.soc_kwh) and stay.need_kwh > 0
    if gives and not known:
        say(
            "soc_below_window",
            f"{told}: gives back, and its battery is not known or it needs nothing",
        )
    if not np.isfinite(stay.battery_kwh):
        return
    level = highest = stay.soc_kwh if np.isfinite(stay.soc_kwh) else 0.0
    lowest = level
    for one in sessions:
        for kw in one.kw:
            level += kw * slot / 3600.0
            highest, lowest = max(highest, level), min(lowest, level)
    floor = min(stay.soc_kwh, back.least_soc * stay.battery_kwh) if gives and known else 0.0
    if lowest < floor - WH:
        say("soc_below_window", f"{told}: {lowest:.3f} kWh, at least {floor:.3f} must stay")
    if highest > stay.battery_kwh + WH:
        say("soc_above_window", f"{told}: {highest:.3f} of {stay.battery_kwh:g} kWh")


def _energy(
    problem: ChargingProblem, plan: ChargingPlan, charged: dict[tuple[str, int], float], say: Any
) -> None:
    """Every stay gets what it needs; a plan of least shortfall says what is missing, by bus."""
    missing: dict[str, float] = {}
    row: Any
    for row in problem.stays.itertuples(index=False):
        short = row.need_kwh - charged.get((row.bus, int(row.arrive_s)), 0.0)
        told = f"{row.bus} at {row.site} from {row.arrive_s} s: {short:.3f} kWh"
        if short < -WH:
            say("stay_overcharged", told)
        elif short > WH:
            missing[row.bus] = missing.get(row.bus, 0.0) + short
            if row.bus not in plan.missing_kwh:
                say("stay_not_charged", told)
    for bus, kwh in plan.missing_kwh.items():
        if abs(missing.get(bus, 0.0) - kwh) > WH:
            say("stay_not_charged", f"{bus}: {missing.get(bus, 0.0):.3f} kWh, told {kwh:.3f}")


def _money(
    problem: ChargingProblem,
    plan: ChargingPlan,
    load: dict[str, dict[int, float]],
    plugged: dict[tuple[str, int], list[Any]],
    say: Any,
) -> None:
    """Caps, peaks and all parts of the cost, counted again."""
    slot = problem.slot_s
    energy, demand = 0.0, 0.0
    price = _by_second(problem.energy)
    for site in problem.sites:
        here = load[site.name]
        peak = max(here.values(), default=0.0)
        limit = np.inf if site.cap_kw is None else site.cap_kw
        if max(peak, -min(here.values(), default=0.0)) > limit + KW:
            say("site_cap_exceeded", f"{site.name}: {peak:.1f} of {limit} kW")
        if abs(plan.peak_kw.get(site.name, 0.0) - peak) > 0.01:
            say(
                "power_does_not_add_up",
                f"{site.name}: peak {plan.peak_kw.get(site.name)}, is {peak:.3f}",
            )
        demand += problem.demand * peak
    given = 0.0
    paid = _by_second(problem.give_back.price) if problem.give_back is not None else price * 0.0
    for own in plugged.values():
        for row in own:
            for at, kw in enumerate(row.kw):
                begin = (row.start_s + at * slot) % DAY
                energy += max(kw, 0.0) * float(price[begin : begin + slot].sum()) / 3600.0
                given -= max(-kw, 0.0) * float(paid[begin : begin + slot].sum()) / 3600.0
    wanted = {"energy": energy, "demand": demand}
    if problem.give_back is not None:
        wanted["given_back"] = given
    if problem.wear is not None:
        wanted["wear"] = _wear(problem, plugged)
    report, objective = plan.report, plan.report.objective or 0.0
    for part, value in wanted.items():
        told = report.parts.get(part, 0.0)
        if abs(told - value) > 0.01 + 1e-6 * abs(value):
            say("cost_does_not_add_up", f"{part}: {told} is {value:.4f}")
    if strange := sorted(set(report.parts) - set(wanted)):
        say("cost_does_not_add_up", f"{strange[0]}: no part of this problem")
    if abs(sum(report.parts.values()) - objective) > 0.01 + 1e-6 * abs(objective):
        say("cost_does_not_add_up", f"the parts are not {objective}")


def _by_second(pairs: Any) -> Any:
    """Price of every second of the day."""
    price = np.full(DAY, pairs[-1][1], float)
    for at, each in pairs:
        price[at:] = each
    return price


def _wear(problem: ChargingProblem, plugged: dict[tuple[str, int], list[Any]]) -> float:
    """What wear costs: power step by step, and charge above the high mark, slot by slot of the stay."""
    told: Any = problem.wear
    slot, total = problem.slot_s, 0.0
    sites = {one.name: one for one in problem.sites}
    stay: Any
    for stay in problem.stays.itertuples(index=False):
        if not np.isfinite(stay.battery_kwh) or stay.need_kwh <= 0:
            continue
        power = {
            row.start_s // slot + at: kw
            for row in plugged.get((stay.bus, int(stay.arrive_s)), [])
            for at, kw in enumerate(row.kw)
        }
        level = stay.soc_kwh
        begin = -(-(stay.arrive_s + sites[stay.site].setup_s) // slot)
        for when in range(begin, stay.depart_s // slot):
            kw = power.get(when, 0.0)
            left, beyond = abs(kw), sorted(told.c_rate, reverse=True)
            for rate, price in beyond:  # from the dearest step down
                part = max(left - rate * stay.battery_kwh, 0.0)
                total += part * price * slot / 3600.0
                left -= part
            level += kw * slot / 3600.0
            if np.isfinite(level):
                over = max(level - told.high_soc * stay.battery_kwh, 0.0)
                total += over * told.high_price * slot / 3600.0
    return total
