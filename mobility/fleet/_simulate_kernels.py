"""Simulation kernels. Energy: kWh, counted as *used*: what a bus lacks of its charge at pull-out.

Times: seconds. Ids: rows. Keys: uint32, one a leg, bus, charger and scenario; a random number is the
mixture of two keys, so it depends neither on the order of rows nor on who computes it.
"""

import numpy as np

from mobility._jit import kernel

# Scenarios that are replayed side by side: their state fits the innermost cache.
_CHUNK = 512
_WH = 1e-3
_NEVER = 2**30


@kernel
def mixed(key):
    """Spread a 32-bit number over 32 bits."""
    key = np.uint32(key ^ (key >> np.uint32(16)))
    key = np.uint32(key * np.uint32(0x7FEB352D))
    key = np.uint32(key ^ (key >> np.uint32(15)))
    key = np.uint32(key * np.uint32(0x846CA68B))
    return np.uint32(key ^ (key >> np.uint32(16)))


@kernel
def mix_all(key, scenario_key, drawn):
    """Mix one key with those of some scenarios."""
    for at in range(drawn.size):
        drawn[at] = mixed(np.uint32(key ^ scenario_key[at]))


@kernel
def look_up_low(drawn, table, factor, found):
    """Quantiles by the lower 12 bits, times a factor."""
    for at in range(drawn.size):
        found[at] = table[drawn[at] & np.uint32(4095)] * factor[at]


@kernel
def look_up_high(drawn, table, factor, found):
    """Quantiles by the upper 12 bits, times a factor."""
    for at in range(drawn.size):
        found[at] = table[drawn[at] >> np.uint32(20)] * factor[at]


@kernel
def measured_pace(ratio, held_s, day, late, slow):
    """Running time over planned of each scenario's measured day; nobody leaves before it did then."""
    for at in range(late.size):
        slow[at] = ratio[day[at]]
        late[at] = max(late[at], held_s[day[at]])


@kernel
def delay(seconds, slow, late, worst):
    """A run that takes ``slow`` times its seconds; buses leave no earlier than planned."""
    for at in range(late.size):
        worst[at] = max(worst[at], late[at])
        late[at] = max(0.0, late[at] + seconds * slow[at] - seconds)


@kernel
def spend(base_kwh, hvac_h, share, hvac_kw, slow, used):
    """Energy of a run: driving by its share, the cabin by its hours."""
    for at in range(used.size):
        used[at] = used[at] + base_kwh * share[at] + hvac_kw[at] * (hvac_h * slow[at])


@kernel
def note_most(used, peak):
    """The most that was used so far."""
    for at in range(used.size):
        peak[at] = max(peak[at], used[at])


@kernel
def note_first(leg, used, cap, first):
    """The first leg after which more was used than a bus has."""
    for at in range(used.size):
        one = np.int32(leg) if used[at] > cap[at] else np.int32(_NEVER)
        first[at] = min(first[at], one)


@kernel
def offer(offset_s, slot_s, given_kwh, drawn, threshold, late, got):
    """What a session has to give in some scenarios: what is left of it, nothing where its charger is out.

    ``given_kwh`` sums up its slots; a bus that is late loses the part that has passed.
    """
    slots = given_kwh.size - 1
    whole, end_s, share = given_kwh[slots], slots * slot_s, 1.0 / slot_s
    for at in range(late.size):
        got[at] = whole
        behind_s = late[at] - offset_s
        if behind_s > 0.0:
            if behind_s >= end_s:
                got[at] = 0.0
            else:
                slot = min(int(behind_s * share), slots - 1)
                part = behind_s * share - slot
                got[at] = whole - given_kwh[slot] - part * (given_kwh[slot + 1] - given_kwh[slot])
    if threshold > 0:
        for at in range(late.size):
            got[at] = 0.0 if np.uint64(drawn[at]) < threshold else got[at]


@kernel
def fill(target, top_kwh, soh, used, got):
    """Charge buses with what they got: not beyond ``target`` nor the top of an aged battery."""
    for at in range(used.size):
        floor = min(used[at], max(target, -top_kwh * soh[at]))
        used[at] = max(floor, used[at] - got[at])


@kernel
def wait(seconds, late):
    """Standing takes delay away."""
    for at in range(late.size):
        late[at] = max(0.0, late[at] - seconds)


@kernel
def start(low, high, usable, drawn, late_s, late, soh, cap, used, peak, worst, first):
    """Begin a day in some scenarios: a full battery of some health, a pull-out that may be late."""
    for at in range(late.size):
        late[at] = late_s[drawn[at] >> np.uint32(20)]
    for at in range(late.size):
        again = mixed(np.uint32(drawn[at] + np.uint32(0x9E3779B9)))
        soh[at] = low + (high - low) * (np.float64(again) / 4294967296.0)
    for at in range(late.size):
        cap[at] = usable * soh[at] + _WH
    used[:] = 0.0
    peak[:] = 0.0
    worst[:] = 0.0
    first[:] = _NEVER


