"""Slow, obvious twins of the simulation's kernels: one bus, one scenario, one leg at a time."""

import math

NEVER = 2**30
BITS = 2**32 - 1


def mixed(key):
    """The mixture of a key, in whole numbers."""
    key ^= key >> 16
    key = key * 0x7FEB352D & BITS
    key ^= key >> 15
    key = key * 0x846CA68B & BITS
    return key ^ key >> 16


def given_after(kwh_by_slot, slot_s, behind_s):
    """Energy of the part of a session that is left, slot by slot."""
    left = 0.0
    for at, kwh in enumerate(kwh_by_slot):
        begin, end = at * slot_s, (at + 1) * slot_s
        left += kwh * (end - min(max(behind_s, begin), end)) / slot_s
    return left


def replay_bus(bus, scenario, day):
    """Replay one bus on one day: most used, first leg too much, used at the end, worst delay.

    ``bus``: key, legs, usable, top, low, high. A leg: kind, key, seconds, kwh, hvac_h, hour, measured,
    session. ``day``: everything that the scenario drew.
    """
    drawn = mixed(bus["key"] ^ day["key"])
    factor = day["energy"] * day["bus_energy"][drawn % 4096]
    late = day["late_s"][drawn >> 20]
    again = mixed((drawn + 0x9E3779B9) & BITS)
    health = bus["low"] + (bus["high"] - bus["low"]) * again / 2**32
    used = most = worst = 0.0
    first = NEVER
    for number, leg in bus["legs"]:
        if leg["kind"] == 1:
            plug = leg["session"]
            if plug is not None:
                out = mixed(plug["key"] ^ day["key"]) < day["threshold"]
                got = (
                    0.0 if out else given_after(plug["kwh"], day["slot_s"], late - plug["offset_s"])
                )
                for moved in plug["moved"]:
                    if moved["scenario"] == scenario:
                        span = moved["end_s"] - moved["begin_s"]
                        behind = max(0.0, late - moved["begin_s"])
                        got = moved["kwh"] * max(0.0, 1.0 - behind / span)
                floor = max(plug["target"], -bus["top"] * health)
                if used > floor:
                    used = max(floor, used - got)
            late = max(0.0, late - leg["seconds"])
            continue
        one = mixed(leg["key"] ^ day["key"])
        slow = day["trip_time"][one % 4096] * day["time"]
        if leg["measured"] is not None:
            slow = leg["measured"]["ratio"][day["measured_day"]]
            late = max(late, leg["measured"]["held_s"][day["measured_day"]])
        worst = max(worst, late)
        late = max(0.0, late + leg["seconds"] * slow - leg["seconds"])
        used += leg["kwh"] * day["trip_energy"][one >> 20] * factor
        used += day["hvac_kw"][leg["hour"]] * leg["hvac_h"] * slow
        most = max(most, used)
        if used > bus["usable"] * health + 1e-3 and first == NEVER:
            first = number
    return {
        "first": first, "used": used, "worst_s": worst,
        "required_kwh": most / (bus["window"] * health),
    }  # fmt: skip


def at_rank(values, rank):
    """The value of a rank, smallest first."""
    return sorted(values)[rank]


def look_for_chargers(plugs, chargers, limits, gaps, key, threshold, slots_a_day, slot_h):
    """Who finds which other charger on one day: {plug: (first slot, slots, kWh)}.

    ``plugs``: site, charger, first, kw (by slot), arrive, leave, most_kw, in the order of their turns.
    ``chargers``: {site: {number: key}}.
    """
    out = {(site, one) for site, own in chargers.items() for one, name in own.items()
           if mixed(name ^ key) < threshold}  # fmt: skip
    taken, drawn = set(), {}
    for plug in plugs:
        if (plug["site"], plug["charger"]) in out:
            continue
        for at, kw in enumerate(plug["kw"]):
            slot = (plug["first"] + at) % slots_a_day
            drawn[plug["site"], slot] = drawn.get((plug["site"], slot), 0.0) + kw
        for at in range(-gaps[plug["site"]], len(plug["kw"]) + gaps[plug["site"]]):
            taken.add((plug["site"], plug["charger"], (plug["first"] + at) % slots_a_day))
    moves = {}
    for plug in plugs:
        site = plug["site"]
        if (site, plug["charger"]) not in out:
            continue
        end = min(plug["leave"], plug["arrive"] + slots_a_day)

        def free(charger, slot, site=site):
            at = slot % slots_a_day
            room = limits[site][at] - drawn.get((site, at), 0.0)
            return (site, charger, at) not in taken and room > 1e-6

        starts = [
            (next(slot for slot in range(plug["arrive"], end) if free(one, slot)), one)
            for one in sorted(chargers[site])
            if (site, one) not in out
            and any(free(one, slot) for slot in range(plug["arrive"], end))
        ]
        if not starts:
            continue
        begin, charger = min(starts)
        wanted, got, slot = sum(plug["kw"]) * slot_h, 0.0, begin
        while (
            slot < end and (site, charger, slot % slots_a_day) not in taken and got < wanted - 1e-9
        ):
            at = slot % slots_a_day
            kw = min(
                plug["most_kw"],
                limits[site][at] - drawn.get((site, at), 0.0),
                (wanted - got) / slot_h,
            )
            kw = max(0.0, kw)
            drawn[site, at] = drawn.get((site, at), 0.0) + kw
            got += kw * slot_h
            slot += 1
        for at in range(begin - gaps[site], slot + gaps[site]):
            taken.add((site, charger, at % slots_a_day))
        moves[plug["name"]] = (begin, slot - begin, got)
    return moves


def rank_of(share, count):
    """Row of a percentile: so many scenarios lie at or below it."""
    return min(max(math.ceil(share * count - 1e-9) - 1, 0), count - 1)
