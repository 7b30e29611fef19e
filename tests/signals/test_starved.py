"""A line that nobody would serve by cost: it is served before patience ends, and until it is clear."""

from __future__ import annotations

from dataclasses import replace

from crossroads import crossroads

from mobility import signals
from mobility.signals.control_junction import PATIENCE_S, STARVE_S
from mobility.signals.policy import Choice
from mobility.signals.problem import State
from mobility.signals.program import program
from mobility.signals.streams import Detection

LEFT = "NL|N"
GREEN_S = 20  # of the left turn in the base plan


class Stubborn:
    """Wishes one stage for ever: to it, a few cars on the left never outweigh the main road."""

    name = "stubborn"
    repays = True

    def choose(self, view):
        return Choice("A")


def network():
    """The crossroads without maximum reds: how long who waits is left to control."""
    cross = crossroads()
    one = cross.intersections[0]
    return replace(
        cross,
        intersections=(
            replace(one, groups=tuple(replace(two, max_red_s=None) for two in one.groups)),
        ),
    )


def served(every_s, seconds=1800, policy=Stubborn):
    """Drive a queue on the left turn; the reds it had, and for each green: its length, who stood at its end."""
    cross = network()
    one = cross.intersections[0]
    base = replace(signals.plan_of(cross), signals=(program(one, [40.0, float(GREEN_S), 20.0]),))
    control = signals.PriorityController(cross, base, policy())
    names = [stream.id for stream in control.approaches.of("X")]
    row = [group.id for group in one.groups].index("NL")
    queue, run, ends = 0.0, [0, 0], []
    for t in range(seconds):
        queue += t % every_s == 0
        counts = tuple(float(round(queue)) if name == LEFT else 0.0 for name in names)
        coming = tuple(tuple((2.0 * k, 1.0) for k in range(int(n))) for n in counts)
        seen = {"X": Detection("X", t, counts, counts, coming)}
        green = control.step(t, seen).lamps["X"][row] is State.GREEN
        if green:
            queue = max(0.0, queue - 0.5)
            run[1] += 1
        else:
            if run[1]:
                ends.append((*run, queue))
                run = [0, 0]
            run[0] += 1
    assert signals.check(cross, control.log()) == []
    return base.signals[0].cycle_s, ends


def test_a_starved_line_is_cleared():
    # Six cars wait after a red of patience; a minimum green lets two or three of them go.
    cycle_s, ends = served(every_s=16)
    assert len(ends) > 10
    assert all(red <= min(STARVE_S, max(PATIENCE_S, cycle_s)) for red, _, _ in ends)
    assert all(stood <= 1 for _, _, stood in ends)
    assert all(green < GREEN_S for _, green, _ in ends)


def test_what_is_owed_ends_with_the_base_plans_green():
    _, ends = served(every_s=4)  # more than any green clears
    assert all(GREEN_S <= green <= GREEN_S + 5 for _, green, _ in ends)


def test_a_policy_that_takes_green_from_nobody_owes_none():
    class Plain(Stubborn):
        repays = False

    _, ends = served(every_s=16, policy=Plain)
    assert max(red for red, _, _ in ends) > PATIENCE_S
    assert any(stood > 1 for _, _, stood in ends)
    assert signals.policy_of("priority").repays
    assert not getattr(signals.policy_of("adaptive"), "repays", False)
