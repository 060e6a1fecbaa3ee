"""Candidates for new links: the nearest nodes by the model's vectors, and those in few steps."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg import kernels
from gneg.datasets import LinkData
from gneg.graph import KnownEdges
from gneg.graph.heuristics import neighbor_weight
from gneg.nn.decoders import MLP, Bilinear, Cosine, Dot, Hybrid
from gneg.nn.encoders import NoEmbeddings
from gneg.nn.model import Scorer
from gneg.rng import generator_from
from gneg.samplers.query import exclude

IntArray = npt.NDArray[np.int64]
#: The end of a link that is looked for.
Side = Literal["source", "target"]
SAMPLE = 10_000  # training edges that a perceptron's gradient is taken at


class Retriever:
    """Chooses the nodes that are worth scoring for each query.

    Half of the candidates are those that two or three steps of a walk from the query reach, two
    steps by resource allocation; the others are nearest by a product of vectors: the decoder
    itself where it is one, its first-order expansion where it is a perceptron. All nodes are
    compared: on 300,000 of them that takes less time than an index (FAISS's IVF) of equal recall.

    Args:
        data: The dataset, whose training graph is walked.
        scorer: The model on its embeddings.
        side: The end that is looked for.
        known: Links that are no candidates, as (query, candidate).
    """

    def __init__(self, data: LinkData, scorer: Scorer, side: Side, known: KnownEdges) -> None:
        self.data, self.scorer, self.side, self.known = data, scorer, side, known

    def candidates(self, rows: IntArray, count: int, memory_mb: int) -> IntArray:
        """Return up to ``count`` candidates of each query, ``[B, count]``; -1 where there are none.

        Args:
            rows: ``[B]``, ids of queries.
            count: Candidates of a query, >= 1.
            memory_mb: Memory for the products of a chunk of queries, in megabytes.
        """
        parts = [self._in_few_steps(rows, -(-count // 2)), self._nearest(rows, count, memory_mb)]
        out = np.full((len(rows), count), -1, np.int64)
        joined = np.concatenate([part for part in parts if part is not None], axis=1)
        exclude(self.known, rows, out, np.ascontiguousarray(joined), unique=True)
        return out

    def _in_few_steps(self, rows: IntArray, count: int) -> IntArray:
        """Return the nodes that short walks from each query reach best."""
        graph = self.data.homogeneous_graph
        shift, size = self.data.num_src or 0, graph.num_nodes
        query_shift, first = (0, shift) if self.side == "target" else (shift, 0)
        last = size if self.side == "target" or not shift else shift
        indptr, indices = graph.steps()[:2]
        weight = neighbor_weight("ra", graph.degree().numpy())
        line, targets = self.known.listed(rows)
        starts = np.searchsorted(line, np.arange(len(rows) + 1))
        out = np.empty((len(rows), count), np.int64)

        def walk(*args: object) -> None:
            threads = kernels.threads
            kernels.nearby.nearby(*args, threads.zeros(2 * size), threads.scratch(size)[1])

        arguments = rows + query_shift, indptr, indices, weight, first, last, starts
        kernels.threads.run_rows(walk, len(rows), 256 * len(rows), out, *arguments, targets + first)
        out[out >= 0] -= first
        return out

    def _nearest(self, rows: IntArray, count: int, memory_mb: int) -> IntArray | None:
        """Return the nearest candidates by the product of vectors; None: there are no vectors."""
        if self._vectors is None:
            return None
        queries, targets = self._vectors
        count = min(count, len(targets))
        out = np.empty((len(rows), count), np.int64)
        chunk = max(1, memory_mb * 2**20 // (8 * len(targets)))
        for low in range(0, len(rows), chunk):
            part = rows[low : low + chunk]
            scores = queries[torch.from_numpy(part)] @ targets.t()
            line, known = (torch.from_numpy(ends) for ends in self.known.listed(part))
            scores[line, known] = -torch.inf
            out[low : low + chunk] = scores.topk(count).indices.numpy()
        return out

    @cached_property
    def _vectors(self) -> tuple[Tensor, Tensor] | None:
        """Vectors of queries and candidates whose inner products follow the model's scores."""
        model, z = self.scorer.model, self.scorer.z.float().cpu()
        if isinstance(model.encoder, NoEmbeddings):
            return None
        sides = model.sides(z)
        source, target = sides if isinstance(sides, tuple) else (sides, sides)
        decoder: Any = model.decoder
        while hasattr(decoder, "decoder"):  # what combines its score with others
            decoder = decoder.decoder
        pair = product_vectors(decoder, source, target, self.data.train)
        return pair if self.side == "target" else pair[::-1]


@torch.no_grad()
def product_vectors(
    decoder: nn.Module, source: Tensor, target: Tensor, edges: Tensor
) -> tuple[Tensor, Tensor]:
    """Return vectors of sources and of targets whose inner products are near a decoder's scores.

    They are the scores of ``Dot``, ``Cosine`` and ``Bilinear``. The perceptron of ``MLP`` and
    ``Hybrid`` is expanded to first order in the product of both embeddings, by its mean gradient
    over training edges.

    Args:
        decoder: The decoder.
        source: ``[N, D]`` embeddings of sources.
        target: ``[M, D]`` embeddings of targets.
        edges: ``[2, P]`` training edges.
    """
    if isinstance(decoder, Bilinear):
        return source @ decoder.weight, target
    unit = functional.normalize(source), functional.normalize(target)
    if isinstance(decoder, MLP | Hybrid):
        perceptron = decoder if isinstance(decoder, MLP) else decoder.correction
        order = torch.randperm(edges.size(1), generator=generator_from(0))[:SAMPLE]
        src, dst = edges[:, order]
        with torch.enable_grad():
            product = (source[src] * target[dst]).requires_grad_()
            (gradient,) = torch.autograd.grad(perceptron.of_product(product).sum(), product)
        expanded = source * gradient.mean(dim=0), target
        if isinstance(decoder, MLP):
            return expanded
        cosine = decoder.cosine.scale * unit[0], unit[1]
        return torch.cat([cosine[0], expanded[0]], dim=1), torch.cat([cosine[1], target], dim=1)
    if isinstance(decoder, Cosine):
        return unit
    assert isinstance(decoder, Dot)
    return source, target
