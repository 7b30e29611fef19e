"""Arrays as short text: the smallest integers that hold them, as they are or as differences."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Name in the page -> little-endian integers; js/data.js reads the same names.
KINDS = {"u8": "<u1", "u16": "<u2", "i8": "<i1", "i16": "<i2", "i32": "<i4"}


def pack(values: ArrayLike, *, scale: float = 1.0) -> dict[str, Any]:
    """Pack whole numbers for the page.

    Parameters
    ----------
    values
        Numbers whose product with ``scale`` fits int32; they are rounded to whole ones. NaN cannot
        be packed.
    scale
        Steps a unit: 100 keeps two decimals.

    Returns
    -------
    dict
        ``n`` (how many), ``t`` (kind of integer), ``d`` (True: differences, the first from 0),
        ``s`` (scale), ``b`` (base64 of little-endian bytes).

    Raises
    ------
    ValueError
        When a value is not finite, or beyond int32.
    """
    array = np.asarray(values)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError("NaN and infinity cannot be packed")
    whole = np.rint(array.astype(np.float64) * scale).astype(np.int64)
    if whole.size and max(abs(int(whole.min())), abs(int(whole.max()))) >= 2**31:
        raise ValueError("a value beyond int32 cannot be packed")
    steps = np.diff(whole, prepend=0)
    plain, delta = _kind(whole), _kind(steps)
    by_difference = np.dtype(KINDS[delta]).itemsize < np.dtype(KINDS[plain]).itemsize
    kind, numbers = (delta, steps) if by_difference else (plain, whole)
    text = base64.b64encode(numbers.astype(KINDS[kind]).tobytes()).decode("ascii")
    return {"n": int(whole.size), "t": kind, "d": by_difference, "s": scale, "b": text}


def unpack(told: dict[str, Any]) -> NDArray[np.float64]:
    """Give back what was packed, as the page reads it."""
    raw = np.frombuffer(base64.b64decode(told["b"]), KINDS[told["t"]]).astype(np.int64)
    whole = np.cumsum(raw) if told["d"] else raw
    return np.asarray(whole / told["s"], np.float64)


def _kind(whole: NDArray[np.int64]) -> str:
    """Name the smallest kind of integer that holds all."""
    low, high = (int(whole.min()), int(whole.max())) if whole.size else (0, 0)
    for name, kind in KINDS.items():
        held = np.iinfo(kind)
        if held.min <= low and high <= held.max:
            return name
    return "i32"  # differences of int32 may pass it; plain values then do not
