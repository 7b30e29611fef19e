"""The sample feeds that come with the engine: synthetic, small, each with its case files.

Examples
--------
>>> from mobility import samples
>>> samples.available
('changsha', 'incheon', 'santiago')
>>> samples.case("santiago", "fleet.toml").name
'fleet.toml'
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mobility.errors import ConfigError

if TYPE_CHECKING:
    from mobility.feed.feed import Feed

_HERE = Path(__file__).resolve().parent
_ODD = "odd"  # feeds for tests, one peculiarity or defect each: "odd/dst"


def _folder() -> Path:
    """Find the samples: in the installed package, else beside it in a checkout."""
    packaged = _HERE / "_samples"
    return packaged if packaged.is_dir() else _HERE.parent / "gtfs_samples"


def _names(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    return tuple(sorted(one.name for one in folder.iterdir() if (one / "agency.txt").is_file()))


available: tuple[str, ...] = _names(_folder())


def odd() -> tuple[str, ...]:
    """List the feeds for tests, ``"odd/..."``: one peculiarity or one defect each."""
    folder = _folder() / _ODD
    if not folder.is_dir():
        return ()
    return tuple(sorted(f"{_ODD}/{one.name}" for one in folder.iterdir() if one.is_dir()))


def path(name: str) -> Path:
    """Give the folder of a sample feed.

    Parameters
    ----------
    name
        One of ``available``, or of ``odd()``.

    Raises
    ------
    ConfigError
        When there is no such sample; the message names the nearest ones.

    Examples
    --------
    >>> path("santiago").name
    'santiago'
    """
    known = (*available, *odd())
    if name not in known:
        near = get_close_matches(name, known, n=3)
        mend = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(available)}"
        raise ConfigError(f"no sample is called {name!r}", mend=mend)
    return _folder() / name


def case(name: str, file: str) -> Path:
    """Give a case file that lies in a sample's folder.

    Parameters
    ----------
    name
        A sample's name.
    file
        ``"fleet.toml"``, ``"tariff.toml"``, ``"signals.toml"`` ...

    Raises
    ------
    ConfigError
        When the sample, or a case file of this name in it, does not exist.

    Examples
    --------
    >>> case("changsha", "signals.toml").is_file()
    True
    """
    folder = path(name)
    cases = case_files(name)
    if file not in cases:
        near = get_close_matches(file, cases, n=3) or cases
        mend = f"did you mean {', '.join(near)}?" if near else f"{name} has no case files"
        raise ConfigError(f"sample {name!r} has no case file {file!r}", mend=mend)
    return folder / file


def case_files(name: str) -> list[str]:
    """List a sample's case files.

    >>> [one for one in case_files("santiago") if one.startswith("fleet")]
    ['fleet.toml']
    """
    return sorted(one.name for one in path(name).iterdir() if one.suffix in {".toml", ".csv"})


def read(name: str) -> Feed:
    """Read a sample feed.

    Parameters
    ----------
    name
        One of ``available``, or of ``odd()``.

    Returns
    -------
    Feed
        As ``mobility.read_feed`` gives it.
    """
    from mobility.feed import read_feed

    return read_feed(path(name))
