"""Samplers to compare with: PyG's functions and rejection sampling in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import negative_sampling, structured_negative_sampling

from gneg import Graph


def pyg_negative_sampling(graph: Graph, count: int) -> int:
    """Draw negatives with PyG; return their number, which may be less than ``count``."""
    return negative_sampling(graph.edge_index, graph.num_nodes, count).size(1)


def pyg_structured(graph: Graph) -> int:
    """Draw a negative for each edge of the graph with PyG; return their number."""
    return structured_negative_sampling(graph.edge_index, graph.num_nodes)[2].numel()


class TorchRejection:
    """Random targets; known edges are looked up among sorted keys and drawn again."""

    def __init__(self, graph: Graph) -> None:
        self.num_nodes = graph.num_nodes
        src, dst = graph.edge_index
        self.keys = src * graph.num_nodes + dst

    def sample(self, src: Tensor, k: int, generator: torch.Generator) -> Tensor:
        """Return targets ``[B, K]`` that make no edge and no self-loop."""
        rows = src.repeat_interleave(k)
        drawn = torch.randint(self.num_nodes, rows.shape, generator=generator)
        while True:
            key = rows * self.num_nodes + drawn
            place = torch.searchsorted(self.keys, key).clamp(max=len(self.keys) - 1)
            bad = torch.nonzero((self.keys[place] == key) | (rows == drawn)).flatten()
            if not len(bad):
                return drawn.view(-1, k)
            drawn[bad] = torch.randint(self.num_nodes, bad.shape, generator=generator)
