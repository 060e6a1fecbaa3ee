"""Random edges as a source of a stored graph, or written to a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gneg import checks, files
from gneg.datasets.ingest.database import Report
from gneg.datasets.ingest.source import Edges
from gneg.graph.generate import RandomEdges


@dataclass(frozen=True)
class RandomSource:
    """Random edges, generated while they are read."""

    edges: RandomEdges
    weighted = bipartite = False

    @property
    def name(self) -> str:
        """What they are."""
        return "uniform edges" if self.edges.initiator is None else "R-MAT edges"

    def settings(self) -> Any:
        """Return what decides them."""
        settings = asdict(self.edges)
        return {**settings, "initiator": list(self.edges.initiator or ())}

    def lines(self) -> list[str]:
        """Return their sizes."""
        return [f"{self.edges.num_edges:,} {self.name} of 2^{self.edges.scale} nodes"]

    def batches(self, *, text: bool) -> Iterator[Edges]:
        """Yield them; see :class:`gneg.datasets.ingest.source.Source`."""
        for piece in self.edges.pieces():
            source, target = (pa.array(end.astype(np.int64)) for end in piece)
            yield Edges(source, target, None)


def write_edges(edges: RandomEdges, path: str | Path, report: Report) -> None:
    """Write random edges to an ``.npy`` ``[2, E]``, piece by piece, whole or not at all.

    Args:
        edges: The edges.
        path: The file.
        report: Called with a name, the edges that are written, and all.
    """
    path = files.check_output("out", path)
    if path.suffix != ".npy":
        checks.fail("out", "a name that ends in .npy, or a folder", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    needed, free = 2 * edges.num_edges * edges.id_type.itemsize, shutil.disk_usage(path.parent).free
    if needed > free:
        allowed = f"few enough for the {free / 1e9:,.0f} GB of free disk"
        checks.fail("edges", allowed, f"{edges.num_edges:,}, of {needed / 1e9:,.0f} GB")

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            dtype, size = edges.id_type, edges.num_edges
            descr = {"descr": dtype.str, "fortran_order": False, "shape": (2, size)}
            np.lib.format.write_array_header_1_0(file, descr)
            start, first = file.tell(), 0
            for piece in edges.pieces():
                for row, ids in enumerate(piece):
                    file.seek(start + (row * size + first) * dtype.itemsize)
                    file.write(ids.data)
                first += len(piece[0])
                report("edges written", first, size)

    files.write_whole(path, write)
