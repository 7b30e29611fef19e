"""Fares: tariff -> journeys -> caps, exact to the last minor unit, with an independent check.

``fares.settle``, ``fares.check`` and ``fares.explain`` are functions that share their names with the
files they live in, so all names are bound here, once the files are loaded.
"""

from mobility.fares.cap_answer import CapAnswer
from mobility.fares.cap_groups import GroupCaps, groups_of_riders, optimise_group_caps
from mobility.fares.caps import cap_levels
from mobility.fares.caps_anew import check_caps, check_group_caps
from mobility.fares.check import check
from mobility.fares.distributed import Distributed, settle_dask
from mobility.fares.equity import Equity
from mobility.fares.explain import explain
from mobility.fares.gtfs import FeedTariff, tariff_from_feed
from mobility.fares.ledger import Ledger, flag_names
from mobility.fares.optimise_caps import optimise_caps
from mobility.fares.policies import Comparison, compare_policies
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
from mobility.fares.respond import Assumptions, Response
from mobility.fares.settle import settle
from mobility.fares.state import State, Update, read_state, update
from mobility.fares.stream import Streamed, settle_files
from mobility.fares.synthetic import Profile, synthetic_riders, synthetic_taps
from mobility.fares.tap_files import read_taps, write_charges
from mobility.fares.tariff_file import available_tariffs, read_tariff

__all__ = [
    "Assumptions",
    "Cap",
    "CapAnswer",
    "Comparison",
    "Distributed",
    "Equity",
    "FareRule",
    "FeedTariff",
    "GroupCaps",
    "JoinRule",
    "Ledger",
    "LegKeys",
    "Match",
    "Profile",
    "Reconciliation",
    "Response",
    "State",
    "Streamed",
    "Tariff",
    "Timeframe",
    "TransferRule",
    "Update",
    "available_tariffs",
    "cap_levels",
    "check",
    "check_caps",
    "check_group_caps",
    "compare_policies",
    "explain",
    "flag_names",
    "groups_of_riders",
    "optimise_caps",
    "optimise_group_caps",
    "read_key",
    "read_state",
    "read_taps",
    "read_tariff",
    "reconcile",
    "settle",
    "settle_dask",
    "settle_files",
    "synthetic_riders",
    "synthetic_taps",
    "tariff_from_feed",
    "update",
    "write_charges",
]
