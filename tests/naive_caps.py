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
