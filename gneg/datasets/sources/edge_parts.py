"""Folders with an edge list for each part of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gneg import checks
from gneg.datasets.link import PARTS
from gneg.datasets.sources import columns as roles
from gneg.datasets.sources import formats, part_files
from gneg.datasets.sources.edges import EdgeTable, edge_table
from gneg.datasets.sources.formats import RawTable
from gneg.datasets.table_options import TableOptions


def read(folder: Path, options: TableOptions, bipartite: bool | None) -> EdgeTable:
    """Return the edges of the files ``train``, ``valid`` (``val``, ``dev``) and ``test``.

    Separator, header and ends of the later files are those of training.

    Args:
        folder: The folder.
        options: What the caller says of the tables.
        bipartite: Whether the two ends are of different kinds; None: as the files say.

    Raises:
        ValueError: If a file is missing or cannot be read.
    """
    paths = part_files.files_of(folder)
    options = part_files.with_repeated_header(paths, options)
    train = formats.read(paths["train"], options)
    tables = {"train": edge_table(train, paths["train"], options, bipartite)}
    options = replace(options, sep=options.sep if train.separator is None else train.separator)

    def is_header(first: Sequence[str], below: Sequence[pa.Array]) -> bool:
        if train.names is None:
            return False
        return list(first) == train.names or roles.is_header(first, below)

    for part in PARTS[1:]:
        raw = formats.read(paths[part], options, is_header=is_header)
        ends = _ends_as(train, tables["train"], raw)
        tables[part] = edge_table(raw, paths[part], replace(options, **ends), bipartite)
    return _joined(folder, tables, [path.name for path in paths.values()])


def _ends_as(train: RawTable, table: EdgeTable, raw: RawTable) -> dict[str, Any]:
    """Return the columns of the ends of a later part, as in training: by name, else by number."""
    ends = {role: table.reading.columns[role] for role in ("source", "target")}
    if train.names is not None and raw.names is None:
        return {role: str(train.names.index(name) + 1) for role, name in ends.items()}
    return ends


def _joined(folder: Path, tables: dict[str, EdgeTable], files: Sequence[str]) -> EdgeTable:
    """Return the edges of all parts as those of one table with a split."""
    for table, file in zip(tables.values(), files, strict=True):
        if table.part is not None:
            hint = "one file may hold the whole split, a folder has a file for each part"
            checks.fail("dataset", "a folder of files without a split", folder / file, hint=hint)
        if table.sizes is not None:
            checks.fail("dataset", "a folder of tables", f"{folder / file}, a matrix")
    train = tables["train"]
    notes = list(train.reading.notes)
    for part in PARTS[1:]:
        notes += [f"{part}: {note}" for note in tables[part].reading.notes if note not in notes]
    if train.time is not None:
        notes.append("the split is that of the files, not by time")
    columns = {role: name for role, name in train.reading.columns.items() if role != "time"}
    reading = replace(train.reading, file=folder.resolve().name, columns=columns,
                      notes=(f"a split in {', '.join(files)}", *notes))  # fmt: skip
    sizes = {part: len(table.ends[0]) for part, table in tables.items()}
    return EdgeTable(
        ends=(_together(tables, 0), _together(tables, 1)),
        bipartite=train.bipartite,
        weight=None if train.weight is None else _weights(tables),
        time=None,
        positive=np.concatenate([table.positive for table in tables.values()]),
        part=np.concatenate([np.full(size, part, "U5") for part, size in sizes.items()]),
        sizes=None,
        nodes=None,
        reading=reading,
    )


def _together(tables: dict[str, EdgeTable], end: int) -> pa.Array:
    """Return the names of one end in all parts."""
    columns = [table.ends[end].cast(pa.string()) for table in tables.values()]
    return pa.concat_arrays(columns)


def _weights(tables: dict[str, EdgeTable]) -> npt.NDArray[np.float64]:
    """Return the weights of all parts; those of held-out edges, which nothing uses, may lack."""
    return np.concatenate(
        [np.ones(len(table.ends[0])) if table.weight is None else table.weight
         for table in tables.values()]
    )  # fmt: skip
