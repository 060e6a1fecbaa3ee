"""Lists like those of HeaRT's own generator, faults included, to compare with published figures.

Li et al., NeurIPS 2023 (datasets and benchmarks), for Cora, CiteSeer and PubMed: the best 250 nodes
of either end by the best of their ranks by RA, PageRank and feature cosine. Unlike ``gneg hardset``
the generator

* overwrites a node's cosines with their ranks, and ranks those at the next visit of the node: at
  every second visit the least similar nodes come first (validation pairs are visited before test
  pairs),
* takes other test edges as negatives, and puts nodes first that were hidden at an earlier visit,
* gives nodes of equal score the best of their ranks, and fills up with random nodes, with repeats.

Dense, for small graphs only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import rankdata
from torch import Tensor

from gneg.datasets import EvalEdges, LinkData
from gneg.graph import heuristics

PER_END, ALPHA, EPSILON = 250, 0.15, 5e-5
Row = npt.NDArray[np.float32]


def published(data: LinkData, seed: int = 0) -> EvalEdges:
    """Return the test positives with 500 such negatives each.

    Args:
        data: A dataset with features, split 85/5/10 as in the paper.
        seed: Seed for the random nodes that fill up short lists.
    """
    rng = np.random.default_rng(seed)
    unit = heuristics.unit_rows(data.x)
    cosine = unit @ unit.T
    cosine = (cosine if isinstance(cosine, np.ndarray) else cosine.toarray()).astype(np.float32)
    train = _adjacency(data.num_nodes, data.graph.edge_index)
    train_valid = train | _adjacency(data.num_nodes, data.valid.pos)
    lists: list[npt.NDArray[np.int64]] = []
    for pos, known in ((data.valid.pos, train), (data.test.pos, train_valid)):
        queries = [(u, v) for pair in pos.t().tolist() for u, v in (pair, pair[::-1])]
        lists = [_hardest(data, u, v, known[u], cosine[u], rng) for u, v in queries]
    of_src, of_dst = torch.from_numpy(np.stack(lists)).view(-1, 2, PER_END).unbind(dim=1)
    pos_src, pos_dst = (end[:, None].expand(-1, PER_END) for end in data.test.pos)
    src, dst = torch.cat([pos_src, of_dst], dim=1), torch.cat([of_src, pos_dst], dim=1)
    return EvalEdges(data.test.pos, (src, dst))


def _adjacency(size: int, edges: Tensor) -> npt.NDArray[np.bool_]:
    """Return the symmetric adjacency matrix of edges ``[2, E]``, ``[N, N]`` bool."""
    matrix = np.zeros((size, size), bool)
    src, dst = edges.numpy()
    matrix[src, dst] = matrix[dst, src] = True
    return matrix


def _hardest(
    data: LinkData,
    query: int,
    target: int,
    known: npt.NDArray[np.bool_],
    cosine: Row,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return the negatives ``[PER_END]`` of an end; overwrites ``cosine``, as the original does."""
    hidden = known.copy()
    hidden[[query, target]] = True
    nodes = np.arange(data.num_nodes)[None]
    source = np.array([query])
    ra = heuristics.scores(data.graph, "ra", source, nodes)[0].astype(np.float32)
    ppr = heuristics.scores(data.graph, "ppr", source, nodes, alpha=ALPHA, epsilon=EPSILON)[0]
    columns = [ra, ppr.astype(np.float32), cosine]
    for column in columns:
        column[hidden] = -1
    unscored = np.logical_and.reduce([column == 0 for column in columns])
    for column in columns:
        _rank(column)
    scored = min(PER_END, len(unscored) - int(unscored.sum()) - int(hidden.sum()))
    # topk chooses among equal ranks as the original does.
    first = torch.from_numpy(-np.minimum.reduce(columns)).topk(scored).indices.numpy()
    return np.concatenate([first, rng.choice(unscored.nonzero()[0], PER_END - scored)])


def _rank(values: Row) -> None:
    """Replace values by their ranks: 1 for the largest, then zeros, then negative values."""
    positive, below = values > 0, values < 0
    places = rankdata(values[positive], method="min")
    most = places.max(initial=0)
    values[positive] = most + 1 - places
    last = values[positive].max(initial=0)
    values[~positive & ~below] = last + 1
    values[below] = last + 2
