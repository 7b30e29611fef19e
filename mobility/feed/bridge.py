"""The way to gtfs-kit and back: people who know it go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from mobility.feed.tables import Table, parse_floats, spread, table_from_frame

if TYPE_CHECKING:
    import gtfs_kit

    from mobility.feed.feed import Feed


def to_gtfs_kit(feed: Feed) -> gtfs_kit.Feed:
    """Give the feed as a ``gtfs_kit.Feed``.

    Columns have the types that gtfs-kit gives them; a column it does not know is text, a table
    without rows is None, and a table it does not know (fare_products.txt, ...) is not in it.
    ``dist_units`` is what gtfs-kit finds by comparing ``shape_dist_traveled`` with the shapes, as
    its own reader does; km where nothing can be compared. A stop called ``NA`` is a stop here.
    """
    import gtfs_kit
    from gtfs_kit.constants import DTYPES
    from gtfs_kit.shapes import infer_dist_units

    frames = {
        name: _typed(feed.raw[name], types) if name in feed.raw and len(feed.raw[name]) else None
        for name, types in DTYPES.items()
    }
    return gtfs_kit.Feed(dist_units=infer_dist_units(frames["shapes"]), **frames)


def from_gtfs_kit(gk_feed: gtfs_kit.Feed) -> dict[str, Table]:
    """Tables of text from a ``gtfs_kit.Feed``, by name without ``.txt``.

    Whole numbers are written without ``.0``; missing cells are blank.
    """
    from gtfs_kit.constants import DTYPES

    raw = {}
    for name in DTYPES:
        frame = getattr(gk_feed, name)
        if frame is not None:
            raw[name] = table_from_frame(_plain(frame), name)
    return raw


def _typed(table: Table, types: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: _column(table, name, types) for name in table.columns})


def _column(table: Table, name: str, types: dict[str, str]) -> Any:
    kind, values, codes = types.get(name, "string"), table.values(name), table.codes(name)
    if kind == "string":
        texts = pc.if_else(pc.equal(values, ""), None, values.cast(pa.string()))
        coded = pa.DictionaryArray.from_arrays(pa.array(codes), texts)
        return pd.array(coded.dictionary_decode().to_numpy(zero_copy_only=False), dtype="string")
    numbers = parse_floats(values)
    if kind == "float":
        return spread(numbers, codes, fill=np.nan)
    gone = ~(numbers == np.floor(numbers)) | (np.abs(numbers) >= 2**63)
    whole = np.where(gone, 0, numbers).astype(np.int64)
    limits = np.iinfo(kind.lower())
    # A headway of ten hours does not fit gtfs-kit's 16 bits: the column grows instead of failing.
    fits = not len(whole) or (whole.min() >= limits.min and whole.max() <= limits.max)
    mask = spread(gone, codes, fill=True)
    array = pd.arrays.IntegerArray(spread(whole, codes, fill=0), mask)
    return array.astype(pd.api.types.pandas_dtype(kind if fits else "Int64"))


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Nullable float columns as plain ones, whose missing cells are NaN."""
    nullable = [
        name
        for name in frame.columns
        if pd.api.types.is_float_dtype(frame[name])
        and pd.api.types.is_extension_array_dtype(frame[name])
    ]
    return frame.astype(dict.fromkeys(nullable, np.float64)) if nullable else frame
