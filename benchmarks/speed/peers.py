"""What others do, on the same edges: PyG's functions and a rejection sampler in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import negative_sampling, structured_negative_sampling

from gneg import Graph


def pyg_negative_sampling(graph: Graph, count: int) -> int:
    """Return how many pairs it drew (it may return fewer than asked)."""
    return negative_sampling(graph.edge_index, graph.num_nodes, count).size(1)


def pyg_structured(graph: Graph) -> int:
    """One negative an edge: it knows no batches."""
    return structured_negative_sampling(graph.edge_index, graph.num_nodes)[2].numel()


class TorchRejection:
    """Sorted edge keys, searchsorted, redraw what was hit: the best of a few lines of torch."""

    def __init__(self, graph: Graph) -> None:
        self.num_nodes = graph.num_nodes
        src, dst = graph.edge_index
        self.keys = src * graph.num_nodes + dst

    def sample(self, src: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """Targets ``[B, K]``."""
        rows = src.repeat_interleave(k)
        drawn = torch.randint(self.num_nodes, rows.shape, generator=generator)
        while True:
            key = rows * self.num_nodes + drawn
            place = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
            bad = torch.nonzero((self.keys[place] == key) | (rows == drawn)).flatten()
            if not len(bad):
                return drawn.view(-1, k)
            drawn[bad] = torch.randint(self.num_nodes, bad.shape, generator=generator)
