"""The only place that says ``@njit``: one decorator for every kernel, and the list of them all.

Kernels are cached on disk unless ``MOBILITY_JIT_CACHE=0``. A kernel calls only kernels of its own
file, because numba's disk cache does not see changes in another one.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import numba

CACHE = os.environ.get("MOBILITY_JIT_CACHE", "1") != "0"

# Every module of kernels. Each has `warm()`, which calls its kernels with every public dtype.
MODULES = (
    "mobility.feed._kernels",
    "mobility.fares._partition_kernels",
    "mobility.fares._kernels",
    "mobility.fares._pairing_kernels",
    "mobility.fares._full_kernels",
    "mobility.fleet._kernels",
    "mobility.fleet._battery_kernels",
    "mobility.fleet._column_kernels",
    "mobility.fleet._charge_kernels",
    "mobility.fleet._label_kernels",
    "mobility.fleet._master_kernels",
    "mobility.fleet._flow_kernels",
    "mobility.fleet._ways_kernels",
    "mobility.fleet._city_flow_kernels",
    "mobility.fleet._dispatch_kernels",
    "mobility.fleet._exchange_kernels",
    "mobility.fleet._dual_kernels",
    "mobility.fleet._simulate_kernels",
    "mobility.fleet._transport_kernels",
    "mobility.fleet._plug_kernels",
    "mobility.fleet._plug_search_kernels",
    "mobility.fleet._replug_kernels",
    "mobility.fares._ticket_kernels",
    "mobility.fares._policy_kernels",
    "mobility.fares._respond_kernels",
    "mobility.signals._queue_kernels",
    "mobility.signals._dispersion_kernels",
    "mobility.signals._control_kernels",
)

KERNELS: list[Any] = []


def kernel(function: Any) -> Any:
    """Compile one function of arrays: cached, without the GIL, numpy's rules for division."""
    dispatcher = numba.njit(cache=CACHE, nogil=True, error_model="numpy")(function)
    KERNELS.append(dispatcher)
    return dispatcher


def warm_up(processes: int = 1) -> dict[str, int]:
    """Compile every kernel of every module, or load it from the disk cache.

    Parameters
    ----------
    processes
        Modules are shared out among so many; above 1 only the disk cache is filled.

    Returns
    -------
    Kernel -> how often it was compiled, not loaded.
    """
    if processes == 1:
        for name in MODULES:
            import_module(name).warm()
        return compilations()
    found: dict[str, int] = {}
    # spawn: a fork would carry the threads of a library that has already started some
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for compiled in pool.map(_warm, MODULES):
            found |= compiled
    return found


def _warm(module: str) -> dict[str, int]:
    import_module(module).warm()
    return {name: times for name, times in compilations().items() if name.startswith(f"{module}.")}


def compilations() -> dict[str, int]:
    """How often each kernel was compiled, not loaded from disk, in this process."""
    return {_name(one): sum(one.stats.cache_misses.values()) for one in KERNELS}


def signatures() -> dict[str, set[str]]:
    """The types with which each kernel was called, or called by another, in this process."""
    return {_name(one): set(map(str, one.signatures)) for one in KERNELS}


def _name(one: Any) -> str:
    return f"{one.py_func.__module__}.{one.py_func.__name__}"
