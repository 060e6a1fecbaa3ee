"""Candidates for new links: the nearest nodes by the model's vectors, and those in few steps."""

from __future__ import annotations

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
from gneg.graph.lazy import cached_property
from gneg.nn.decoders import MLP, NCN, Bilinear, Cosine, Dot, Hybrid
from gneg.nn.encoders import NoEmbeddings
from gneg.nn.model import Scorer
from gneg.prediction.top import top
from gneg.rng import generator_from
from gneg.samplers.query import exclude

IntArray = npt.NDArray[np.int64]
#: The end of a link that is looked for.
Side = Literal["source", "target"]
#: Decoders whose score is a product of vectors.
PRODUCTS = (Dot, Cosine, Bilinear)
QUERIES = 16  # random queries that the mean score of each candidate is taken over
SAMPLE = 10_000  # training edges that a perceptron's gradient is taken at


class Retriever:
    """Chooses the nodes that are worth scoring for each query.

    Up to half of the candidates are those that two or three steps of a walk from the query reach,
    two steps by resource allocation. The others have the highest sum of a product of vectors and
    a term of their own: the product is the decoder, or the part of it that is one, and the term
    the mean score of the model over some random queries, which holds what is not in the product
    (degrees and the like). All nodes are compared: on 300,000 of them that takes less time than
    an index (FAISS's IVF) of equal recall.

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
        joined = np.concatenate(parts, axis=1)
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

    def _nearest(self, rows: IntArray, count: int, memory_mb: int) -> IntArray:
        """Return the candidates that score highest by the product of vectors."""
        queries, targets = self._vectors
        count = min(count, len(targets))
        out = np.empty((len(rows), count), np.int64)
        chunk = max(1, memory_mb * 2**20 // (16 * len(targets)))
        for low in range(0, len(rows), chunk):
            part = rows[low : low + chunk]
            scores = queries[torch.from_numpy(part)] @ targets.t()
            line, known = (torch.from_numpy(ends) for ends in self.known.listed(part))
            scores[line, known] = -torch.inf
            out[low : low + chunk] = top(scores, count)[1].numpy()
        return out

    @property
    def scored(self) -> int:
        """Number of pairs that the model scores before the first query."""
        return 0 if self.scorer.is_product else QUERIES * self.known.num_dst

    @cached_property
    def _vectors(self) -> tuple[Tensor, Tensor]:
        """Vectors of queries and candidates whose inner products follow the model's scores.

        They are computed where the model is, and on the CPU then.
        """
        model, z = self.scorer.model, self.scorer.z.float()
        sides = model.sides(z)
        source, target = sides if isinstance(sides, tuple) else (sides, sides)
        decoder: Any = model.decoder
        if isinstance(decoder, PRODUCTS):
            source, target = product_vectors(decoder, source, target, self.data.train)
            pair = source.cpu(), target.cpu()
            return pair if self.side == "target" else pair[::-1]
        while hasattr(decoder, "decoder"):  # what combines its score with others
            decoder = decoder.decoder
        if isinstance(model.encoder, NoEmbeddings):
            source, target = (vectors.new_zeros(len(vectors), 0) for vectors in (source, target))
        else:
            source, target = product_vectors(decoder, source, target, self.data.train)
        source, target = source.cpu(), target.cpu()
        query, candidate = (source, target) if self.side == "target" else (target, source)
        unit = query.new_ones(len(query), 1)
        return torch.cat([query, unit], 1), torch.cat([candidate, self._mean_scores()[:, None]], 1)

    def _mean_scores(self) -> Tensor:
        """Return the mean score of each candidate over some random queries, ``[M]``."""
        size = self.known.num_src
        queries = torch.randperm(size, generator=generator_from(0))[:QUERIES]
        end: Any = "dst" if self.side == "target" else "src"
        total = torch.zeros(self.known.num_dst)
        for query in queries.to(self.scorer.z.device).split(1):
            total += self.scorer.matrix(query, side=end)[0].cpu()
        return total / len(queries)


@torch.no_grad()
def product_vectors(
    decoder: nn.Module, source: Tensor, target: Tensor, edges: Tensor
) -> tuple[Tensor, Tensor]:
    """Return vectors of sources and of targets whose inner products are near a decoder's scores.

    They are the scores of ``Dot``, ``Cosine`` and ``Bilinear``, and the cosine of ``Hybrid``,
    ``NCN``, and of a decoder that a user registered, of which nothing is known. The perceptron of
    ``MLP`` is expanded to first order in the product of both embeddings, by its mean
    gradient over training edges.

    Args:
        decoder: The decoder.
        source: ``[N, D]`` embeddings of sources.
        target: ``[M, D]`` embeddings of targets.
        edges: ``[2, P]`` training edges.
    """
    if isinstance(decoder, Bilinear):
        return source @ decoder.weight, target
    if isinstance(decoder, MLP):
        order = torch.randperm(edges.size(1), generator=generator_from(0))[:SAMPLE]
        src, dst = edges[:, order].to(source.device)
        with torch.enable_grad():
            product = (source[src] * target[dst]).requires_grad_()
            (gradient,) = torch.autograd.grad(decoder.of_product(product).sum(), product)
        return source * gradient.mean(dim=0), target
    if isinstance(decoder, Dot):
        return source, target
    if isinstance(decoder, Hybrid | NCN):
        decoder = decoder.cosine
    scale = decoder.scale if isinstance(decoder, Cosine) else 1.0
    return scale * functional.normalize(source), functional.normalize(target)
