"""SUMO: its nets and programs read and written, its simulator driven."""

from mobility.signals.sumo.drive import Drive, drive
from mobility.signals.sumo.programs import plan_of_programs
from mobility.signals.sumo.read import from_sumo
from mobility.signals.sumo.rescue import Rescue, rescue
from mobility.signals.sumo.write import write_programs

__all__ = [
    "Drive",
    "Rescue",
    "drive",
    "from_sumo",
    "plan_of_programs",
    "rescue",
    "write_programs",
]
