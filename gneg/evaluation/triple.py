"""Completion measured: filtered ranks among all entities, from both ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.evaluation import ranking
from gneg.graph import KnownTriples, Triples
from gneg.graph.triples import End

#: ``rows(kept [b], relation [b], end) -> [b, N]``: the scores of all entities as that end.
Rows = Callable[[Tensor, Tensor, End], Tensor]
HITS = (1, 3, 10)
ENDS: tuple[End, End] = ("head", "tail")
CATEGORIES = ("1-1", "1-N", "N-1", "N-N")
MANY = 1.5  # partners on average, from which a side of a relation is "N" (Bordes et al. 2013)


def ranks(rows: Rows, pos: Tensor, known: KnownTriples) -> dict[End, tuple[Tensor, Tensor]]:
    """Filtered ranks ``[E]`` of both ends of ``pos [3, E]``, and what they would be by chance.

    Among all entities but those that make another known triple; equal scores share the mean of
    their ranks ("realistic"). By chance a rank is half the number of candidates and a half.

    Args:
        rows: What scores.
        pos: The triples to rank.
        known: What is filtered.

    Raises:
        ValueError: If scores are NaN, or ``known`` counts loops.
    """
    if known.loops:
        checks.fail("known", "KnownTriples with loops=False: loops are ranked", known)
    head, relation, tail = pos.cpu()
    found: dict[End, tuple[Tensor, Tensor]] = {}
    for end in ENDS:
        kept, target = (head, tail) if end == "tail" else (tail, head)
        queries, edges = known.side(end)
        index = queries.rows(kept.numpy(), relation.numpy())

        def scored(numbers: Tensor, end: End = end, queries: Any = queries) -> Tensor:
            own, between = queries.entity(numbers.numpy()), queries.relation(numbers.numpy())
            return rows(torch.from_numpy(own), torch.from_numpy(between), end)

        if (queries.relation(index) < 0).any():
            checks.fail("known", "such that it holds the triples that are ranked", known)
        pair = torch.from_numpy(np.stack([index, target.numpy()]))
        size = edges.num_dst - np.diff(edges.indptr)[index]  # all known ones are left out,
        own = edges.contains(pair[0], pair[1]).numpy()  # but for the triple itself
        candidates = torch.from_numpy(size + own).double()
        found[end] = ranking.ranks(scored, pair, edges).filtered, (candidates + 1) / 2
    return found


def evaluate(
    rows: Rows, data: TripleData, part: str = "test", *, known: KnownTriples | None = None
) -> dict[str, Any]:
    """Rank a part of a knowledge graph from both ends.

    Args:
        rows: What scores, such as ``KGE.rows``.
        data: The knowledge graph.
        part: ``valid`` or ``test``.
        known: What is filtered; all triples of all parts if None.

    Returns:
        ``mrr``, ``mr``, ``amr`` (mean rank over that by chance; 1 is chance, 0 perfect),
        ``hits@1``, ``hits@3``, ``hits@10``, over both ends; the same for each ``end``, each
        ``category`` of relations by end and each ``relation``.

    Raises:
        ValueError: If scores are NaN.
    """
    pos = data.positives(checks.choice("part", part, ("valid", "test")))
    known = data.known("all") if known is None else known
    found = ranks(rows, pos, known)
    relation = pos[1].cpu()
    category = categories(data.triples)[relation.numpy()]
    both = torch.cat([found[end][0] for end in ENDS]), torch.cat([found[end][1] for end in ENDS])
    told: dict[str, Any] = summary(*both)
    told["end"] = {end: summary(*found[end]) for end in ENDS}
    told["category"] = {
        name: {
            end: summary(*(value[torch.from_numpy(category == i)] for value in found[end]))
            for end in ENDS
        }
        for i, name in enumerate(CATEGORIES)
        if (category == i).any()
    }
    told["relation"] = {
        name_of(data, one): summary(
            *(torch.cat([found[end][i][relation == one] for end in ENDS]) for i in (0, 1))
        )
        for one in torch.unique(relation).tolist()
    }
    return told


def summary(rank: Tensor, by_chance: Tensor) -> dict[str, float]:
    """Figures of ranks ``[E]``."""
    told = {"mrr": float(rank.reciprocal().mean()), "mr": float(rank.mean())}
    told["amr"] = told["mr"] / float(by_chance.mean())
    told |= {f"hits@{k}": float((rank <= k).double().mean()) for k in HITS}
    return told | {"triples": len(rank)}


def name_of(data: TripleData, relation: int) -> str:
    """What a relation is called."""
    return str(relation) if data.relations is None else data.relations[relation]


def categories(triples: Triples) -> npt.NDArray[np.int64]:
    """``[R]``, the place of each relation's category in :data:`CATEGORIES`.

    By the mean numbers of tails of a head and heads of a tail in training: below 1.5 is "1".
    """
    heads, relations, tails = triples.triples.numpy()
    size = triples.num_relations
    count = np.bincount(relations, minlength=size)
    tails_per_head, heads_per_tail = (
        count
        / np.maximum(
            np.bincount(np.unique(np.stack([relations, end]), axis=1)[0], minlength=size), 1
        )
        for end in (heads, tails)
    )
    return 2 * (heads_per_tail >= MANY).astype(np.int64) + (tails_per_head >= MANY)
