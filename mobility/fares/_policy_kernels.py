"""Many policies in one pass: what cards pay under each of them, from taps in order of card and time.

Money: minor units. A *run* is a tap, or taps of a card between which no period ends, in one scope.
``marks`` of a run: bit g, cap g counts it; bit 4 + g, a period of cap g begins.
"""

import numpy as np

from mobility._jit import kernel

MOST_CAPS = 3


@kernel
def rate_policies(
    cost, marks, first, lo, hi, group, base, outside, levels, left, paid, hit, least, counting,
    charged, better, worse, gained, lost, reached, held, free,
):  # fmt: skip
    """Charge cards ``lo`` to ``hi`` under all policies at once.

    ``cost[first[c]:first[c + 1]]`` are the runs of card ``c``, after transfers and before caps;
    ``outside[c]`` is what it pays beyond every cap's scope and ``base[c]`` what it pays at present.
    ``levels[g, k]`` is cap g under policy k. ``left``, ``paid`` and ``hit`` (the least that was
    left) are scratch: (3, K), (K,) and (3, K). Sums go to rows of ``group[c]``: ``charged``; ``better``
    and ``worse``, cards that pay at least ``least`` less, or more, than at present; ``gained``
    and ``lost``, by how much in all; with ``counting``, ``reached[g]``, cards that spend the whole of
    cap g in some period, ``held`` and ``free``, runs that are cut and that cost nothing.

    What is left of a cap is kept, not what is used: a charge is then a minimum and each account one
    subtraction, and the loops over policies become vector instructions.
    """
    caps, policies = levels.shape
    l0, l1, l2 = left[0], left[1], left[2]
    for c in range(lo, hi):
        row = group[c]
        for k in range(policies):
            paid[k] = 0
        for g in range(caps):
            for k in range(policies):
                left[g, k] = levels[g, k]
                hit[g, k] = levels[g, k]
        for t in range(first[c], first[c + 1]):
            mark = np.int64(marks[t])
            x = cost[t]
            if mark >> 4:
                for g in range(caps):
                    if (mark >> (4 + g)) & 1:
                        if counting:
                            for k in range(policies):
                                hit[g, k] = min(hit[g, k], left[g, k])
                        for k in range(policies):
                            left[g, k] = levels[g, k]
            if counting:
                for k in range(policies):
                    y = x
                    for g in range(caps):
                        if (mark >> g) & 1:
                            y = min(y, left[g, k])
                    for g in range(caps):
                        if (mark >> g) & 1:
                            left[g, k] -= y
                    paid[k] += y
                    held[row, k] += y < x
                    free[row, k] += y == 0
                continue
            inside = mark & 7
            if inside == 1:
                take_one(x, l0, paid)
            elif inside == 2:
                take_one(x, l1, paid)
            elif inside == 4:
                take_one(x, l2, paid)
            elif inside == 3:
                take_two(x, l0, l1, paid)
            elif inside == 5:
                take_two(x, l0, l2, paid)
            elif inside == 6:
                take_two(x, l1, l2, paid)
            elif inside == 7:
                for k in range(policies):
                    y = min(x, l0[k], l1[k], l2[k])
                    l0[k] -= y
                    l1[k] -= y
                    l2[k] -= y
                    paid[k] += y
            else:
                for k in range(policies):
                    paid[k] += x
        for g in range(caps if counting else 0):
            for k in range(policies):
                reached[g, row, k] += min(hit[g, k], left[g, k]) <= 0
        fixed, before = outside[c], base[c]
        for k in range(policies):
            total = fixed + paid[k]
            charged[row, k] += total
            saved = before - total
            better[row, k] += saved >= least
            worse[row, k] += saved < 0
            gained[row, k] += max(saved, 0)
            lost[row, k] += max(-saved, 0)


@kernel
def take_one(x, left, paid):
    """Charge a run that one cap counts."""
    for k in range(paid.shape[0]):
        y = min(x, left[k])
        left[k] -= y
        paid[k] += y


@kernel
def take_two(x, left, other, paid):
    """Charge a run that two caps count."""
    for k in range(paid.shape[0]):
        y = min(x, left[k], other[k])
        left[k] -= y
        other[k] -= y
        paid[k] += y


@kernel
def totals_of_cards(cost, marks, first, outside, levels, left, total):
    """What each card pays under one policy: ``levels`` (caps,), ``left`` scratch of as many."""
    caps = levels.shape[0]
    for c in range(first.shape[0] - 1):
        for g in range(caps):
            left[g] = levels[g]
        paid = outside[c]
        for t in range(first[c], first[c + 1]):
            mark = np.int64(marks[t])
            y = cost[t]
            for g in range(caps):
                if (mark >> (4 + g)) & 1:
                    left[g] = levels[g]
                if (mark >> g) & 1:
                    y = min(y, left[g])
            for g in range(caps):
                if (mark >> g) & 1:
                    left[g] -= y
            paid += y
        total[c] = paid


def warm():
    """Compile for the dtypes that are passed."""
    one = np.zeros(1, np.int64)
    marks, first = np.ones(1, np.uint8), np.array([0, 1], np.int64)
    for kind in (np.int32, np.int64):
        cost, levels = np.zeros(1, kind), np.zeros((1, 1), kind)
        sums = [np.zeros((1, 1), np.int64) for _ in range(5)]
        rate_policies(
            cost, marks, first, 0, 1, np.zeros(1, np.int32), one, one, levels, np.zeros((3, 1), kind),
            np.zeros(1, kind), np.zeros((3, 1), kind), np.int64(1), False, *sums,
            np.zeros((3, 1, 1), np.int64), one.reshape(1, 1), one.reshape(1, 1),
        )  # fmt: skip
        take_one(cost[0], cost.copy(), cost.copy())
        take_two(cost[0], cost.copy(), cost.copy(), cost.copy())
        totals_of_cards(cost, marks, first, one, levels[0], levels[0].copy(), one.copy())
