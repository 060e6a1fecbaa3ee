"""What negatives of triples were drawn from, added back to the score."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph.triples import End
from gneg.samplers.densities import log_q_of
from gneg.samplers.triples import TripleSampler

CHUNK = 2**22  # densities at once


class Blocks(Protocol):
    """What scores some or all entities for a query, such as :class:`gneg.nn.kge.Scorer`."""

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Scores of triples of one shape."""

    def block(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries ``[b]``."""

    def rows(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Scores ``[b, N]`` of all entities."""


class Measured:
    """A model's score and the log density of its negatives: ``f(h, r, t) + c * log q(t | h, r)``.

    As :class:`gneg.nn.BaseMeasure`, for triples: a model whose negatives all have the right type
    never learns types, and gets them back here. ``log q`` is that of the end that is asked for,
    relative to a uniform entity.

    Args:
        scorer: The model.
        sampler: What negatives are drawn from.
        c: Weight of log q, >= 0.
        smoothing: Share of a uniform density that is mixed into q, in (0, 1).

    Raises:
        ValueError: If an argument is out of range, or the sampler's density has no closed form that
            depends on the query alone.
    """

    def __init__(
        self, scorer: Blocks, sampler: TripleSampler, c: float = 1.0, *, smoothing: float = 0.01
    ) -> None:
        for part in sampler.parts.values():
            none = torch.zeros(1, dtype=torch.long)
            if log_q_of(part, none, none[None]) is None:
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
        """Log density ``[b, M]`` of entities ``index [b, M]``, relative to a uniform entity.

        0 at an end that the sampler never replaces. A known entity has the density that it would
        have if it were not known.
        """
        if end not in self.sampler.parts:
            return torch.zeros(index.shape)
        queries = self.sampler.views[end].queries
        rows = torch.from_numpy(queries.rows(kept.cpu().numpy(), relation.cpu().numpy()))
        size = self.sampler.known.num_entities
        found = []
        few = max(1, CHUNK // max(index.size(1), 1))
        for some, targets in zip(rows.split(few), index.cpu().split(few), strict=True):
            log_q = log_q_of(self.sampler.parts[end], some, targets)
            assert log_q is not None
            found.append((1 - self.smoothing) * size * log_q.exp() + self.smoothing)
        return torch.cat(found).log()

    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Scores of triples of one shape, by the mean of both ends' measures."""
        f = self.scorer(head, relation, tail)
        asked = relation.reshape(-1)
        ends = head.reshape(-1), tail.reshape(-1)
        measured = self.log_measure(ends[0], asked, ends[1][:, None], "tail")
        measured = measured + self.log_measure(ends[1], asked, ends[0][:, None], "head")
        return f + self.c / 2 * measured[:, 0].view(f.shape).to(f.device)

    def block(self, kept: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries ``[b]``."""
        f = self.scorer.block(kept, relation, index, end)
        return f + self.c * self.log_measure(kept, relation, index, end).to(f.device)

    def rows(self, kept: Tensor, relation: Tensor, end: End) -> Tensor:
        """Scores ``[b, N]`` of all entities as the ``end`` of queries ``[b]``."""
        f, log_q = self.parts(kept, relation, end)
        return f + self.c * log_q

    def parts(self, kept: Tensor, relation: Tensor, end: End) -> tuple[Tensor, Tensor]:
        """What :meth:`rows` adds up: scores of the model, and the log measure."""
        f = self.scorer.rows(kept, relation, end)
        every = torch.from_numpy(np.broadcast_to(np.arange(f.size(1)), f.shape).copy())
        return f, self.log_measure(kept, relation, every, end).to(f.device)
