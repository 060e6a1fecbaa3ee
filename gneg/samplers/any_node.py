"""Random nodes as queries, in place of the ends of positives."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gneg.graph import KnownEdges
from gneg.rng import draw_seed, split_seed
from gneg.samplers.query import IntArray


class AnyNode:
    """Draws pairs of random nodes that take the place of positives as queries of a sampler.

    Each end is drawn in proportion to its number of non-edges, so that a uniform negative of it is
    uniform over all non-edges, as in OGB's examples. A negative of a positive's end has an end
    that is drawn in proportion to its degree instead.

    Args:
        known: The edges that negatives avoid.

    Example:
        >>> import gneg, torch
        >>> pos = torch.tensor([[0, 0, 0], [1, 2, 3]])
        >>> known = gneg.KnownEdges(gneg.Graph.from_edge_index(pos, 5, undirected=True))
        >>> AnyNode(known)(pos, torch.Generator().manual_seed(0)).shape
        torch.Size([2, 3])
    """

    def __init__(self, known: KnownEdges) -> None:
        self._last = [_sums(known), _sums(known.reversed())]

    def __call__(self, pos: Tensor, generator: torch.Generator) -> Tensor:
        """Return as many pairs of random nodes as positives, ``[2, B]``, on their device.

        Args:
            pos: ``[2, B]``, the positives; returned themselves where there are no non-edges.
            generator: Source of randomness.
        """
        seed = draw_seed(generator)
        if not all(len(last) and last[-1] for last in self._last):
            return pos
        ends = []
        for i, last in enumerate(self._last):
            random = np.random.Generator(np.random.Philox(split_seed(seed, i)))
            rank = random.integers(last[-1], size=pos.size(1))
            ends.append(np.searchsorted(last, rank, side="right"))
        return torch.from_numpy(np.stack(ends)).to(pos.device)


def _sums(known: KnownEdges) -> IntArray:
    """Return the running sum ``[N]`` of the number of non-edges of each source."""
    return np.cumsum(known.sizes(np.arange(known.num_src)))
