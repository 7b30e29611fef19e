"""Kernels of the multi-depot problem. Trips: int32 rows in topological order. Costs: one unit.

A *way* is a block of one depot: out of depot k, some trips in order, home to k. Its *slack* is its
cost, plus the rent of a place in k, less the prices of its trips. ``leave`` and ``enter`` are (trips,
depots): the cost out of a depot to a trip, and from a trip home; ``FAR`` where there is no such run.
``fore[i, k]`` is the least slack of a beginning that ends with trip i, its price taken off,
``back[i, k]`` the least of what may follow it: their sum is the least slack of any way of depot k
through trip i. Depot k may go on from trip i by the links ``start[i, k]`` to ``end[i, k]`` of ``to``
(the next trip) and ``cost``; depots may share links.
"""

import numpy as np

from mobility._jit import kernel

FAR = 1 << 60
_NO_WAY = FAR >> 1
# Ways whose weight is below exp(-25) of the best do not count.
_REACH = 25.0
# Weights stay between these, so that no product of a few of them overflows.
_LEAST = 1e-60
_MOST = 1e60


@kernel
def lean_back(start, end, to, cost, enter, price, alive, back):
    """Fill ``back``; ``FAR`` for trips that are not alive."""
    trips, depots = back.shape
    for i in range(trips - 1, -1, -1):
        for k in range(depots):
            least = enter[i, k] + 0 * price[i]
            if not alive[i]:
                back[i, k] = FAR
                continue
            for one in range(start[i, k], end[i, k]):
                j = to[one]
                least = min(least, cost[one] - price[j] + back[j, k])
            back[i, k] = least


@kernel
def lean_fore(start, end, to, cost, leave, price, alive, fore):
    """Fill ``fore``; ``FAR`` for trips that are not alive."""
    trips, depots = fore.shape
    for i in range(trips):
        for k in range(depots):
            fore[i, k] = leave[i, k] - price[i]
    for i in range(trips):
        for k in range(depots):
            if not alive[i]:
                fore[i, k] = FAR
                continue
            for one in range(start[i, k], end[i, k]):
                j = to[one]
                fore[j, k] = min(fore[j, k], fore[i, k] + cost[one] - price[j])


@kernel
def tighten(start, end, to, cost, leave, enter, price, alive, fore, back):
    """Set each price in turn so that the best way through its trip has slack 0; forth, then back.

    ``back`` must fit the prices on entry. Afterwards no way has slack below 0 and ``back`` fits.
    Trips without a way keep their price.
    """
    trips, depots = fore.shape
    for i in range(trips):
        for k in range(depots):
            fore[i, k] = leave[i, k]
    for i in range(trips):
        if not alive[i]:
            continue
        least = fore[i, 0] + back[i, 0]
        for k in range(1, depots):
            least = min(least, fore[i, k] + back[i, k])
        if least < _NO_WAY:
            price[i] = least
        for k in range(depots):
            fore[i, k] -= price[i]
            for one in range(start[i, k], end[i, k]):
                fore[to[one], k] = min(fore[to[one], k], fore[i, k] + cost[one])
    for i in range(trips - 1, -1, -1):
        if not alive[i]:
            continue
        lowest = FAR + FAR + 0 * price[i]
        for k in range(depots):
            least = enter[i, k] + 0 * price[i]
            for one in range(start[i, k], end[i, k]):
                j = to[one]
                if alive[j]:
                    least = min(least, cost[one] - price[j] + back[j, k])
            back[i, k] = least
            lowest = min(lowest, fore[i, k] + least)
        if lowest < _NO_WAY:
            price[i] += lowest


@kernel
def near_links(
    start, end, to, cost, price, alive, fore, back, limit, near_start, near_end, near_to, near_cost,
):  # fmt: skip
    """List the links of each depot that lie on a way with slack up to ``limit``.

    Returns how many there are; only as many as ``near_to`` holds are written.
    """
    trips, depots = fore.shape
    found = 0
    for i in range(trips):
        for k in range(depots):
            near_start[i, k] = found
            near_end[i, k] = found
            if not alive[i] or fore[i, k] + back[i, k] > limit:
                continue
            for one in range(start[i, k], end[i, k]):
                j = to[one]
                if alive[j] and fore[i, k] + cost[one] - price[j] + back[j, k] <= limit:
                    if found < near_to.size:
                        near_to[found] = j
                        near_cost[found] = cost[one]
                    found += 1
            near_end[i, k] = found
    return found


