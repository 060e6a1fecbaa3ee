"""A decoder that combines a model's score with heuristics of the pair, fitted on held-out edges."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gneg.graph import Graph
from gneg.nn.decoders import decode
from gneg.nn.pair_inputs import PairInputs

HIDDEN = 64  # units of the hidden layer


class Combination(nn.Module):
    """The sum of a linear function and a perceptron with one hidden layer.

    Args:
        width: Number of input columns, >= 1.
        hidden: Units of the hidden layer, >= 1.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1, bias=False)
        self.network = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def forward(self, columns: Tensor) -> Tensor:
        """Return scores ``[..]`` of input columns ``[.., width]``."""
        score: Tensor = self.linear(columns) + self.network(columns)
        return score.squeeze(-1)


class Stack(nn.Module):
    """A decoder's score and, once it is fitted, a function of that score and of heuristics.

    Stacked generalisation (Wolpert 1992): the model fits its training edges too well to be weighted
    by them, so the small network that combines it with heuristics learns from held-out pairs, by
    :func:`gneg.training.stacking.fit`. Before that, and in training mode, the score is that of the
    decoder alone.

    Args:
        decoder: A decoder that scores two tensors ``[.., D]``.
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        kinds: Heuristics, from :data:`gneg.nn.choices.PAIR_KINDS`; None: the default of
            :class:`PairInputs`.
        x: ``[N, F]`` features, for ``"cosine"``, ``"smooth"`` and ``"smooth2"``.

    Raises:
        ValueError: If the graph is bipartite, a kind is unknown or ``x`` is missing.
    """

    #: Whether ``forward`` takes the ids of the pairs as a third argument.
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
        #: 1 if the combination is fitted and better than the decoder alone, else 0.
        self.register_buffer("used", torch.zeros(()))
        #: Mean and standard deviation of the decoder's scores.
        self.register_buffer("center", torch.tensor([0.0, 1.0]))
        # The optimiser of the model does not train it: it is fitted on held-out pairs later. So the
        # model's training must not see that it is there, not by the next random number either.
        with torch.random.fork_rng(devices=[]):
            self.combination = Combination(1 + self.inputs.width, HIDDEN)
        self.combination.requires_grad_(False)

    def columns(self, f: Tensor, inputs: Tensor) -> Tensor:
        """Return the input columns ``[.., 1 + width]`` of the combination.

        Args:
            f: Scores of the decoder, ``[..]``, on any device.
            inputs: Heuristics of the pairs, ``[.., width]``, on the same.
        """
        mean, deviation = self.center.to(f.device)
        return torch.cat([((f - mean) / deviation).unsqueeze(-1), inputs], dim=-1)

    @property
    def passes(self) -> bool:
        """Whether the score is that of the decoder alone."""
        return self.training or not bool(self.used)

    def forward(self, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
        """Return scores ``[B]``.

        Args:
            src: Embeddings of sources, ``[B, D]``.
            dst: Embeddings of targets, ``[B, D]``.
            pairs: Ids of sources and targets, ``[2, B]``.
        """
        f = decode(self.decoder, src, dst, pairs)
        if self.passes:
            return f
        score: Tensor = self.combination(self.columns(f, self.inputs(pairs).to(f.dtype)))
        return score
