"""Targets of other positives of the batch as negatives."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.samplers.arguments import pairs_of
from gneg.samplers.assemble import assemble
from gneg.samplers.base import FloatArray, IntArray, Query, Sampler
from gneg.samplers.negatives import Negatives, Side
from gneg.samplers.parts import Part
from gneg.samplers.propose.degree import Degree

TRIES = 64


class InBatch(Sampler):
    """Takes the targets of the other positives of the batch, known edges masked.

    With ``k >= B - 1`` every usable one is returned, as often as the batch holds it; with fewer,
    random ones. What a small batch cannot supply is drawn uniformly
    (``Negatives.counts["filled"]``). A target stands in a random batch in proportion to its
    degree, so ``log_q`` is that of ``Degree(alpha=1)``: the correction for popularity
    (Yi et al., RecSys 2019). :meth:`chunks` goes through all of a large batch, in both directions.

    Args:
        graph: The graph whose structure guides the proposals.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.
    """

    name = "inbatch"
    of_positives = True
    proposes = "non-edges"

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return targets of other positives of the batch."""
        index = query.blank(k)
        query.run(
            kernels.pools.batch_draws,
            index,
            query.batch,
            query.position,
            *query.known.arrays,
            query.known.no_self,
            seed,
            TRIES,
        )
        return index

    def chunks(self, pos: Tensor, rows: int) -> Iterator[tuple[slice, Negatives]]:
        """Yield every other target of the batch, for ``rows`` positives at a time.

        A batch of B holds B (B - 1) pairs, too many at once when B is large. Known edges are
        masked and nothing is filled in. With
        ``corrupt="both"`` all rows come twice, first with their targets replaced, then with their
        sources (the symmetric loss of CLIP).

        Args:
            pos: ``[2, B]``, at least two positives.
            rows: Number of positives at a time.

        Yields:
            The slice of the positives, and their negatives ``[rows, B - 1]``.

        Raises:
            ValueError: If shapes or ids do not fit.
        """
        pos = pairs_of(self.graph, pos)
        rows = checks.integer("rows", rows, 1)
        batch = pos.size(1)
        if batch < 2:
            checks.fail("pos", "at least two positives", batch)
        ends = pos.detach().to("cpu", torch.int64).contiguous().numpy()
        sides: list[Side] = ["dst", "src"] if self.corrupt == "both" else [self.corrupt]
        for side in sides:
            whole = self.make_query(side, ends, np.arange(batch))
            for start in range(0, batch, rows):
                where = slice(start, min(start + rows, batch))
                query = whole.take(np.arange(where.start, where.stop))
                index = self.propose(query, batch - 1, 0)
                part = Part(query, np.arange(len(index)), index)
                yield where, assemble(self, pos[:, where], [part])

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the density of targets in proportion to their degree."""
        popularity = self.cached("popularity", lambda: Degree(self.graph, alpha=1.0))
        return popularity.log_density(query, index)  # type: ignore[no-any-return]
