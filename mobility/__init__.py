"""GTFS in, decisions out: blocks and charging, fares and caps, signal plans, each with a proof."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mobility.sweep import sweep  # a function that shares its name with its file

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mobility import fares, fleet, report, samples, signals
    from mobility.errors import ConfigError, MissingExtra, MobilityError, TableError
    from mobility.feed import Feed, ServiceDay, read_feed
    from mobility.findings import Finding, Severity, explain
    from mobility.solution import Report, Status, StopReason
    from mobility.stop import AnyOf, Gap, Seconds, Work

# Where each public name lives; a module is imported when one of its names is first used.
_HOMES = {
    "fares": "mobility.fares",
    "fleet": "mobility.fleet",
    "report": "mobility.report",
    "samples": "mobility.samples",
    "signals": "mobility.signals",
    "Feed": "mobility.feed",
    "ServiceDay": "mobility.feed",
    "read_feed": "mobility.feed",
    "MobilityError": "mobility.errors",
    "TableError": "mobility.errors",
    "ConfigError": "mobility.errors",
    "MissingExtra": "mobility.errors",
    "Finding": "mobility.findings",
    "Severity": "mobility.findings",
    "explain": "mobility.findings",
    "Report": "mobility.solution",
    "Status": "mobility.solution",
    "StopReason": "mobility.solution",
    "AnyOf": "mobility.stop",
    "Gap": "mobility.stop",
    "Seconds": "mobility.stop",
    "Work": "mobility.stop",
}

__all__ = [
    "AnyOf",
    "ConfigError",
    "Feed",
    "Finding",
    "Gap",
    "MissingExtra",
    "MobilityError",
    "Report",
    "Seconds",
    "ServiceDay",
    "Severity",
    "Status",
    "StopReason",
    "TableError",
    "Work",
    "__version__",
    "explain",
    "fares",
    "fleet",
    "read_feed",
    "report",
    "samples",
    "signals",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mobility' has no attribute {name!r}")
    module = import_module(_HOMES[name])
    value = module if module.__name__ == f"mobility.{name}" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
