"""Queue kernels: single vehicles that cruise, wait in lanes and pass stop lines, second by second.

Times: float64 seconds from the begin. Lengths: metres. Ids: int32 rows, -1 stands for none. Every
vehicle is in one list at a time (to come, outside, behind the lanes, in a lane): ``follower``
chains it. What lamps show is a code a group and second: 0 closed, 1 green, 2 green that gives way,
3 the part of yellow that is still used.
"""

import numpy as np

from mobility._jit import kernel

WINDOW = 1024  # seconds that rings look ahead
CLEARING = 2  # vehicles of a lane that have waited for a gap and clear in yellow


@kernel
def _schedule(vehicle, at_s, earliest, bucket, follower, event_s):
    """Put a vehicle's next event into its second's list, in order of time, then of row."""
    second = int(at_s)
    if second < earliest:
        second = earliest
    event_s[vehicle] = at_s
    follower[vehicle] = -1
    if second >= bucket.size:
        return second
    last = -1
    here = bucket[second]
    while here >= 0 and (event_s[here] < at_s or (event_s[here] == at_s and here < vehicle)):
        last = here
        here = follower[here]
    follower[vehicle] = here
    if last < 0:
        bucket[second] = vehicle
    else:
        follower[last] = vehicle
    return second


@kernel
def _append(vehicle, row, head, tail, follower):
    """Put a vehicle at the end of a list."""
    follower[vehicle] = -1
    if head[row] < 0:
        head[row] = vehicle
    else:
        follower[tail[row]] = vehicle
    tail[row] = vehicle


@kernel
def _go_on(vehicle, hop, left_s, now, earliest, ways, events, due):
    """Leave hop - 1 at ``left_s``: done, or on the way to the next hop."""
    hop_first, hop_move, travel_s = ways[0], ways[1], ways[2]
    (bucket, follower, event_s, at_hop, phase, done_s) = events
    at_hop[vehicle] = hop
    if hop >= hop_first[vehicle + 1]:
        phase[vehicle] = 4
        done_s[vehicle] = left_s
        return
    phase[vehicle] = 1
    second = _schedule(vehicle, left_s + travel_s[hop], earliest, bucket, follower, event_s)
    if hop_move[hop] >= 0 and second - now < WINDOW:
        due[hop_move[hop], second % WINDOW] += 1


@kernel
def _gives_way(turn, now, code, streets, due, moves):
    """Whether a turn that must give way finds a stream in its way."""
    foe_first, foe_move, move_group, gap = streets
    waiting, passed_s, stuck = moves
    for k in range(foe_first[turn], foe_first[turn + 1]):
        foe = foe_move[k]
        if code[move_group[foe]] != 1:
            continue
        if passed_s[foe] > now - 1.0:
            return True
        if waiting[foe] > 0 and stuck[foe] < now - 1:
            return True
        for ahead in range(1, gap + 1):
            if due[foe, (now + ahead) % WINDOW] > 0:
                return True
    return False


