"""Training-free scores of pairs, as a scorer."""

from __future__ import annotations

from torch import Tensor, from_numpy

from gneg import checks, heuristics
from gneg.graph import Graph
from gneg.heuristics import KINDS, Kind


class Heuristic:
    """CN, AA, RA or personalised PageRank (PPR) as a scorer; see :mod:`gneg.heuristics`.

    Every common neighbour w counts 1 (CN), 1 / log deg(w) (AA) or 1 / deg(w) (RA). A directed graph
    is taken as undirected.

    Args:
        graph: A homogeneous graph.
        kind: Which score.

    Raises:
        ValueError: If the graph is bipartite or ``kind`` unknown.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0, 1, 0, 3], [1, 2, 3, 2]])
        >>> graph = Graph.from_edge_index(square, undirected=True)
        >>> Heuristic(graph, "cn")(torch.tensor([0, 0]), torch.tensor([2, 1]))
        tensor([2., 0.], dtype=torch.float64)
    """

    def __init__(self, graph: Graph, kind: Kind) -> None:
        if graph.bipartite:
            checks.fail("graph", "homogeneous", graph)
        self.graph = graph.to_undirected()
        self.kind: Kind = checks.choice("kind", kind, KINDS)

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores, double, of pairs ``src``, ``dst`` of one shape, in that shape.

        Raises:
            ValueError: If ids do not fit.
        """
        for name, ends in (("src", src), ("dst", dst)):
            checks.node_range(name, checks.index_tensor(name, ends, "[...]"), self.graph.num_nodes)
        rows = src.reshape(-1).cpu().long().contiguous().numpy()
        targets = dst.reshape(-1, 1).cpu().long().contiguous().numpy()
        found = heuristics.scores(self.graph, self.kind, rows, targets)
        return from_numpy(found).view(src.shape).to(src.device)
