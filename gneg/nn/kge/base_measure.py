"""The base measure of triples: the log density of the negatives, added back to the score."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from gneg import checks
from gneg.graph.triples import End
from gneg.nn.base_measure import SMOOTHING
from gneg.samplers.densities import log_q_of
from gneg.samplers.triples import TripleSampler

CHUNK = 2**22  # densities computed at once


class BlockScorer(Protocol):
    """A score of some or all entities for each query, such as :class:`gneg.nn.kge.Scorer`."""

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples, given as ids of one shape, in that shape."""

    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries."""

    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries ``[b]``."""


class _Zero:
    """The same score for all triples."""

    def __init__(self, num_entities: int) -> None:
        self.num_entities = num_entities

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        return torch.zeros(head.shape)

    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        return torch.zeros(index.shape)

    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        return torch.zeros(len(entity), self.num_entities)


class TripleBaseMeasure:
    """A model's score plus the log density of its negatives: ``f(h, r, t) + c * log q(t | h, r)``.

    The counterpart of :class:`gneg.nn.BaseMeasure` for triples: a model whose negatives all have
    the right type never learns types, and the density of the negatives restores them. ``log q`` is
    that of the end that is predicted, relative to a uniform entity.

    Args:
        scorer: The model, as a score of triples.
        sampler: The sampler of the negatives.
        c: Weight of log q, >= 0.
        smoothing: Share of a uniform density that is mixed into q, in (0, 1].

    Raises:
        ValueError: If an argument is out of range, or the sampler has no density in closed form
            that depends on the query alone.
    """

    def __init__(
        self,
        scorer: BlockScorer,
        sampler: TripleSampler,
        c: float = 1.0,
        *,
        smoothing: float = SMOOTHING,
    ) -> None:
        for part in sampler.parts.values():
            query = torch.zeros(1, dtype=torch.long)
            if log_q_of(part, query, query[None]) is None:
                checks.fail(
                    "sampler",
                    "one with a closed-form density for each query",
                    part,
                    hint="use uniform, frequency, typed, walk, khop or a mixture of these",
                )
        self.scorer, self.sampler = scorer, sampler
        self.c = checks.number("c", c, 0)
        self.smoothing = checks.number("smoothing", smoothing, 0, 1, open_low=True)

    def log_measure(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the log densities ``[b, M]`` of entities as negatives, relative to uniform ones.

        A known entity has the density that it would have if it were not known. At an end that the
        sampler never replaces all log densities are 0.

        Args:
            entity: Ids of the queries' entities, ``[b]``.
            relation: Ids of their relations, ``[b]``.
            index: Ids of the entities whose density is computed, ``[b, M]``.
            end: The end of the triple that these entities replace.
        """
        if end not in self.sampler.parts:
            return torch.zeros(index.shape)
        queries = self.sampler.views[end].queries
        rows = torch.from_numpy(queries.rows(entity.cpu().numpy(), relation.cpu().numpy()))
        size = self.sampler.known.num_entities
        densities = []
        chunk = max(1, CHUNK // max(index.size(1), 1))
        for query, targets in zip(rows.split(chunk), index.cpu().split(chunk), strict=True):
            log_q = log_q_of(self.sampler.parts[end], query, targets)
            assert log_q is not None
            densities.append((1 - self.smoothing) * size * log_q.exp() + self.smoothing)
        return torch.cat(densities).log()

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples of one shape, with the mean of both ends' measures."""
        f = self.scorer(head, relation, tail)
        h, r, t = head.reshape(-1), relation.reshape(-1), tail.reshape(-1)
        log_q = self.log_measure(h, r, t[:, None], "tail")
        log_q = log_q + self.log_measure(t, r, h[:, None], "head")
        return f + self.c / 2 * log_q[:, 0].view(f.shape).to(f.device)

    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries."""
        f = self.scorer.block(entity, relation, index, end)
        return f + self.c * self.log_measure(entity, relation, index, end).to(f.device)

    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries ``[b]``."""
        f, log_q = self.parts(entity, relation, end)
        return f + self.c * log_q

    def parts(self, entity: Tensor, relation: Tensor, end: End) -> tuple[Tensor, Tensor]:
        """Return the two terms of :meth:`rows`, ``[b, N]`` each: model scores, log densities."""
        f = self.scorer.rows(entity, relation, end)
        index = torch.arange(f.size(1)).repeat(len(f), 1)
        return f, self.log_measure(entity, relation, index, end).to(f.device)


def log_density_scorer(sampler: TripleSampler) -> TripleBaseMeasure:
    """Return a base measure alone as a score of triples: their log density as negatives.

    Raises:
        ValueError: As for :class:`TripleBaseMeasure`.
    """
    return TripleBaseMeasure(_Zero(sampler.known.num_entities), sampler)
