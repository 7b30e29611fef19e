"""HTML as text: whatever comes in is escaped; only ``Safe`` goes in as it is."""

from __future__ import annotations

import json
import math
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Safe(str):
    """Text that is markup already."""

    __slots__ = ()


_VOID = {"meta", "input", "br"}


def tag(name: str, /, *inside: object, **attributes: object) -> Safe:
    """One element; ``_`` in names of attributes is ``-``, a final one is dropped (``class_``).

    >>> tag("p", "a < b", class_="note")
    '<p class="note">a &lt; b</p>'
    """
    said = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Safe(f"<{name}{said}>")
    return Safe(f"<{name}{said}>{join(inside)}</{name}>")


def join(parts: Iterable[object]) -> Safe:
    """Parts one after the other, escaped unless they are markup; None is nothing."""
    return Safe(
        "".join(
            str(one) if isinstance(one, Safe) else escape(str(one))
            for one in parts
            if one is not None
        )
    )


def as_json(value: Any) -> Safe:
    """JSON that may stand inside a script element: nothing in it can close the element."""
    try:
        text = _dumps(value)
    except ValueError:  # NaN or infinity somewhere: what is no number is not told
        text = _dumps(_finite(value))
    for found, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"),
                           ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):  # fmt: skip
        text = text.replace(found, escaped)
    return Safe(text)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _dumps(value: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_plain
    )


def _finite(value: Any) -> Any:
    """The same value, None where a number is none."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
