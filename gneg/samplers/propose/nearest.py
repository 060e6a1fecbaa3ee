"""The non-edges nearest to a node by their vectors, the same on any processor and device."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from gneg.graph.cosines import Cosines
from gneg.graph.heuristics import rounded
from gneg.graph.known import KnownEdges
from gneg.graph.lazy import cached_property

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Metric = Literal["cosine", "dot", "euclidean"]

# Bytes that a candidate takes while it is ranked.
BYTES = 64


class Nearest:
    """Ranks targets by similarity: a matrix product proposes, sums in a fixed order decide.

    A product in single precision, on the vectors' device, leaves of each row what may be among
    the nearest within the product's error. These are ranked by cosines (inner products, negated
    squared distances) in double precision that are the same on any machine, rounded to 32
    significant bits; equal ones by ascending id.

    Args:
        queries: ``[N, D]`` finite float vectors of queries.
        targets: ``[M, D]``, those of targets; the same tensor if they are the same nodes.
        metric: ``"cosine"``, ``"dot"`` or ``"euclidean"``.
    """

    def __init__(self, queries: Tensor, targets: Tensor, metric: Metric) -> None:
        self.queries, self.targets, self.metric = queries, targets, metric

    @cached_property
    def _exact(self) -> tuple[Cosines, int]:
        """Sums over all vectors, and the row of the first target among them."""
        if self.queries is self.targets:
            return Cosines(self.queries), 0
        return Cosines(torch.cat([self.queries, self.targets])), len(self.queries)

    @cached_property
    def _units(self) -> tuple[Tensor, Tensor]:
        """The vectors that are multiplied, of length 1 for cosines."""
        if self.metric != "cosine":
            return self.queries, self.targets
        queries = functional.normalize(self.queries)
        return queries, queries if self.queries is self.targets else functional.normalize(
            self.targets
        )

    def lists(self, rows: IntArray, take: int, known: KnownEdges, memory_mb: int) -> IntArray:
        """Return the ``take`` nearest non-edges of each row, nearest first, ``[B, take]``.

        -1 where a row has fewer.

        Args:
            rows: ``[B]``, queries.
            take: Targets of each row, in [1, M].
            known: The edges that are no candidates, as (query, target).
            memory_mb: Memory for the scores of a chunk of rows, in megabytes.
        """
        out = np.full((len(rows), take), -1, np.int64)
        room = min(memory_mb * 2**20, 2**62)
        chunk = max(1, room // (8 * max(known.num_dst, 1)))
        for first in range(0, len(rows), chunk):
            chunk_rows = rows[first : first + chunk]
            cells = np.flatnonzero(self._shortlist(chunk_rows, take, known).cpu().numpy())
            ends = np.searchsorted(cells, np.arange(1, len(chunk_rows) + 1) * known.num_dst)
            # Where many are equal a row's shortlist is long: as many rows as fit are ranked.
            group = ends // max(1, room // BYTES)
            for part in np.split(cells, ends[np.flatnonzero(np.diff(group))]):
                line, target = np.divmod(part, known.num_dst)
                order = np.lexsort((target, -self._scores(chunk_rows[line], target), line))
                line, target = line[order], target[order]
                place = np.arange(len(line)) - np.searchsorted(line, line)
                near = place < take
                out[first + line[near], place[near]] = target[near]
        return out

    def _shortlist(self, rows: IntArray, take: int, known: KnownEdges) -> Tensor:
        """Return which targets may be among the nearest non-edges, bool ``[B, M]``."""
        queries, targets = self._units
        scores = queries[torch.from_numpy(rows).to(queries.device)] @ targets.t()
        if self.metric == "euclidean":
            scores = 2 * scores - targets.square().sum(1)  # -|u - v|^2 but for the row's constant
        line, column = _known_cells(rows, known)
        scores[line.to(scores.device), column.to(scores.device)] = -torch.inf
        least = scores.topk(take).values[:, -1:]  # -inf where a row has fewer non-edges
        slack = torch.from_numpy(self._slack(rows)).to(scores)[:, None]
        return scores >= (least - slack).clamp(min=torch.finfo(scores.dtype).min)

    def _slack(self, rows: IntArray) -> FloatArray:
        """Return twice the largest error ``[B]`` of a product in single precision."""
        exact, shift = self._exact
        width = exact.shape[1] + 8
        highest = torch.get_float32_matmul_precision() == "highest"
        error = 2.0 * width * (2.0**-23 if highest else 2.0**-7)
        if self.metric == "cosine":
            return np.full(len(rows), error)
        longest = float(np.sqrt(exact.squares[shift:].max(initial=0.0)))
        most: FloatArray = np.sqrt(exact.squares[rows]) * longest
        return error * (most if self.metric == "dot" else 2.0 * most + longest**2)

    def _scores(self, rows: IntArray, targets: IntArray) -> FloatArray:
        """Return similarities ``[n]`` of pairs, in a fixed order of summation."""
        exact, shift = self._exact
        if self.metric == "cosine":
            return rounded(exact.pairs(rows, targets + shift))
        products = exact.products(rows, targets + shift)
        if self.metric == "dot":
            return rounded(products)
        return rounded(2.0 * products - exact.squares[targets + shift])


def _known_cells(rows: IntArray, known: KnownEdges) -> tuple[Tensor, Tensor]:
    """Return the positions of known edges and self-loops in the score matrix of ``rows``."""
    line, column = known.listed(rows)
    if known.no_self:
        line = np.concatenate([line, np.arange(len(rows))])
        column = np.concatenate([column, rows])
    return torch.from_numpy(line), torch.from_numpy(column)
