"""A decoder with heuristics of the pair as additional inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph import Graph
from gneg.nn.pair_inputs import PairInputs


class PairFeatures(nn.Module):
    """A decoder plus a function of heuristics: ``f(u, v) + g(h_u * h_v, features of the pair)``.

    Trained on negatives that a heuristic ranks high, a decoder alone unlearns the heuristic; one
    that has it as an input learns where it is wrong. The features are those of
    :class:`PairInputs`; ``g`` is a perceptron with one hidden layer.

    Args:
        decoder: The decoder ``f``, which scores two tensors ``[.., D]``.
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        width: Width of the embeddings, D.
        kinds: Heuristics, from :data:`gneg.nn.choices.PAIR_KINDS`; None: the default of
            :class:`PairInputs`.
        x: ``[N, F]`` features, for ``"cosine"``, ``"smooth"`` and ``"smooth2"``.
        hidden: Units of the hidden layer of ``g``, >= 1.
        seed: Seed for the sample of pairs that the features are standardised on.

    Raises:
        ValueError: If the graph is bipartite, a kind is unknown or ``x`` is missing.
    """

    #: Whether ``forward`` takes the ids of the pairs as a third argument.
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
        """Return scores ``[B]``.

        Args:
            src: Embeddings of sources, ``[B, D]``.
            dst: Embeddings of targets, ``[B, D]``.
            pairs: Ids of sources and targets, ``[2, B]``.
        """
        features = self.inputs(pairs).to(src.dtype)
        correction: Tensor = self.head(torch.cat([src * dst, features], dim=-1))
        f: Tensor = self.decoder(src, dst)
        return f + correction.squeeze(-1)