@kernel
def battery_needed(window, peak, soh, needed):
    """The battery, kWh when new, that some scenarios need."""
    for at in range(needed.size):
        needed[at] = peak[at] / (window * soh[at])


@kernel
def select(values, low, rank):
    """Put the value of a rank in its place, smaller ones before it, larger ones behind; it is returned."""
    high = values.size - 1
    while low < high:
        middle = (low + high) // 2
        a, b, c = values[low], values[middle], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return values[rank]


@kernel
def simulate(buses, leg_start, kind, key, seconds, base_kwh, hvac_h, hour, measured, session, offset_s,
             slot_s, given_start, given_kwh, target, charger_key, moved_start, moved_scenario, moved_begin,
             moved_end, moved_kwh, bus_key, bus_type, usable, window, top_kwh, soh_range, scenario_key,
             day_energy, day_time, measured_day, ratio, held_s, hvac_kw, bus_energy, trip_energy, trip_time, late_s,
             threshold, ranks, breaks, empty, required, worst_s, first_leg, broken_buses, empty_buses):  # fmt: skip
    """Replay buses ``buses[0]:buses[1]`` in every scenario.

    Legs of bus b are ``leg_start[b]:leg_start[b + 1]``; ``kind`` 1 stands, 0 drives; ``session`` is a
    row of the sessions or -1. ``usable`` and ``top_kwh`` are kWh of a battery at health 1, ``window``
    the share of it that is used. ``moved_*`` are sessions that found another charger, by session
    (``moved_start``) and scenario. ``ranks`` ascend.

    Filled: ``breaks`` and ``empty`` (scenarios in which a bus breaks, and is not full next morning),
    ``required`` (battery kWh, new, at each rank), ``worst_s`` (delay at departure at each rank),
    ``first_leg`` (how often a bus breaks first there), ``broken_buses`` and ``empty_buses`` (by
    scenario; added to).
    """
    count = scenario_key.size
    soh, factor, late = np.empty(count), np.empty(count), np.empty(count)
    used, peak, worst = np.empty(count), np.empty(count), np.empty(count)
    cap, first = np.empty(count), np.empty(count, np.int32)
    got, slow, share = np.empty(_CHUNK), np.empty(_CHUNK), np.empty(_CHUNK)
    drawn = np.empty(_CHUNK, np.uint32)
    needed, delays = np.empty(count, np.float32), np.empty(count, np.float32)
    for bus in range(buses[0], buses[1]):
        own = bus_type[bus]
        for begin in range(0, count, _CHUNK):
            end = min(begin + _CHUNK, count)
            keys, mix = scenario_key[begin:end], drawn[: end - begin]
            pace, part, kwh = slow[: end - begin], share[: end - begin], got[: end - begin]
            mix_all(bus_key[bus], keys, mix)
            look_up_low(mix, bus_energy, day_energy[begin:end], factor[begin:end])
            start(soh_range[bus, 0], soh_range[bus, 1], usable[bus], mix, late_s, late[begin:end],
                  soh[begin:end], cap[begin:end], used[begin:end], peak[begin:end], worst[begin:end],
                  first[begin:end])  # fmt: skip
            for leg in range(leg_start[bus], leg_start[bus + 1]):
                if kind[leg] == 0:
                    mix_all(key[leg], keys, mix)
                    if measured[leg] >= 0:
                        measured_pace(ratio[measured[leg]], held_s[measured[leg]],
                                      measured_day[begin:end], late[begin:end], pace)  # fmt: skip
                    else:
                        look_up_low(mix, trip_time, day_time[begin:end], pace)
                    look_up_high(mix, trip_energy, factor[begin:end], part)
                    delay(seconds[leg], pace, late[begin:end], worst[begin:end])
                    spend(base_kwh[leg], hvac_h[leg], part, hvac_kw[own, hour[leg], begin:end], pace,
                          used[begin:end])  # fmt: skip
                    note_most(used[begin:end], peak[begin:end])
                    note_first(leg, used[begin:end], cap[begin:end], first[begin:end])
                    continue
                one = session[leg]
                if one >= 0:
                    given = given_kwh[given_start[one] : given_start[one + 1]]
                    if threshold > 0:
                        mix_all(charger_key[one], keys, mix)
                    offer(offset_s[one], slot_s, given, mix, threshold, late[begin:end], kwh)
                    for at in range(moved_start[one], moved_start[one + 1]):
                        where = moved_scenario[at]
                        if begin <= where < end:
                            length = moved_end[at] - moved_begin[at]
                            behind = max(0.0, late[where] - moved_begin[at])
                            kwh[where - begin] = moved_kwh[at] * max(0.0, 1.0 - behind / length)
                    fill(target[one], top_kwh[bus], soh[begin:end], used[begin:end], kwh)
                wait(seconds[leg], late[begin:end])
        battery_needed(window[bus], peak, soh, needed)
        delays[:] = worst
        broken, unfilled = 0, 0
        for at in range(count):
            if first[at] < _NEVER:
                broken += 1
                first_leg[first[at]] += 1
                broken_buses[at] += 1
        for at in range(count):
            empty_one = used[at] > 10 * _WH
            unfilled += empty_one
            empty_buses[at] += empty_one
        breaks[bus], empty[bus] = broken, unfilled
        for at in range(ranks.size):
            low = 0 if at == 0 else ranks[at - 1]
            required[bus, at] = select(needed, low, ranks[at])
            worst_s[bus, at] = select(delays, low, ranks[at])


