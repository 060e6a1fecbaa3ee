"""What heuristics say of a pair, as inputs of a decoder."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from gneg import checks, heuristics
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.pagerank import TABLE, PageRank, without_own_edge
from gneg.rng import generator_from

#: Common neighbours, Adamic-Adar, resource allocation, PageRank (the mean of both ways), distance
#: (2, 3, more), degrees of both ends and the cosine of features.
KINDS = ("cn", "aa", "ra", "ppr", "shell", "degree", "cosine")
WIDTHS = {"shell": 2, "degree": 2}
SAMPLE = 10_000  # training edges, and as many random pairs, that inputs are standardised on


class PairFeatures(nn.Module):
    """A decoder that also sees heuristics: ``f(u, v) + g(h_u * h_v, features of the pair)``.

    So that hard negatives teach when a heuristic is wrong, instead of hiding what it knows. An edge
    is left out of its own features: else training would give itself away. Counts go in as
    ``log(1 + count)``, PageRank in multiples of 1 / N likewise, everything standardised on training
    edges and random pairs; ``g`` is a perceptron with one hidden layer.

    Args:
        decoder: Scores ``f`` of two tensors ``[.., D]``.
        graph: The training graph, homogeneous; a directed one is taken as undirected.
        width: D.
        kinds: Some of :data:`KINDS`; if None all that there are inputs for, without ``"ppr"`` on
            graphs that are too large for :attr:`gneg.pagerank.PageRank.table`.
        x: ``[N, F]`` features, for ``"cosine"``.
        hidden: Width of ``g``.
        seed: Of the pairs that standardise.

    Raises:
        ValueError: If the graph is bipartite, a kind is unknown or ``x`` is missing.
    """

    #: Whether `forward` wants the ids of the pairs as well.
    needs_pairs = True

    def __init__(
        self,
        decoder: nn.Module,
        graph: Graph,
        width: int,
        *,
        kinds: Sequence[str] | None = None,
        x: Tensor | None = None,
        hidden: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if graph.bipartite:
            checks.fail(
                "graph", "homogeneous: two kinds of nodes have no neighbour in common", graph
            )
        costly = {"ppr"} if graph.num_nodes > TABLE else set()
        costly |= {"cosine"} if x is None else set()
        self.kinds = [one for one in KINDS if one not in costly]
        if kinds is not None:
            self.kinds = [checks.choice("kinds", one, KINDS) for one in kinds]
        if "cosine" in self.kinds and x is None:
            checks.fail("x", "features [N, F] for 'cosine'", None)
        self.decoder, self.graph, self.x = decoder, graph.to_undirected(), x
        self._known = KnownEdges(self.graph)
        self._degree = self.graph.degree().numpy()
        steps = self.graph.steps()._replace(weights=None, in_weights=None)
        self._pagerank = PageRank(steps) if "ppr" in self.kinds else None
        #: Seconds that the features have taken so far.
        self.seconds = 0.0
        size = sum(WIDTHS.get(kind, 1) for kind in self.kinds)
        self.mean: Tensor
        self.scale: Tensor
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))
        self.head = nn.Sequential(
            nn.Linear(width + size, checks.integer("hidden", hidden, 1)),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )
        self._standardise(seed)

    def _standardise(self, seed: int) -> None:
        edges, generator = self.graph.edge_index, generator_from(seed)
        if not edges.size(1):
            return
        some = torch.randint(edges.size(1), (min(SAMPLE, edges.size(1)),), generator=generator)
        others = torch.randint(self.graph.num_nodes, (2, len(some)), generator=generator)
        rows = self.features(torch.cat([edges[:, some], others], dim=1))
        deviation = rows.std(dim=0)
        self.mean.copy_(rows.mean(dim=0))
        self.scale.copy_(torch.where(deviation > 1e-6, deviation, 1.0))

    def features(self, pairs: Tensor) -> Tensor:
        """Features ``[B, F]`` of ``pairs [2, B]``, float, not standardised.

        In the order of ``kinds``; ``"shell"`` is two columns (distance 2, distance 3), ``"degree"``
        as well, the larger degree first.
        """
        start = time.perf_counter()
        src, dst = pairs.detach().cpu().long().contiguous()
        rows, targets = src.numpy(), dst.numpy()
        own = self._known.contains(src, dst).numpy().astype(np.int64)
        degree = np.stack([self._degree[rows], self._degree[targets]])
        wanted = not {"cn", "shell"}.isdisjoint(self.kinds)  # by either of them, counted once
        common = self._scores("cn", rows, targets) if wanted else np.empty(0)
        parts: list[np.ndarray] = []
        for kind in self.kinds:
            if kind == "degree":
                parts += list(np.log1p(np.sort(degree - own, axis=0)[::-1]))
            elif kind == "shell":
                parts += self._shells(rows, targets, own, degree, common)
            elif kind == "ppr":
                parts.append(np.log1p(self.graph.num_nodes * self._ranks(rows, targets, own)))
            else:
                # What joins two nodes by a third is the same with and without their own edge.
                found = common if kind == "cn" else self._scores(kind, rows, targets)
                parts.append(found if kind == "cosine" else np.log1p(found))
        made = torch.from_numpy(np.stack(parts, axis=1).astype(np.float32)).to(pairs.device)
        self.seconds += time.perf_counter() - start
        return made

    def _scores(self, kind: str, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        return heuristics.scores(self.graph, kind, rows, targets[:, None], x=self.x)[:, 0]  # type: ignore[arg-type]

    def _ranks(self, rows: np.ndarray, targets: np.ndarray, own: np.ndarray) -> np.ndarray:
        """PageRank between the ends, the mean of both ways."""
        assert self._pagerank is not None
        ends = np.stack([rows, targets], axis=1)
        out, back = (self._pagerank.scores(one, ends) for one in (rows, targets))
        degree = self._degree[rows].astype(float), self._degree[targets].astype(float)
        there = out[:, 1], back[:, 0], (out[:, 0], back[:, 1]), degree
        again = back[:, 0], out[:, 1], (back[:, 1], out[:, 0]), degree[::-1]
        alpha = self._pagerank.alpha
        both = (without_own_edge(own > 0, *one, alpha) for one in (there, again))
        mean: np.ndarray = sum(both) / 2  # type: ignore[assignment]
        return mean

    def _shells(
        self,
        rows: np.ndarray,
        targets: np.ndarray,
        own: np.ndarray,
        degree: np.ndarray,
        two: np.ndarray,
    ) -> list[np.ndarray]:
        """Whether the distance is 2, and whether it is 3, without the edge itself.

        ``two`` is the number of common neighbours: of walks of two steps.
        """
        walks = heuristics.scores(self.graph, "katz", rows, targets[:, None], beta=1.0, length=3)
        # Of the walks of three steps along an edge u-v: u v x v, u x u v, and u v u v in both.
        three = walks[:, 0] - own - two - own * (degree.sum(axis=0) - 1)
        return [(two > 0).astype(np.float64), ((two == 0) & (three > 0.5)).astype(np.float64)]

    def forward(self, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
        """Scores ``[B]``.

        Args:
            src: ``[B, D]``.
            dst: ``[B, D]``.
            pairs: ``[2, B]``, whose embeddings they are.
        """
        features = (self.features(pairs) - self.mean) / self.scale
        more: Tensor = self.head(torch.cat([src * dst, features.to(src.dtype)], dim=-1))
        base: Tensor = self.decoder(src, dst)
        return base + more.squeeze(-1)
