"""How riders respond to prices: what caps bring where taps follow the marginal price.

Riders answer to the price of one more tap, not to the mean: beyond a cap it is zero. How often a tap is
made changes by the elasticity times the change of its marginal price as a share of its full fare (the
linear form of Simpson and Curtin's shrinkage ratio, finite at the price zero). More taps fill a cap
sooner, which changes prices again: rounds go on until no weight changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from mobility.errors import ConfigError
from mobility.fares import _respond_kernels as kernels
from mobility.fares.cap_world import World, adoption_label, adoption_of, present_levels
from mobility.fares.policies import plain_rows
from mobility.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mobility.fares.rater import Rater

ROUNDS = 50
SOURCES = (
    "elasticities -0.2 to -0.6 are assumed: Simpson and Curtin (1968) gave -0.33; APTA (1991, TRID "
    "405875) a mean of -0.4 over 52 bus systems, off-peak about twice the peak; Litman (2004) -0.2 to "
    "-0.5 in the short and -0.6 to -0.9 in the long run. None is measured on these riders"
)


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of riders; none of it is measured on their taps.

    Parameters
    ----------
    elasticities
        Of taps with respect to their marginal price, 0 or negative.
    adoptions
        Shares of the cards off the capped medium that move to it; each is one share, or shares by category.
    sees
        ``period``: who reaches the last cap of the tariff foresees it, and takes every tap of that period
        for free; ``tap``: each tap's own price counts.
    """

    elasticities: tuple[float, ...] = (-0.2, -0.4, -0.6)
    adoptions: tuple[float | Mapping[str, float], ...] = (0.0,)
    sees: Literal["period", "tap"] = "period"

    def __post_init__(self) -> None:
        if not self.elasticities or any(not -10 <= one <= 0 for one in self.elasticities):
            raise ConfigError(
                f"elasticities must be -10 to 0 (found {self.elasticities})",
                mend="-0.4: a price 10 % higher, 4 % fewer taps",
            )
        if not self.adoptions:
            raise ConfigError("no adoption to assume", mend="(0.0,) for nobody")
        for one in self.adoptions:
            adoption_of(one)
        if self.sees not in {"period", "tap"}:
            raise ConfigError(f"riders see no {self.sees!r}", mend="period, or tap")


