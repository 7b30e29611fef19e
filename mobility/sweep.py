"""What-ifs: a function over a grid of arguments, one row of a table for each answer."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from mobility.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd

_TOLD = ("status", "objective", "objective_unit", "bound", "gap", "seconds", "stop_reason")


def sweep(
    function: Callable[..., Any],
    grid: Mapping[str, Iterable[Any]],
    *,
    also: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Call a function at every point of a grid, and put the reports of its answers into one table.

    Parameters
    ----------
    function
        Takes the names of the grid as keyword arguments; answers a result with a ``report`` (a plan, a
        ledger ...), a ``Report``, a number, or a mapping of names to values.
    grid
        Values by name. All combinations are called, the last name running quickest.
    also
        Attributes of an answer that become columns besides its report, with dots where they lie deeper:
        ``"vehicles"``, ``"totals.capped_cards"`` (keys of mappings count as attributes).
    progress
        Called after each point with how many are done, and of how many.

    Returns
    -------
    pandas.DataFrame
        One row a point, in the order of the grid: its arguments; ``status objective objective_unit bound gap
        seconds stop_reason``; ``part_NAME`` for each part of the objective; and what ``also`` names. A
        number is in ``value``. After Ctrl-C the rows so far, and ``attrs["stop_reason"] = "interrupted"``.

    Raises
    ------
    ConfigError
        When the grid is empty, a column would stand twice, or an answer is none of these.

    Examples
    --------
    >>> from mobility import sweep
    >>> sweep(lambda a, b: a * b, {"a": [1, 2], "b": [10, 20]})["value"].tolist()
    [10, 20, 20, 40]
    """
    import pandas as pd

    values = {name: list(some) for name, some in grid.items()}
    if not values or not all(values.values()):
        empty = next((name for name, some in values.items() if not some), "")
        raise ConfigError(
            f"nothing to try for {empty!r}" if empty else "the grid is empty",
            mend='grid={"battery_kwh": [300, 400]}',
        )
    points = list(product(*values.values()))
    rows: list[dict[str, Any]] = []
    stop_reason = "finished"
    try:
        for point in points:
            asked = dict(zip(values, point, strict=True))
            row = _row(function(**asked), also)
            if twice := sorted(set(asked) & set(row)):
                raise ConfigError(
                    f"{twice[0]!r} is an argument and a column of the answer",
                    mend="name the argument differently",
                )
            rows.append({**asked, **row})
            if progress is not None:
                progress(len(rows), len(points))
    except KeyboardInterrupt:
        stop_reason = "interrupted"
    table = pd.DataFrame(rows)
    table.attrs["stop_reason"] = stop_reason
    return table


def _row(answer: Any, also: Sequence[str]) -> dict[str, Any]:
    """What a table says of an answer."""
    report = answer if hasattr(answer, "bound_scope") else getattr(answer, "report", None)
    if report is not None:
        told = {name: getattr(report, name) for name in _TOLD}
        row = {name: value if value is None else _plain(value) for name, value in told.items()}
        row |= {f"part_{name}": value for name, value in report.parts.items()}
    elif hasattr(answer, "items"):
        row = dict(answer.items())
    elif hasattr(answer, "__float__") and not hasattr(answer, "__len__"):
        row = {"value": answer}
    else:
        raise ConfigError(
            f"an answer of type {type(answer).__name__} has no report",
            mend="let the function return a result, a number, or a dict of values",
        )
    return row | {path.replace(".", "_"): _at(answer, path) for path in also}


def _plain(value: Any) -> Any:
    return str(value) if hasattr(value, "name") else value


def _at(answer: Any, path: str) -> Any:
    for name in path.split("."):
        try:
            answer = answer[name] if hasattr(answer, "keys") else getattr(answer, name)
        except (AttributeError, KeyError):
            raise ConfigError(
                f"{type(answer).__name__} has no {name!r}", mend="also= names what an answer has"
            ) from None
    return answer
