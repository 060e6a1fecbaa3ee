"""Hard evaluation sets as Parquet tables, with names for people beside the ids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from gneg import checks
from gneg.datasets.names import Names

IntArray = npt.NDArray[np.int64]
#: Columns of positives, by their number.
ROWS = {2: ("source", "target"), 3: ("head", "relation", "tail")}
EARLIER = ("source", "relation", "target")  # of triples in earlier files


def write(
    path: Path,
    pos: IntArray,
    index: IntArray,
    header: Mapping[str, Any],
    names: tuple[Names | None, ...] = (None, None),
) -> None:
    """Write a row for each positive: ``source``, ``target`` and the list ``negatives``.

    Of triples ``head``, ``relation`` and ``tail`` stand in place of source and target.

    Args:
        path: The file.
        pos: ``[2, E]`` or ``[3, E]``, the positives.
        index: ``[E, K]``, the replaced ends; -1 where there is none.
        header: What is kept beside the table, JSON; ``keep`` is the number of the columns of
            ``index`` that hold targets, those after them hold sources.
        names: Names of each row of ``pos``, written in ``source_name`` and ``target_name`` (of
            triples ``head_name``, ``relation_name`` and ``tail_name``) and ``negative_names``.
    """
    width = index.shape[1]

    def lists(values: pa.Array) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(values, width)

    ends = ROWS[len(pos)]
    columns = {name: pa.array(ids) for name, ids in zip(ends, pos, strict=True)}
    columns["negatives"] = lists(pa.array(index.ravel()))
    source, target = names[0], names[-1]
    if source is not None and target is not None:
        text = np.full(index.shape, None, object)
        keep = header["keep"]
        for end, part in ((target, np.s_[:, :keep]), (source, np.s_[:, keep:])):
            present = index[part] >= 0
            text[part][present] = _text(end, index[part][present]).to_numpy(zero_copy_only=False)
        for name, row_names, ids in zip(ends, names, pos, strict=True):
            if row_names is not None:
                columns[f"{name}_name"] = _text(row_names, ids)
        columns["negative_names"] = lists(pa.array(text.ravel(), pa.string()))
    table = pa.table(columns).replace_schema_metadata({"gneg": json.dumps(header)})
    pq.write_table(table, path, write_page_checksum=True)


def read(path: Path) -> dict[str, Any]:
    """Return ``pos``, ``index`` and the header of what :func:`write` wrote.

    Raises:
        ValueError: If it is another table.
    """
    schema = pq.read_schema(path)
    stored = schema.names
    if b"gneg" not in (schema.metadata or {}):
        allowed = "those of gneg hardset, with its header (gneg.HardSet(...).save writes your own)"
        checks.fail("columns", allowed, f"{', '.join(stored[:6])} without a header")
    ends = ROWS[3 if "relation" in stored else 2]
    if "relation" in stored and "head" not in stored:
        ends = EARLIER
    table = pq.read_table(path, columns=[*ends, "negatives"], page_checksum_verification=True)
    lists = table["negatives"].combine_chunks()
    index = lists.flatten().to_numpy().reshape(len(lists), lists.type.list_size)
    pos = np.stack([table[name].to_numpy() for name in ends])
    header = json.loads((table.schema.metadata or {})[b"gneg"])
    return {**header, "pos": torch.from_numpy(pos), "index": torch.from_numpy(index.copy())}


def _text(names: Names, ids: IntArray) -> pa.Array:
    return names.of(ids).cast(pa.string())
