"""Batches of the training loop, whichever way they are made."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from gneg.graph.sizes import with_sizes
from gneg.loader.link_batches import LinkBatch
from gneg.nn.messages import Gathered
from gneg.samplers.negatives import Negatives
from gneg.training.queries import QueryBatch


@dataclass(frozen=True)
class Batch:
    """Positives of one step.

    Attributes:
        edges: ``[B]``, their positions among all.
        pos: ``[2, B]``, or ``[3, B]`` for triples.
        negatives: Their negatives, where they were drawn before the model embeds; None: they are
            drawn after it.
        sample: The sampled neighbourhoods; None: the whole graph is embedded.
        queries: What the positives answer, where all entities are scored; a positive that answers
            two of them is there twice. None: positives are scored themselves.
        first: What the first layer of the encoder makes of features; None: they are in ``sample``.
    """

    edges: Tensor
    pos: Tensor
    negatives: Negatives | None = None
    sample: LinkBatch | None = None
    first: Gathered | None = None
    queries: QueryBatch | None = None

    __repr__ = with_sizes
