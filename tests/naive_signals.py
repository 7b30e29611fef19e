"""Slow, obvious twin of the queue kernels: vehicles as objects, lists for queues."""

import math
from collections import defaultdict


class Car:
    def __init__(self, row, at, hops, bus, space):
        self.row, self.at, self.hops, self.bus, self.space = row, at, hops, bus, space
        self.next = 0  # of its hops
        self.turn = None
        self.entered = self.done = math.nan


class Town:
    """The fast model, one second at a time, told as it is on the street."""

    def __init__(self, streets, traffic, boarding):
        (self.turn_lane, self.turn_group, self.headway, self.always, self.foe_first, self.foe_move,
         self.turn_first, self.side, self.move_group, self.storage, self.buses_only, self.room,
         self.wave, self.look, rules) = streets.arrays  # fmt: skip
        self.lost, self.gap = rules[0], int(rules[1])
        self.traffic, self.boarding = traffic, boarding
        self.lanes = [[] for _ in self.storage]
        self.ready = [0.0] * len(self.storage)
        self.held = [False] * len(self.storage)
        self.cleared = [0] * len(self.storage)
        self.behind = [[] for _ in self.room]
        self.outside = [[] for _ in self.room]
        self.used = [0.0] * len(self.room)
        self.freed = defaultdict(float)  # (side, second) -> metres
        self.passed = [-1e9] * len(self.side)
        self.stuck = [-10] * len(self.side)
        self.last_bus = [-1e9] * max(1, len(traffic.stops))
        self.arrive = [math.nan] * len(traffic.move)
        self.leave = [math.nan] * len(traffic.move)
        self.events = defaultdict(list)  # second -> cars
        self.cars = []
        for v in range(len(traffic)):
            hops = list(range(traffic.hop_first[v], traffic.hop_first[v + 1]))
            car = Car(v, traffic.depart_s[v], hops, traffic.bus[v], traffic.space_m[v])
            self.cars.append(car)
            self.events[int(car.at)].append(car)
        self.waiting = [0] * len(self.side)
        self.most = [0] * len(self.side)
        self.coming = defaultdict(int)  # (movement, second)

    def line_side(self, car, start):
        """Side of the first stop line among a car's hops from ``start`` on."""
        lines = [h for h in car.hops[start:] if self.traffic.move[h] >= 0]
        return self.side[self.traffic.move[lines[0]]] if lines else None

    def full(self, side, space):
        return (
            side is not None and self.used[side] > 0 and self.used[side] + space > self.room[side]
        )

    def go_on(self, car, left, earliest):
        if car.next >= len(car.hops):
            car.done = left
            return
        hop = car.hops[car.next]
        car.at = left + self.traffic.travel_s[hop]
        second = max(int(car.at), earliest)
        self.events[second].append(car)
        if self.traffic.move[hop] >= 0:
            self.coming[self.traffic.move[hop], second] += 1

    def come_in(self, car, at, earliest):
        car.entered = at
        side = self.line_side(car, 0)
        if side is not None:
            self.used[side] += car.space
        self.go_on(car, at, earliest)

    def step(self, now, code):
        for side in range(len(self.room)):
            self.used[side] -= self.freed.pop((side, now), 0.0)
        while self.events[now]:
            car = min(self.events[now], key=lambda one: (one.at, one.row))
            self.events[now].remove(car)
            self.happen(car, now)
        for side, queue in enumerate(self.outside):
            while queue and not self.full(side, queue[0].space):
                car = queue.pop(0)
                self.come_in(car, max(car.at, float(now)), now + 1)
        for side in range(len(self.room)):
            self.into_lanes(side)
        for k in range(len(self.lanes)):
            self.over_the_line((k + now) % len(self.lanes), now, code)
        for m, count in enumerate(self.waiting):
            self.most[m] = max(self.most[m], count)

    def happen(self, car, now):
        if math.isnan(car.entered):
            side = self.line_side(car, 0)
            if side is not None and (self.outside[side] or self.full(side, car.space)):
                self.outside[side].append(car)
            else:
                self.come_in(car, car.at, now)
            return
        hop = car.hops[car.next]
        move = self.traffic.move[hop]
        self.arrive[hop] = car.at
        if move >= 0:
            self.waiting[move] += 1
            self.behind[self.side[move]].append(car)
            return
        stop = -1 - move
        dwell, planned = self.traffic.dwell_s[hop], self.traffic.planned_s[hop]
        if planned > 0 and self.last_bus[stop] > -1e8:
            apart = min(3.0, max(0.0, (car.at - self.last_bus[stop]) / planned))
            dwell *= 1.0 - self.boarding + self.boarding * apart
        self.leave[hop] = max(car.at + dwell, self.traffic.hold_s[hop])
        self.last_bus[stop] = max(self.last_bus[stop], self.leave[hop])
        car.next += 1
        self.go_on(car, self.leave[hop], now)

    def metres(self, lane):
        return sum(car.space for car in self.lanes[lane])

    def into_lanes(self, side):
        blocked = 0
        for car in list(self.behind[side]):
            if blocked >= self.look[side]:
                return
            move = self.traffic.move[car.hops[car.next]]
            able = [
                (self.metres(self.turn_lane[turn]), turn)
                for turn in range(self.turn_first[move], self.turn_first[move + 1])
                if (car.bus or not self.buses_only[self.turn_lane[turn]])
                and (not self.lanes[self.turn_lane[turn]] or self.metres(self.turn_lane[turn])
                     + car.space <= self.storage[self.turn_lane[turn]])
            ]  # fmt: skip
            if not able:
                blocked += 1
                continue
            car.turn = min(able)[1]
            self.behind[side].remove(car)
            self.lanes[self.turn_lane[car.turn]].append(car)

    def must_wait(self, turn, now, code):
        for foe in self.foe_move[self.foe_first[turn] : self.foe_first[turn + 1]]:
            if code[self.move_group[foe]] != 1:
                continue
            stands = self.waiting[foe] > 0 and self.stuck[foe] < now - 1
            soon = any(self.coming[foe, now + ahead] for ahead in range(1, self.gap + 1))
            if self.passed[foe] > now - 1.0 or stands or soon:
                return True
        return False

    def over_the_line(self, lane, now, code):
        queue = self.lanes[lane]
        if not queue or code[self.turn_group[queue[0].turn]] != 3:
            self.cleared[lane] = 0
        while queue:
            car = queue[0]
            hop = car.hops[car.next]
            move = self.traffic.move[hop]
            lamp = code[self.turn_group[car.turn]]
            if lamp == 0:
                self.held[lane] = True
                return
            at = max(self.ready[lane], float(now), self.arrive[hop])
            if self.held[lane]:
                at, self.held[lane] = max(at, now + self.lost), False
            if at >= now + 1:
                self.ready[lane] = at
                return
            careful = self.foe_first[car.turn + 1] > self.foe_first[car.turn] and (
                lamp != 1 or self.always[car.turn]
            )
            if careful and lamp == 3:
                if self.cleared[lane] >= 2:
                    self.held[lane] = True
                    return
                self.cleared[lane] += 1
            elif careful and self.must_wait(car.turn, now, code):
                return
            onto = self.line_side(car, car.next + 1)
            if self.full(onto, car.space):
                self.stuck[move], self.held[lane] = now, True
                return
            queue.pop(0)
            self.waiting[move] -= 1
            self.leave[hop] = self.passed[move] = at
            self.ready[lane] = at + self.headway[car.turn]
            side = self.side[move]
            self.freed[side, now + 1 + int(self.wave[side])] += car.space
            if onto is not None:
                self.used[onto] += car.space
            car.next += 1
            self.go_on(car, at, now + 1)


def queues(streets, traffic, codes, boarding):
    """Arrivals and departures by hop, entries by vehicle, and the longest queues by movement."""
    town = Town(streets, traffic, boarding)
    for now, code in enumerate(codes):
        town.step(now, code)
    entered = [car.entered for car in town.cars]
    return town.arrive, town.leave, entered, [car.done for car in town.cars], town.most
