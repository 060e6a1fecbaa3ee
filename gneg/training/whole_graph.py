"""Embeddings of link predictors on the whole graph: all nodes, for every batch."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from gneg.graph.sizes import with_sizes
from gneg.loader.link_batches import LinkBatch
from gneg.nn import Adjacency, SparseFeatures
from gneg.samplers.base import Score
from gneg.samplers.negatives import Negatives, Vectors
from gneg.training import drawing
from gneg.training.batches import Batch

if TYPE_CHECKING:
    from gneg.training.link import LinkRun


@dataclass(frozen=True)
class Embedded:
    """Embeddings ``z`` of all nodes or of those of a batch, and what they were computed on.

    Attributes:
        z: ``[N, D]``, or ``[n, D]`` of the ends of a mini-batch.
        adjacency: The graph of all nodes; None for a mini-batch.
        sample: The mini-batch; None: all nodes.
        score: The model that drew the mini-batch; None where none was needed.
    """

    z: Tensor
    adjacency: Adjacency | None = None
    sample: LinkBatch | None = None
    score: Score | None = None

    __repr__ = with_sizes


class WholeGraph:
    """The embeddings of a run on the whole graph.

    Args:
        run: The run, with its model.
    """

    def __init__(self, run: LinkRun) -> None:
        self.run = run
        self.x = features_on(run.device, run)
        self.adjacency = Adjacency(run.data.graph, run.device, half=run.config.precision == "bf16")
        self.positions = self.adjacency.positions(run.data.train)

    def batches(self, order: Tensor) -> Generator[Batch, None, None]:
        """Yield positives, as :meth:`gneg.training.run_parts.RunParts.batches` does."""
        return drawing.batches(self.run, order)

    def embed_batch(self, batch: Batch) -> Embedded:
        """Return embeddings of all nodes, by messages that do not pass along the batch's edges."""
        adjacency = self.adjacency
        if self.run.config.mask_targets:
            adjacency = adjacency.without(self.positions[:, batch.edges])
        return Embedded(self.run.model.embed(self.x, adjacency), adjacency)

    def keys(self, embeddings: Embedded) -> Vectors:
        """Return embeddings for a sampler that stores them, by the moving average if it has one."""
        model, average = self.run.model, self.run.average
        if average is None:
            return model.sides(embeddings.z.detach())  # type: ignore[no-any-return]
        with torch.no_grad():
            return model.sides(average(self.x, embeddings.adjacency))  # type: ignore[no-any-return]

    def scores(
        self, embeddings: Embedded, pos: Tensor, negatives: Negatives
    ) -> tuple[Tensor, Tensor]:
        """Return the scores of positives ``[B]`` and of negatives ``[B, K]``."""
        return self.run.model.score_both(embeddings.z, pos, negatives)  # type: ignore[no-any-return]

    def embed(self) -> Tensor:
        """Return embeddings ``[N, D]`` by the current weights and mode."""
        with torch.no_grad():
            return self.run.model.embed(self.x, self.adjacency)  # type: ignore[no-any-return]


def features_on(device: torch.device | str, run: LinkRun) -> Tensor | SparseFeatures | None:
    """Return the features that the encoder of a run reads, on a device; None: it reads none."""
    x = run.data.x
    if x is None or run.model.encoder.inputs == "embedding":
        return None
    x = x.to(device)
    return x if x.layout == torch.strided else SparseFeatures(x)
