"""Batches of the training loop, whichever way they are made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
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

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Batch:
        """Return a batch of positives and negatives alone on a device.

        Args:
            device: The device.
            non_blocking: Whether the copy from pinned memory is not waited for.
        """
        moved = {
            name: value.to(device, non_blocking=non_blocking)
            for name in ("edges", "pos", "negatives")
            if (value := getattr(self, name)) is not None
        }
        return replace(self, **moved)

    def pin_memory(self) -> Batch:
        """Return a batch of positives and negatives alone in pinned memory."""
        negatives = None if self.negatives is None else self.negatives.pin_memory()
        edges, pos = self.edges.pin_memory(), self.pos.pin_memory()
        return replace(self, edges=edges, pos=pos, negatives=negatives)

    __repr__ = with_sizes
