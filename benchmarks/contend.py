"""One contender, one case, one fresh process: ``python -m benchmarks.contend NAME CASE``.

Prints one JSON line: seconds of the work itself, peak memory, and counts that must agree between
contenders. Whoever starts it measures the whole process from outside.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def ours_cold(path: Path) -> dict[str, int]:
    """All tables, times as seconds, sorted, checked; no cache read or written."""
    from mobility.feed import read_feed

    feed = read_feed(path, cache=False)
    return {"stop_times": len(feed.raw["stop_times"]), "trips": len(feed.raw["trips"])}


def ours_cached(path: Path) -> dict[str, int]:
    """Read the same from the compiled cache, the input's sha256 included."""
    from mobility.feed import read_feed

    feed = read_feed(path, cache=True)
    return {"stop_times": len(feed.raw["stop_times"]), "trips": len(feed.raw["trips"])}


def gtfs_kit_times(path: Path) -> dict[str, int]:
    """Read with gtfs_kit and turn both time columns into seconds, as every computation must."""
    import gtfs_kit

    feed = gtfs_kit.read_feed(path, dist_units="km")
    for column in ("arrival_time", "departure_time"):
        feed.stop_times[column].map(gtfs_kit.timestr_to_seconds)
    return {"stop_times": len(feed.stop_times), "trips": len(feed.trips)}


def partridge_load(path: Path) -> dict[str, int]:
    """Load with partridge, every service, times as floats."""
    import partridge

    feed = partridge.load_feed(str(path))
    return {"stop_times": len(feed.stop_times), "trips": len(feed.trips)}


def ours_trip_statistics(path: Path) -> dict[str, int]:
    """Distance, duration, speed and stops of every trip; kernels are loaded before the clock runs."""
    from mobility import _jit
    from mobility.feed import read_feed
    from mobility.feed.statistics import trip_statistics

    _jit.warm_up()
    feed = read_feed(path)
    return _timed(lambda: len(trip_statistics(feed)))


def gtfs_kit_trip_statistics(path: Path) -> dict[str, int]:
    """Compute the same with gtfs_kit."""
    import gtfs_kit

    feed = gtfs_kit.read_feed(path, dist_units="km")
    return _timed(lambda: len(gtfs_kit.compute_trip_stats(feed)))


def ours_plan(path: Path) -> dict[str, Any]:
    """Run the main job: blocks and charging of the typical day, checked."""
    from mobility import fleet
    from mobility.feed import read_feed

    plan = fleet.plan(fleet.problem(read_feed(path).day()))
    answer = plan.to_dict()
    keys = ("status", "vehicles", "vehicles_bound", "objective", "bound", "gap")
    return {
        **{key: answer[key] for key in keys},
        "trips": answer["kpis"]["trips"],
        "check_errors": len(answer["check"]),
    }


CONTENDERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    one.__name__: one
    for one in (
        ours_cold,
        ours_cached,
        gtfs_kit_times,
        partridge_load,
        ours_trip_statistics,
        gtfs_kit_trip_statistics,
        ours_plan,
    )
}


def _timed(work: Callable[[], int]) -> dict[str, Any]:
    """Time the work apart from the reading before it."""
    start = time.perf_counter()
    count = work()
    return {"trips": count, "work_s": time.perf_counter() - start}


def main() -> None:
    """Run one contender and print what it measured."""
    name, case = sys.argv[1:3]
    from benchmarks.cases import feed_path
    from benchmarks.results import peak_mib

    path = feed_path(case)
    start = time.perf_counter()
    answer = CONTENDERS[name](path)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_mib": round(peak_mib()), **answer}))


if __name__ == "__main__":
    main()
