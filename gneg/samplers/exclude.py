"""Exclusion of what must not be returned from what was proposed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gneg import kernels
from gneg.rng import split_seed
from gneg.samplers.query import IntArray, Query

# How often to propose again for rows that lack usable targets, before filling them.
ROUNDS = 4


def usable(
    query: Query,
    proposed: IntArray,
    k: int,
    propose: Callable[[Query, int, int], IntArray],
    seed: int,
) -> IntArray:
    """The first ``k`` usable proposals of each row, -1 where even new ones do not suffice.

    Usable: neither known nor the query itself and, if ``query.unique``, not yet in the row.

    Args:
        query: What was asked.
        proposed: ``[B, M]``.
        k: Number wanted.
        propose: Proposes again, ``propose(query, k, seed)``, for rows that lack some.
        seed: Of the new proposals.
    """
    index = query.blank(k)
    arrays = *query.known.arrays, query.known.no_self, query.unique
    missing = sum(query.run(kernels.pools.exclude, index, proposed, *arrays))
    for attempt in range(ROUNDS):
        if not missing:
            break
        lacking = np.flatnonzero((index < 0).any(axis=1))
        part = query.take(lacking)
        some = index[lacking]
        most = int((some < 0).sum(axis=1).max())
        again = propose(part, most, split_seed(seed, 3 + attempt))
        missing = sum(part.run(kernels.pools.exclude, some, again, *arrays))
        index[lacking] = some
    return index
