"""A model's score and heuristics, weighed on validation."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gneg.graph import Graph
from gneg.nn.pair_inputs import PairInputs

HIDDEN = 128  # of all perceptrons that are averaged


class Combination(nn.Module):
    """A linear function and a perceptron with one hidden layer, added.

    Args:
        width: Of what it sees.
        hidden: Of the hidden layer.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1, bias=False)
        self.network = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, shown: Tensor) -> Tensor:
        """``[..]`` of ``shown [.., width]``."""
        found: Tensor = self.linear(shown) + self.network(shown)
        return found.squeeze(-1)


class Stack(nn.Module):
    """A decoder's score, and once it is fitted a function of it and of heuristics.

    Fitted by :func:`gneg.training.stacking.fit`.

    Stacked generalisation (Wolpert 1992): training edges are no judge of a model that has seen
    them, so the small network that weighs the model against the heuristics learns from validation
    pairs. Before it is fitted, and while the model trains, this is the decoder alone.

    Args:
        decoder: Scores ``f`` of two tensors ``[.., D]``.
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        kinds: Some of :data:`gneg.nn.pair_inputs.KINDS`; see :class:`PairInputs` if None.
        x: ``[N, F]`` features, for ``"cosine"``, ``"smooth"`` and ``"smooth2"``.

    Raises:
        ValueError: If the graph is bipartite, a kind is unknown or ``x`` is missing.
    """

    #: Whether `forward` wants the ids of the pairs as well.
    needs_pairs = True

    def __init__(
        self,
        decoder: nn.Module,
        graph: Graph,
        *,
        kinds: Sequence[str] | None = None,
        x: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.decoder = decoder
        self.inputs = PairInputs(graph, kinds=kinds, x=x)
        self.used: Tensor
        self.center: Tensor
        #: Whether it is fitted and worth it: 0 or 1.
        self.register_buffer("used", torch.zeros(()))
        #: Mean and deviation of the decoder's scores.
        self.register_buffer("center", torch.tensor([0.0, 1.0]))
        self.combination = Combination(1 + self.inputs.width, HIDDEN)
        # The loss of the model knows nothing of it: it has an optimiser of its own.
        self.combination.requires_grad_(False)

    def shown(self, f: Tensor, inputs: Tensor) -> Tensor:
        """What is combined, ``[.., 1 + width]``, of the decoder's scores ``f`` and the inputs."""
        return torch.cat([((f - self.center[0]) / self.center[1]).unsqueeze(-1), inputs], dim=-1)

    def forward(self, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
        """Scores ``[B]``.

        Args:
            src: ``[B, D]``.
            dst: ``[B, D]``.
            pairs: ``[2, B]``, whose embeddings they are.
        """
        asked = (pairs,) if getattr(self.decoder, "needs_pairs", False) else ()
        f: Tensor = self.decoder(src, dst, *asked)
        if self.training or not self.used:
            return f
        found: Tensor = self.combination(self.shown(f, self.inputs(pairs).to(f.dtype)))
        return found
