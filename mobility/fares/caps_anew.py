"""Settle the taps of an answer about caps anew, and have the ledgers checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from mobility.fares.cap_world import adopted, raised, with_levels
from mobility.fares.check import check
from mobility.fares.check_caps import check_group_ledgers, check_ledgers
from mobility.fares.settle import settle

if TYPE_CHECKING:
    from mobility.fares.cap_answer import CapAnswer
    from mobility.fares.cap_groups import GroupCaps
    from mobility.findings import Finding


def check_caps(answer: CapAnswer, taps: pd.DataFrame) -> list[Finding]:
    """Settle the taps before, after, and with the level below the answer's, and compare to the unit.

    Parameters
    ----------
    taps
        Those that the answer is about.

    Returns
    -------
    list of Finding
        Empty where the answer holds. Of an infeasible one only the present revenue is compared.
    """
    before = settle(taps, answer.asked)
    if answer.tariff is None:
        return check_ledgers(answer, before, None)
    moved = adopted(taps, answer.asked, answer.adoption, answer.seed)
    after = settle(moved, answer.tariff)
    below = None
    neighbour = answer.proof.get("neighbour")
    if neighbour is not None:
        levels = {**answer.levels, **{k: v for k, v in neighbour.items() if k in answer.levels}}
        below = settle(moved, with_levels(raised(answer.asked, answer.rise_percent), levels))
    return [*check(after, answer.tariff, moved), *check_ledgers(answer, before, after, below)]


def check_group_caps(answer: GroupCaps, taps: pd.DataFrame, groups: pd.Series) -> list[Finding]:
    """Settle the taps under every level that some group has, and compare its riders' sums to the unit.

    Returns
    -------
    list of Finding
        Empty where revenue, riders helped, the target and the floor are as the answer says.
    """
    before = settle(taps, answer.asked)
    rise = raised(answer.asked, answer.rise_percent)
    after = {
        level: settle(taps, with_levels(rise, {answer.cap: level}))
        for level in dict.fromkeys(
            None if pd.isna(one) else int(one) for one in answer.table.get("level", ())
        )
    }
    return check_group_ledgers(answer, groups, before, after)
