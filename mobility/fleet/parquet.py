"""A plan's tables as Parquet: typed columns, the unit of each, and the report beside them.

Seconds and counts are int32, kilometres, kWh and kW doubles, local times timestamps with their zone;
``kw`` of a session is a list, one value a slot. Metadata: ``unit`` of a column; ``mobility.version``
and ``mobility.report`` (JSON) of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mobility.errors import TableError

if TYPE_CHECKING:
    from pathlib import Path

    from mobility.solution import Report

_UNITS = {
    "start_s": "s", "end_s": "s", "distance_km": "km", "kwh": "kWh", "kw": "kW", "seq": "1",
    "charger": "1", "pump": "1",
}  # fmt: skip
_WHOLE = ("seq", "charger", "pump", "start_s", "end_s")
_REAL = ("distance_km", "kwh", "amount")


def write_parquet(table: pd.DataFrame, path: Path, report: Report) -> None:
    """Write one table of a plan."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields, arrays = [], []
    for name in table.columns:
        kind = _kind(table, str(name), pa)
        unit = _UNITS.get(str(name))
        fields.append(pa.field(str(name), kind, metadata={"unit": unit} if unit else None))
        column = table[name]
        values = [list(row) for row in column] if pa.types.is_list(kind) else column
        arrays.append(pa.array(values, type=kind))
    told = {
        "mobility.version": report.versions.get("mobility-engine", ""),
        "mobility.report": report.to_json(),
    }
    pq.write_table(pa.table(arrays, schema=pa.schema(fields, metadata=told)), path)


def _kind(table: pd.DataFrame, name: str, pa: Any) -> Any:
    """The Arrow type of a column, also where the table is empty."""
    if name in _WHOLE:
        return pa.int32()
    if name == "kw":
        return pa.float64() if "charger" not in table else pa.list_(pa.float64())
    if name in _REAL:
        return pa.float64()
    if name == "electric":
        return pa.bool_()
    if name in {"start", "end"}:
        return pa.timestamp("ms", tz=str(getattr(table[name].dt, "tz", None) or "UTC"))
    return pa.string()


def read_parquet(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read one table of a plan back, as its CSV file reads.

    Raises
    ------
    TableError
        When a column is missing, empty cells are in it, or the file is no Parquet.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        read = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{path}: no Parquet: {error}", mend="write the plan anew") from None
    told: dict[str, Any] = {}
    for name in columns:
        if name not in read.column_names:
            raise TableError(f"{path}: no column {name!r}", mend="keep the columns of the plan")
        if read[name].null_count:
            raise TableError(f"{path}: {name}: a cell is empty", mend="give every cell a value")
        values = read[name].to_pylist()
        if name in _WHOLE:
            told[name] = np.array(values, np.int64)
        elif name in _REAL or (name == "kw" and "charger" not in columns):
            told[name] = np.array(values, np.float64)
        else:
            told[name] = [tuple(one) for one in values] if name == "kw" else values
    frame = pd.DataFrame(told, columns=list(columns))
    return frame.astype({"electric": bool}) if "electric" in columns else frame
