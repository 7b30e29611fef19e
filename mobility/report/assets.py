"""Styles and scripts of the page, kept as files of the package and put inside the page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

# In the order in which they are read; a script uses only what stands before it.
STYLES = ("colours", "page", "tables", "charts", "print")
SCRIPTS = (
    "data", "format", "draw", "filter", "tip", "save", "figure", "stack", "sites", "map", "rows",
    "gantt", "lines", "bars", "streets", "stages", "page",
)  # fmt: skip


@cache
def styles() -> str:
    """All styles, as one text."""
    return _joined("css", STYLES)


@cache
def scripts() -> str:
    """All scripts, as one text."""
    return _joined("js", SCRIPTS)


def digest(text: str) -> str:
    """What a content security policy calls a text that it lets in: ``sha256-...``."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def _joined(kind: str, names: tuple[str, ...]) -> str:
    folder = files("mobility.report").joinpath(kind)
    return "".join(folder.joinpath(f"{name}.{kind}").read_text("utf-8") for name in names)