@dataclass(frozen=True)
class Response(Shown):
    """What policies bring over a range of responses.

    ``table`` has a row for each policy and scenario (``elasticity``, ``adoption``): ``charged``,
    ``change`` from the present revenue, ``taps_percent`` (change of paid legs), ``riders_helped`` (of the
    taps as they are), ``reaches`` the revenue asked for, ``regret`` (riders helped fewer than by the
    scenario's best; all of them where the revenue is missed). ``best`` is the best policy of each scenario,
    ``policies`` each one's worst revenue and regret. ``robust`` is the policy that reaches the revenue in
    every scenario with the least worst regret, None where none does.
    """

    table: pd.DataFrame
    best: pd.DataFrame
    policies: pd.DataFrame
    robust: dict[str, Any] | None
    assumed: Assumptions
    unsettled: int
    sources: str = field(default=SOURCES)

    def __str__(self) -> str:
        if self.robust is None:
            return "no policy of the grid brings the revenue in every scenario"
        caps = [name for name in self.robust if name not in _NOT_CAPS]
        levels = ", ".join(
            f"{one} {'none' if self.robust[one] is None else format(self.robust[one], ',')}"
            for one in caps
        )
        return (
            f"robust: cap {levels}, fares {self.robust['rise_percent']:+g} %: worst change "
            f"{self.robust['worst_change']:,}, worst regret {self.robust['worst_regret']:,} riders"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "answer": str(self),
            "elasticities": list(self.assumed.elasticities),
            "adoptions": [adoption_label(adoption_of(one)) for one in self.assumed.adoptions],
            "sees": self.assumed.sees,
            "sources": self.sources,
            "cards_without_a_fixed_point": self.unsettled,
            "robust": self.robust,
            "best": plain_rows(self.best),
            "policies": plain_rows(self.policies),
        }

    def to_json(self) -> str:
        """One JSON document."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>{self.policies.to_html(index=False)}"

    def plot(self, ax: Any = None) -> Any:
        """Draw the change of revenue over the level of the last cap, from the worst scenario to the best."""
        from mobility.fares.cap_plot import plot_response

        return plot_response(self, ax)


_NOT_CAPS = {"rise_percent", "worst_charged", "worst_change", "worst_regret", "scenarios_missed"}


def responses(
    rater: Rater, policies: pd.DataFrame, assumed: Assumptions, target: int, *, least: int = 1
) -> Response:
    """Rate policies (levels of every cap, and ``rise_percent``) in every scenario.

    Raises
    ------
    ConfigError
        When the tariff's caps are of kinds that the response is not modelled for.
    """
    if rater.why:
        raise ConfigError(
            f"the response is modelled for plain amount caps alone: {rater.why}",
            mend="ask without a response",
        )
    caps, rows, unsettled = list(rater.caps), [], 0
    policies = policies[[*caps, "rise_percent"]].drop_duplicates().reset_index(drop=True)
    moves = [adoption_of(one) for one in assumed.adoptions]
    named = any(isinstance(one, tuple) for one in moves)
    for adoption in moves:
        label = adoption_label(adoption)
        label = str(label) if named else label
        for rise, part in policies.groupby("rise_percent", sort=True):
            world = World(float(str(rise)), adoption)
            helped = rater.rate(world, part, least=least)["riders_helped"].sum(axis=0)
            panel = _Panel(rater, world, assumed.sees == "period")
            for count, (at, policy) in zip(helped, part.iterrows(), strict=True):
                levels = [-1 if pd.isna(policy[one]) else int(policy[one]) for one in caps]
                for elasticity in assumed.elasticities:
                    charged, change, missed = panel.charge(levels, elasticity)
                    unsettled += missed
                    rows.append(
                        (at, elasticity, label, charged, 100 * change, int(count))
                    )  # fmt: skip
    names = ["policy", "elasticity", "adoption", "charged", "taps_percent", "riders_helped"]
    table = pd.DataFrame(rows, columns=names)
    table["change"] = table["charged"] - rater.present_total
    table["reaches"] = table["charged"] >= target
    return _decide(table, policies, assumed, unsettled, caps)


def _decide(
    table: pd.DataFrame,
    policies: pd.DataFrame,
    assumed: Assumptions,
    unsettled: int,
    caps: Sequence[str],
) -> Response:
    """Best of each scenario, regret, and the robust policy."""
    scenario = ["elasticity", "adoption"]
    helped = table["riders_helped"].where(table["reaches"], 0)
    most = helped.groupby([table[one] for one in scenario]).transform("max")
    table["regret"] = most - helped
    table = table.join(policies, on="policy")
    fit = table[table["reaches"]].sort_values(
        [*scenario, "riders_helped", "rise_percent"],
        ascending=[True, True, False, True],
        kind="stable",
    )
    best = fit.drop_duplicates(scenario).reset_index(drop=True)
    whole = table.groupby("policy").agg(
        worst_charged=("charged", "min"), worst_change=("change", "min"), worst_regret=("regret", "max"),
        scenarios_missed=("reaches", lambda one: int((~one).sum())),
    )  # fmt: skip
    whole = policies.join(whole)
    safe = whole[whole["scenarios_missed"] == 0].sort_values(
        ["worst_regret", "rise_percent", "worst_charged"],
        ascending=[True, True, False],
        kind="stable",
    )
    robust = plain_rows(safe.head(1))[0] if len(safe) else None
    shown = [*caps, "rise_percent", *scenario, "charged", "change", "taps_percent", "riders_helped",
             "reaches", "regret"]  # fmt: skip
    return Response(
        table=table[shown],
        best=best[[*scenario, *caps, "rise_percent", "change", "taps_percent", "riders_helped"]],
        policies=whole,
        robust=robust,
        assumed=assumed,
        unsettled=unsettled,
    )


class _Panel:
    """Taps of a world beside the same taps at present, in order of card and time."""

    def __init__(self, rater: Rater, world: World, ahead: bool) -> None:
        present = rater.panel(World())
        changed = rater.panel(world)
        some = (present.cost != 0) | (changed.cost != 0)
        self.first = np.concatenate([[0], np.cumsum(some)])[present.first].astype(np.int64)
        self.before, self.after = present.cost[some], changed.cost[some]
        self.marks = changed.marks_of(some)
        self.ahead = ahead
        levels = _thousandths(list(present_levels(rater.tariff).values()))
        self.price = np.zeros(len(self.before), np.int64)
        kernels.prices(
            self.first,
            self.before,
            present.marks_of(some),
            levels,
            ahead,
            levels.copy(),
            self.price,
        )
        self.longest = int(np.diff(self.first).max(initial=1))

    def charge(self, levels: Sequence[int], elasticity: float) -> tuple[int, float, int]:
        """Revenue, the change of taps as a fraction, and cards without a fixed point."""
        cards = len(self.first) - 1
        charged, taps = np.zeros(cards, np.int64), np.zeros(cards, np.int64)
        asked = _thousandths(levels)
        missed = kernels.respond(
            self.first, self.before, self.price, self.after, self.marks, asked,
            np.int64(round(-elasticity * 1000)), self.ahead, np.int64(ROUNDS), asked.copy(),
            np.zeros(self.longest, np.int64), np.zeros(self.longest, np.int64), charged, taps,
        )  # fmt: skip
        before = max(len(self.before), 1)
        return int(charged.sum() // 1000), float(taps.sum() / 1000 / before - 1), int(missed)


def _thousandths(levels: Sequence[int]) -> np.ndarray:
    return np.array([one * 1000 if one >= 0 else -1 for one in levels], np.int64)