@kernel
def advance(streets, ways, events, lanes, approaches, moves, due, record, shown, first, begin, end):
    """Let seconds ``begin`` to ``end - 1`` pass; row ``t - first`` of ``shown`` holds in second t.

    Parameters
    ----------
    streets
        turn_lane, turn_group, headway_s, always, foe_first, foe_move, turn_first (by movement),
        move_approach, move_group, lane_storage_m, buses_only, room_m, wave_s, look, rules
        (lost_s, gap).
    ways
        hop_first (by vehicle), hop_move (-1 - stop where it is a stop), travel_s, dwell_s,
        planned_s, hold_s, onward (approach after a stop line), space_m, bus.
    events, lanes, approaches, moves, due, record
        The state, changed in place.
    """
    (
        turn_lane,
        turn_group,
        headway_s,
        always,
        foe_first,
        foe_move,
        turn_first,
        move_approach,
        move_group,
        storage_m,
        buses_only,
        room_m,
        wave_s,
        look,
        rules,
    ) = streets
    hop_move, dwell_s, planned_s, hold_s = ways[1], ways[3], ways[4], ways[5]
    onward, space_m, bus = ways[6], ways[7], ways[8]
    bucket, follower, event_s, at_hop, phase = events[0], events[1], events[2], events[3], events[4]
    (head, tail, count, length_m, ready_s, held, cleared, lane_turn, most_m) = lanes
    (hold_head, hold_tail, out_head, out_tail, used_m, freed_m) = approaches
    (waiting, passed_s, stuck) = moves
    (arrive_s, leave_s, enter_s, entry, last_s, most_waiting, boarding) = record
    lost_s = rules[0]
    yields = (foe_first, foe_move, move_group, int(rules[1]))
    lane_count = head.size
    for now in range(begin, end):
        code = shown[now - first]
        slot = now % WINDOW
        for a in range(hold_head.size):
            used_m[a] -= freed_m[a, slot]
            freed_m[a, slot] = 0.0
        # What is due in this second: departures, stops, stop lines.
        while bucket[now] >= 0:
            v = bucket[now]
            bucket[now] = follower[v]
            h = at_hop[v]
            at = event_s[v]
            if phase[v] == 0:
                a = entry[v]
                if a >= 0 and (
                    out_head[a] >= 0 or (used_m[a] > 0 and used_m[a] + space_m[v] > room_m[a])
                ):
                    phase[v] = 5
                    _append(v, a, out_head, out_tail, follower)
                else:
                    if a >= 0:
                        used_m[a] += space_m[v]
                    enter_s[v] = at
                    _go_on(v, h, at, now, now, ways, events, due)
            elif hop_move[h] < 0:
                stop = -1 - hop_move[h]
                dwell = dwell_s[h]
                if planned_s[h] > 0 and last_s[stop] > -1e8:
                    apart = min(3.0, max(0.0, (at - last_s[stop]) / planned_s[h]))
                    dwell *= 1.0 - boarding[0] + boarding[0] * apart
                arrive_s[h] = at
                leave_s[h] = max(at + dwell, hold_s[h])
                last_s[stop] = max(last_s[stop], leave_s[h])
                _go_on(v, h + 1, leave_s[h], now, now, ways, events, due)
            else:
                m = hop_move[h]
                arrive_s[h] = at
                if due[m, slot] > 0:
                    due[m, slot] -= 1
                waiting[m] += 1
                phase[v] = 2
                _append(v, move_approach[m], hold_head, hold_tail, follower)
        for m in range(waiting.size):
            due[m, slot] = 0
        # Who waits outside comes in where there is room.
        for a in range(out_head.size):
            while out_head[a] >= 0:
                v = out_head[a]
                if used_m[a] > 0 and used_m[a] + space_m[v] > room_m[a]:
                    break
                out_head[a] = follower[v]
                used_m[a] += space_m[v]
                enter_s[v] = max(event_s[v], float(now))
                _go_on(v, at_hop[v], enter_s[v], now, now + 1, ways, events, due)
        # Into the lanes: the least full one that serves the movement and has room.
        for a in range(hold_head.size):
            blocked = 0
            last = -1
            v = hold_head[a]
            while v >= 0 and blocked < look[a]:
                after = follower[v]
                m = hop_move[at_hop[v]]
                best = -1
                for k in range(turn_first[m], turn_first[m + 1]):
                    lane = turn_lane[k]
                    if buses_only[lane] and not bus[v]:
                        continue
                    if count[lane] > 0 and length_m[lane] + space_m[v] > storage_m[lane]:
                        continue
                    if best < 0 or length_m[lane] < length_m[turn_lane[best]]:
                        best = k
                if best < 0:
                    blocked += 1
                    last = v
                else:
                    if last < 0:
                        hold_head[a] = after
                    else:
                        follower[last] = after
                    if after < 0:
                        hold_tail[a] = last
                    lane = turn_lane[best]
                    lane_turn[v] = best
                    phase[v] = 3
                    count[lane] += 1
                    length_m[lane] += space_m[v]
                    _append(v, lane, head, tail, follower)
                v = after
        # Over the stop lines.
        for k in range(lane_count):
            lane = (k + now) % lane_count
            if code_is_not_yellow(code, turn_group, lane_turn, head[lane]):
                cleared[lane] = 0
            while head[lane] >= 0:
                v = head[lane]
                turn = lane_turn[v]
                lamp = code[turn_group[turn]]
                h = at_hop[v]
                m = hop_move[h]
                if lamp == 0:
                    held[lane] = 1
                    break
                at = max(ready_s[lane], float(now), arrive_s[h])
                if held[lane] == 1:
                    at = max(at, now + lost_s)
                    held[lane] = 0
                if at >= now + 1:
                    ready_s[lane] = at
                    break
                careful = foe_first[turn + 1] > foe_first[turn] and (lamp != 1 or always[turn] == 1)
                if careful and lamp == 3:
                    if cleared[lane] >= CLEARING:
                        held[lane] = 1
                        break
                    cleared[lane] += 1
                elif careful and _gives_way(turn, now, code, yields, due, moves):
                    break
                onto = onward[h]
                if onto >= 0 and used_m[onto] > 0 and used_m[onto] + space_m[v] > room_m[onto]:
                    stuck[m] = now
                    held[lane] = 1
                    break
                head[lane] = follower[v]
                count[lane] -= 1
                length_m[lane] -= space_m[v]
                if count[lane] == 0:
                    length_m[lane] = 0.0
                waiting[m] -= 1
                leave_s[h] = at
                passed_s[m] = at
                ready_s[lane] = at + headway_s[turn]
                a = move_approach[m]
                freed_m[a, (now + 1 + int(wave_s[a])) % WINDOW] += space_m[v]
                if onto >= 0:
                    used_m[onto] += space_m[v]
                _go_on(v, h + 1, at, now, now + 1, ways, events, due)
            most_m[lane] = max(most_m[lane], length_m[lane])
        for m in range(waiting.size):
            most_waiting[m] = max(most_waiting[m], waiting[m])


