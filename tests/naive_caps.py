"""Slow obvious twins of the policy kernels: one card, one policy, one tap at a time."""


def charge_card(taps, levels):
    """What a card pays: ``taps`` are (cost, caps that count it, caps whose period begins)."""
    used = [0] * len(levels)
    charges, reached = [], [False] * len(levels)
    for cost, inside, begins in taps:
        for g in begins:
            used[g] = 0
        room = [levels[g] - used[g] for g in inside if levels[g] is not None]
        charge = min([cost, *room])
        for g in inside:
            used[g] += charge
            if levels[g] is not None and used[g] == levels[g]:
                reached[g] = True
        charges.append(charge)
    reached = [hit or level == 0 for hit, level in zip(reached, levels, strict=True)]
    return charges, reached


def rate_policy(cards, present, levels, least=1):
    """What a policy comes to over cards (each a list of taps)."""
    sums = dict.fromkeys(("charged", "better", "worse", "gained", "lost", "held", "free"), 0)
    hits = [0] * len(levels)
    for taps, before in zip(cards, present, strict=True):
        charges, reached = charge_card(taps, levels)
        total = sum(charges)
        sums["charged"] += total
        sums["better"] += before - total >= least
        sums["worse"] += total > before
        sums["gained"] += max(before - total, 0)
        sums["lost"] += max(total - before, 0)
        sums["held"] += sum(y < x for y, (x, _, _) in zip(charges, taps, strict=True))
        sums["free"] += sum(y == 0 for y in charges)
        hits = [n + hit for n, hit in zip(hits, reached, strict=True)]
    return sums, hits


def best_of_grid(rate, cells, target):
    """The most riders helped over cells that reach a target, and None where none does: tries all."""
    best = None
    for cell in cells:
        charged, helped = rate(cell)
        if charged >= target and (best is None or helped > best):
            best = helped
    return best


def marginal_prices(taps, at, levels, weights, *, ahead):
    """Charge of weighted taps (thousandths), and the marginal price of each of them."""
    left = [None if level is None else 1000 * level for level in levels]
    last, total, prices, period, spent = len(levels) - 1, 0, [], [0] * len(taps), {}
    number = 0
    for k, (tap, weight) in enumerate(zip(taps, weights, strict=True)):
        inside, begins = tap[2], tap[3]
        if last in begins:
            spent[number] = left[last] == 0
            number += 1
        for g in begins:
            left[g] = None if levels[g] is None else 1000 * levels[g]
        room = [left[g] for g in inside if left[g] is not None]
        prices.append(min([1000 * tap[at], *room]))
        paid = min([weight * tap[at], *room])
        for g in inside:
            if left[g] is not None:
                left[g] -= paid
        total += paid
        period[k] = number
    spent[number] = left[last] == 0
    if ahead:
        prices = [
            0 if spent[period[k]] and last in taps[k][2] else price
            for k, price in enumerate(prices)
        ]
    return total, prices


def respond(taps, present, policy, slope, *, ahead, rounds):
    """Revenue and taps (thousandths) of a card at its fixed point, and whether there is one."""
    ones = [1000] * len(taps)
    _, before = marginal_prices(taps, 0, present, ones, ahead=ahead)
    weights = ones
    for _ in range(rounds):
        total, prices = marginal_prices(taps, 1, policy, weights, ahead=ahead)
        new = []
        for tap, old, price in zip(taps, before, prices, strict=True):
            full = 1000 * tap[0]
            share = (2 * slope * (old - price) + full) // (2 * full) if full else 0
            new.append(max(1000 + share, 0))
        made = sum(weights)
        if new == weights:
            return total, made, True
        weights = new
    return total, made, False
