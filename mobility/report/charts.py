"""Figures that several parts share: bars of rows, lines of rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobility.report.page import Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd


def bars(
    id_: str,
    tab: str,
    title: str,
    says: str,
    rows: Sequence[tuple[str, Mapping[str, float | None]]],
    series: Mapping[str, str],
    unit: str,
    table: pd.DataFrame,
) -> Figure:
    """Draw bars: one group a row, one bar a series that the row has.

    Parameters
    ----------
    rows
        Name of the group, and value of each series by id; what has no number is left out.
    series
        Id of each series and what it is called.
    """
    groups = []
    for name, values in rows:
        drawn = [
            {"series": one, "value": round(float(values[one] or 0.0), 6)}
            for one in series
            if is_number(values.get(one))
        ]
        if drawn:
            groups.append({"name": name, "bars": drawn})
    data = {
        "groups": groups,
        "series": [{"id": one, "name": said} for one, said in series.items()],
        "unit": unit,
    }
    return Figure(id_, tab, "bars", title, says, data, table)


def is_number(value: Any) -> bool:
    """Whether a value of a document is a number that can be drawn."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and value == value  # noqa: PLR0124  (NaN is none)
        and abs(value) != float("inf")
    )