@kernel
def requeue(scenario_key, order, charger_of, charger_key, threshold, first, size, arrive, leave, planned_kw, most_kw,
            site_of, site_chargers, site_limit, site_gap, load, room, moved_plug, moved_scenario, moved_first,
            moved_slots, moved_kwh, slot_h):  # fmt: skip
    """Find another charger of the site for every session whose own is out; returns how many found one.

    Sessions take turns in ``order`` (arrival, then key). Planned sessions on working chargers stay. A bus takes
    the charger that is free first, for one contiguous run of slots within its stay (``arrive`` to
    ``leave``, slots that may pass the day), until it has the session's energy. ``load`` is the planned
    (sites, slots of the day) kW, ``site_limit`` what a site may draw in each, ``site_gap`` the slots that stay free
    between two buses at one charger. Chargers of site s are
    ``site_chargers[s]:site_chargers[s + 1]``. Moves beyond ``room`` are only counted.
    """
    day = load.shape[1]
    chargers = charger_key.size
    taken = np.zeros((chargers, day), np.bool_)
    out = np.zeros(chargers, np.bool_)
    found = 0
    for scenario in range(scenario_key.size):
        any_out = False
        for charger in range(chargers):
            out[charger] = (
                np.uint64(mixed(np.uint32(charger_key[charger] ^ scenario_key[scenario])))
                < threshold
            )
            any_out = any_out or out[charger]
        if not any_out:
            continue
        drawn = load.copy()
        taken[:, :] = False
        for plug in range(first.size):
            broken = out[charger_of[plug]]
            for at in range(size[plug]):
                slot = (first[plug] + at) % day
                if broken:
                    drawn[site_of[plug], slot] -= planned_kw[plug, at]
            if not broken:
                gap = site_gap[site_of[plug]]
                for at in range(-gap, size[plug] + gap):
                    taken[charger_of[plug], (first[plug] + at) % day] = True
        for plug in order:
            if not out[charger_of[plug]]:
                continue
            site = site_of[plug]
            wanted = 0.0
            for at in range(size[plug]):
                wanted += planned_kw[plug, at] * slot_h
            end = min(leave[plug], arrive[plug] + day)
            best, best_first = -1, end
            for charger in range(site_chargers[site], site_chargers[site + 1]):
                if out[charger]:
                    continue
                for slot in range(arrive[plug], best_first):
                    if (
                        not taken[charger, slot % day]
                        and site_limit[site, slot % day] - drawn[site, slot % day] > 1e-6
                    ):
                        best, best_first = charger, slot
                        break
            if best < 0:
                continue
            got, slots = 0.0, 0
            for slot in range(best_first, end):
                if taken[best, slot % day] or got >= wanted - 1e-9:
                    break
                kw = min(most_kw[plug], site_limit[site, slot % day] - drawn[site, slot % day])
                kw = max(0.0, min(kw, (wanted - got) / slot_h))
                drawn[site, slot % day] += kw
                got += kw * slot_h
                slots += 1
            for slot in range(best_first - site_gap[site], best_first + slots + site_gap[site]):
                taken[best, slot % day] = True
            if found < room:
                moved_plug[found], moved_scenario[found] = plug, scenario
                moved_first[found], moved_slots[found], moved_kwh[found] = best_first, slots, got
            found += 1
    return found


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one bus, one leg."""
    one, one64, key = np.ones(1), np.zeros(1, np.int64), np.ones(1, np.uint32)
    table, none, two = np.ones(4096), np.full(1, -1, np.int32), np.array([0, 1], np.int64)
    row, rows = np.zeros((1, 1)), np.zeros(2, np.int64)
    simulate(
        two, two, np.zeros(1, np.int8), key, one, one, one, one64, none, none, one, 300.0, two, one, one,
        key, rows, one64, one, one, one, key, one64, one, one, one, np.ones((1, 2)), key, one, one, one64,
        row, row, np.ones((1, 25, 1)), table, table, table, table, np.uint64(0), one64, one64.copy(),
        one64.copy(), row.copy(), row.copy(), one64.copy(), np.zeros(1, np.int32), np.zeros(1, np.int32),
    )  # fmt: skip
    requeue(
        key, one64, one64, key, np.uint64(1), one64, one64, one64, one64, row, one, one64, two, row, one64, row,
        np.int64(0), one64, one64, one64, one64, one, 0.1,
    )  # fmt: skip
