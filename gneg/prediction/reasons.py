"""Why a link is predicted: common neighbours, a path, or the known link that is most like it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gneg.datasets import LinkData, Names
from gneg.graph import Graph
from gneg.prediction.retrieve import IntArray

SHOWN = 3  # neighbours that are named
LEAST_ALIKE = 0.2  # cosine from which on another node is a reason


class Reasons:
    """Says what a graph has between two nodes.

    Args:
        graph: The graph, homogeneous and undirected.
        names: Names of its nodes, and of those that follow them; None: they are their ids.
        first: Number of the nodes that the first names are of.
        z: ``[N, D]`` embeddings of its nodes; D may be 0.
    """

    def __init__(
        self, graph: Graph, names: tuple[Names | None, Names | None], first: int, z: Tensor
    ) -> None:
        self.graph, self.names, self.first = graph, names, first
        self.unit = functional.normalize(z.detach().float().cpu(), dim=-1)

    def sentence(self, u: int, v: int) -> str:
        """Return a sentence on two nodes."""
        near_u, near_v = self._neighbors(u), self._neighbors(v)
        common = np.intersect1d(near_u, near_v, assume_unique=True)
        if len(common):
            return self._by_common(u, v, common[np.argsort(self._degree(common), kind="stable")])
        if v in near_u:
            return self._linked(u, v)
        path = self._path(near_u, near_v)
        if path is not None:
            return f"path: {self._chain(u, *path, v)}"
        if not len(near_u) or not len(near_v):
            lonely = u if not len(near_u) else v
            return f"{self.name(lonely)} has no link in training"
        if not self.unit.size(1):
            return "no path of three links"
        return self._most_alike(u, v, near_u)

    def _by_common(self, u: int, v: int, rarest: IntArray) -> str:
        """Return a sentence on the common neighbours of two nodes, those of fewest links first."""
        remainder = f" and {len(rarest) - SHOWN:,} more" if len(rarest) > SHOWN else ""
        kind = "common neighbour" if len(rarest) == 1 else "common neighbours"
        return f"{len(rarest):,} {kind}: {self._listed(rarest[:SHOWN])}{remainder}"

    def _linked(self, u: int, v: int) -> str:
        """Return a sentence on two nodes that are linked."""
        return "linked in training"

    def _chain(self, *nodes: int) -> str:
        """Return the names of nodes on a path."""
        return " - ".join(map(self.name, nodes))

    def _path(self, near_u: IntArray, near_v: IntArray) -> tuple[int, int] | None:
        """Return the inner nodes of a path of three links, by way of nodes of few links."""
        ends = near_u[np.argsort(self._degree(near_u), kind="stable")]
        for w in ends:
            joint = np.intersect1d(self._neighbors(int(w)), near_v, assume_unique=True)
            if len(joint):
                return int(w), int(joint[np.argmin(self._degree(joint))])
        return None

    def _most_alike(self, u: int, v: int, near_u: IntArray) -> str:
        likeness = self.unit[torch.from_numpy(near_u)] @ self.unit[v]
        best = int(likeness.argmax())
        known = self.name(int(near_u[best]))
        cosine = float(likeness[best])
        if cosine < LEAST_ALIKE:
            return (
                f"no path of three links, and nothing that {self.name(u)} is linked with is alike"
            )
        return f"like {known} (cosine {cosine:.2f}), which {self.name(u)} is linked with"

    def name(self, node: int) -> str:
        """Return the name of a node."""
        own, place = self.names[0], node
        if node >= self.first:
            own, place = self.names[1], node - self.first
        return str(place) if own is None else own[place]

    def _neighbors(self, node: int) -> IntArray:
        start, stop = self.graph.indptr[node : node + 2]
        row: IntArray = self.graph.indices[start:stop].astype(np.int64)
        return row

    def _degree(self, nodes: IntArray) -> IntArray:
        degree: IntArray = self.graph.indptr[nodes + 1] - self.graph.indptr[nodes]
        return degree

    def _listed(self, nodes: Sequence[int] | IntArray) -> str:
        return ", ".join(self.name(int(node)) for node in nodes)


class LinkReasons(Reasons):
    """Says what the training graph has between two nodes.

    Args:
        data: The dataset.
        z: ``[N, D]`` embeddings of all nodes, sources first in a bipartite graph.
    """

    def __init__(self, data: LinkData, z: Tensor) -> None:
        first = data.num_nodes if data.num_src is None else data.num_src
        super().__init__(data.homogeneous_graph, data.end_names, first, z)
        self._shift = data.num_src or 0

    def of(self, source: IntArray, target: IntArray) -> list[str]:
        """Return a sentence for each pair ``source [n]``, ``target [n]``."""
        pairs = zip(source.tolist(), (target + self._shift).tolist(), strict=True)
        return [self.sentence(u, v) for u, v in pairs]
