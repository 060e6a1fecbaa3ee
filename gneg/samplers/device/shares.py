"""Draws from a few shares on a device, without a search of most draws."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.lazy import cached_property
from gneg.graph.take import take

BUCKETS = 2**14


class Shares:
    """Running sums that draws are looked up in, by a guide table (Chen and Asau, 1974).

    Draws of a bucket have the same position, unless a sum lies in it.

    Args:
        upto: ``[n]`` double, running sums, 1 the last.
    """

    def __init__(self, upto: Tensor) -> None:
        self.upto = upto

    def at(self, draws: Tensor) -> Tensor:
        """Return the first position ``[m]`` whose sum is above each of ``draws [m]`` in [0, 1)."""
        if draws.device.type != "cpu":  # where a search costs less than to wait for which need one
            return torch.searchsorted(self.upto, draws, right=True)
        position = take(self._of_bucket, (draws * BUCKETS).long())
        searched = (position < 0).nonzero().squeeze(1)
        position[searched] = torch.searchsorted(self.upto, take(draws, searched), right=True)
        return position

    @cached_property
    def _of_bucket(self) -> Tensor:
        """``[BUCKETS]``, the position of all draws of a bucket; -1 where they have several."""
        begin = torch.arange(BUCKETS + 1, dtype=torch.float64) / BUCKETS
        lowest = torch.searchsorted(self.upto, begin, right=True)
        highest = torch.searchsorted(self.upto, begin)  # of what is just below
        return torch.where(lowest[:-1] == highest[1:], lowest[:-1], -1)
