"""Policies by the names that the command line gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.errors import ConfigError
from mobility.signals.policy_actuated import Actuated
from mobility.signals.policy_adaptive import Adaptive
from mobility.signals.policy_greedy import Greedy
from mobility.signals.policy_pressure import MaxPressure
from mobility.signals.policy_priority import Priority

if TYPE_CHECKING:
    from mobility.signals.policy import Policy

LOOPS = ("actuated", "actuated-tuned", "greedy", "max-pressure", "adaptive", "priority")


def policy_of(name: str) -> Policy:
    """Make the policy that a controller's name means.

    Raises
    ------
    ConfigError
        When none has this name.
    """
    made: dict[str, Policy] = {
        "actuated": Actuated(), "actuated-tuned": Actuated(tuned=True), "greedy": Greedy(),
        "max-pressure": MaxPressure(), "adaptive": Adaptive(), "priority": Priority(),
    }  # fmt: skip
    if name not in made:
        raise ConfigError(f"no controller is called {name!r}", mend=f"there are {', '.join(LOOPS)}")
    return made[name]
