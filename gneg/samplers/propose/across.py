"""Negatives of one edge type by the structure of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.samplers.base import Corrupt, IntArray, Query, Sampler

EdgeType = tuple[str, str, str]
TRIES = 4  # draws per candidate: most are of another type


@dataclass(frozen=True)
class AllTypes:
    """All edges of a heterogeneous graph as one undirected graph.

    Attributes:
        graph: The graph, whose nodes are those of every type, one type after the other.
        offset: The id of the first node of each type.
    """

    graph: Graph
    offset: Mapping[str, int]

    @classmethod
    def of(cls, edges: Mapping[EdgeType, torch.Tensor], sizes: Mapping[str, int]) -> AllTypes:
        """Join edges ``[2, E]`` by their type.

        Args:
            edges: ``[2, E]`` edges by type, as ``HeteroData.edge_index_dict``.
            sizes: Number of nodes by type, as ``HeteroData.num_nodes_dict``.

        Raises:
            ValueError: If an edge type joins unknown node types.
        """
        starts = np.cumsum([0, *sizes.values()])
        offset = dict(zip(sizes, starts.tolist(), strict=False))
        joined = [torch.empty(2, 0, dtype=torch.long)]
        for (src, kind, dst), index in edges.items():
            for node_type in (src, dst):
                checks.choice(f"edges[{(src, kind, dst)}]", node_type, offset)
            joined.append(index.cpu() + torch.tensor([[offset[src]], [offset[dst]]]))
        graph = Graph.from_edge_index(torch.cat(joined, dim=1), int(starts[-1]), undirected=True)
        return cls(graph, offset)


class Across(Sampler):
    """Draws by a sampler on the graph of all edge types, targets of the right type only.

    A walk over users, items and tags may reach an item through a tag, which a walk over purchases
    alone cannot. Only edges of ``edge_type`` are known; a draw of another type, or of a known edge,
    is repeated, and in the end replaced by a uniform one.

    Args:
        graph: The edges of one type, (source type, relation, target type).
        sampler: A sampler on ``all_types.graph``, where it may corrupt either side.
        all_types: All edges of the heterogeneous graph.
        edge_type: The type of ``graph``.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If the graphs do not fit.
    """

    name = "across"

    def __init__(
        self,
        graph: Graph,
        sampler: Sampler,
        all_types: AllTypes,
        edge_type: EdgeType,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        if not isinstance(sampler, Sampler) or sampler.graph is not all_types.graph:
            checks.fail("sampler", "a sampler on all_types.graph", sampler)
        if sampler.needs:
            checks.fail("sampler", "one that needs no model", sampler)
        for end in (edge_type[0], edge_type[-1]):
            checks.choice("edge_type", end, all_types.offset)
        self.sampler, self.all_types, self.edge_type = sampler, all_types, edge_type

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw by the sampler on all edge types; -1 where a draw has another type."""
        offsets = [self.all_types.offset[end] for end in (self.edge_type[0], self.edge_type[-1])]
        of_queries, of_targets = offsets if query.side == "dst" else offsets[::-1]
        joint = replace(
            query,
            rows=query.rows + of_queries,
            batch=query.batch + of_targets,
            whole=self.all_types.graph,
            known=self.sampler.known,
            unique=False,
        )
        drawn = self.sampler.candidates(joint, TRIES * k, seed) - of_targets
        of_type = (drawn >= 0) & (drawn < query.known.num_dst)
        first = np.argsort(~of_type, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(np.where(of_type, drawn, -1), first, axis=1)
