"""Fares: tariff -> journeys -> caps, exact to the last minor unit, with an independent check.

``fares.settle``, ``fares.check`` and ``fares.explain`` are functions that share their names with the
files they live in, so all names are bound here, once the files are loaded.
"""

from mobility.fares.ledger import Ledger, flag_names
from mobility.fares.problem import (
    Cap,
    FareRule,
    JoinRule,
    LegKeys,
    Match,
    Tariff,
    Timeframe,
    TransferRule,
)
from mobility.fares.settle import settle
from mobility.fares.tariff_file import available_tariffs, read_tariff

__all__ = [
    "Cap",
    "FareRule",
    "JoinRule",
    "Ledger",
    "LegKeys",
    "Match",
    "Tariff",
    "Timeframe",
    "TransferRule",
    "available_tariffs",
    "flag_names",
    "read_tariff",
    "settle",
]
