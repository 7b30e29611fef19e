"""An independent look at an answer about caps: ledgers settled anew, against what the answer says.

Shares no code with the search: no policy kernel, no closed form, none of their sums. The ledgers come from
the settlement, which has its own checker (``fares.check``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.findings import Finding, finding
from mobility.solution import Status

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fares.cap_answer import CapAnswer
    from mobility.fares.cap_groups import GroupCaps
    from mobility.fares.ledger import Ledger


def check_ledgers(
    answer: CapAnswer, before: Ledger, after: Ledger | None, below: Ledger | None = None
) -> list[Finding]:
    """Check what an answer says of its policy, and that the level below it is refused.

    Parameters
    ----------
    before, after, below
        The taps under the present tariff, under the answer's, and under that of the proof's neighbour.

    Returns
    -------
    list of Finding
        Empty where it holds: revenue before and after, to the unit; riders who pay less and more; the
        target is met; the neighbour falls short of it.
    """
    found: list[Finding] = []
    present = _by_card(before)
    if int(present.sum()) != answer.present:
        found.append(finding("caps_revenue_differs", column="present", value=int(present.sum())))
    if answer.report.status is Status.INFEASIBLE or after is None:
        return found
    paid = _by_card(after)
    charged = int(paid.sum())
    if charged != answer.row["charged"]:
        found.append(finding("caps_revenue_differs", column="charged", value=charged))
    if charged < answer.target:
        found.append(finding("caps_target_missed", value=charged))
    saved = present.sub(paid, fill_value=0)
    helped, worse = int((saved >= answer.least_saving).sum()), int((saved < 0).sum())
    if (helped, worse) != (answer.row["riders_helped"], answer.row["riders_worse"]):
        found.append(finding("caps_riders_differ", value=helped))
    if below is not None:
        total = int(_by_card(below).sum())
        if total >= answer.target or total != answer.proof["neighbour"]["charged"]:
            found.append(finding("caps_neighbour_wrong", value=total))
    return found


def check_group_ledgers(
    answer: GroupCaps, groups: pd.Series, before: Ledger, after: dict[int | None, Ledger]
) -> list[Finding]:
    """Check levels by group: ``after`` has a ledger of all taps for each level that a group has."""
    found: list[Finding] = []
    present = _by_card(before)
    if int(present.sum()) != answer.present:
        found.append(finding("caps_revenue_differs", column="present", value=int(present.sum())))
    if not len(answer.table):
        return found
    of_card = groups[~groups.index.duplicated()].reindex(present.index)
    name = of_card.astype(object).where(of_card.notna(), "(none)").astype(str)
    paid = {level: _by_card(ledger) for level, ledger in after.items()}
    charged = poor_saved = all_saved = 0
    for row in answer.table.to_dict("records"):
        own = name.index[name == row["group"]]
        level = None if row["level"] is None or row["level"] != row["level"] else int(row["level"])
        saved = present.reindex(own) - paid[level].reindex(own)
        total = int(paid[level].reindex(own).sum())
        charged += total
        gained = int(saved.clip(lower=0).sum())
        all_saved += gained
        poor_saved += gained * (row["group"] in answer.floor_groups)
        if total != row["charged"]:
            found.append(finding("caps_revenue_differs", column=row["group"], value=total))
        helped = int((saved >= answer.least_saving).sum())
        if (helped, gained) != (row["riders_helped"], row["saved"]):
            found.append(finding("caps_riders_differ", column=row["group"], value=helped))
    if charged < answer.target:
        found.append(finding("caps_target_missed", value=charged))
    if answer.floor_groups and 1000 * poor_saved < round(1000 * answer.floor) * all_saved:
        found.append(finding("caps_floor_missed", value=poor_saved))
    return found


def _by_card(ledger: Ledger) -> pd.Series:
    """Sum of each card's known charges."""
    charged = ledger.charges["charged"]
    known = charged.notna().to_numpy()
    return charged[known].astype("int64").groupby(ledger.card_labels()[known]).sum()
