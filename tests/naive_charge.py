"""Slow, obvious twins of the charging kernels: linear and integer programs by SciPy, loops, lists."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import Bounds, LinearConstraint, linprog, milp


def cheapest_peak(first, end, most, need, price, cap, beside, floor, peak_price, shut=()):
    """Cost of the cheapest flow under one peak, None where there is none; price is given by slot."""
    first, end = np.asarray(first), np.asarray(end)
    stays, slots = len(first), len(price)
    offset = np.concatenate([[0], np.cumsum(end - first)])
    count = int(offset[-1])
    equal = sp.lil_matrix((stays, count + 1))
    below = sp.lil_matrix((2 * slots, count + 1))
    cost = np.zeros(count + 1)
    upper = np.full(count + 1, np.inf)
    for i in range(stays):
        for t in range(first[i], end[i]):
            at = offset[i] + t - first[i]
            equal[i, at] = 1.0
            below[t, at] = below[slots + t, at] = 1.0
            cost[at], upper[at] = price[t], 0.0 if len(shut) and shut[at] else most[i]
    counts = np.isfinite(beside)
    below[slots:, count] = -1.0
    cost[count] = peak_price
    found = linprog(
        cost, below.tocsr(), np.concatenate([cap, np.where(counts, -np.where(counts, beside, 0.0), 1e6)]), equal.tocsr(), need,
        bounds=[*zip(np.zeros(count), upper[:count], strict=True), (floor, None)],
    )  # fmt: skip
    return None if found.status == 2 else float(found.fun) - peak_price * floor


def most_delivered(first, end, most, need, cap, shut=()):
    """All the energy that stays can take under the slots' limits."""
    first, end = np.asarray(first), np.asarray(end)
    columns, rows, upper = 0, [], []
    for i in range(len(first)):
        for t in range(first[i], end[i]):
            rows.append((i, t))
            upper.append(0.0 if len(shut) and shut[columns] else most[i])
            columns += 1
    if not columns:
        return 0.0
    limit = sp.lil_matrix((len(first) + len(cap), columns))
    for at, (i, t) in enumerate(rows):
        limit[i, at] = limit[len(first) + t, at] = 1.0
    found = linprog(-np.ones(columns), limit.tocsr(), np.concatenate([need, cap]),
                    bounds=[(0.0, one) for one in upper])  # fmt: skip
    return -float(found.fun)


def cheapest_plan(first, end, most, need, price, cap, peak_price, chargers, gap=0, plug_ins=1):
    """Cost of the cheapest plan of whole chargers and few plug-ins a stay, None where there is none.

    A charger rests ``gap`` slots after every session.
    """
    first, end = np.asarray(first), np.asarray(end)
    stays, slots = len(first), len(price)
    offset = np.concatenate([[0], np.cumsum(end - first)]).astype(int)
    count = int(offset[-1])
    width = 4 * count + 1  # power, plugged in, begins, has just ended, peak
    cost, upper = np.zeros(width), np.ones(width)
    cost[-1], upper[-1] = peak_price, np.inf
    whole = np.zeros(width)
    whole[count : 2 * count] = 1
    rows, low, high = [], [], []

    def row(terms, at_least, at_most):
        rows.append(terms)
        low.append(at_least)
        high.append(at_most)

    for i in range(stays):
        span = range(offset[i], offset[i + 1])
        row([(at, 1.0) for at in span], need[i], need[i])
        row([(2 * count + at, 1.0) for at in span], 0, plug_ins)
        for k, at in enumerate(span):
            cost[at], upper[at] = price[first[i] + k], most[i]
            row([(at, 1.0), (count + at, -most[i])], -np.inf, 0)
            before = [(count + at - 1, 1.0)] if k else []
            row(
                [(count + at, 1.0), *[(a, -v) for a, v in before], (2 * count + at, -1.0)],
                -np.inf,
                0,
            )
            after = [(count + at + 1, -1.0)] if at + 1 < offset[i + 1] else []
            row([(count + at, 1.0), *after, (3 * count + at, -1.0)], -np.inf, 0)
    for t in range(slots):
        here = [offset[i] + t - first[i] for i in range(stays) if first[i] <= t < end[i]]
        if here:
            row([(at, 1.0) for at in here], -np.inf, cap[t])
            row([*[(at, 1.0) for at in here], (width - 1, -1.0)], -np.inf, 0)
        rests = [
            offset[i] + s - first[i] for i in range(stays) for s in range(t - gap, t) if first[i] <= s < end[i]
        ]  # fmt: skip
        if here or rests:
            held = [(count + at, 1.0) for at in here] + [(3 * count + at, 1.0) for at in rests]
            row(held, -np.inf, chargers)
    matrix = sp.lil_matrix((len(rows), width))
    for r, terms in enumerate(rows):
        for at, value in terms:
            matrix[r, at] += value
    found = milp(cost, constraints=LinearConstraint(matrix.tocsr(), low, high), integrality=whole,
                 bounds=Bounds(np.zeros(width), upper), options={"mip_rel_gap": 1e-7, "time_limit": 60})  # fmt: skip
    return float(found.fun) if found.status == 0 else None


def most_runs(low, high, gain, usable, gap, parts):
    """Largest sum of ``gain`` over few runs of usable slots, each followed by ``gap`` usable ones of its own."""
    best = 0.0

    def extend(start, left, value):
        nonlocal best
        best = max(best, value)
        if not left:
            return
        for a in range(start, high):
            total = 0.0
            for b in range(a, high):
                if not usable[b]:
                    break
                total += gain[b]
                if all(usable[s] for s in range(b + 1, min(b + 1 + gap, len(usable)))):
                    extend(b + 1 + gap, left - 1, value + total)

    extend(low, parts, 0.0)
    return best


