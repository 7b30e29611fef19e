"""Loading and trip statistics: ``cd benchmarks && asv run --python=same --quick``."""

import os
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import cases
from benchmarks.replicate import replicate
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


class LoadCopies:
    """Changsha's sample so many times over: how loading and trip statistics grow with a feed."""

    params, param_names = [[1, 4, 16]], ["copies"]
    timeout = 300

    def setup(self, copies):
        _jit.warm_up()
        os.environ["MOBILITY_CACHE_DIR"] = tempfile.mkdtemp()
        self.path = sample_times(copies)
        self.feed = read_feed(self.path, cache=False)

    def time_cold(self, copies):
        read_feed(self.path, cache=False)

    def time_trip_statistics(self, copies):
        trip_statistics(self.feed)

    def peakmem_cold(self, copies):
        read_feed(self.path, cache=False)

    def track_quality_stop_times(self, copies):
        return len(self.feed.stop_events)


def sample_times(copies):
    """Changsha's sample with every trip so many times, as a zip; built once."""
    cases.WORK.mkdir(exist_ok=True)
    one, many = cases.WORK / "changsha.zip", cases.WORK / f"changsha_x{copies}.zip"
    if not one.exists():
        building = one.with_suffix(f".{os.getpid()}")
        with zipfile.ZipFile(building, "w") as out:
            for path in sorted((cases.CHECKOUT / "gtfs_samples" / "changsha").glob("*.txt")):
                out.write(path, path.name)
        building.replace(one)
    if copies == 1:
        return one
    if not many.exists():
        building = many.with_suffix(f".{os.getpid()}")
        replicate(one, building, copies)
        building.replace(many)
    return many


class TripStatistics:
    params, param_names = [cases.names("feed")], ["case"]

    def setup(self, case):
        _jit.warm_up()
        self.feed = read_feed(cases.feed_path(case), cache=False)

    def time_all_trips(self, case):
        trip_statistics(self.feed)

    def peakmem_all_trips(self, case):
        trip_statistics(self.feed)

    def track_quality_share_of_trips_with_a_speed(self, case):
        speed = trip_statistics(self.feed)["speed_kmh"]
        return float(speed.notna().mean())
