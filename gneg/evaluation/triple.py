"""Knowledge-graph completion: filtered ranks among all entities, from both ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.evaluation import metrics, ranking
from gneg.graph import KnownTriples, Triples
from gneg.graph.triples import End

#: ``rows(entity [b], relation [b], end) -> [b, N]``: the scores of all entities as that end of
#: the queries, whose other end is ``entity``.
Rows = Callable[[Tensor, Tensor, End], Tensor]
#: By end that is ranked, ranks ``[E]`` and what they would be by chance ``[E]``.
Ranks = Mapping[End, tuple[Tensor, Tensor]]
HITS = (1, 3, 10)
ENDS: tuple[End, End] = ("head", "tail")
CATEGORIES = ("1-1", "1-N", "N-1", "N-N")
MANY = 1.5  # partners on average, from which a side of a relation is "N" (Bordes et al. 2013)


def evaluate_triples(
    rows: Rows, data: TripleData, part: str = "test", *, known: KnownTriples | None = None
) -> dict[str, Any]:
    """Rank a part of a knowledge graph from both ends.

    Args:
        rows: ``rows(entity [b], relation [b], end) -> [b, N]``, the scores of all entities, such
            as ``KGE.rows``.
        data: The knowledge graph.
        part: The triples to rank: ``valid`` or ``test``.
        known: Triples that are left out of the ranking; those of all parts if None.

    Returns:
        ``mrr``, ``mr``, ``amr`` (mean rank over that by chance; 1 is chance, 0 perfect),
        ``hits@1``, ``hits@3``, ``hits@10``, over both ends; the same for each ``end``, each
        ``category`` of relations by end and each ``relation``.

    Raises:
        ValueError: If ``part`` is unknown or scores are NaN.
    """
    pos = data.positives(checks.choice("part", part, ("valid", "test")))
    ranked = ranks(rows, pos, data.known("all") if known is None else known)
    return by_relation(ranked, data, pos[1].cpu())


def by_relation(ranked: Ranks, data: TripleData, relation: Tensor) -> dict[str, Any]:
    """Return the metrics of ranks as :func:`evaluate_triples` does.

    Args:
        ranked: The ranks of triples.
        data: The knowledge graph.
        relation: ``[E]``, the relations of these triples.
    """
    category = torch.from_numpy(categories(data.triples))[relation]
    return {
        **summarise(ranked),
        "category": {
            name: summarise(_take(ranked, category == i))["end"]
            for i, name in enumerate(CATEGORIES)
            if (category == i).any()
        },
        "relation": {
            relation_name(data, i): _both_ends(_take(ranked, relation == i))
            for i in torch.unique(relation).tolist()
        },
    }


def ranks(rows: Rows, pos: Tensor, known: KnownTriples) -> Ranks:
    """Return the filtered ranks of both ends of triples, and what they would be by chance.

    Ranks are among all entities but those that make another known triple; equal scores share the
    mean of their ranks ("realistic"). By chance a rank is half the number of candidates plus one.

    Args:
        rows: The scores of all entities, see :data:`Rows`.
        pos: ``[3, E]``, the triples to rank.
        known: Triples that are left out of the ranking; it holds those of ``pos``.

    Raises:
        ValueError: If scores are NaN, ``known`` counts loops, or lacks a triple of ``pos``.
    """
    if known.loops:
        checks.fail("known", "KnownTriples with loops=False: loops are ranked", known)
    head, relation, tail = pos.cpu()
    ranked: dict[End, tuple[Tensor, Tensor]] = {}
    for end in ENDS:
        entity, target = (head, tail) if end == "tail" else (tail, head)
        queries, edges = known.side(end)
        index = queries.rows(entity.numpy(), relation.numpy())

        def scores(query: Tensor, end: End = end, queries: Any = queries) -> Tensor:
            ids = queries.entity(query.numpy()), queries.relation(query.numpy())
            return rows(torch.from_numpy(ids[0]), torch.from_numpy(ids[1]), end)

        if (queries.relation(index) < 0).any():
            checks.fail("known", "triples that include those to rank", known)
        pair = torch.from_numpy(np.stack([index, target.numpy()]))
        # All known targets of a query are left out, but for that of the triple itself.
        unknown = edges.num_dst - np.diff(edges.indptr)[index]
        itself = edges.contains(pair[0], pair[1]).numpy()
        candidates = torch.from_numpy(unknown + itself).double()
        ranked[end] = ranking.ranks(scores, pair, edges).filtered, (candidates + 1) / 2
    return ranked


def summarise(ranked: Ranks) -> dict[str, Any]:
    """Return the metrics of ranks over both ends, and of each end under ``"end"``."""
    ends = {end: _summary(*ranked[end]) for end in ranked}
    return {**_both_ends(ranked), "end": ends}


def _both_ends(ranked: Ranks) -> dict[str, float]:
    rank, by_chance = zip(*ranked.values(), strict=True)
    return _summary(torch.cat(rank), torch.cat(by_chance))


def _summary(rank: Tensor, by_chance: Tensor) -> dict[str, float]:
    return {**metrics.summarise_ranks(rank, by_chance, ks=HITS), "triples": len(rank)}


def _take(ranked: Ranks, rows: Tensor) -> Ranks:
    """Return the ranks of the triples ``rows [E]`` bool."""
    return {end: (rank[rows], by_chance[rows]) for end, (rank, by_chance) in ranked.items()}


def relation_name(data: TripleData, relation: int) -> str:
    """Return the name of a relation, or its id where relations have no names."""
    return str(relation) if data.relations is None else data.relations[relation]


def categories(triples: Triples) -> npt.NDArray[np.int64]:
    """Return the position of each relation's category in :data:`CATEGORIES`, ``[R]``.

    By the mean numbers of tails per head and of heads per tail in training: below 1.5 is "1".
    """
    tails_per_head, heads_per_tail = triples.answers_per_query
    return 2 * (heads_per_tail >= MANY).astype(np.int64) + (tails_per_head >= MANY)
