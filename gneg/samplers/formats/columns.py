"""Columns of negatives in parquet, npz and csv files, with a header that says what they are."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gneg import checks, files

#: Columns ``[B]`` (``src``, ``replaced``, ``side``, True where the source was replaced, and of
#: triples ``relation``) and ``[B, K]`` (``index``, -1 where there is none, and ``log_q``).
Columns = dict[str, npt.NDArray[Any]]
SUFFIXES = (".parquet", ".npz", ".csv")
_WIDE = ("index", "log_q")


def suffix_of(path: Path) -> str:
    """Return the suffix of ``path``.

    Raises:
        ValueError: If it is not that of a file of negatives.
    """
    if path.suffix not in SUFFIXES:
        checks.fail("path", f"a name that ends in one of {', '.join(SUFFIXES)}", str(path))
    return path.suffix


def write(path: Path, parts: Iterable[Columns], info: dict[str, Any]) -> None:
    """Write ``parts`` one after the other, the whole file or nothing.

    Parquet and csv are streamed; an npz is collected in memory.

    Args:
        path: The file; its suffix says the format.
        parts: Columns of consecutive positives.
        info: The header, JSON-serialisable.

    Raises:
        ValueError: If the suffix is unknown.
    """
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".npz": _write_npz}
    writer = writers[suffix_of(path)]
    files.write_whole(path, lambda temporary: writer(temporary, parts, info))


def read(path: Path) -> tuple[Columns, dict[str, Any]]:
    """Return the columns and the header of a file.

    Raises:
        ValueError: If there is no such file, or it is not a file of negatives.
    """
    if not path.exists():
        checks.fail("path", "an existing file", str(path))
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".npz": _read_npz}
    columns, info = readers[suffix_of(path)](path)
    lacking = {"src", "replaced", "side", "index"} - set(columns)
    if lacking or info is None:
        checks.fail("path", "a file of gneg sample or formats.save", f"{path} without {lacking}")
    return columns, info


def _write_parquet(path: Path, parts: Iterable[Columns], info: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer = None
    for columns in parts:
        arrays = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(column.ravel()), column.shape[1])
            if column.ndim == 2
            else pa.array(column)
            for name, column in columns.items()
        }
        table = pa.table(arrays).replace_schema_metadata({"gneg": json.dumps(info)})
        if writer is None:
            writer = pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _read_parquet(path: Path) -> tuple[Columns, Any]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if name in _WIDE:
            width = column.type.list_size
            flat = column.flatten().to_numpy(zero_copy_only=False)
            columns[name] = flat.reshape(-1, width).copy()
        else:
            columns[name] = column.to_numpy(zero_copy_only=False).copy()
    metadata = (table.schema.metadata or {}).get(b"gneg")
    return columns, None if metadata is None else json.loads(metadata)


def _write_csv(path: Path, parts: Iterable[Columns], info: dict[str, Any]) -> None:
    """Write a comment with the header, the names, then a row for each positive."""
    with path.open("w", newline="") as file:
        file.write(f"# {json.dumps(info)}\n")
        rows = csv.writer(file)
        for i, columns in enumerate(parts):
            if i == 0:
                rows.writerow(_flat_names(columns))
            flat = [column if column.ndim == 2 else column[:, None] for column in columns.values()]
            for row in zip(*(column.tolist() for column in flat), strict=True):
                rows.writerow([int(v) if isinstance(v, bool) else v for part in row for v in part])


def _flat_names(columns: Columns) -> Iterator[str]:
    for name, column in columns.items():
        if column.ndim == 2:
            yield from (f"{name}_{j}" for j in range(column.shape[1]))
        else:
            yield name


def _read_csv(path: Path) -> tuple[Columns, Any]:
    import pandas as pd

    with path.open() as file:
        first = file.readline()
    info = json.loads(first[2:]) if first.startswith("# {") else None
    table = pd.read_csv(path, comment="#")
    columns: Columns = {
        name: table[name].to_numpy() for name in ("src", "replaced", "relation") if name in table
    }
    if "side" in table:
        columns["side"] = table["side"].to_numpy().astype(bool)
    for name in _WIDE:
        wide = [column for column in table.columns if column.startswith(f"{name}_")]
        if wide:
            columns[name] = table[wide].to_numpy()
    return columns, info


def _write_npz(path: Path, parts: Iterable[Columns], info: dict[str, Any]) -> None:
    collected = list(parts)
    arrays: dict[str, Any] = {"info": np.array(json.dumps(info))}
    arrays |= {name: np.concatenate([part[name] for part in collected]) for name in collected[0]}
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _read_npz(path: Path) -> tuple[Columns, Any]:
    with np.load(path) as arrays:
        columns = {name: arrays[name] for name in arrays if name != "info"}
        return columns, json.loads(str(arrays["info"])) if "info" in arrays else None
