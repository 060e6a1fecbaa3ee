"""Answers and embeddings as files: streamed, resumed, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from pyarrow import csv
from torch import Tensor

from gneg import checks, files, records
from gneg.datasets import LinkData, Names, TripleData
from gneg.samplers.formats.parts import Parts, in_use

if TYPE_CHECKING:
    from torch_geometric.data import Data, HeteroData

SUFFIXES = (".parquet", ".csv", ".jsonl")
VECTOR_SUFFIXES = (".npy", ".parquet", ".csv")
ROWS = 4_096  # queries of a piece, which are answered and written at once
#: Answers to the queries with the given numbers ``[low, high)``.
Answers = Callable[[int, int], pa.Table]


def check_out(out: str | Path, *, fresh: bool, inputs: tuple[str | Path | None, ...] = ()) -> Path:
    """Return the path of a file of answers, if it can be written.

    Raises:
        ValueError: If its suffix is unknown, it exists and ``fresh`` is False, or another process
            writes it.
    """
    path = files.check_file("out", out, SUFFIXES, fresh=fresh, inputs=inputs)
    if in_use(path):
        checks.fail("out", "a file that no other process writes", str(path))
    return path


def write_answers(
    out: str | Path,
    count: int,
    answers: Answers,
    settings: Mapping[str, Any],
    *,
    info: Mapping[str, Any] | None = None,
    fresh: bool = False,
    report: Callable[[int, int], object] | None = None,
    page: Callable[[Iterator[pa.Table]], object] | None = None,
) -> int:
    """Write the answers to ``count`` queries, the whole file or nothing.

    Finished pieces are kept beside the file, so that an interrupted call resumes. A query of which
    no answer is left, as all are known, has no row.

    Args:
        out: The file, ``.parquet``, ``.csv`` or ``.jsonl``.
        count: Number of queries.
        answers: Answers some of them.
        settings: What decides the answers, JSON: pieces of other settings are not used.
        info: What is said of the answers in the header of a Parquet file, JSON.
        fresh: Whether an earlier file, and its pieces, are replaced.
        report: Called after each piece with the numbers of answered and of all queries.
        page: Called with the tables of all pieces, before they are removed; in these a query
            without an answer has a row with nulls.

    Returns:
        The number of queries without an answer, which is in the header too.

    Raises:
        ValueError: As for :func:`check_out`.
        WriteError: If it cannot be written.
    """
    path = check_out(out, fresh=fresh)
    parts = Parts(path, dict(settings), fresh=fresh)
    pieces = []
    for i, low in enumerate(range(0, count, ROWS)):
        piece = parts.path(f"{i:06d}.parquet")
        high = min(low + ROWS, count)
        if not piece.exists():
            files.write_whole(piece, partial(pq.write_table, answers(low, high)))
        pieces.append(piece)
        if report is not None:
            report(high, count)
    unanswered: int = sum(table["score"].null_count for table in _read(pieces, ["score"]))
    outcome = {"unanswered": unanswered, "versions": records.versions()}
    header = {**settings, **(info or {}), **outcome}
    writer = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}[path.suffix]
    files.write_whole(path, lambda temporary: writer(temporary, _answered(pieces), header))
    if page is not None:
        page(_read(pieces))
    parts.remove()
    return unanswered


def answered(table: pa.Table) -> pa.Table:
    """Return a table of answers without the rows of queries that have none."""
    return table.filter(pc.is_valid(table["score"]))


def _answered(pieces: list[Path]) -> Iterator[pa.Table]:
    return map(answered, _read(pieces))


def _read(pieces: list[Path], columns: list[str] | None = None) -> Iterator[pa.Table]:
    for piece in pieces:
        remedy = "--fresh (fresh=True) starts again"
        with files.reading("out", piece, "beside whole pieces", remedy):
            table = pq.read_table(piece, columns=columns)
        yield table


def _parquet(path: Path, tables: Iterator[pa.Table], header: Mapping[str, Any]) -> None:
    writer: pq.ParquetWriter | None = None
    for table in tables:
        if writer is None:
            schema = table.schema.with_metadata({"gneg": json.dumps(header)})
            writer = pq.ParquetWriter(path, schema, write_page_checksum=True)
        writer.write_table(table.replace_schema_metadata({"gneg": json.dumps(header)}))
    if writer is not None:
        writer.close()


def _csv(path: Path, tables: Iterator[pa.Table], header: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        for i, table in enumerate(tables):
            _write_csv(file, table, with_header=i == 0)


def _write_csv(file: BinaryIO, table: pa.Table, *, with_header: bool) -> None:
    csv.write_csv(table, file, csv.WriteOptions(include_header=with_header))


def _jsonl(path: Path, tables: Iterator[pa.Table], header: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for table in tables:
            _write_jsonl(file, table)


def _write_jsonl(file: TextIO, table: pa.Table) -> None:
    for row in table.to_pylist():
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_embeddings(path: str | Path, z: Tensor, names: Mapping[str, pa.Array]) -> None:
    """Write embeddings ``[N, D]`` to an ``.npy``, or with names to a ``.parquet`` or ``.csv``.

    In text each dimension is a column, ``embedding_0`` and so on.

    Args:
        path: The file.
        z: The embeddings.
        names: Columns ``[N]`` that say whose they are.

    Raises:
        ValueError: If the suffix is another.
    """
    path = files.check_output("path", path)
    files.check_suffix("path", path, VECTOR_SUFFIXES)
    array = z.numpy()
    if path.suffix == ".npy":

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:
                np.save(file, array)

        files.write_whole(path, save)
        return
    if path.suffix == ".csv":
        columns = {f"embedding_{i}": pa.array(column) for i, column in enumerate(array.T)}
        table = pa.table({**names, **columns})
        files.write_whole(path, lambda temporary: csv.write_csv(table, temporary))
        return
    rows = pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
    table = pa.table({**names, "embedding": rows})
    files.write_whole(path, lambda temporary: pq.write_table(table, temporary))


def names_of_entities(data: TripleData) -> dict[str, pa.Array]:
    """Return the column ``name`` of all entities."""
    return {"name": _text(data.entities, data.num_entities)}


def names_of_relations(data: TripleData, rows: int) -> dict[str, pa.Array]:
    """Return the columns ``name`` and ``inverse`` of relations, and of their inverses after them.

    Args:
        data: The knowledge graph.
        rows: Number of vectors, R or 2 R.
    """
    size = data.num_relations
    names = pa.concat_arrays([_text(data.relations, size)] * (rows // max(size, 1)))
    return {"name": names, "inverse": pa.array(np.arange(rows) >= size)}


def names_of_nodes(data: LinkData) -> dict[str, pa.Array]:
    """Return the columns ``name`` and, in a bipartite graph, ``side`` of all nodes."""
    names = data.end_names if data.num_src is not None else data.end_names[:1]
    sizes = [data.num_nodes] if data.num_src is None else list(data.size)  # type: ignore[arg-type]
    parts = [_text(side_names, size) for side_names, size in zip(names, sizes, strict=True)]
    columns = {"name": pa.concat_arrays(parts)}
    if len(sizes) == 2:
        columns["side"] = pa.array(np.repeat(["source", "target"], sizes))
    return columns


def _text(names: Names | None, size: int) -> pa.Array:
    values = pa.array(np.arange(size)) if names is None else names.values
    return values.cast(pa.string())


def to_pyg(data: LinkData, z: Tensor) -> Data | HeteroData:
    """Return the training graph as PyG data with features, embeddings and names.

    Args:
        data: The dataset.
        z: ``[N, D]`` embeddings.
    """
    from torch_geometric.data import Data, HeteroData

    names = names_of_nodes(data)["name"].to_pylist()
    if data.num_src is None:
        graph = Data(x=data.dense_x, edge_index=data.graph.edge_index, num_nodes=data.num_nodes)
        graph.z, graph.names, graph.edge_weight = z, names, _weights(data)
        return graph
    hetero = HeteroData()
    for kind, part in (("source", slice(data.num_src)), ("target", slice(data.num_src, None))):
        hetero[kind].num_nodes = len(names[part])
        hetero[kind].z, hetero[kind].names = z[part], names[part]
        if data.dense_x is not None:
            hetero[kind].x = data.dense_x[part]
    hetero["source", "to", "target"].edge_index = data.graph.edge_index
    if data.graph.weights is not None:
        hetero["source", "to", "target"].edge_weight = _weights(data)
    return hetero


def _weights(data: LinkData) -> Tensor | None:
    weights = data.graph.weights
    return None if weights is None else torch.from_numpy(weights.copy()).float()
