"""``mobility warmup``: compile every kernel once, so that no later command waits for it."""

from __future__ import annotations

from mobility.cli import options


def warmup(as_json: options.Json = False, quiet: options.Quiet = False) -> None:
    """Compile every kernel into the disk cache; later commands load them.

    Examples:

      mobility warmup

      mobility warmup --json
    """
    import time

    from mobility import _jit
    from mobility.cli.output import print_json, working

    start = time.perf_counter()
    with working("compiling kernels", quiet=quiet):
        names = _jit.warm_up()
    compiled = sum(count > 0 for count in _jit.compilations().values())
    seconds = round(time.perf_counter() - start, 1)
    if as_json:
        print_json({"kernels": names, "compiled": compiled, "seconds": seconds})
    else:
        print(f"{len(names)} kernels ready, {compiled} compiled now, in {seconds} s")
