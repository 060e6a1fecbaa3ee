"""Knowledge-graph completion among lists of candidates: sampled hard ones, or official ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.evaluation import metrics
from gneg.evaluation.triple import ENDS, Ranks, summarise
from gneg.evaluation.triple_scorers import TripleScorer
from gneg.graph.triples import End
from gneg.rng import generator_from, split_seed

#: From easy to hard: most of ``uniform`` never occur with the relation; all of ``typed`` do;
#: ``khop`` are those that a model would guess from the neighbourhood alone.
SAMPLERS = ("uniform", "typed", "khop(hops=2)")
NEGATIVES = 500  # of each triple and end, as many as OGB's lists hold,
SHARE = 4  # but at most one entity in this many: more would be close to a full ranking
BATCH = 2048
#: By end, entities ``[E, M]``; -1 where a list is shorter.
Lists = Mapping[End, Tensor]


def evaluate_sampled(
    scorer: TripleScorer,
    data: TripleData,
    part: str = "test",
    *,
    samplers: Sequence[str] = SAMPLERS,
    negatives: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Rank held-out triples, from both ends, against the negatives of samplers.

    The samplers see training triples and avoid all known ones; each of a triple's negatives is
    another entity. Equal scores share the mean of their ranks.

    Args:
        scorer: The model, with a method ``block``.
        data: The knowledge graph.
        part: The triples to rank: ``valid`` or ``test``.
        samplers: Sampler expressions, see :func:`gneg.samplers.triples.build`.
        negatives: Negatives of each triple and end, M >= 1; if None 500, but at most a quarter of
            the entities.
        seed: Seed for the negatives: with the same seed every model is ranked among the same.

    Returns:
        For each sampler ``mrr``, ``mr``, ``amr``, ``hits@1``, ``hits@3``, ``hits@10``, and the
        same for each ``end``.

    Raises:
        ValueError: If a sampler cannot be built without a model, or scores are NaN.
    """
    pos = data.positives(checks.choice("part", part, ("valid", "test"))).cpu()
    return {
        name: evaluate_lists(scorer, pos, sampled_lists(data, pos, name, negatives, seed))
        for name in samplers
    }


def sampled_lists(
    data: TripleData, pos: Tensor, sampler: str, negatives: int | None = None, seed: int = 0
) -> dict[End, Tensor]:
    """Return the negatives of a sampler for each end of triples.

    Args:
        data: The knowledge graph.
        pos: ``[3, E]``, the triples.
        sampler: The expression of the sampler.
        negatives: As in :func:`evaluate_sampled`.
        seed: Seed for the negatives.

    Raises:
        ValueError: If the sampler cannot be built without a model.
    """
    size = default_negatives(data) if negatives is None else negatives
    size = checks.integer("negatives", size, 1)
    lists: dict[End, Tensor] = {}
    for i, end in enumerate(ENDS):
        part = data.sampler(sampler, known="all", corrupt=end, unique=True)
        drawn = part.sample(pos, size, generator=generator_from(split_seed(seed, i)))
        lists[end] = torch.where(drawn.mask, drawn.index, -1)
    return lists


def default_negatives(data: TripleData) -> int:
    """Return the number of negatives that each triple is ranked among at each end."""
    return min(NEGATIVES, max(1, data.num_entities // SHARE))


def evaluate_official(scorer: TripleScorer, data: TripleData, part: str = "test") -> dict[str, Any]:
    """Rank held-out triples against the lists that came with the data, as OGB's evaluator does.

    Args:
        scorer: The model, with a method ``block``.
        data: A knowledge graph with official negatives.
        part: The triples to rank: ``valid`` or ``test``.

    Raises:
        ValueError: If the data has no such lists, or scores are NaN.
    """
    if data.negatives is None:
        checks.fail("data", "a TripleData with official negatives, such as ogbl-biokg", data)
    pos = data.positives(checks.choice("part", part, ("valid", "test"))).cpu()
    return evaluate_lists(scorer, pos, data.negatives[part])


def evaluate_lists(scorer: TripleScorer, pos: Tensor, lists: Lists) -> dict[str, Any]:
    """Rank triples, from both ends, among lists of entities; see :func:`rank_lists`."""
    return summarise(rank_lists(scorer, pos, lists))


def rank_lists(scorer: TripleScorer, pos: Tensor, lists: Lists) -> Ranks:
    """Return the ranks of triples among lists of entities, and what they would be by chance.

    Args:
        scorer: The model, with a method ``block``.
        pos: ``[3, E]``, the triples.
        lists: For each end that is ranked the negatives of each triple.

    Raises:
        ValueError: If scores are NaN.
    """
    head, relation, tail = pos
    ranked: dict[End, tuple[Tensor, Tensor]] = {}
    for end in lists:
        entity, target = (head, tail) if end == "tail" else (tail, head)
        ranks = []
        for rows in torch.arange(pos.size(1)).split(BATCH):
            index = lists[end][rows]
            query = entity[rows], relation[rows]
            positive = scorer.block(*query, target[rows, None], end).cpu()[:, 0]
            negative = scorer.block(*query, index.clamp(min=0), end).cpu()
            ranks.append(metrics.ranks(positive, without_missing(negative, index)))
        ranked[end] = torch.cat(ranks), by_chance(lists[end])
    return ranked


def without_missing(scores: Tensor, index: Tensor) -> Tensor:
    """Return scores ``[E, M]`` of entities, -inf where ``index [E, M]`` is -1."""
    scores = scores if scores.is_floating_point() else scores.double()
    return scores.masked_fill(index < 0, -torch.inf)


def by_chance(index: Tensor) -> Tensor:
    """Return the ranks ``[E]`` by chance among entities ``[E, M]``, -1 where there is none."""
    return ((index >= 0).sum(dim=1).double() + 2) / 2
