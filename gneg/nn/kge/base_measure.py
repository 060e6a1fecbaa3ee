"""The log density of the negatives of triples, added back to the score."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph.triples import End
from gneg.nn.base_measure import SMOOTHING
from gneg.samplers.densities import log_q_of
from gneg.samplers.triples import TripleSampler

CHUNK = 2**22  # densities at once


class BlockScorer(Protocol):
    """A score of some or all entities for each query, such as :class:`gneg.nn.kge.Scorer`."""

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples of one shape."""

    def block(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries."""

    def rows(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries ``[b]``."""


class TripleBaseMeasure:
    """A model's score plus the log density of its negatives: ``f(h, r, t) + c * log q(t | h, r)``.

    As :class:`gneg.nn.BaseMeasure`, for triples: a model whose negatives all have the right type
    never learns types, and gets them back here. ``log q`` is that of the end that is predicted,
    relative to a uniform entity.

    Args:
        scorer: The model.
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

    def log_measure(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the log density ``[b, M]`` of entities ``index [b, M]``, relative to uniform.

        0 at an end that the sampler never replaces. A known entity has the density that it would
        have if it were not known.
        """
        if end not in self.sampler.parts:
            return torch.zeros(index.shape)
        queries = self.sampler.views[end].queries
        rows = torch.from_numpy(queries.rows(kept.cpu().numpy(), relation.cpu().numpy()))
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
        between = relation.reshape(-1)
        ends = head.reshape(-1), tail.reshape(-1)
        log_q = self.log_measure(ends[0], between, ends[1][:, None], "tail")
        log_q = log_q + self.log_measure(ends[1], between, ends[0][:, None], "head")
        return f + self.c / 2 * log_q[:, 0].view(f.shape).to(f.device)

    def block(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries."""
        f = self.scorer.block(kept, relation, index, end)
        return f + self.c * self.log_measure(kept, relation, index, end).to(f.device)

    def rows(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries ``[b]``."""
        f, log_q = self.row_parts(kept, relation, end)
        return f + self.c * log_q

    def row_parts(self, kept: Tensor, relation: Tensor, end: End) -> tuple[Tensor, Tensor]:
        """Return the two terms of :meth:`rows`: scores of the model, and the log measure."""
        f = self.scorer.rows(kept, relation, end)
        entities = torch.from_numpy(np.broadcast_to(np.arange(f.size(1)), f.shape).copy())
        return f, self.log_measure(kept, relation, entities, end).to(f.device)
