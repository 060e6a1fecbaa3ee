"""LightGCN: learned embeddings, propagated without weights or nonlinearity."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.nn.adjacency import Adjacency
from gneg.nn.choices import Inputs


class LightGCN(nn.Module):
    """An encoder: the mean of learned embeddings and of their propagations over 1, 2, ... steps.

    For bipartite graphs of users and items, and other graphs without features (He, Deng, Wang,
    Li, Zhang and Wang, "LightGCN", SIGIR 2020, eqs. 3 and 4).

    Args:
        num_nodes: Number of nodes, N.
        hidden: Width of the embeddings, D >= 1.
        layers: Steps of propagation, >= 0; 0 is matrix factorisation.

    Raises:
        ValueError: If an argument is out of range.
    """

    inputs: Inputs = "embedding"
    inductive = False

    def __init__(self, num_nodes: int, *, hidden: int = 64, layers: int = 3) -> None:
        super().__init__()
        hidden = checks.integer("hidden", hidden, 1)
        self.layers = checks.integer("layers", layers, 0)
        self.embedding = nn.Parameter(torch.empty(num_nodes, hidden))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new embeddings."""
        nn.init.normal_(self.embedding, std=0.1)

    def forward(self, x: object, adjacency: Adjacency) -> Tensor:
        """Return embeddings ``[N, D]``; ``x`` is not used."""
        h: Tensor = self.embedding
        total = h
        for _ in range(self.layers):
            h = adjacency.symmetric(h)
            total = total + h
        return total / (self.layers + 1)
