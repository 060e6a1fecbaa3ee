"""A stored graph as a dataset: whole, or split for link prediction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.link import LinkData
from gneg.datasets.names import Names
from gneg.datasets.sources.features import Features, align, by_ids
from gneg.datasets.sources.features import read as read_features
from gneg.datasets.splits import make_split
from gneg.graph import Graph, KnownEdges
from gneg.graph.folder import NODES, SIDES, is_stored
from gneg.graph.known import KnownPolicy
from gneg.graph.lazy import cached_property
from gneg.graph.store import REMEDY, StoredGraph, open_graph
from gneg.samplers import Sampler
from gneg.samplers.base import Corrupt
from gneg.samplers.negatives import Vectors
from gneg.samplers.text.build import build

__all__ = ["GraphData", "is_stored", "load_split"]


@dataclass(frozen=True)
class GraphData:
    """All edges of a stored graph, which are all known and all positives.

    Attributes:
        graph: The graph, mapped.
    """

    graph: StoredGraph

    @classmethod
    def open(cls, folder: str | Path) -> GraphData:
        """Open a stored graph; see :meth:`gneg.Graph.open`."""
        return cls(open_graph(folder))

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.graph.folder.name

    @property
    def split(self) -> str:
        """How the edges were split: not at all."""
        return "none, all edges"

    @property
    def undirected(self) -> bool:
        """Whether (u, v) and (v, u) are the same edge."""
        return self.graph.undirected

    @cached_property
    def names(self) -> Names | tuple[Names, Names] | None:
        """The user's own names of nodes, read when they are first used; None: they are ids."""
        if not self.graph.origin.get("mapped"):
            return None
        paths = [self.graph.folder / name for name in (SIDES if self.graph.bipartite else (NODES,))]
        columns = []
        kind, sizes = "a table of names of gneg ingest", (self.graph.num_src, self.graph.num_dst)
        for path, size in zip(paths, sizes, strict=False):
            with files.reading("folder", path, kind, REMEDY):
                column = pq.read_table(path, columns=["name"]).column(0)
            if len(column) != size:
                value = f"{path} of {len(column):,}"
                checks.fail("folder", f"{kind}, of {size:,} nodes", value, hint=REMEDY)
            columns.append(Names(column.combine_chunks()))
        return (columns[0], columns[1]) if self.graph.bipartite else columns[0]

    @property
    def end_names(self) -> tuple[Names | None, Names | None]:
        """The names of sources and of targets; None: they are their ids."""
        return self.names if isinstance(self.names, tuple) else (self.names, self.names)

    def sides(self, rows: Tensor) -> Vectors:
        """Return ``rows [N, ...]``, in a bipartite graph as a pair: of sources and of targets."""
        if not self.graph.bipartite:
            return rows
        return rows[: self.graph.num_src], rows[self.graph.num_src :]

    def sampler(
        self,
        text: str,
        *,
        known: KnownPolicy = "train",
        corrupt: Corrupt = "dst",
        z: Tensor | Callable[[], Tensor] | None = None,
    ) -> Sampler:
        """Build a sampler from an expression; the edges of the graph are known, whatever ``known``.

        Args:
            text: The expression.
            known: Not used: there are no other edges.
            corrupt: The end that is replaced.
            z: ``[N, D]`` embeddings, for samplers that look for similar nodes.

        Raises:
            ValueError: If the expression is malformed or an option is wrong.
        """
        return build(text, self.graph, z=z, known=KnownEdges(self.graph), corrupt=corrupt)

    def __repr__(self) -> str:
        return f"GraphData({self.name}: {self.graph!r})"


def load_split(folder: str | Path, *, features: Path | None = None, seed: int = 0) -> LinkData:
    """Return a stored graph split at random, 85/5/10, in memory.

    Args:
        folder: The folder.
        features: Features of the nodes, by name or in the order of their ids; a large ``.npy`` file
            of single precision is mapped.
        seed: Seed of the split.

    Raises:
        ValueError: If it holds no stored graph, or one that does not fit in memory, or a node has
            no features.
    """
    data = GraphData.open(folder)
    graph: Graph = data.graph
    # Ends of the edges, a random order of them, the parts, and the graph of the training edges.
    needed = 60 * graph.num_edges
    checks.memory("dataset", needed, f"{data.name} with {graph.num_edges:,} directed edges")
    x = None if features is None else _aligned(read_features(features), data, features)
    return replace(make_split(data.name, graph, x, seed=seed), names=data.names)


def _aligned(features: Features, data: GraphData, path: Path) -> Tensor:
    """Return the rows ``[N, F]`` of the nodes of a stored graph, in their order."""
    graph, names, rows = data.graph, data.names, features.x.size(0)
    size = graph.num_src + graph.num_dst if graph.bipartite else graph.num_nodes
    if features.names is not None or features.likely is not None:
        ids = Names(np.arange(size)) if names is None else names
        kinds = ids if isinstance(ids, tuple) else (ids,)
        if features.names is None:
            features = by_ids(features, [kind.values for kind in kinds])
        if features.names is not None:
            return align(features, kinds, path)
    if names is None and rows == size:
        return features.x
    if not isinstance(names, Names) or not names.integers or rows <= int(names[-1]):
        nodes = "one for each node" if names is None else "with names of nodes"
        hint = "name the nodes in a column id of a table, or build the graph with --keep-ids"
        checks.fail("features", f"{size:,} rows, {nodes}", f"{rows:,} rows in {path}", hint=hint)
    return features.x[torch.from_numpy(names.values.to_numpy().copy())]
