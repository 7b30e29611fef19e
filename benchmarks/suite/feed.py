"""Loading and trip statistics: ``cd benchmarks && asv run --python=same --quick``."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import cases
from mobility import _jit
from mobility.feed import read_feed
from mobility.feed.statistics import trip_statistics


class Load:
    params, param_names = [cases.names("feed")], ["case"]
    timeout = 300

    def setup(self, case):
        _jit.warm_up()
        os.environ["MOBILITY_CACHE_DIR"] = tempfile.mkdtemp()
        self.path = cases.feed_path(case)
        read_feed(self.path)

    def time_cold(self, case):
        read_feed(self.path, cache=False)

    def time_from_cache(self, case):
        read_feed(self.path)

    def peakmem_cold(self, case):
        read_feed(self.path, cache=False)

    def track_findings_of_severity_error(self, case):
        return len(read_feed(self.path).errors)


class TripStatistics:
    params, param_names = [cases.names("feed")], ["case"]

    def setup(self, case):
        _jit.warm_up()
        self.feed = read_feed(cases.feed_path(case), cache=False)

    def time_all_trips(self, case):
        trip_statistics(self.feed)
