"""Other queries' targets as negatives."""

from __future__ import annotations

from gneg import kernels
from gneg.samplers.base import FloatArray, IntArray, Query, Sampler
from gneg.samplers.degree import Degree

TRIES = 64


class InBatch(Sampler):
    """Takes the targets of the other positives of the batch, known edges masked.

    With ``k >= B - 1`` every usable one is returned, as often as the batch holds it; with fewer,
    random ones. What a small batch cannot supply is drawn uniformly
    (``Negatives.counts["filled"]``). A target stands in a random batch in proportion to its
    degree, so ``log_q`` is that of ``Degree(alpha=1)``: the correction for popularity
    (Yi et al., RecSys 2019).

    See :class:`~gneg.samplers.base.Sampler` for the arguments.
    """

    name = "inbatch"
    exact = True

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
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

    def _log_prob(self, query: Query, index: IntArray) -> FloatArray | None:
        popularity = self.cached("popularity", lambda: Degree(self.graph, alpha=1.0))
        return popularity._log_prob(query, index)  # type: ignore[no-any-return]
