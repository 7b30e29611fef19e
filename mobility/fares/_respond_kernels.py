"""Riders who answer to prices: taps carry weights, thousandths of a tap, and caps fill by them.

Money inside: thousandths of a minor unit. ``marks`` as in the policy kernels: bit g, cap g counts the tap;
bit 4 + g, a period of cap g begins.
"""

import numpy as np

from mobility._jit import kernel


@kernel
def respond(
    first, before, price_before, after, marks, levels, slope, ahead, rounds, left, weight, price,
    charged, taps,
):  # fmt: skip
    """Charge every card at the fixed point of its response; the cards that found none in ``rounds``.

    ``before`` and ``after`` are what each tap costs before caps, at present and under the policy;
    ``price_before`` what its marginal price is at present; ``levels`` (caps,) of the policy, thousandths,
    negative where there is no cap. ``slope`` is the elasticity's size in thousandths: a tap whose marginal
    price falls by a share s of ``before`` is made ``1 + slope / 1000 * s`` times. With ``ahead`` a rider
    who spends the whole of the last cap in a period sees the price 0 in all of it, else each tap's own
    price. ``weight`` and ``price`` are of a card's taps, scratch as long as the longest card; ``charged``
    and ``taps`` (thousandths) are by card. The weights start at one tap each; each round charges by them and
    takes new ones from the prices found, until none changes.
    """
    caps = levels.shape[0]
    last = caps - 1
    unsettled = 0
    for c in range(first.shape[0] - 1):
        a, b = first[c], first[c + 1]
        for t in range(a, b):
            weight[t - a] = 1000
        settled = False
        for _ in range(rounds):
            for g in range(caps):
                left[g] = levels[g]
            start = a
            total = np.int64(0)
            for t in range(a, b):
                mark = np.int64(marks[t])
                if ahead and (mark >> (4 + last)) & 1:
                    if left[last] == 0:
                        for s in range(start, t):
                            if (marks[s] >> last) & 1:
                                price[s - a] = 0
                    start = t
                one, many = after[t] * 1000, after[t] * weight[t - a]
                for g in range(caps):
                    if (mark >> (4 + g)) & 1:
                        left[g] = levels[g]
                    if (mark >> g) & 1 and levels[g] >= 0:
                        one = min(one, left[g])
                        many = min(many, left[g])
                for g in range(caps):
                    if (mark >> g) & 1 and levels[g] >= 0:
                        left[g] -= many
                total += many
                price[t - a] = one
            if ahead and caps > 0 and left[last] == 0:
                for s in range(start, b):
                    if (marks[s] >> last) & 1:
                        price[s - a] = 0
            settled = True
            made = np.int64(0)
            for t in range(a, b):
                made += weight[t - a]
                full = before[t] * 1000
                new = np.int64(1000)
                if full > 0:
                    fall = slope * (price_before[t] - price[t - a])
                    new = max(1000 + (2 * fall + full) // (2 * full), np.int64(0))
                if new != weight[t - a]:
                    settled = False
                    weight[t - a] = new
            charged[c] = total
            taps[c] = made
            if settled:
                break
        unsettled += not settled
    return unsettled


@kernel
def prices(first, cost, marks, levels, ahead, left, price):
    """Marginal price of every tap as the taps are made, thousandths of a minor unit."""
    caps = levels.shape[0]
    last = caps - 1
    for c in range(first.shape[0] - 1):
        start = first[c]
        for g in range(caps):
            left[g] = levels[g]
        for t in range(first[c], first[c + 1]):
            mark = np.int64(marks[t])
            if ahead and (mark >> (4 + last)) & 1:
                if left[last] == 0:
                    for s in range(start, t):
                        if (marks[s] >> last) & 1:
                            price[s] = 0
                start = t
            one = cost[t] * 1000
            for g in range(caps):
                if (mark >> (4 + g)) & 1:
                    left[g] = levels[g]
                if (mark >> g) & 1 and levels[g] >= 0:
                    one = min(one, left[g])
            for g in range(caps):
                if (mark >> g) & 1 and levels[g] >= 0:
                    left[g] -= one
            price[t] = one
        if ahead and caps > 0 and left[last] == 0:
            for s in range(start, first[c + 1]):
                if (marks[s] >> last) & 1:
                    price[s] = 0


def warm():
    """Compile for the dtypes that are passed."""
    one, marks, first = np.zeros(1, np.int64), np.ones(1, np.uint8), np.array([0, 1], np.int64)
    prices(first, one, marks, one, True, one.copy(), one.copy())
    respond(
        first, one, one, one, marks, one, np.int64(1), True, np.int64(2), one.copy(), one.copy(),
        one.copy(), one.copy(), one.copy(),
    )  # fmt: skip
