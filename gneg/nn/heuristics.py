"""Training-free scores of pairs, as a scorer."""

from __future__ import annotations

from torch import Tensor, from_numpy

from gneg import checks, heuristics
from gneg.graph import Graph
from gneg.heuristics import KINDS, Kind


class Heuristic:
    """CN, AA, RA, PPR, Katz, preferential attachment or the cosine of features as a scorer.

    See :func:`gneg.heuristics.scores`. A directed graph is taken as undirected. In a bipartite
    graph a source and a target have no common neighbours: CN, AA and RA are 0.

    Args:
        graph: Any graph.
        kind: Which score.
        x: ``[N, F]`` features, for ``"cosine"``; sources first in a bipartite graph.

    Raises:
        ValueError: If ``kind`` is unknown or ``x`` missing.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0, 1, 0, 3], [1, 2, 3, 2]])
        >>> graph = Graph.from_edge_index(square, undirected=True)
        >>> Heuristic(graph, "cn")(torch.tensor([0, 0]), torch.tensor([2, 1]))
        tensor([2., 0.], dtype=torch.float64)
    """

    def __init__(self, graph: Graph, kind: Kind, x: Tensor | None = None) -> None:
        self.graph = graph.joint()
        self.sizes = graph.num_src, graph.num_dst
        self._shift = graph.num_src if graph.bipartite else 0
        self.kind: Kind = checks.choice("kind", kind, KINDS)
        if kind == "cosine" and x is None:
            checks.fail("x", "features [N, F] for 'cosine'", None)
        self.x = x

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores, double, of pairs ``src``, ``dst`` of one shape, in that shape.

        Raises:
            ValueError: If ids do not fit.
        """
        for name, ends, size in zip(("src", "dst"), (src, dst), self.sizes, strict=True):
            checks.node_range(name, checks.index_tensor(name, ends, "[...]"), size)
        rows = src.reshape(-1).cpu().long().contiguous().numpy()
        targets = dst.reshape(-1, 1).cpu().long().contiguous().numpy() + self._shift
        found = heuristics.scores(self.graph, self.kind, rows, targets, x=self.x)
        return from_numpy(found).view(src.shape).to(src.device)
