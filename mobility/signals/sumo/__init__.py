"""SUMO: its nets and programs read, its simulator driven."""

from mobility.signals.sumo.read import from_sumo

__all__ = ["from_sumo"]
