"""What the buses do, quarter hour by quarter hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.report.page import Figure
from mobility.units import format_time

if TYPE_CHECKING:
    from mobility.fleet import BlockPlan, Plan

_LAYERS = {
    "in_service": "in service",
    "deadhead": "empty",
    "layover": "at terminals",
    "charging": "charging",
    "at_depot": "in the depot",
}


def buses_figure(plan: Plan | BlockPlan) -> Figure:
    """Mean buses in service, empty, waiting, charging, in the depot, by quarter hour."""
    from mobility.fleet.kpis import buses_by_quarter_hour

    table = buses_by_quarter_hour(plan)
    most = int(table["most_out"].max())
    when = format_time(int(table["start_s"].iloc[int(table["most_out"].to_numpy().argmax())]))[:5]
    data = {
        "start": table["start_s"].tolist(),
        "layers": [
            {"id": name, "name": said, "values": [round(float(one), 2) for one in table[name]]}
            for name, said in _LAYERS.items()
            if table[name].max() > 0
        ],
        "line": {"value": most, "name": f"{most:,} out at once, from {when}"},
        "unit": "buses",
        "zone": plan.problem.timezone,
    }
    return Figure(
        "buses", "vehicles", "stack", "Buses over the day",
        f"Mean number of buses a quarter hour; the most that are out of the depot at once are "
        f"{most:,}, from {when}.",
        data, table,
    )  # fmt: skip
