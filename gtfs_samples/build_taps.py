"""Synthetic taps: ``python gtfs_samples/build_taps.py`` writes the same rows again.

Needs the engine: ``mobility.fares.synthetic_taps`` makes them.
"""

from pathlib import Path

from mobility import fares

RIDERS, ZONES, SEED = 500, 20, 6


def main() -> None:
    """Write ``tariffs/taps.csv``, and ``city_taps.parquet`` with its riders and zones."""
    folder = Path(__file__).parent / "tariffs"
    fares.synthetic_taps(25, seed=4).to_csv(folder / "taps.csv", index=False, lineterminator="\n")
    taps = fares.synthetic_taps(RIDERS, seed=SEED, zones=ZONES)
    taps.to_parquet(folder / "city_taps.parquet", index=False, compression="zstd")
    riders, zones = fares.synthetic_riders(RIDERS, zones=ZONES, seed=SEED)
    riders.to_csv(folder / "riders.csv", index=False, lineterminator="\n")
    zones.to_csv(folder / "zones.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
