"""The known links that the page draws around nodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from gneg.datasets import LinkData, TripleData
from gneg.datasets.link import PARTS
from gneg.graph.lazy import cached_property
from gneg.graph.sizes import with_sizes
from gneg.prediction.page.answers import IntArray


@dataclass(frozen=True)
class KnownLinks:
    """Known links by node, at both of its ends.

    Attributes:
        starts: ``[N + 1]``, where the links of each node begin.
        other: ``[L]`` ids of the node at the other end.
        kind: ``[L]``, twice the relation, plus 1 where the link comes from the other end.
        degree: ``[N]`` number of links of each node, also where not all are here.
    """

    starts: IntArray
    other: IntArray
    kind: IntArray
    degree: IntArray

    __repr__ = with_sizes

    @classmethod
    def of(cls, data: LinkData | TripleData) -> KnownLinks:
        """Return the links of all parts of a dataset."""
        if isinstance(data, TripleData):
            head, relation, tail = torch.cat([data.train, data.valid, data.test], dim=1).numpy()
            return cls._build(head, tail, relation, data.num_entities, directed=True)
        parts = [data.positives(part) for part in PARTS]
        source, target = data.homogeneous_ids(torch.cat(parts, dim=1)).numpy()
        directed = not data.undirected and data.num_src is None
        return cls._build(source, target, np.zeros_like(source), data.num_nodes, directed=directed)

    @classmethod
    def _build(
        cls, source: IntArray, target: IntArray, relation: IntArray, size: int, *, directed: bool
    ) -> KnownLinks:
        node, neighbor = np.concatenate([source, target]), np.concatenate([target, source])
        kind = np.concatenate([2 * relation, 2 * relation + directed])
        order = np.lexsort((kind, neighbor, node))
        node, neighbor, kind = node[order], neighbor[order], kind[order]
        new = (np.diff(node) != 0) | (np.diff(neighbor) != 0) | (np.diff(kind) != 0)
        rows = np.concatenate([[True] * bool(len(node)), new]).astype(bool)
        rows &= node != neighbor
        degree = np.bincount(node[rows], minlength=size)
        starts = np.concatenate([[0], np.cumsum(degree)])
        return cls(starts, neighbor[rows], kind[rows], degree)

    def around(self, nodes: IntArray, limit: int) -> tuple[KnownLinks, int | None]:
        """Return the links of some nodes alone, and the largest number of links of a node.

        Where there are too many, each node has as many as fit: those with nodes of few links, which
        say the most. None: all links of the nodes are there.

        Args:
            nodes: ``[n]`` ids.
            limit: The largest number of links.
        """
        chosen = np.zeros(len(self.degree), bool)
        chosen[nodes] = True
        sizes = np.where(chosen, self.degree, 0)
        most = None
        if sizes.sum() > limit:
            steps = 2 ** np.arange(20)
            fitting = [m for m in steps.tolist() if np.minimum(sizes, m).sum() <= limit]
            most = max(fitting, default=1)
        rows = np.flatnonzero(chosen[self._node])
        if most is not None:
            node = self._node[rows]
            by_degree = np.lexsort((self.degree[self.other[rows]], node))
            place = np.arange(len(rows)) - np.searchsorted(node, node)
            rows = np.sort(rows[by_degree[place < most]])
            sizes = np.minimum(sizes, most)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return KnownLinks(starts, self.other[rows], self.kind[rows], self.degree), most

    @cached_property
    def _node(self) -> IntArray:
        """``[L]``, the node that each link is listed under."""
        return np.repeat(np.arange(len(self.degree)), np.diff(self.starts))

    def renumbered(self, nodes: IntArray) -> KnownLinks:
        """Return the links with the places in ``nodes [n]`` as ids; all of their ends are in it.

        Args:
            nodes: ``[n]`` ids, ascending.
        """
        sizes = np.diff(self.starts)[nodes]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        neighbor = np.searchsorted(nodes, self.other)
        return KnownLinks(starts, neighbor, self.kind, self.degree[nodes])
