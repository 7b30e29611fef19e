"""Fares: tariff -> journeys -> caps, exact to the last minor unit, with an independent check.

``fares.settle``, ``fares.check`` and ``fares.explain`` are functions that share their names with the
files they live in, so all names are bound here, once the files are loaded.
"""

from mobility.fares.caps import cap_levels
from mobility.fares.check import check
from mobility.fares.distributed import Distributed, settle_dask
from mobility.fares.explain import explain
from mobility.fares.gtfs import FeedTariff, tariff_from_feed
from mobility.fares.ledger import Ledger, flag_names
from mobility.fares.privacy import read_key
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
from mobility.fares.reconcile import Reconciliation, reconcile
from mobility.fares.settle import settle
from mobility.fares.state import State, Update, read_state, update
from mobility.fares.stream import Streamed, settle_files
from mobility.fares.synthetic import synthetic_taps
from mobility.fares.tap_files import read_taps, write_charges
from mobility.fares.tariff_file import available_tariffs, read_tariff

__all__ = [
    "Cap",
    "Distributed",
    "FareRule",
    "FeedTariff",
    "JoinRule",
    "Ledger",
    "LegKeys",
    "Match",
    "Reconciliation",
    "State",
    "Streamed",
    "Tariff",
    "Timeframe",
    "TransferRule",
    "Update",
    "available_tariffs",
    "cap_levels",
    "check",
    "explain",
    "flag_names",
    "read_key",
    "read_state",
    "read_taps",
    "read_tariff",
    "reconcile",
    "settle",
    "settle_dask",
    "settle_files",
    "synthetic_taps",
    "tariff_from_feed",
    "update",
    "write_charges",
]
