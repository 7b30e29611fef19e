"""A month of taps of 25 riders, synthetic: ``python gtfs_samples/build_taps.py`` writes the same bytes again.

Needs the engine: ``mobility.fares.synthetic_taps`` makes them.
"""

from pathlib import Path

from mobility import fares


def main() -> None:
    """Write ``tariffs/taps.csv``."""
    path = Path(__file__).parent / "tariffs" / "taps.csv"
    fares.synthetic_taps(25, seed=4).to_csv(path, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