def most_at_once(begin, finish, gap=0):
    """How many sessions hold a charger or let it rest at once, at most; -1 is none."""
    return max(
        (sum(1 for b, f in zip(begin, finish, strict=True) if 0 <= b <= t < f + gap)
         for t in [one for one in begin if one >= 0]),
        default=0,
    )  # fmt: skip


def by_arrival(first, end, most, need, cap, chargers, gap=0, *, balanced):
    """First come, first served: what is left undelivered, and kW by stay and slot."""
    stays = sorted(range(len(first)), key=lambda i: (first[i], i))
    left = dict(enumerate(need))
    power = {i: [0.0] * int(end[i] - first[i]) for i in range(len(first))}
    plugged, seen, gone = [], set(), []
    for t in range(len(cap)):
        gone += [t for i in plugged if not (left[i] > 1e-9 and end[i] > t)]
        resting = sum(1 for one in gone if one <= t < one + gap)
        plugged = [i for i in plugged if left[i] > 1e-9 and end[i] > t]
        queue = [i for i in stays if first[i] <= t < end[i] and i not in seen and left[i] > 1e-9]
        while queue and len(plugged) + resting < chargers:
            plugged.append(queue[0])
            seen.add(queue.pop(0))
        room = cap[t]
        for i in plugged:
            kw = min(most[i], left[i])
            if balanced and not queue:
                kw = min(kw, left[i] / (end[i] - t))
            kw = min(kw, room)
            power[i][t - first[i]] = kw
            left[i] -= kw
            room -= kw
    flat = [kw for i in range(len(first)) for kw in power[i]]
    return sum(left.values()), np.array(flat)


def worn_value(problem):
    """Value of the relaxation with wear and energy given back, None where there is none.

    Dense and plain: a column for each kW taken, given, worn, each level and each kWh above the high mark;
    a step of wear is a column that is at least the power above it.
    """
    slot, hours = problem.slot_s, problem.slot_s / 3600
    wear, back = problem.wear, problem.give_back

    def price(pairs, when):
        second = np.full(86_400, pairs[-1][1], float)
        for at, each in pairs:
            second[at:] = each
        return second[when * slot % 86_400 :][:slot].mean()

    cost, bounds, below, right, equal, exactly = [], [], [], [], [], []

    def column(each, low, high):
        cost.append(each)
        bounds.append((low, high))
        return len(cost) - 1

    total = 0.0
    for site in problem.sites:
        most = site.chargers * site.kw
        most = most if site.cap_kw is None else min(most, site.cap_kw)
        peak, here = column(problem.demand, 0.0, None), {}
        for row in problem.stays[problem.stays["site"] == site.name].itertuples():
            if row.need_kwh <= 0:
                continue
            known = np.isfinite(row.battery_kwh) and np.isfinite(row.soc_kwh)
            power, level = [], row.soc_kwh
            for when in range(-(-(row.arrive_s + site.setup_s) // slot), row.depart_s // slot):
                buy = price(problem.energy, when)
                sell = price(back.price, when) if back else 0.0
                take = column(buy * hours, 0.0, min(row.max_kw, site.kw))
                give = column(-sell * hours, 0.0, back.kw if back and known else 0.0)
                power += [(take, 1.0), (give, -1.0)]
                here.setdefault(when, []).append((take, give))
                if back and known and sell > buy:
                    below.append({take: 1 / min(row.max_kw, site.kw), give: 1 / back.kw})
                    right.append(1.0)
                if wear and np.isfinite(row.battery_kwh):
                    before = 0.0
                    for rate, each in wear.c_rate:
                        for flow in (take, give):
                            part = column((each - before) * hours, 0.0, None)
                            below.append({flow: 1.0, part: -1.0})
                            right.append(rate * row.battery_kwh)
                        before = each
                if known:
                    least = min(row.soc_kwh, back.least_soc * row.battery_kwh) if back else 0.0
                    end = column(0.0, least, row.battery_kwh + 1e-9)
                    rise = {end: 1.0, take: -hours, give: hours}
                    if isinstance(level, float):
                        equal.append(rise)
                        exactly.append(level)
                    else:
                        equal.append({**rise, level: -1.0})
                        exactly.append(0.0)
                    level = end
                    if wear and wear.high_price > 0:
                        above = column(wear.high_price * hours, 0.0, None)
                        below.append({end: 1.0, above: -1.0})
                        right.append(wear.high_soc * row.battery_kwh)
            if not power:
                return None
            equal.append({at: sign * hours for at, sign in power})
            exactly.append(row.need_kwh)
        for flows in here.values():
            net = dict([(take, 1.0) for take, _ in flows] + [(give, -1.0) for _, give in flows])
            below += [net, {at: -sign for at, sign in net.items()}, {**net, peak: -1.0}]
            right += [most, most, 0.0]

    def dense(rows):
        matrix = np.zeros((len(rows), len(cost)))
        for number, row in enumerate(rows):
            for at, value in row.items():
                matrix[number, at] = value
        return matrix

    if not equal:
        return total
    found = linprog(
        cost, dense(below) if below else None, right or None, dense(equal), exactly, bounds=bounds
    )
    return None if found.status == 2 else float(found.fun)
