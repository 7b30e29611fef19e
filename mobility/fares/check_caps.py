"""An independent look at an answer about caps: settle the taps anew under the tariff it gives.

Shares nothing with the search but the settlement itself, which has its own checker: no policy kernel, no
closed form, no sums of theirs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mobility.fares.cap_world import adopted
from mobility.fares.settle import settle
from mobility.findings import Finding, finding
from mobility.solution import Status

if TYPE_CHECKING:
    import pandas as pd

    from mobility.fares.cap_answer import CapAnswer
    from mobility.fares.problem import Cap, Tariff


def check_caps(answer: CapAnswer, taps: pd.DataFrame) -> list[Finding]:
    """Check what an answer says of its policy, and that the level below it is refused.

    Returns
    -------
    list of Finding
        Empty where it holds: revenue before and after, to the unit; riders who pay less and more; the
        target is met; the neighbour of the proof falls short of it. An answer that is infeasible is
        checked for the revenue at present alone.
    """
    found: list[Finding] = []
    present = _by_card(taps, answer.asked)
    if int(present.sum()) != answer.present:
        found.append(finding("caps_revenue_differs", column="present", value=int(present.sum())))
    if answer.report.status is Status.INFEASIBLE or answer.tariff is None:
        return found
    moved = adopted(taps, answer.asked, answer.adoption, answer.seed)
    paid = _by_card(moved, answer.tariff)
    charged = int(paid.sum())
    if charged != answer.row["charged"]:
        found.append(finding("caps_revenue_differs", column="charged", value=charged))
    if charged < answer.target:
        found.append(finding("caps_target_missed", value=charged))
    saved = present.sub(paid, fill_value=0)
    helped, worse = int((saved >= answer.least_saving).sum()), int((saved < 0).sum())
    if (helped, worse) != (answer.row["riders_helped"], answer.row["riders_worse"]):
        found.append(finding("caps_riders_differ", value=helped))
    neighbour = answer.proof.get("neighbour")
    if neighbour is not None:
        lower = replace(
            answer.tariff,
            caps=tuple(
                replace(one, amount=neighbour[one.id]) if one.id in neighbour else one
                for one in _all_caps(answer)
            ),
        )
        total = int(_by_card(moved, lower).sum())
        if total >= answer.target or total != neighbour["charged"]:
            found.append(finding("caps_neighbour_wrong", value=total))
    return found


def _all_caps(answer: CapAnswer) -> tuple[Cap, ...]:
    """Caps of the best tariff, and those that it leaves out: the neighbour may have them."""
    held = {one.id: one for one in (answer.tariff.caps if answer.tariff else ())}
    last = {one.id: replace(one, valid_from=None, valid_to=None) for one in answer.asked.caps}
    return tuple(
        held.get(name, one)
        for name, one in last.items()
        if name in held or name in answer.proof["neighbour"]
    )


def _by_card(taps: pd.DataFrame, tariff: Tariff) -> pd.Series:
    """Sum of each card's known charges."""
    ledger = settle(taps, tariff)
    charged = ledger.charges["charged"]
    known = charged.notna().to_numpy()
    return charged[known].astype("int64").groupby(ledger.card_labels()[known]).sum()
