"""Heuristic scores of edges as attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from gneg import checks
from gneg.graph import heuristics
from gneg.graph.heuristics import KINDS, Kind
from gneg.transforms.stores import edge_stores, graph_of


@functional_transform("add_heuristics")
class AddHeuristics(BaseTransform):  # type: ignore[misc]
    """A transform that adds heuristic scores of pairs (functional name: ``add_heuristics``).

    ``edge_heuristics [E, H]`` of ``edge_index`` and, where there is supervision,
    ``edge_label_heuristics [M, H]`` of ``edge_label_index``, float, a column for each kind. An edge
    of the graph itself is left as it is: its common neighbours do not depend on it, its PageRank
    does.

    Args:
        kinds: The scores, of :data:`gneg.graph.heuristics.KINDS`; ``cosine`` needs ``data.x``.
        edge_types: For ``HeteroData``, one or several edge types between nodes of one type; all
            such if None.

    Raises:
        ValueError: If a kind is unknown, or the data has no such edges or features.
    """

    def __init__(
        self, kinds: Sequence[Kind] = ("cn", "aa", "ra"), *, edge_types: Sequence[Any] | None = None
    ) -> None:
        listed = checks.items("kinds", kinds, "one or more heuristics")
        self.kinds = [checks.choice("kinds", kind, KINDS) for kind in listed]
        if not self.kinds:
            checks.fail("kinds", "one or more heuristics", "none")
        self.edge_types = edge_types

    def forward(self, data: Data | HeteroData) -> Data | HeteroData:
        """Return the data with the scores added."""
        stores = edge_stores(data, self.edge_types)
        if self.edge_types is None:
            stores = [store for store in stores if not store.is_bipartite()]
        for store in stores:
            nodes = data[store._key[0]] if isinstance(data, HeteroData) else data
            x = nodes.x if "x" in nodes else None
            graph = graph_of(store).to_undirected()
            for key in ("edge", "edge_label"):
                if f"{key}_index" in store:
                    pairs = store[f"{key}_index"]
                    store[f"{key}_heuristics"] = self._scores(graph, pairs, x)
        return data

    def _scores(self, graph: Any, pairs: Tensor, x: Tensor | None) -> Tensor:
        src, dst = pairs.cpu().long().contiguous().numpy()
        columns = [
            torch.from_numpy(heuristics.scores(graph, kind, src, dst[:, None], x=x)[:, 0])
            for kind in self.kinds
        ]
        return torch.stack(columns, dim=1).float().to(pairs.device)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.kinds)})"
