"""Exclusion of what must not be returned from what was proposed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gneg.rng import split_seed
from gneg.samplers.query import IntArray, Query

# How often to propose again for rows that lack usable targets, before filling them.
ROUNDS = 4
SPARE = 4  # proposals beyond twice what is lacking: a round less is worth them


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
    missing = query.exclude(index, proposed, unique=query.unique)
    for attempt in range(ROUNDS):
        if not missing:
            break
        lacking = np.flatnonzero((index < 0).any(axis=1))
        part = query.take(lacking)
        some = index[lacking]
        most = int((some < 0).sum(axis=1).max())
        again = propose(part, min(2 * most + SPARE, k), split_seed(seed, 3 + attempt))
        missing = part.exclude(some, again, unique=query.unique)
        index[lacking] = some
    return index