@kernel
def share_out(
    start, end, to, weight, opening, ending, alive, room, ceiling, rounds, halt,
    lift, tax, ahead, after,
):  # fmt: skip
    """Weigh all near ways against each other until every trip is driven about once.

    Ways have weight exp(-slack / heat). Back and forth, each trip's ``lift`` (exp of the change of
    its price / heat) is set so that the weights of the ways through it sum to 1, and each depot's
    ``tax`` (exp of less rent / heat, at most ``ceiling``) so that at most ``room`` begin there: exact
    coordinate ascent of the smoothed dual. Returns the mean distance from 1 in the last round, and
    how many blocks there are.
    """
    trips, depots = opening.shape
    error = 0.0
    blocks = 0.0
    for turn in range(rounds):
        if halt[0] != 0:
            break
        for i in range(trips - 1, -1, -1):
            if not alive[i]:
                continue
            total = 0.0
            for k in range(depots):
                one = ending[i, k]
                for link in range(start[i, k], end[i, k]):
                    one += weight[link] * lift[to[link]] * after[to[link], k]
                after[i, k] = one
                total += ahead[i, k] * one
            if turn > 0:
                lift[i] = min(max(lift[i] / max(total, _LEAST), _LEAST), _MOST)
        for i in range(trips):
            for k in range(depots):
                ahead[i, k] = opening[i, k] * tax[k]
        error = 0.0
        living = 1e-9
        for i in range(trips):
            if not alive[i]:
                continue
            total = 0.0
            for k in range(depots):
                total += ahead[i, k] * after[i, k]
            living += 1.0
            error += abs(total * lift[i] - 1.0)
            lift[i] = min(max(1.0 / max(total, _LEAST), _LEAST), _MOST)
            for k in range(depots):
                ahead[i, k] *= lift[i]
                for link in range(start[i, k], end[i, k]):
                    ahead[to[link], k] += ahead[i, k] * weight[link]
        error /= living
        blocks = 0.0
        for k in range(depots):
            total = 0.0
            for i in range(trips):
                if alive[i]:
                    total += ahead[i, k] * ending[i, k]
            wanted = ceiling[k]
            if total * ceiling[k] > room[k] * tax[k]:
                wanted = tax[k] * room[k] / total
            if wanted != tax[k] and wanted > 0.0:
                total *= wanted / tax[k]
                for i in range(trips):
                    ahead[i, k] *= wanted / tax[k]
                tax[k] = wanted
            blocks += total
    return error, blocks


@kernel
def cool(start, end, to, cost, leave, enter, room, alive, price, rent, heat, rounds, halt):
    """Move prices and rents towards the best of the dual smoothed at ``heat``.

    ``leave`` is without rent, ``FAR`` for depots that are not to be used. Returns the mean distance
    of the trips' weights from 1, and how many blocks the weights amount to.
    """
    trips, depots = leave.shape
    fore = np.empty((trips, depots))
    back = np.empty((trips, depots))
    opening = leave + rent
    lean_back(start, end, to, cost, enter, price, alive, back)
    tighten(start, end, to, cost, opening, enter, price, alive, fore, back)
    lean_fore(start, end, to, cost, opening, price, alive, fore)
    limit = _REACH * heat
    near_start = np.empty((trips, depots), np.int64)
    near_end = np.empty((trips, depots), np.int64)
    near_to = np.empty(16 * trips, np.int32)
    weight = np.empty(16 * trips)
    found = near_links(
        start, end, to, cost, price, alive, fore, back, limit, near_start, near_end, near_to, weight
    )
    if found > near_to.size:
        near_to, weight = np.empty(found, np.int32), np.empty(found)
        near_links(
            start, end, to, cost, price, alive, fore, back, limit,
            near_start, near_end, near_to, weight,
        )  # fmt: skip
    ending = np.zeros((trips, depots))
    for i in range(trips):
        for k in range(depots):
            near = alive[i] and fore[i, k] + back[i, k] <= limit
            if near:
                opening[i, k] = np.exp((fore[i, k] - opening[i, k] + price[i]) / heat)
                ending[i, k] = np.exp(-(fore[i, k] + enter[i, k]) / heat)
            else:
                opening[i, k] = 0.0
            for link in range(near_start[i, k], near_end[i, k]):
                j = near_to[link]
                weight[link] = np.exp((fore[j, k] - fore[i, k] - weight[link] + price[j]) / heat)
    lift = np.ones(trips)
    tax = np.ones(depots)
    ceiling = np.exp(np.minimum(rent / heat, 500.0))
    ahead = np.zeros((trips, depots))
    after = np.zeros((trips, depots))
    error, blocks = share_out(
        near_start, near_end, near_to, weight, opening, ending, alive, room, ceiling, rounds,
        halt, lift, tax, ahead, after,
    )  # fmt: skip
    for i in range(trips):
        if alive[i]:
            price[i] += heat * np.log(lift[i])
    for k in range(depots):
        rent[k] = max(0.0, rent[k] - heat * np.log(tax[k]))
    return error, blocks


