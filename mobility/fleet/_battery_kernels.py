"""Battery kernels: how far a charge carries. Energy: kWh. Times: int64 seconds. Ids: rows."""

import numpy as np

from mobility._jit import kernel


@kernel
def reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain, home_kwh, leave_kwh,
          stay_gain, out_s, in_s, start_kwh, min_kwh, max_kwh, night_kw):  # fmt: skip
    """How many trips of first..end a bus drives on its battery, so that it can always go home.

    Trips are rows; row r of the link arrays lies between trips r and r + 1. ``*_gain`` is what can
    be charged at most during the stay. Returns (last trip from which the bus gets home and is full
    again within 24 hours, plus one; charge when home; least slack above ``min_kwh`` on the way).
    """
    charge = start_kwh - out_kwh[first]
    slack = charge - min_kwh
    good, home_charge, home_slack = first, 0.0, 0.0
    for trip in range(first, end):
        charge -= trip_kwh[trip]
        back = charge - in_kwh[trip]
        if charge - min_kwh < -1e-9:
            break
        night_h = (out_s[first] + 86400 - in_s[trip]) / 3600.0
        if back - min_kwh >= -1e-9 and night_h >= 0 and (start_kwh - back) <= night_h * night_kw:
            good = trip + 1
            home_charge = back
            home_slack = min(slack, back - min_kwh)
        if trip + 1 == end:
            break
        if via[trip]:
            charge -= home_kwh[trip]
            slack = min(slack, charge - min_kwh)
            if slack < -1e-9:
                break
            charge = min(max_kwh, charge + stay_gain[trip]) - leave_kwh[trip]
        else:
            charge = min(max_kwh, charge + run_gain[trip]) - run_kwh[trip]
        slack = min(slack, charge - min_kwh)
    return good, home_charge, home_slack


@kernel
def cut_blocks(offsets, via, via_possible, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain, home_kwh,
               leave_kwh, stay_gain, out_s, in_s, start_kwh, min_kwh, max_kwh, night_kw,
               cut, home_charge, home_slack):  # fmt: skip
    """Cut each duty ``offsets[d]:offsets[d + 1]`` where the battery ends; change ``via`` in place.

    Before a cut, the one depot visit that lets the bus drive farthest is tried. ``cut[t]`` is set
    where a piece ends after trip t; the piece's charge when home and its least slack stand there.
    """
    for duty in range(offsets.size - 1):
        first, end = offsets[duty], offsets[duty + 1]
        while first < end:
            good, charge, slack = reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain,
                                        home_kwh, leave_kwh, stay_gain, out_s, in_s, start_kwh,
                                        min_kwh, max_kwh, night_kw[duty])  # fmt: skip
            while good < end:
                best, best_gap = good, -1
                for gap in range(first, good):
                    if via[gap] or not via_possible[gap]:
                        continue
                    via[gap] = True
                    now, _, _ = reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh, run_gain,
                                      home_kwh, leave_kwh, stay_gain, out_s, in_s, start_kwh,
                                      min_kwh, max_kwh, night_kw[duty])  # fmt: skip
                    via[gap] = False
                    if now > best:
                        best, best_gap = now, gap
                if best_gap < 0:
                    break
                via[best_gap] = True
                good, charge, slack = reach(first, end, via, trip_kwh, out_kwh, in_kwh, run_kwh,
                                            run_gain, home_kwh, leave_kwh, stay_gain, out_s, in_s,
                                            start_kwh, min_kwh, max_kwh, night_kw[duty])  # fmt: skip
            last = max(good - 1, first)  # a trip that fails even alone is its own piece
            cut[last] = True
            home_charge[last] = charge if good > first else -1.0
            home_slack[last] = slack if good > first else -1.0
            first = last + 1


@kernel
def join_pieces(depot, start_s, end_s, charge, slack, night_kw, stay_kw, setup_slot_s,
                start_kwh, before):  # fmt: skip
    """Put pieces, sorted by start, on as few vehicles as first fit finds; fills ``before``.

    A piece may follow another at its depot when the charge that the stay can give, conservative
    about what the pieces lose by starting below ``start_kwh``, carries it and the night restores it.
    ``stay_kw`` is what a piece may count on in the stay before it, ``night_kw`` a depot's power.
    """
    count = depot.size
    tail = np.empty(count, np.int32)  # last piece of each vehicle
    level = np.empty(count, np.float64)  # its charge when home
    out = np.empty(count, np.int64)  # first pull-out of the vehicle
    vehicles = 0
    for piece in range(count):
        best, best_end, best_level = -1, -(10**9), 0.0
        for vehicle in range(vehicles):
            last = tail[vehicle]
            if depot[last] != depot[piece] or end_s[last] > start_s[piece]:
                continue
            if end_s[last] <= best_end:
                continue
            begin = -(-end_s[last] // setup_slot_s)
            stay = max(0, (start_s[piece] // setup_slot_s) - begin) * setup_slot_s / 3600.0
            ready = min(start_kwh, level[vehicle] + stay * stay_kw[piece])
            missing = start_kwh - ready
            if missing > slack[piece] + 1e-9:
                continue
            home = charge[piece] - missing
            night_h = (out[vehicle] + 86400 - end_s[piece] - 2 * setup_slot_s) / 3600.0
            if night_h < 0 or start_kwh - home > night_h * night_kw[depot[piece]]:
                continue
            best, best_end, best_level = vehicle, end_s[last], home
        if best < 0:
            best = vehicles
            out[best] = start_s[piece]
            best_level = charge[piece]
            before[piece] = -1
            vehicles += 1
        else:
            before[piece] = tail[best]
        tail[best] = piece
        level[best] = best_level
    return vehicles


def warm():
    """Call every kernel that Python calls, with every dtype it is used with: one bus, one stay."""
    one32, one64, one = np.zeros(1, np.int32), np.zeros(1, np.int64), np.zeros(1)
    no = np.zeros(1, np.bool_)
    day = np.array([0, 1], np.int64)
    cut_blocks(
        day, no.copy(), no, one, one, one, one, one, one, one, one, one64, one64, 9.0, 1.0, 9.0, one,
        no.copy(), one.copy(), one.copy(),
    )  # fmt: skip
    join_pieces(
        one32, one64, one64, one, one, one, one, np.int64(300), 9.0, np.full(1, -1, np.int32)
    )
