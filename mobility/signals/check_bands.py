"""Independent checker of green bands: follows each band from signal to signal, and shares no code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobility.findings import finding

if TYPE_CHECKING:
    from mobility.findings import Finding
    from mobility.signals.bands import BandProblem, Bands

EPS = 1e-5


def check_bands(problem: BandProblem, bands: Bands) -> list[Finding]:
    """Judge that each band passes all signals inside their greens, and the cycle is allowed.

    Returns
    -------
    list[Finding]
        Empty when all bands pass.
    """
    found = []
    low, high = problem.cycle_range_s
    if not low - 1e-3 <= bands.cycle_s <= high + 1e-3:
        found.append(finding("signal_cycle_out_of_range", value=f"{bands.cycle_s:g} s"))
    for name, width in bands.widths.items():
        seconds = getattr(problem, f"{name}_s")
        place = bands.fronts[name]
        outward = name.endswith("out")
        for i in range(len(problem.patterns)):
            if i > 0:
                step = seconds[i - 1] / bands.cycle_s
                place += step if outward else -step
            pattern = problem.patterns[i][bands.chosen[i]]
            begin = pattern.out_from if outward else pattern.back_from
            green = pattern.out_green if outward else pattern.back_green
            late = (place - bands.offsets[i] - begin + EPS) % 1.0 - EPS
            if late + width > green + 2 * EPS:
                found.append(finding(
                    "signal_band_meets_red", column=f"signal {i + 1}",
                    value=f"{name}: from {late:.4f} for {width:.4f} of a green of {green:.4f}",
                ))  # fmt: skip
    return found