@kernel
def dive(
    start, end, to, cost, leave, enter, room, price, rent, heat, rounds, share, noise, random,
    halt, home, base, paid,
):  # fmt: skip
    """Build whole blocks, the surest first, prices found anew after every few.

    Fills ``home`` (trips: the number of the block, -1 where no depot has room), ``base`` and ``paid``
    (blocks: depot and cost). ``price``, ``rent`` and ``room`` are used up. ``share`` is the part of
    the remaining blocks that is built at a time, ``noise`` shakes their order; it gives up when
    ``halt[0]`` is no longer 0. Returns how many blocks, and how many trips are left out.
    """
    trips, depots = leave.shape
    alive = np.ones(trips, np.bool_)
    back = np.empty((trips, depots))
    opened = leave.copy()
    score = np.empty(trips)
    depot = np.zeros(trips, np.int32)
    way = np.empty(trips, np.int32)
    home[:] = -1
    blocks = 0
    left = trips
    while left > 0 and halt[0] == 0:
        for k in range(depots):
            if room[k] <= 0:
                opened[:, k] = FAR
        _, hoped = cool(
            start, end, to, cost, opened, enter, room, alive, price, rent, heat, rounds, halt
        )
        lean_back(start, end, to, cost, enter, price, alive, back)
        for i in range(trips):
            score[i] = FAR
            if not alive[i]:
                continue
            for k in range(depots):
                slack = opened[i, k] + rent[k] - price[i] + back[i, k]
                if slack < score[i]:
                    score[i] = slack
                    depot[i] = k
            if score[i] < _NO_WAY:
                score[i] -= noise * heat * np.log(random.random() + 1e-12)
        wanted = max(1.0, share * hoped)
        taken = 0
        for i in np.argsort(score):
            if score[i] >= _NO_WAY or (taken >= wanted and score[i] > 0.3 * heat):
                break
            k = depot[i]
            if not alive[i] or room[k] <= 0:
                continue
            total = leave[i, k]
            size = 0
            last = i
            fits = True
            while fits:
                way[size] = last
                size += 1
                least = enter[last, k]
                run = least
                then = -1
                for link in range(start[last, k], end[last, k]):
                    value = cost[link] - price[to[link]] + back[to[link], k]
                    if value < least:
                        least = value
                        run = cost[link]
                        then = to[link]
                total += run
                if then < 0:
                    break
                fits = alive[then]
                last = then
            if not fits:
                continue
            for at in range(size):
                alive[way[at]] = False
                home[way[at]] = blocks
            base[blocks] = k
            paid[blocks] = total
            room[k] -= 1
            blocks += 1
            taken += 1
            left -= size
        if taken == 0:
            break
    return blocks, left


