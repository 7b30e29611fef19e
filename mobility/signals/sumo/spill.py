"""Spill-back: lanes behind a signal that stand full, so that nobody can leave its junction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mobility.signals.sumo.net import Net

GAP_M = 2.5  # SUMO's own gap between standing vehicles
VEHICLE_M = 7.5  # less than a car's place is left


@dataclass
class Spill:
    """Counts, at every look, the lanes that signals lead into and that stand full to their begin.

    A lane is full when the vehicles that stand on it, with the gaps between them, leave less than
    one car's place of its length.
    """

    net: Net
    looks: int = 0
    full: dict[str, int] = field(default_factory=dict)
    _lanes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find the lanes that begin behind a signal and hold two cars at least."""
        ends = {f"{link.to_edge}_{link.to_lane}" for rows in self.net.links.values()
                for links in rows.values() for link in links}  # fmt: skip
        self._lanes = sorted(
            one for one in ends
            if one in self.net.lanes and self.net.lanes[one].length_m >= 2 * VEHICLE_M
        )  # fmt: skip

    def look(self, api: Any) -> None:
        """Look once at all of them."""
        self.looks += 1
        for one in self._lanes:
            standing = api.lane.getLastStepHaltingNumber(one)
            if not standing:
                continue
            taken = standing * (api.lane.getLastStepLength(one) + GAP_M)
            if taken > self.net.lanes[one].length_m - VEHICLE_M:
                self.full[one] = self.full.get(one, 0) + 1

    def to_dict(self) -> dict[str, Any]:
        """Share of time that any one of these lanes is full, in the mean, and of each that ever was."""
        looks = max(1, self.looks)
        return {
            "lanes": len(self._lanes),
            "full_share": sum(self.full.values()) / looks / max(1, len(self._lanes)),
            "full": [{"lane": lane, "share": count / looks}
                     for lane, count in sorted(self.full.items(), key=lambda row: (-row[1], row[0]))],
        }  # fmt: skip
