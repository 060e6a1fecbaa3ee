"""The non-edges of rows on a device: which targets they are, their number and their ranks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.take import take


class NonEdges(NamedTuple):
    """What rows may hold: targets that are no known edges and, perhaps, not the row's own id.

    Attributes:
        known: The known edges.
        no_self: Whether a row's own id is no target.
    """

    known: DeviceRows
    no_self: bool

    @property
    def num_targets(self) -> int:
        """The number of targets."""
        return self.known.num_columns

    def targets(self, nodes: Tensor, first: int) -> Tensor:
        """Return the target that each node is, ``first`` being the node of target 0; -1: none."""
        target = nodes - first
        return torch.where((target >= 0) & (target < self.num_targets), target, -1)

    def exclude(self, rows: Tensor, targets: Tensor) -> Tensor:
        """Return whether each target, at least 0, is none of its row's; ``rows`` expand to them."""
        excluded = self.known.contain(rows, targets)
        return excluded.logical_or_(targets == rows) if self.no_self else excluded

    def usable(self, rows: Tensor, targets: Tensor) -> Tensor:
        """Return which ``targets`` rows may hold, ``rows`` expanding to them; -1 is none."""
        return self.exclude(rows, targets.clamp(min=0)).logical_not_().logical_and_(targets >= 0)

    def sizes(self, rows: Tensor) -> Tensor:
        """Return the number of targets that each row may hold."""
        sizes = self.num_targets - self.known.sizes(rows)
        return sizes - (~self.known.contain(rows, rows)).long() if self.no_self else sizes

    def self_ranks(self, rows: Tensor) -> Tensor:
        """Return the rank of each row's own id among the columns it lacks, where it is no target.

        Elsewhere the number of targets: no rank is that high.
        """
        if not self.no_self:
            return torch.full_like(rows, self.num_targets)
        absent = rows - (self.known.lower_bound(rows, rows) - take(self.known.indptr, rows))
        return torch.where(self.known.contain(rows, rows), self.num_targets, absent)

    def ranked(self, rows: Tensor, rank: Tensor, self_ranks: Tensor) -> Tensor:
        """Return the ``rank``-th target of each row, below :meth:`sizes`.

        Args:
            rows: The rows.
            rank: Of each row, of the shape of ``rows``.
            self_ranks: What :meth:`self_ranks` returns for each row.
        """
        return self.known.unrank(rows, rank + (rank >= self_ranks).long())

    def at(self, rows: Tensor, rank: Tensor) -> Tensor:
        """Return the ``rank``-th target of each row, ascending; -1 where there is none."""
        inside = (rank >= 0) & (rank < self.sizes(rows))
        column = self.ranked(rows, rank.clamp(min=0), self.self_ranks(rows))
        return torch.where(inside, column, -1)
