"""Training-free scores of pairs, as a scorer."""

from __future__ import annotations

from torch import Tensor, from_numpy

from gneg import checks, heuristics
from gneg.graph import Graph
from gneg.heuristics import KINDS, Kind


class Heuristic:
    """CN, AA, RA, PPR, Katz, preferential attachment or the cosine of features as a scorer.

    See :func:`gneg.heuristics.scores`. A directed graph is taken as undirected.

    Args:
        graph: A homogeneous graph.
        kind: Which score.
        x: ``[N, F]`` features, for ``"cosine"``.

    Raises:
        ValueError: If the graph is bipartite, ``kind`` unknown, or ``x`` missing.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0, 1, 0, 3], [1, 2, 3, 2]])
        >>> graph = Graph.from_edge_index(square, undirected=True)
        >>> Heuristic(graph, "cn")(torch.tensor([0, 0]), torch.tensor([2, 1]))
        tensor([2., 0.], dtype=torch.float64)
    """

    def __init__(self, graph: Graph, kind: Kind, x: Tensor | None = None) -> None:
        if graph.bipartite:
            checks.fail("graph", "homogeneous", graph)
        self.graph = graph.to_undirected()
        self.kind: Kind = checks.choice("kind", kind, KINDS)
        if kind == "cosine" and x is None:
            checks.fail("x", "features [N, F] for 'cosine'", None)
        self.x = x

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores, double, of pairs ``src``, ``dst`` of one shape, in that shape.

        Raises:
            ValueError: If ids do not fit.
        """
        for name, ends in (("src", src), ("dst", dst)):
            checks.node_range(name, checks.index_tensor(name, ends, "[...]"), self.graph.num_nodes)
        rows = src.reshape(-1).cpu().long().contiguous().numpy()
        targets = dst.reshape(-1, 1).cpu().long().contiguous().numpy()
        found = heuristics.scores(self.graph, self.kind, rows, targets, x=self.x)
        return from_numpy(found).view(src.shape).to(src.device)
