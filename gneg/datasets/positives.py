"""Positives of a dataset in pieces of a fixed size, for work that is done piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.graph_data import GraphData
from gneg.datasets.link import LinkData
from gneg.datasets.names import Names
from gneg.datasets.triple import TripleData
from gneg.graph import Graph
from gneg.graph.sizes import with_sizes

IntArray = npt.NDArray[np.int64]
ROWS = 2**16  # positives of a piece at the most


class Positives(Protocol):
    """Positives in pieces, whose bounds depend on nothing but the data."""

    @property
    def count(self) -> int:
        """Number of positives."""

    @property
    def pieces(self) -> int:
        """Number of pieces."""

    def piece(self, i: int) -> Tensor:
        """Return the positives of a piece, ``[2, n]`` edges or ``[3, n]`` triples."""


@dataclass(frozen=True)
class Listed:
    """Positives ``[2, P]`` or ``[3, P]`` in memory, ``rows`` of them in a piece."""

    edges: Tensor
    rows: int = field(default_factory=lambda: ROWS)

    __repr__ = with_sizes

    @property
    def count(self) -> int:
        """Number of positives."""
        return self.edges.size(1)

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return -(-self.count // self.rows)

    def piece(self, i: int) -> Tensor:
        """Return the positives of a piece."""
        return self.edges[:, i * self.rows : (i + 1) * self.rows]


@dataclass(frozen=True)
class OfGraph:
    """All edges of a graph, of an undirected one in one direction, which are read as needed."""

    graph: Graph
    rows: int = field(default_factory=lambda: ROWS)

    @property
    def count(self) -> int:
        """Number of positives."""
        return self.graph.num_edges // (2 if self.graph.undirected else 1)

    @property
    def pieces(self) -> int:
        """Number of pieces."""
        return -(-self.graph.num_edges // self.rows)

    def piece(self, i: int) -> Tensor:
        """Return the positives of a piece."""
        start, end = i * self.rows, (i + 1) * self.rows
        edges = entries(self.graph, start, min(end, self.graph.num_edges))
        return edges[:, edges[0] < edges[1]] if self.graph.undirected else edges


def positives_of(
    data: LinkData | TripleData | GraphData, part: str | None, nodes: Sequence[str | int] | None
) -> Positives:
    """Return the positives that negatives are drawn for.

    Args:
        data: The dataset.
        part: The part; None for a whole graph.
        nodes: Sources or heads, by name or id; None: all.

    Raises:
        ValueError: If there is no such part or node.
    """
    edges: Tensor | Graph
    if isinstance(data, LinkData | TripleData):
        edges = data.positives(part or "train")
    elif part is None:
        edges = data.graph
    else:
        checks.fail("part", "None for a stored graph", repr(part))
    if nodes is not None:
        size, both_ways = (
            (data.num_entities, False)
            if isinstance(data, TripleData)
            else (data.graph.num_src, data.undirected)
        )
        ids = torch.from_numpy(ids_of(data.end_names[0], nodes, size))
        edges = of_nodes(edges, ids, both_ways=both_ways)
    return OfGraph(edges) if isinstance(edges, Graph) else Listed(edges)


def ids_of(names: Names | None, nodes: Sequence[str | int], size: int) -> IntArray:
    """Return the ids of nodes, by name or, where there are no names, by id."""
    if names is not None:
        return names.ids(nodes, "nodes")
    wrong = [node for node in nodes if not str(node).isdecimal() or int(node) >= size]
    if wrong:
        checks.fail("nodes", f"ids from 0 to {size - 1:,}", repr(wrong[0]))
    return np.array([int(node) for node in nodes], np.int64)


def entries(graph: Graph, start: int, stop: int) -> Tensor:
    """Return the directed edges ``start`` to ``stop`` of a graph, ``[2, stop - start]``."""
    src = np.searchsorted(graph.indptr, np.arange(start, stop), side="right") - 1
    return torch.from_numpy(np.stack([src, graph.indices[start:stop].astype(np.int64)]))


def of_nodes(edges: Tensor | Graph, nodes: Tensor, *, both_ways: bool) -> Tensor:
    """Return the positives whose source (head) is among some nodes, ``[2, n]`` or ``[3, n]``.

    Args:
        edges: Positives ``[2, P]`` or ``[3, P]``, or a graph whose edges they are.
        nodes: ``[m]`` ids of sources.
        both_ways: Whether (u, v) also stands for (v, u) in ``edges`` ``[2, P]``.
    """
    if isinstance(edges, Graph):
        rows = nodes.unique().tolist()
        parts = [entries(edges, int(edges.indptr[u]), int(edges.indptr[u + 1])) for u in rows]
        return torch.cat([torch.empty(2, 0, dtype=torch.long), *parts], dim=1)
    parts = [edges[:, torch.isin(edges[0], nodes)]]
    if both_ways:
        parts.append(edges[:, torch.isin(edges[1], nodes)].flip(0))
    return torch.cat(parts, dim=1)
