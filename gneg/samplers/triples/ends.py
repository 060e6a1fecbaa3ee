"""Which end of each triple is replaced."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gneg.graph import Triples
from gneg.graph.triples import End, TripleCorrupt

ENDS: tuple[End, End] = ("tail", "head")


def head_share(triples: Triples, corrupt: TripleCorrupt) -> npt.NDArray[np.float64]:
    """Return the probability ``[R]`` that the head of a triple of each relation is replaced.

    Args:
        triples: The training triples, whose counts decide it for ``"bernoulli"``.
        corrupt: The ends to replace.
    """
    size = triples.num_relations
    if corrupt != "bernoulli":
        return np.full(size, {"head": 1.0, "tail": 0.0}.get(corrupt, 0.5))
    tails_per_head, heads_per_tail = triples.answers_per_query
    share = np.full(size, 0.5)
    both = tails_per_head + heads_per_tail
    np.divide(tails_per_head, both, out=share, where=both > 0)
    return share


def choose_ends(
    relation: npt.NDArray[Any],
    corrupt: TripleCorrupt,
    share: npt.NDArray[np.float64],
    seed: int,
) -> npt.NDArray[np.bool_]:
    """Return whether the head of each triple is replaced, ``[B]``.

    Args:
        relation: ``[B]``, the relations of the triples.
        corrupt: The ends to replace; with ``"both"`` half of the rows each.
        share: ``[R]``, what :func:`head_share` returns.
        seed: Seed of the choice.
    """
    random = np.random.Generator(np.random.Philox(seed))
    rows = len(relation)
    is_head: npt.NDArray[np.bool_]
    if corrupt == "both":
        is_head = random.permutation(rows) < (rows + random.integers(2)) // 2
    else:
        is_head = random.random(rows) < share[relation]
    return is_head
