"""A decoder that also sees what heuristics say of a pair."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph import Graph
from gneg.nn.pair_inputs import PairInputs


class PairFeatures(nn.Module):
    """A decoder that also sees heuristics: ``f(u, v) + g(h_u * h_v, features of the pair)``.

    So that hard negatives teach when a heuristic is wrong, instead of hiding what it knows. The
    features are those of :class:`PairInputs`; ``g`` is a perceptron with one hidden layer.

    Args:
        decoder: Scores ``f`` of two tensors ``[.., D]``.
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        width: D.
        kinds: Some of :data:`gneg.nn.choices.PAIR_KINDS`; see :class:`PairInputs` if None.
        x: ``[N, F]`` features, for ``"cosine"``, ``"smooth"`` and ``"smooth2"``.
        hidden: Width of ``g``.
        seed: Of the pairs that standardise.

    Raises:
        ValueError: If the graph is bipartite, a kind is unknown or ``x`` is missing.
    """

    #: Whether `forward` wants the ids of the pairs as well.
    needs_pairs = True

    def __init__(
        self,
        decoder: nn.Module,
        graph: Graph,
        width: int,
        *,
        kinds: Sequence[str] | None = None,
        x: Tensor | None = None,
        hidden: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.decoder = decoder
        self.inputs = PairInputs(graph, kinds=kinds, x=x, seed=seed)
        self.head = nn.Sequential(
            nn.Linear(width + self.inputs.width, checks.integer("hidden", hidden, 1)),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )

    def forward(self, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
        """Scores ``[B]``.

        Args:
            src: ``[B, D]``.
            dst: ``[B, D]``.
            pairs: ``[2, B]``, whose embeddings they are.
        """
        features = self.inputs(pairs).to(src.dtype)
        more: Tensor = self.head(torch.cat([src * dst, features], dim=-1))
        base: Tensor = self.decoder(src, dst)
        return base + more.squeeze(-1)
