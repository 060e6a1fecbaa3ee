"""Columns of negatives in parquet, npz and csv files, with a header that says what they are."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from gneg import checks, files

#: Columns ``[B]`` (``src``, ``replaced``, ``side``, True where the source was replaced, and of
#: triples ``relation``) and ``[B, K]`` (``index``, -1 where there is none, and ``log_q``). Those
#: that end in ``_name`` are text, for people: they are written and not read. In files of triples
#: ``head`` and ``tail`` stand in place of ``src`` and ``replaced``; earlier files have the latter.
Columns = dict[str, npt.NDArray[Any]]
SUFFIXES = (".parquet", ".npz", ".csv")
ROWS = "rows"  # number of rows in a header
KIND = "a file of gneg sample or formats.save"
REMEDY = "write it again"
CHECKSUM = "# crc32 "  # start of the last line of a csv
_WIDE = ("index", "log_q")
_IDS = ("src", "replaced", "head", "relation", "tail", "index")
_KINDS = {**dict.fromkeys(_IDS, np.integer), "side": np.bool_, "log_q": np.floating}


def write(path: Path, parts: Iterable[Columns], info: dict[str, Any], rows: int) -> None:
    """Write ``parts`` one after the other, the whole file or nothing.

    Parquet and csv are streamed; an npz is collected in memory.

    Args:
        path: The file; its suffix says the format.
        parts: Columns of consecutive positives.
        info: The header, JSON-serialisable.
        rows: Number of positives in all parts, which the header says as well.

    Raises:
        ValueError: If the suffix is unknown.
        WriteError: If the file cannot be written.
    """
    writers = {".parquet": _write_parquet, ".csv": _write_csv, ".npz": _write_npz}
    writer = writers[files.check_suffix("path", path, SUFFIXES).suffix]
    header = {**info, ROWS: rows}
    written = map(_with_ends, parts)
    files.write_whole(path, lambda temporary: writer(temporary, written, header))


def is_whole(path: Path) -> bool:
    """Return whether a piece, ``.parquet`` or ``.npz``, is there and has its end."""
    if not path.exists():
        return False
    if path.suffix == ".npz":
        return zipfile.is_zipfile(path)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        return file.read() == b"PAR1"


def read(path: Path) -> tuple[Columns, dict[str, Any]]:
    """Return the columns and the header of a file.

    Raises:
        ValueError: If there is no such file, it is damaged, or no file of negatives.
    """
    readers = {".parquet": _read_parquet, ".csv": _read_csv, ".npz": _read_npz}
    reader = readers[files.check_suffix("path", path, SUFFIXES).suffix]
    with files.reading("path", path, KIND, REMEDY):
        columns, info = reader(path)
    fault = _fault(columns, info)
    if fault is not None:
        checks.fail("path", KIND, f"{path}: {fault}", hint=REMEDY)
    return _without_ends(columns), info


def _with_ends(columns: Columns) -> Columns:
    """Return the columns as they are written: of triples with head, relation and tail first."""
    if "relation" not in columns:
        return columns
    of_head = columns["side"]

    def triples(of: str) -> Columns:
        query, replaced = columns[f"src{of}"], columns[f"replaced{of}"]
        return {
            f"head{of}": np.where(of_head, replaced, query),
            f"relation{of}": columns[f"relation{of}"],
            f"tail{of}": np.where(of_head, query, replaced),
        }

    names = triples("_name") if "src_name" in columns else {}
    ends = {f"{end}{of}" for end in ("src", "relation", "replaced") for of in ("", "_name")}
    remaining = {name: column for name, column in columns.items() if name not in ends}
    return {**triples(""), **remaining, **names}


def _without_ends(columns: Columns) -> Columns:
    """Return columns of a file with ``src`` and ``replaced`` in place of head and tail."""
    if "head" not in columns:
        return columns
    head, tail = columns.pop("head"), columns.pop("tail")
    src, replaced = (np.where(columns["side"], *ends) for ends in ((tail, head), (head, tail)))
    return {"src": src, "replaced": replaced, **columns}


def _fault(columns: Columns, info: Any) -> str | None:
    """Return what a file lacks: header, columns, rows, whole numbers, or densities."""
    if not isinstance(info, dict) or not isinstance(info.get(ROWS), int):
        return "no header"
    ends = {"head", "relation", "tail"} if {"head", "tail"} & set(columns) else {"src", "replaced"}
    lacking = {*ends, "side", "index"} - set(columns)
    if lacking:
        return f"no {', '.join(sorted(lacking))}"
    for name, column in columns.items():
        if column.ndim != 1 + (name in _WIDE) or column.shape[:1] != (info[ROWS],):
            return f"'{name}' has shape {list(column.shape)}, not that of {info[ROWS]} rows"
        if not np.issubdtype(column.dtype, _KINDS[name]):
            return f"'{name}' is of type {column.dtype}"
    if "log_q" in columns and columns["log_q"].shape != columns["index"].shape:
        return f"'log_q' has shape {list(columns['log_q'].shape)}"
    if "log_q" in columns and np.isnan(columns["log_q"]).any():
        return "'log_q' has missing values"
    return None


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
            writer = pq.ParquetWriter(path, table.schema, write_page_checksum=True)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _read_parquet(path: Path) -> tuple[Columns, Any]:
    import pyarrow.parquet as pq

    table = pq.read_table(path, page_checksum_verification=True)
    columns = {}
    for name in filter(_KINDS.__contains__, table.column_names):
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
    """Write a comment with the header, the names, a row for each positive, and a checksum."""
    with path.open("w", newline="") as file:
        lines = _Checked(file)
        lines.write(f"# {json.dumps(info)}\n")
        rows = csv.writer(lines)
        for i, columns in enumerate(parts):
            if i == 0:
                rows.writerow(_flat_names(columns))
            flat = [column if column.ndim == 2 else column[:, None] for column in columns.values()]
            for row in zip(*(column.tolist() for column in flat), strict=True):
                rows.writerow([int(v) if isinstance(v, bool) else v for part in row for v in part])
        file.write(f"{CHECKSUM}{lines.checksum:08x}\n")


class _Checked:
    """A text file with the checksum of what was written."""

    def __init__(self, file: TextIO) -> None:
        self.file, self.checksum = file, 0

    def write(self, text: str) -> int:
        """Write a text; return its length."""
        self.checksum = zlib.crc32(text.encode(), self.checksum)
        return self.file.write(text)


def _flat_names(columns: Columns) -> Iterator[str]:
    for name, column in columns.items():
        if column.ndim == 2:
            yield from (f"{name}_{j}" for j in range(column.shape[1]))
        else:
            yield name


def _read_csv(path: Path) -> tuple[Columns, Any]:
    import pandas as pd

    content = path.read_bytes()
    body, mark, checksum = content.rpartition(CHECKSUM.encode())
    if checksum.strip() != f"{zlib.crc32(body):08x}".encode():
        raise ValueError("its last line is not its checksum" if mark else "it was cut off")
    header, _, rows = body.partition(b"\n")
    info = json.loads(header.removeprefix(b"# "))
    table = pd.read_csv(io.BytesIO(rows))
    columns: Columns = {name: table[name].to_numpy() for name in _IDS if name in table}
    if "side" in table:
        columns["side"] = table["side"].to_numpy().astype(bool)
    for name in _WIDE:
        wide = [column for column in table.columns if re.fullmatch(rf"{name}_\d+", column)]
        if wide:
            columns[name] = table[wide].to_numpy()
    if not len(table):  # pandas cannot tell the types of no rows
        types = dict.fromkeys(_IDS, np.int64) | {"side": np.bool_, "log_q": np.float64}
        columns = {name: column.astype(types[name]) for name, column in columns.items()}
    return columns, info


def _write_npz(path: Path, parts: Iterable[Columns], info: dict[str, Any]) -> None:
    collected = list(parts)
    arrays: dict[str, Any] = {"info": np.array(json.dumps(info))}
    arrays |= {name: np.concatenate([part[name] for part in collected]) for name in collected[0]}
    files.save_npz(path, arrays)


def _read_npz(path: Path) -> tuple[Columns, Any]:
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        unknown = set(arrays) - {*_KINDS, "info"}
        if unknown:
            checks.fail("columns", f"among {', '.join(_KINDS)}", ", ".join(sorted(unknown)))
        columns = {name: arrays[name] for name in arrays if name != "info"}
        return columns, json.loads(str(arrays["info"])) if "info" in arrays else None
