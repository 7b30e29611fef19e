"""The only place that says ``@njit``: one decorator for every kernel, and the list of them all.

Kernels are cached on disk unless ``MOBILITY_JIT_CACHE=0``. A kernel calls only kernels of its own
file, because numba's disk cache does not see changes in another one.
"""

from __future__ import annotations

import os
from importlib import import_module
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
    "mobility.fares._ticket_kernels",
    "mobility.signals._control_kernels",
)

KERNELS: list[Any] = []


def kernel(function: Any) -> Any:
    """Compile one function of arrays: cached, without the GIL, numpy's rules for division."""
    dispatcher = numba.njit(cache=CACHE, nogil=True, error_model="numpy")(function)
    KERNELS.append(dispatcher)
    return dispatcher


def warm_up() -> list[str]:
    """Compile every kernel of every module, or load it from the disk cache; their names."""
    for name in MODULES:
        import_module(name).warm()
    return [f"{one.py_func.__module__}.{one.py_func.__name__}" for one in KERNELS]


def compilations() -> dict[str, int]:
    """How often each kernel was compiled, not loaded from disk, in this process."""
    return {
        f"{one.py_func.__module__}.{one.py_func.__name__}": sum(one.stats.cache_misses.values())
        for one in KERNELS
    }
