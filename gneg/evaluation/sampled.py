"""Completion measured against some negatives: hard ones, and those of official lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.evaluation import metrics
from gneg.evaluation.triple import ENDS, summary
from gneg.graph.triples import End
from gneg.rng import generator_from, split_seed

#: Hard in three ways: nearly all of ``uniform`` could never stand there; all of ``typed`` could;
#: ``khop`` is what a model knows by the neighbourhood alone.
SAMPLERS = ("uniform", "typed", "khop(hops=2)")
NEGATIVES = 500  # of each triple and end, as many as OGB's lists hold,
SHARE = 4  # but no more than one in so many entities: all of them would be ranked in full
ROWS = 2048
#: By end, entities ``[E, M]``; -1: none.
Lists = Mapping[End, Tensor]


class Block(Protocol):
    """What scores many entities for a query, such as :class:`gneg.nn.kge.Scorer`."""

    def block(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries ``[b]``."""


def evaluate_sampled(
    scorer: Block,
    data: TripleData,
    part: str = "test",
    *,
    samplers: Sequence[str] = SAMPLERS,
    negatives: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Rank held-out triples, from both ends, against negatives of samplers.

    The samplers see training triples and avoid all known ones; each of a triple's negatives is
    another entity. Equal scores share the mean of their ranks.

    Args:
        scorer: What scores.
        data: The knowledge graph.
        part: ``valid`` or ``test``.
        samplers: Expressions, see :func:`gneg.samplers.triples.build`.
        negatives: How many for each triple and end, M; if None 500, at most a quarter of the
            entities.
        seed: Of the draws: the same for every model.

    Returns:
        For each sampler ``mrr``, ``mr``, ``amr``, ``hits@1``, ``hits@3``, ``hits@10``, and the
        same for each ``end``.

    Raises:
        ValueError: If a sampler cannot be built without a model, or scores are NaN.
    """
    pos = data.positives(checks.choice("part", part, ("valid", "test"))).cpu()
    size = default_negatives(data) if negatives is None else negatives
    checks.integer("negatives", size, 1)
    told = {}
    for name in samplers:
        lists: dict[End, Tensor] = {}
        for i, end in enumerate(ENDS):
            sampler = data.sampler(name, known="all", corrupt=end, unique=True)
            source = generator_from(split_seed(seed, i))
            drawn = sampler.sample(pos, size, generator=source)
            lists[end] = torch.where(drawn.mask, drawn.index, -1)
        told[name] = among(scorer, pos, lists)
    return told


def default_negatives(data: TripleData) -> int:
    """How many negatives a triple and end are ranked among."""
    return min(NEGATIVES, max(1, data.num_entities // SHARE))


def evaluate_official(scorer: Block, data: TripleData, part: str = "test") -> dict[str, Any]:
    """Rank held-out triples against the lists that came with the data, as OGB's evaluator does.

    Raises:
        ValueError: If the data has none, or scores are NaN.
    """
    if data.negatives is None:
        checks.fail("data", "one with official negatives, such as ogbl-biokg", data)
    pos = data.positives(checks.choice("part", part, ("valid", "test"))).cpu()
    return among(scorer, pos, data.negatives[part])


def among(scorer: Block, pos: Tensor, lists: Lists) -> dict[str, Any]:
    """Figures of ``pos [3, E]`` ranked among its own ``lists``."""
    head, relation, tail = pos
    found = {}
    for end in ENDS:
        kept, target = (head, tail) if end == "tail" else (tail, head)
        parts = []
        for some in torch.arange(pos.size(1)).split(ROWS):
            index = lists[end][some]
            asked = kept[some], relation[some]
            own = scorer.block(*asked, target[some, None], end).cpu()[:, 0]
            others = scorer.block(*asked, index.clamp(min=0), end).cpu()
            others = others.masked_fill(index < 0, -torch.inf)
            parts.append(metrics.ranks(own, others))
        size = (lists[end] >= 0).sum(dim=1).double()
        found[end] = torch.cat(parts), (size + 2) / 2
    both = (torch.cat([found[end][i] for end in ENDS]) for i in (0, 1))
    return {**summary(*both), "end": {end: summary(*found[end]) for end in ENDS}}