@kernel
def code_is_not_yellow(code, turn_group, lane_turn, vehicle):
    """Whether a lane's first vehicle sees anything but yellow."""
    return vehicle < 0 or code[turn_group[lane_turn[vehicle]]] != 3


@kernel
def put_off(vehicle, at_s, now, ways, events, due):
    """Let a vehicle that is on the way to a hop be there at ``at_s`` instead."""
    bucket, follower, event_s, at_hop = events[0], events[1], events[2], events[3]
    second = max(int(event_s[vehicle]), now)
    move = ways[1][at_hop[vehicle]]
    if second < bucket.size:
        last = -1
        here = bucket[second]
        while here >= 0 and here != vehicle:
            last = here
            here = follower[here]
        if here < 0:
            return
        if last < 0:
            bucket[second] = follower[vehicle]
        else:
            follower[last] = follower[vehicle]
    if move >= 0 and second - now < WINDOW and due[move, second % WINDOW] > 0:
        due[move, second % WINDOW] -= 1
    second = _schedule(vehicle, at_s, now, bucket, follower, event_s)
    if move >= 0 and second - now < WINDOW:
        due[move, second % WINDOW] += 1


@kernel
def start(depart_s, events):
    """Put every vehicle's departure into its second's list."""
    bucket, follower, event_s = events[0], events[1], events[2]
    for v in range(depart_s.size - 1, -1, -1):
        _schedule(v, depart_s[v], 0, bucket, follower, event_s)


def warm():
    """Compile: no second passes on one street without vehicles."""
    ints, floats, small = np.zeros(1, np.int32), np.zeros(1), np.zeros(1, np.int8)
    none = np.zeros(0, np.int32)
    nothing = np.zeros(0)
    first = np.zeros(2, np.int32)
    streets = (
        ints, ints, floats, small, first, none, first, ints, ints, floats, small, floats, floats,
        ints, np.zeros(2),
    )  # fmt: skip
    ways = (ints, none, nothing, nothing, nothing, nothing, none, nothing, np.zeros(0, np.int8))
    events = (ints, none, nothing, none, np.zeros(0, np.int8), nothing)
    lanes = (ints, ints, ints, floats, floats, small, ints, none, floats)
    approaches = (ints, ints, ints, ints, floats, np.zeros((1, WINDOW)))
    moves = (ints, floats, ints)
    record = (nothing, nothing, nothing, none, floats, ints, floats)
    start(nothing, events)
    nobody = np.full(4, -1, np.int32)
    put_off(0, 0.0, 1, (ints, ints, *ways[2:]), (nobody, nobody, floats, ints, small, floats),
            np.zeros((1, WINDOW), np.int16))  # fmt: skip
    advance(streets, ways, events, lanes, approaches, moves, np.zeros((1, WINDOW), np.int16),
            record, np.zeros((1, 1), np.int8), 0, 0, 0)  # fmt: skip
