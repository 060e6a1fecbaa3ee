"""The stages that turn edges with ids of any type into a stored graph, each done once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gneg import checks
from gneg.datasets.ingest.database import Database
from gneg.datasets.ingest.source import NotIntegers, Source
from gneg.graph import csr
from gneg.graph.array_file import ArrayFile
from gneg.graph.csr import PIECE, Rows
from gneg.graph.folder import NODES, SIDES
from gneg.graph.rows_file import RowsFile


@dataclass(frozen=True)
class Shape:
    """What graph the edges make.

    Attributes:
        undirected: True adds every edge's reverse, False keeps the direction, None checks.
        bipartite: Whether the two ends are of different kinds.
        keep_ids: Whether ids are integers from 0 that stay as they are.
        num_nodes: N, where ids stay as they are; None: the largest + 1.
    """

    undirected: bool | None = None
    bipartite: bool = False
    keep_ids: bool = False
    num_nodes: int | None = None


class Build:
    """The build of a graph in a folder of its own.

    Args:
        database: The database, in that folder.
        folder: The folder.
        sources: Where the edges come from.
        shape: What graph they make.
    """

    def __init__(
        self, database: Database, folder: Path, sources: Sequence[Source], shape: Shape
    ) -> None:
        self.database, self.folder, self.sources, self.shape = database, folder, sources, shape
        self.weighted = sources[0].weighted

    def run(self) -> dict[str, Any]:
        """Write the arrays of the graph; return sizes and counts of what was left out."""
        database, shape = self.database, self.shape
        read = self._read()
        if not read:
            names = ", ".join(source.name for source in self.sources)
            checks.fail("edges", "files with at least one edge", names)
        nodes = database.stage("nodes", self._keep if shape.keep_ids else self._number_nodes)
        sizes = nodes["sizes"]
        loops = database.stage("ids", lambda: self._number_edges(nodes["mapped"], max(sizes)))
        undirected = bool(shape.undirected)
        out = database.stage("rows", lambda: self._write_rows("", sizes, undirected))
        if not undirected:
            turned = sizes[::-1]
            database.stage("reversed rows", lambda: self._write_rows("in_", turned, False))
            if shape.undirected is None and not shape.bipartite:
                undirected = database.stage("symmetry", self._is_symmetric)
        if shape.bipartite:
            database.stage("steps", lambda: self._write_steps(sizes[0]))
        edges = out // 2 if shape.undirected else out
        return {
            "num_dst": sizes[-1],
            "undirected": undirected,
            "mapped": nodes["mapped"],
            "counts": {"rows": read, "self_loops": loops, "repeats": read - loops - edges},
        }

    def _read(self) -> int:
        """Read all sources into a table; return the number of edges."""
        database = self.database
        weight = ", weight DOUBLE" if self.weighted else ""
        database.stage(
            "table",
            lambda: database.run(f"CREATE TABLE raw (source BIGINT, target BIGINT{weight})"),
        )
        total = 0
        for i, source in enumerate(self.sources):
            read = self._reading(source, total)
            try:
                total += database.stage(f"read {i}", read)
            except NotIntegers:
                database.stage("text", self._as_text)
                total += database.stage(f"read {i}", read)
        database.stage("whole numbers", self._as_integers)
        return total

    def _reading(self, source: Source, before: int) -> Callable[[], int]:
        """Return the stage that reads a source."""
        database = self.database

        def read() -> int:
            text = bool(database.rows("SELECT 1 FROM stages WHERE name = 'text'"))
            kind, rows = pa.string() if text else pa.int64(), 0
            fields = [("source", kind), ("target", kind)]
            schema = pa.schema([*fields, ("weight", pa.float64())] if self.weighted else fields)

            def batches() -> Iterator[pa.RecordBatch]:
                nonlocal rows
                for edges in source.batches(text=text):
                    columns = [edges.source, edges.target]
                    columns += [pa.array(edges.weight)] if self.weighted else []
                    rows += len(edges.source)
                    database.report("edges read", before + rows, None)
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)

            database.insert("raw", schema, batches())
            return rows

        return read

    def _as_text(self) -> None:
        for column in ("source", "target"):
            self.database.run(f"ALTER TABLE raw ALTER {column} TYPE VARCHAR")

    def _as_integers(self) -> bool:
        """Make ids such as 7.0 integers where all of them are whole numbers."""
        if not self.database.rows("SELECT 1 FROM stages WHERE name = 'text'"):
            return False
        plain = "'(0|-?[1-9][0-9]{0,17})(\\.0*)?'"
        whole = " AND ".join(
            f"coalesce(bool_and(regexp_full_match({end}, {plain})), true)"
            for end in ("source", "target")
        )
        for rows in ("(FROM raw LIMIT 1000)", "raw"):
            if not self.database.rows(f"SELECT {whole} FROM {rows}")[0][0]:
                return False
        for end in ("source", "target"):
            value = f"regexp_replace({end}, '\\.0*$', '')::BIGINT"
            self.database.run(f"ALTER TABLE raw ALTER {end} TYPE BIGINT USING {value}")
        return True

    def _keep(self) -> dict[str, Any]:
        """Return the sizes of a graph whose ids stay as they are."""
        if self._is_text():
            (name,) = self.database.rows("SELECT source FROM raw LIMIT 1")[0]
            checks.fail("keep_ids", "left out for ids that are no integers from 0", repr(name))
        bounds = self.database.rows(
            "SELECT min(source), min(target), max(source), max(target) FROM raw"
        )[0]
        if min(bounds[:2]) < 0:
            checks.fail("keep_ids", "left out for ids below 0", min(bounds[:2]))
        if self.shape.bipartite:
            sizes = [bounds[2] + 1, bounds[3] + 1]
        else:
            largest = max(bounds[2:])
            sizes = [largest + 1 if self.shape.num_nodes is None else self.shape.num_nodes]
            if largest >= sizes[0]:
                checks.fail("num_nodes", f"at least {largest + 1}, for the id {largest}", sizes[0])
        # A row of the graph for each id, used or not, in both directions.
        needed, free = 16 * sum(sizes), shutil.disk_usage(self.folder).free
        if needed > free:
            name = "keep_ids" if self.shape.num_nodes is None else "num_nodes"
            allowed = f"for ids whose rows fit in the {free / 1e9:,.0f} GB of free disk"
            checks.fail(name, allowed, f"{sum(sizes):,} nodes, of {needed / 1e9:,.0f} GB")
        return {"sizes": sizes, "mapped": False}

    def _is_text(self) -> bool:
        return self.database.rows("SELECT typeof(source) FROM raw LIMIT 1") == [("VARCHAR",)]

    def _number_nodes(self) -> dict[str, Any]:
        """Write the ids that occur, sorted; return sizes, and whether any is renumbered."""
        queries = {NODES: "SELECT source AS name FROM raw UNION SELECT target FROM raw"}
        if self.shape.bipartite:
            ends = zip(SIDES, ("source", "target"), strict=True)
            queries = {name: f"SELECT DISTINCT {end} AS name FROM raw" for name, end in ends}
        kind = pa.string() if self._is_text() else pa.int64()
        parts = [self._write_names(name, sql, kind) for name, sql in queries.items()]
        mapped = not all(dense for _, dense in parts)
        if not mapped:
            for name in queries:
                (self.folder / name).unlink()
        return {"sizes": [size for size, _ in parts], "mapped": mapped}

    def _write_names(self, name: str, sql: str, kind: pa.DataType) -> tuple[int, bool]:
        """Write sorted ids with their numbers; return how many, and whether they are these."""
        path = self.folder / name
        temporary = path.with_name(f".{name}.{os.getpid()}.tmp")
        schema = pa.schema([("id", pa.int64()), ("name", kind)])
        size, dense = 0, pa.types.is_integer(kind)
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for batch in self.database.batches(f"{sql} ORDER BY name", "numbering nodes"):
                ids = np.arange(size, size + len(batch))
                names = batch.column(0).cast(kind)
                dense = dense and bool((names.to_numpy() == ids).all())
                writer.write_batch(
                    pa.RecordBatch.from_arrays([pa.array(ids), names], schema=schema)
                )
                size += len(batch)
        temporary.replace(path)
        return size, dense

    def _number_edges(self, mapped: bool, size: int) -> int:
        """Make the table of edges by number; return the number of self-loops."""
        kind = "INTEGER" if size < 2**31 else "BIGINT"
        weight = ", weight" if self.weighted else ""
        if mapped:
            files = SIDES if self.shape.bipartite else (NODES, NODES)
            first, second = (str(self.folder / name).replace("'", "''") for name in files)
            self.database.run(
                f"CREATE TABLE edges AS SELECT a.id::{kind} AS s, b.id::{kind} AS d{weight} "
                f"FROM raw JOIN read_parquet('{first}') a ON source = a.name "
                f"JOIN read_parquet('{second}') b ON target = b.name",
                name="numbering edges",
            )
            self.database.run("DROP TABLE raw")
        else:
            self.database.run(
                f"CREATE VIEW edges AS SELECT source::{kind} AS s, target::{kind} AS d{weight} "
                "FROM raw"
            )
        if self.shape.bipartite:
            return 0
        return int(self.database.rows("SELECT count(*) FROM edges WHERE s = d")[0][0])

    def _write_rows(self, prefix: str, sizes: Sequence[int], symmetrised: bool) -> int:
        """Write the arrays of the sorted edges; return the number of different ones.

        Args:
            prefix: Prefix of the files; ``in_`` for the reversed edges.
            sizes: Numbers of rows and of columns; one number if they are the same nodes.
            symmetrised: Whether every edge is written in both directions.
        """
        weight = ", weight" if self.weighted else ""
        where = "" if self.shape.bipartite else " WHERE s <> d"
        forward = f"SELECT s, d{weight} FROM edges{where}"
        backward = f"SELECT d AS s, s AS d{weight} FROM edges{where}"
        table = backward if prefix else forward
        if symmetrised:
            table = f"{forward} UNION ALL {backward}"
        # Weights are sorted, too: their sum then does not depend on the order of the file.
        sql = f"SELECT * FROM ({table}) ORDER BY s, d{weight}"
        rows = int(self.database.rows(f"SELECT count(*) FROM edges{where}")[0][0]) * (
            1 + symmetrised
        )
        name, written = "sorting reversed edges" if prefix else "sorting edges", 0
        with RowsFile(self.folder, prefix, sizes[0], sizes[-1], weighted=self.weighted) as file:
            for batch in self.database.batches(sql, name):
                columns = [column.to_numpy() for column in batch.columns]
                file.append(columns[0], columns[1], columns[2] if self.weighted else None)
                written += len(batch)
                self.database.report("writing edges", written, rows)
        return file.num_edges

    def _is_symmetric(self) -> bool:
        """Return whether the graph is its own reverse, whose files are then removed."""
        rows, back = self._mapped(""), self._mapped("in_")
        if not csr.equal_rows(rows, back):
            return False
        for name in Rows._fields:
            (self.folder / f"in_{name}.npy").unlink(missing_ok=True)
        return True

    def _mapped(self, prefix: str) -> Rows:
        """Return the arrays that were written, mapped."""
        names = Rows._fields if self.weighted else Rows._fields[:2]
        arrays = [np.load(self.folder / f"{prefix}{name}.npy", mmap_mode="r") for name in names]
        return Rows(arrays[0], arrays[1], arrays[2] if self.weighted else None)

    def _write_steps(self, num_src: int) -> None:
        """Write the arrays of the walks of a bipartite graph, which go both ways."""
        out, back = self._mapped(""), self._mapped("in_")
        small = num_src + len(back.indptr) - 1 < 2**31
        shifts: dict[str, tuple[Any, int, int]] = {
            "indptr": (np.int64, 0, len(out.indices)),
            "indices": (np.int32 if small else np.int64, num_src, 0),
            "weights": (np.float64, 0, 0),
        }
        for name in Rows._fields if self.weighted else Rows._fields[:2]:
            kind, *added = shifts[name]
            with ArrayFile(self.folder / f"steps_{name}.npy", kind) as file:
                parts = getattr(out, name), getattr(back, name)[1 if name == "indptr" else 0 :]
                for array, shift in zip(parts, added, strict=True):
                    for start in range(0, len(array), PIECE):
                        file.append(array[start : start + PIECE] + kind(shift))
