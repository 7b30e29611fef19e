"""``mobility warmup``: compile every kernel once, so that no later command waits for it."""

from __future__ import annotations

from mobility.cli import options


def warmup(as_json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Compile every kernel into the disk cache; later commands load them.

    Examples:

      mobility warmup

      mobility warmup --json
    """
    import os
    import time

    from mobility import _jit
    from mobility.cli.output import print_json, working

    start = time.perf_counter()
    with working("compiling kernels", quiet=quiet):
        kernels = _jit.warm_up(os.cpu_count() or 1)
    compiled = sum(times > 0 for times in kernels.values())
    seconds = round(time.perf_counter() - start, 1)
    if as_json:
        print_json({"kernels": sorted(kernels), "compiled": compiled, "seconds": seconds})
    else:
        print(f"{len(kernels)} kernels ready, {compiled} compiled now, in {seconds} s")
