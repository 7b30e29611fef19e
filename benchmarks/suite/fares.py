"""Fares over versions: settling, and the search for the best cap."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.fares_peers import TARIFF, made_taps, table_of
from mobility import _jit, fares


class Settle:
    """Random taps, fifty a card; quality is what is conserved: nominal less discounts less charges."""

    params, param_names = [[100_000, 1_000_000, 4_000_000]], ["taps"]
    timeout = 300

    def setup(self, taps):
        _jit.warm_up()
        self.tariff = fares.read_tariff(TARIFF)
        self.taps = table_of(made_taps(taps))
        fares.settle(self.taps.head(1_000), self.tariff)

    def time_charges(self, taps):
        fares.settle(self.taps, self.tariff, columns=("charged",))

    def time_whole_ledger(self, taps):
        fares.settle(self.taps, self.tariff)

    def peakmem_charges(self, taps):
        fares.settle(self.taps, self.tariff, columns=("charged",))

    def track_quality_minor_units_lost(self, taps):
        told = fares.settle(self.taps, self.tariff).totals
        return told["nominal"] - told["transfer_discount"] - told["cap_discount"] - told["charged"]


class OptimiseCaps:
    """The best monthly cap of a synthetic city."""

    params, param_names = [[300, 2_000, 10_000]], ["riders"]
    timeout = 300

    def setup(self, riders):
        _jit.warm_up()
        self.tariff = fares.read_tariff("santiago-2026")
        self.taps = fares.synthetic_taps(riders, month="2026-03")
        self._run()

    def _run(self):
        return fares.optimise_caps(self.taps, self.tariff, revenue="-1%")

    def time_search(self, riders):
        self._run()

    def peakmem_search(self, riders):
        self._run()

    def track_gap_percent(self, riders):
        gap = self._run().report.gap
        return float("nan") if gap is None else 100 * gap
