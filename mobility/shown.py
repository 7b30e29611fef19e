"""How an object shows itself to a person in a notebook: one headline, and what it holds, in a small table."""

from __future__ import annotations

from html import escape
from typing import Any

_MOST = 60  # characters of a value


class Shown:
    """A base of public results: a short ``repr``, and a table of its fields in a notebook.

    Large fields are told by their size: ``770 rows x 11 columns``, ``int32 (6, 11, 11)``, ``4 entries``.
    """

    __slots__ = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__repr__" not in cls.__dict__:  # else a dataclass would write out all its arrays
            type.__setattr__(cls, "__repr__", Shown.__repr__)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self._shown().items()) or "nothing"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{html_table(self._shown())}"

    def _shown(self) -> dict[str, str]:
        """What the table says: by default every public field with a value."""
        names = getattr(type(self), "__dataclass_fields__", {})
        told = {name: in_short(getattr(self, name)) for name in names}
        return {name: text for name, text in told.items() if text and not name.startswith("_")}


def in_short(value: Any) -> str:
    """Say a value in a few words; "" for None and for what is empty.

    >>> in_short((1, 2, 3)), in_short(0.25), in_short({})
    ('3 entries', '0.25', '')
    """
    if value is None or (isinstance(value, str) and not value):
        return ""
    if hasattr(value, "columns") and hasattr(value, "shape"):
        return f"{value.shape[0]:,} rows x {value.shape[1]} columns" if len(value) else ""
    if hasattr(value, "dtype") and hasattr(value, "shape") and value.shape:
        return f"{value.dtype} {tuple(value.shape)}"
    if hasattr(value, "headline"):
        return str(value.headline() if callable(value.headline) else value.headline)
    if isinstance(value, str | int | float):
        return _number(value)
    if hasattr(value, "__len__"):
        return f"{len(value):,} entries" if len(value) else ""
    text = str(value)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def _number(value: str | float) -> str:
    if isinstance(value, str):
        return str(value) if len(value) <= _MOST else value[: _MOST - 1] + "…"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def html_table(rows: dict[str, str]) -> str:
    """A table of names and texts, escaped; nothing where there are none."""
    if not rows:
        return ""
    cells = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows.items()
    )
    return f"<table>{cells}</table>"
