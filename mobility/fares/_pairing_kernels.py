"""Taps of sorted cards put together: ties by their ids, tap-offs to tap-ons, voids to what they undo.

``order`` are rows of ``records`` by card and time, ``card_first`` where each card starts in it; ``rows`` is
the input row of each record.
"""

import numpy as np

from mobility._jit import kernel

ON, OFF, VOID = range(3)


@kernel
def order_ties(records, order, card_first, cards, rows, ranks):
    """Put a card's taps of one second in the order of their ids, where there are ids.

    Returns how many taps share card and second with the one before.
    """
    ties = 0
    for c in range(cards):
        lo = card_first[c]
        for p in range(lo + 1, card_first[c + 1]):
            here = order[p]
            time = records[here, 1] >> 32
            ties += (records[order[p - 1], 1] >> 32) == time
            at = p - 1
            while (
                ranks.shape[0] > 0
                and at >= lo
                and records[order[at], 1] >> 32 == time
                and ranks[rows[order[at]]] > ranks[rows[here]]
            ):
                order[at + 1] = order[at]
                at -= 1
            order[at + 1] = here
    return ties


@kernel
def pair_taps(order, card_first, cards, rows, kinds, partner, voided):
    """Tap-offs to the tap-on before, voids to the last tap-on that is not void yet.

    ``partner`` of a position is the tap-off of a tap-on, the tap-on of a tap-off or void, or -1;
    ``voided`` marks tap-ons that are void later. Returns how many such wait for their void at once.
    """
    stack = np.empty(order.shape[0], np.int64)
    deepest = 0
    for c in range(cards):
        open_on = -1
        held = 0
        for p in range(card_first[c], card_first[c + 1]):
            partner[p] = -1
            voided[p] = 0
            kind = kinds[rows[order[p]]]
            if kind == ON:
                open_on = p
                stack[held] = p
                held += 1
            elif kind == OFF:
                if open_on >= 0:
                    partner[p] = open_on
                    partner[open_on] = p
                    open_on = -1
            elif held > 0:
                held -= 1
                partner[p] = stack[held]
                voided[stack[held]] = 1
                if stack[held] == open_on:
                    open_on = -1
        waiting = 0
        for p in range(card_first[c], card_first[c + 1]):
            waiting += voided[p]
            deepest = max(deepest, waiting)
            if kinds[rows[order[p]]] == VOID and partner[p] >= 0:
                waiting -= 1
    return deepest


def warm():
    """Compile for the dtypes that are passed."""
    one = np.zeros(1, np.int64)
    first = np.array([0, 1], np.int64)
    for given in (0, 1):
        order_ties(np.zeros((1, 2), np.int64), one.copy(), first, 1, one, one[:given])
    pair_taps(one.copy(), first, 1, one, np.zeros(1, np.int8), one.copy(), np.zeros(1, np.int8))
