"""Slow obvious twins of the signal checker's questions about spans: every run is looked at."""

from __future__ import annotations

EPS = 1e-6


def holds(rows, at, before, after):
    """Whether a moment lies in one of some spans, each longer by so much."""
    return any(start - before <= at <= end + after for start, end in rows)


def claims(lamps, told, free):
    """Invariant 8: (code, where, value) for each claimed stage that the lamps do not show."""
    signal, found = lamps.signal, []
    for k, (name, start, end) in enumerate(told):
        stage = signal.stage.get(name)
        if stage is None:
            found.append(("signal_stage_unknown", signal.id, f"{name} at {start:g} s"))
            continue
        until = told[k + 1][1] if k + 1 < len(told) else lamps.to_s
        cut = end >= lamps.to_s - EPS or start <= lamps.from_s + EPS
        for group in stage.groups:
            shown = any(run.from_s < end - EPS and run.to_s > start + EPS
                        for run in lamps.greens[group])  # fmt: skip
            if not shown and not cut and not holds(free, end, EPS, EPS):
                found.append(("signal_stage_skipped", f"{signal.id}.{name}",
                              f"{group} is not green between {start:g} s and {end:g} s"))  # fmt: skip
        found += [
            ("signal_stage_unknown", f"{signal.id}.{name}", f"{one.id} starts at {run.from_s:g} s")
            for one in signal.groups if one.id not in stage.groups
            for run in lamps.greens[one.id]
            if run.starts and start - EPS < run.from_s < min(end, until) - EPS
        ]  # fmt: skip
    return found


def covers(lamps, told, free):
    """Invariant 8: greens that are whole, in no claimed stage, and not by pre-emption."""
    holding = {one.id: one.groups for one in lamps.signal.stages}
    return [
        ("signal_stage_unknown", lamps.where(group), f"green from {run.from_s:g} s in no stage that is told")
        for group, runs in lamps.greens.items() for run in runs
        if run.starts and run.ends
        and not any(group in holding.get(name, ()) and start < run.to_s - EPS and end > run.from_s + EPS
                    for name, start, end in told)
        and not any(start <= run.to_s + EPS and end >= run.from_s - EPS for start, end in free)
    ]  # fmt: skip


def promises(lamps, told):
    """Invariant 13: (code, where, value) for each published end that was not kept."""
    found = []
    for one in told:
        run = next((two for two in lamps.runs[one.group]
                    if two.from_s - EPS <= one.at_s < two.to_s - EPS), None)  # fmt: skip
        if run is None:
            continue
        early = run.ends and run.to_s < one.min_end_s - EPS
        if early or run.to_s > one.max_end_s + EPS or one.min_end_s > one.max_end_s + EPS:
            value = (f"{run.state} ends at {run.to_s:g} s, at {one.at_s:g} s "
                     f"[{one.min_end_s:g}, {one.max_end_s:g}] s was said")  # fmt: skip
            found.append(("signal_promise_broken", lamps.where(one.group), value))
    return found


def coordination(lamps, told, base, upset, rules):
    """Invariant 9: moments of a reference point that nothing is near; begin-green only."""
    groups = lamps.signal.stage[base.reference_stage].groups
    begins = [
        min((run.from_s for group in groups for run in lamps.greens[group]
             if start - EPS <= run.from_s < end - EPS), default=start)
        for name, start, end in told if name == base.reference_stage
    ]  # fmt: skip
    seen = [one for one in begins if lamps.from_s + EPS < one < lamps.to_s - EPS]
    found = []
    at = base.offset_s + -(-(lamps.from_s - base.offset_s) // base.cycle_s) * base.cycle_s
    while at < lamps.to_s - EPS:
        near = min((abs(one - at) for one in seen), default=float("inf"))
        calm = not holds(upset, at, base.cycle_s, rules.recover_cycles * base.cycle_s + EPS)
        if calm and at > lamps.from_s + EPS and near > rules.coordination_s + EPS:
            missing = "no reference point" if near > base.cycle_s else f"{near:g} s off"
            found.append(("signal_not_in_coordination", lamps.signal.id, f"{missing} at {at:g} s"))
        at += base.cycle_s
    return found


def horizons(commands, plans, rules):
    """Invariant 12: commands without a plan behind them."""
    return [
        f"{one.cause} at {one.at_s:g} s" for one in commands
        if one.cause != "plan" and not any(
            plan.made_s <= one.at_s + EPS and plan.from_s <= one.at_s + EPS
            and plan.until_s >= one.at_s + rules.horizon_s - EPS for plan in plans
        )
    ]  # fmt: skip