@kernel
def search(
    start, end, to, cost, leave, enter, room, price, rent, kin, kin_start, penalty, heat, rounds,
    share, noise, least, most, trials, random, halt, home, base, paid,
):  # fmt: skip
    """Take some blocks that lie near each other apart and build them anew, ``trials`` times.

    ``home`` (trips: block, -1 where left out), ``base`` (blocks: depot, -1 where unused) and ``paid``
    (blocks: cost) are the plan, changed where it gets no dearer; a trip left out costs ``penalty``.
    ``kin`` are the trips that may follow or lead up to a trip with little slack, from ``kin_start``.
    Blocks with much slack are taken first. Returns the cost saved.
    """
    trips, depots = leave.shape
    slots = base.size
    local = np.full(trips, -1, np.int32)
    rows = np.empty(trips, np.int32)
    picks = np.empty(trips, np.int32)
    slack = np.empty(trips)
    saved = 0.0
    for _ in range(trials):
        if halt[0] != 0:
            break
        spare = room.copy()
        for block in range(slots):
            slack[block] = 0.0
            if base[block] >= 0:
                spare[base[block]] -= 1
                slack[block] = paid[block] + rent[base[block]]
        for i in range(trips):
            if home[i] >= 0:
                slack[home[i]] -= price[i]
        # The first trip: of a block with slack, or any.
        now = int(random.random() * trips)
        if random.random() < 0.7:
            total = 0.0
            for i in range(trips):
                total += penalty if home[i] < 0 else max(slack[home[i]], 0.0)
            aim = random.random() * total
            for i in range(trips):
                aim -= penalty if home[i] < 0 else max(slack[home[i]], 0.0)
                if aim <= 0.0:
                    now = i
                    break
        wanted = least + int(random.random() * (most + 1 - least))
        chosen = np.zeros(slots, np.bool_)
        size = 0
        count = 0
        for _ in range(20 * wanted):
            if local[now] < 0:
                count += 1
                if home[now] < 0:
                    local[now] = 0
                    picks[size] = now
                    size += 1
                else:
                    chosen[home[now]] = True
                    for i in range(trips):
                        if home[i] == home[now]:
                            local[i] = 0
                            picks[size] = i
                            size += 1
            if count >= wanted:
                break
            now = picks[int(random.random() * size)]
            if kin_start[now + 1] > kin_start[now]:
                kins = kin_start[now + 1] - kin_start[now]
                now = kin[kin_start[now] + int(random.random() * kins)]
        old = 0.0
        for block in range(slots):
            if chosen[block]:
                old += paid[block]
                spare[base[block]] += 1
        at = 0
        links = 0
        for i in range(trips):
            if local[i] >= 0:
                local[i] = at
                rows[at] = i
                at += 1
                if home[i] < 0:
                    old += penalty
                for k in range(depots):
                    links += end[i, k] - start[i, k]
        sub_start = np.empty((size, depots), np.int64)
        sub_end = np.empty((size, depots), np.int64)
        sub_to = np.empty(links, np.int32)
        sub_cost = np.empty(links)
        sub_leave = np.empty((size, depots))
        sub_enter = np.empty((size, depots))
        sub_price = np.empty(size)
        links = 0
        for at in range(size):
            i = rows[at]
            sub_leave[at] = leave[i]
            sub_enter[at] = enter[i]
            sub_price[at] = price[i]
            for k in range(depots):
                sub_start[at, k] = links
                for link in range(start[i, k], end[i, k]):
                    if local[to[link]] >= 0:
                        sub_to[links] = local[to[link]]
                        sub_cost[links] = cost[link]
                        links += 1
                sub_end[at, k] = links
        sub_home = np.empty(size, np.int32)
        sub_base = np.empty(size, np.int32)
        sub_paid = np.empty(size)
        blocks, left = dive(
            sub_start, sub_end, sub_to, sub_cost, sub_leave, sub_enter, spare, sub_price,
            rent.copy(), heat, rounds, share, noise, random, halt, sub_home,
            sub_base, sub_paid,
        )  # fmt: skip
        new = left * penalty
        for block in range(blocks):
            new += sub_paid[block]
        if new <= old:
            saved += old - new
            for block in range(slots):
                if chosen[block]:
                    base[block] = -1
            free = 0
            for block in range(blocks):
                while base[free] >= 0:
                    free += 1
                base[free] = sub_base[block]
                paid[free] = sub_paid[block]
                picks[block] = free
            for at in range(size):
                home[rows[at]] = picks[sub_home[at]] if sub_home[at] >= 0 else -1
        for at in range(size):
            local[rows[at]] = -1
    return saved


def warm():
    """Call every kernel that Python calls, with the dtypes it is used with."""
    shape = (2, 1)
    start = np.array([[0], [1]], np.int64)
    end = np.array([[1], [1]], np.int64)
    to = np.array([1], np.int32)
    alive = np.ones(2, np.bool_)
    room = np.ones(1, np.int64)
    halt, random = np.zeros(1, np.int8), np.random.default_rng(0)
    home, base = np.zeros(2, np.int32), np.zeros(2, np.int32)
    for kind in (np.float64, np.int64):
        cost, ends, price = np.ones(1, kind), np.ones(shape, kind), np.zeros(2, kind)
        fore, back = np.empty(shape, kind), np.empty(shape, kind)
        lean_back(start, end, to, cost, ends, price, alive, back)
        tighten(start, end, to, cost, ends, ends, price, alive, fore, back)
        lean_fore(start, end, to, cost, ends, price, alive, fore)
    cost, ends = np.ones(1), np.ones(shape)
    price, rent, paid = np.zeros(2), np.zeros(1), np.ones(2)
    near_links(
        start, end, to, cost, price, alive, ends, ends, 1.0, start.copy(), end.copy(), to.copy(),
        cost.copy(),
    )  # fmt: skip
    cool(start, end, to, cost, ends, ends, room, alive, price, rent, 1.0, 1, halt)
    dive(
        start, end, to, cost, ends, ends, room.copy(), price, rent, 1.0, 1, 1.0, 0.0, random,
        halt, home.copy(), base.copy(), paid.copy(),
    )  # fmt: skip
    search(
        start, end, to, cost, ends, ends, room, price, rent, to, np.zeros(3, np.int64), 9.0, 1.0, 1,
        1.0, 0.0, 1, 1, 1, random, halt, home, base, paid,
    )  # fmt: skip
