"""What each level of a cap does: who reaches it, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from mobility.errors import ConfigError
from mobility.fares.ledger import LEAST_RIDERS
from mobility.fares.settle import settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobility.fares.problem import Tariff


def cap_levels(
    taps: pd.DataFrame,
    tariff: Tariff,
    *,
    cap: str | None = None,
    levels: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Settle taps once for each level of one cap, the others as they are.

    Parameters
    ----------
    cap
        Id of the cap; the tariff's first by default. All its levels by date become one.
    levels
        Minor units (or rides); by default none, and 80 to 120 % of the present level.

    Returns
    -------
    pandas.DataFrame
        ``level`` (``<NA>``: without the cap), ``cards`` that it holds (``<NA>`` where under ten),
        ``taps`` that it holds, ``charged``, ``change`` from the present tariff.

    Raises
    ------
    ConfigError
        When the tariff has no such cap.
    """
    ids = list(dict.fromkeys(one.id for one in tariff.caps))
    if not ids:
        raise ConfigError("the tariff has no caps", mend="[[cap]] in the tariff")
    name = ids[0] if cap is None else cap
    if name not in ids:
        raise ConfigError(f"no cap is called {name!r}", mend=f"there are {', '.join(ids)}")
    own = [one for one in tariff.caps if one.id == name]
    others = tuple(one for one in tariff.caps if one.id != name)
    last = own[-1]
    present = int(last.rides if last.amount is None else last.amount)  # type: ignore[arg-type]
    if levels is None:
        levels = sorted({round(present * share / 100) for share in (80, 90, 100, 110, 120)})
    now = settle(taps, tariff).total()
    rows = []
    for level in [None, *levels]:
        if level is None:
            tried = replace(tariff, caps=others)
        else:
            changed = {"rides": level} if last.amount is None else {"amount": level}
            one = replace(last, valid_from=None, valid_to=None, **changed)  # type: ignore[arg-type]
            tried = replace(tariff, caps=(*others, one))
        ledger = settle(taps, tried)
        held = (ledger.charges["cap_id"] == name).to_numpy()
        cards = len(pd.unique(ledger.card[held]))
        rows.append(
            {
                "level": level, "cards": cards if cards == 0 or cards >= LEAST_RIDERS else None,
                "taps": int(held.sum()), "charged": ledger.total(), "change": ledger.total() - now,
            }
        )  # fmt: skip
    return pd.DataFrame(rows).astype({"level": "Int64", "cards": "Int64"})
