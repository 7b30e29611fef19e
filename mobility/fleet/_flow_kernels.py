"""Primal network simplex. Flows, capacities, costs and potentials: int64. Nodes and arcs: int32 rows.

The basis is a tree over the nodes and one root. A node knows its parent, the arc that joins them
(``pred``, ``up`` when the arc leads to the parent) with its flow and room, how many nodes hang below
it, itself included, and its children as a doubly linked list. Trees stay strongly feasible, so that
degenerate pivots cannot cycle. Potentials matter by their differences only: a pivot shifts those of
the smaller side of the tree.

Reference: Ahuja, Magnanti, Orlin (1993), "Network Flows", chapter 11.
"""

import numpy as np

from mobility._jit import kernel


@kernel
def network_simplex(tails, heads, capacity, cost, supply, big, phases, flow, potential):
    """Least-cost flows for several costs, one after the other, each from the last one's basis.

    ``cost`` is (costs, arcs); fills ``flow`` (costs, arcs) and ``potential`` (costs, nodes).

    ``big`` is the cost of an artificial arc: more than any path. ``phases`` are rising counts of
    arcs, the last one all of them: each phase prices only so many first arcs, so a good basis of
    cheap arcs is found before the many dear ones are looked at. Returns the flow left on artificial
    arcs (above 0: the supplies cannot be met) and the number of pivots.
    """
    arcs = tails.size
    nodes = supply.size
    root = nodes
    total = arcs + nodes  # real arcs, then one artificial arc a node

    tail = np.empty(total, np.int32)
    head = np.empty(total, np.int32)
    room = np.empty(total, np.int64)
    price = np.empty(total, np.int64)
    amount = np.zeros(total, np.int64)
    state = np.ones(total, np.int8)  # 1 at 0, -1 at capacity, 0 in the tree
    tail[:arcs] = tails
    head[:arcs] = heads
    room[:arcs] = capacity
    price[:arcs] = cost[0]

    parent = np.empty(nodes + 1, np.int32)
    pred = np.empty(nodes + 1, np.int32)
    up = np.empty(nodes + 1, np.bool_)
    size = np.ones(nodes + 1, np.int32)
    carried = np.zeros(nodes + 1, np.int64)  # flow on the arc to the parent
    limits = np.zeros(nodes + 1, np.int64)  # its capacity
    child = np.full(nodes + 1, -1, np.int32)
    after = np.full(nodes + 1, -1, np.int32)
    before = np.full(nodes + 1, -1, np.int32)
    pi = np.zeros(nodes + 1, np.int64)
    stack = np.empty(nodes + 1, np.int32)

    parent[root] = -1
    pred[root] = -1
    up[root] = False
    size[root] = nodes + 1
    for node in range(nodes):
        arc = arcs + node
        limits[node] = np.int64(1) << 60
        room[arc] = limits[node]
        state[arc] = 0
        parent[node] = root
        pred[node] = arc
        after[node] = child[root]
        if child[root] >= 0:
            before[child[root]] = node
        child[root] = node
        if supply[node] >= 0:
            up[node] = True
            tail[arc] = node
            head[arc] = root
            carried[node] = supply[node]
            price[arc] = big if supply[node] > 0 else 0
            pi[node] = price[arc]
        else:
            up[node] = False
            tail[arc] = root
            head[arc] = node
            carried[node] = -supply[node]
            price[arc] = big
            pi[node] = -big

    # pi[u] is what a unit at u costs on its way to the root: an arc u -> v is worth entering when
    # price + pi[v] - pi[u] is below 0 at no flow, above 0 at capacity.
    pivots = 0
    far = np.int64(1) << 58
    for turn in range(cost.shape[0]):
        if turn > 0:
            # Another cost: the tree stays, the prices of its nodes are counted anew.
            price[:arcs] = cost[turn]
            pi[root] = 0
            top = 0
            stack[0] = root
            while top >= 0:
                node = stack[top]
                top -= 1
                if node != root:
                    arc = pred[node]
                    pi[node] = pi[parent[node]] + (price[arc] if up[node] else -price[arc])
                below = child[node]
                while below >= 0:
                    top += 1
                    stack[top] = below
                    below = after[below]
        phase = 0
        limit = phases[0]
        block = max(10, int(np.sqrt(limit)))
        place = 0
        while True:
            entering = -1
            least = np.int64(0)
            looked = 0
            seen = 0
            while seen < limit:
                reduced = state[place] * (price[place] + pi[head[place]] - pi[tail[place]])
                if reduced < least:
                    least = reduced
                    entering = place
                place += 1
                if place >= limit:
                    place = 0
                seen += 1
                looked += 1
                if looked == block:
                    if entering >= 0:
                        break
                    looked = 0
            if entering < 0:
                phase += 1
                if phase == phases.size:
                    break
                limit = phases[phase]
                block = max(10, int(np.sqrt(limit)))
                continue
            pivots += 1

            # The cycle is walked in the direction of the flow that enters: join -> first -> second
            # -> join. The last blocking arc on that way leaves: this keeps the tree strongly feasible.
            # The smaller subtree cannot hold the join, so that side climbs.
            if state[entering] == 1:
                first, second = tail[entering], head[entering]
            else:
                first, second = head[entering], tail[entering]
            one, other = np.int64(1) << 60, np.int64(1) << 60
            low, high = -1, -1
            u, v = first, second
            while u != v:
                if size[u] < size[v]:
                    left = carried[u] if up[u] else limits[u] - carried[u]
                    if left < one:
                        one = left
                        low = u
                    u = parent[u]
                else:
                    left = limits[v] - carried[v] if up[v] else carried[v]
                    if left <= other:
                        other = left
                        high = v
                    v = parent[v]
            join = u
            delta = room[entering]
            leaving = -1  # the node below the leaving arc
            inside, outside = first, second
            if one < delta:
                delta = one
                leaving = low
            if other <= delta:
                delta = other
                leaving = high
                inside, outside = second, first

            if delta > 0:
                u = first
                while u != join:
                    carried[u] += -delta if up[u] else delta
                    u = parent[u]
                u = second
                while u != join:
                    carried[u] += delta if up[u] else -delta
                    u = parent[u]
            if leaving < 0:  # the entering arc runs full: it goes to its other bound
                amount[entering] += state[entering] * delta
                state[entering] = -state[entering]
                continue

            gone = pred[leaving]
            amount[gone] = carried[leaving]
            state[gone] = 1 if amount[gone] == 0 else -1
            shift = price[entering] + pi[head[entering]] - pi[tail[entering]]
            if inside == head[entering]:
                shift = -shift
            moved = size[leaving]
            u = parent[leaving]
            while u != join:
                size[u] -= moved
                u = parent[u]
            u = outside
            while u != join:
                size[u] += moved
                u = parent[u]

            # Turn the way from `inside` up to the leaving arc around, then hang it below `outside`.
            node = inside
            new_parent = outside
            new_pred = entering
            new_up = tail[entering] == inside
            new_carried = amount[entering] + state[entering] * delta
            new_limit = room[entering]
            state[entering] = 0
            below_it = 0
            while True:
                old_parent = parent[node]
                old_pred = pred[node]
                old_up = up[node]
                old_carried = carried[node]
                old_limit = limits[node]
                old_size = size[node]
                if before[node] >= 0:
                    after[before[node]] = after[node]
                else:
                    child[old_parent] = after[node]
                if after[node] >= 0:
                    before[after[node]] = before[node]
                parent[node] = new_parent
                pred[node] = new_pred
                up[node] = new_up
                carried[node] = new_carried
                limits[node] = new_limit
                size[node] = moved - below_it
                before[node] = -1
                after[node] = child[new_parent]
                if child[new_parent] >= 0:
                    before[child[new_parent]] = node
                child[new_parent] = node
                if node == leaving:
                    break
                new_parent = node
                new_pred = old_pred
                new_up = not old_up
                new_carried = old_carried
                new_limit = old_limit
                below_it = old_size
                node = old_parent

            skipped = -1
            stack[0] = inside
            if 2 * moved > nodes:
                shift = -shift
                skipped = inside
                stack[0] = root
            top = 0
            while top >= 0:
                node = stack[top]
                top -= 1
                pi[node] += shift
                below = child[node]
                while below >= 0:
                    if below != skipped:
                        top += 1
                        stack[top] = below
                    below = after[below]
            if abs(pi[root]) > far:  # drifted off: no sum may leave 64 bits
                drift = pi[root]
                for node in range(nodes + 1):
                    pi[node] -= drift

        for node in range(nodes):
            amount[pred[node]] = carried[node]
        flow[turn] = amount[:arcs]
        potential[turn] = pi[:nodes]

    left_over = np.int64(0)
    for node in range(nodes):
        left_over += amount[arcs + node]
    return left_over, pivots


def warm():
    """Call the kernel with the dtypes it is used with."""
    network_simplex(
        np.array([0], np.int32), np.array([1], np.int32), np.ones(1, np.int64),
        np.ones((2, 1), np.int64), np.array([1, -1], np.int64), np.int64(100),
        np.array([1], np.int64), np.zeros((2, 1), np.int64), np.zeros((2, 2), np.int64),
    )  # fmt: skip
