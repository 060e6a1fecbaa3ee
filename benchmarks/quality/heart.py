"""The lists that HeaRT's own generator makes, faults and all, to compare with published figures.

Li et al., NeurIPS 2023 (datasets and benchmarks), for Cora, CiteSeer and PubMed: the best 250 nodes
of either end by the best of their ranks by RA, PageRank and feature cosine. Unlike ``gneg hardset``
the generator

* writes a node's ranks over its cosines, so that it ranks ranks at the next visit: every second
  one puts the least similar nodes first (validation pairs are visited before test pairs),
* counts other test edges as negatives, and of what was hidden at an earlier visit makes the first,
* ranks equals by the best of their places, and fills up with draws that repeat.

Dense, small graphs only.
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
    """Test positives ``[2, E]`` against 500 such negatives each; ``data`` has features.

    Args:
        data: What is split 85/5/10.
        seed: Of the nodes that fill up.
    """
    rng = np.random.default_rng(seed)
    unit = heuristics.unit_rows(data.x)
    cosine = unit @ unit.T
    cosine = (cosine if isinstance(cosine, np.ndarray) else cosine.toarray()).astype(np.float32)
    train = _adjacency(data.num_nodes, data.graph.edge_index)
    both = train | _adjacency(data.num_nodes, data.valid.pos)
    lists: list[npt.NDArray[np.int64]] = []
    for pos, known in ((data.valid.pos, train), (data.test.pos, both)):
        ends = [(node, other) for pair in pos.t().tolist() for node, other in (pair, pair[::-1])]
        lists = [
            _nearest(data, node, other, known[node], cosine[node], rng) for node, other in ends
        ]
    of_src, of_dst = torch.from_numpy(np.stack(lists)).view(-1, 2, PER_END).unbind(dim=1)
    kept_src, kept_dst = (end[:, None].expand(-1, PER_END) for end in data.test.pos)
    src, dst = torch.cat([kept_src, of_dst], dim=1), torch.cat([of_src, kept_dst], dim=1)
    return EvalEdges(data.test.pos, (src, dst))


def _adjacency(size: int, edges: Tensor) -> npt.NDArray[np.bool_]:
    made = np.zeros((size, size), bool)
    src, dst = edges.numpy()
    made[src, dst] = made[dst, src] = True
    return made


def _nearest(
    data: LinkData,
    node: int,
    other: int,
    known: npt.NDArray[np.bool_],
    cosine: Row,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """The negatives of one end, ``[PER_END]``; writes over ``cosine``, as the original does."""
    hidden = known.copy()
    hidden[[node, other]] = True
    every = np.arange(data.num_nodes)[None]
    source = np.array([node])
    ra = heuristics.scores(data.graph, "ra", source, every)[0].astype(np.float32)
    ppr = heuristics.scores(data.graph, "ppr", source, every, alpha=ALPHA, epsilon=EPSILON)[0]
    columns = [ra, ppr.astype(np.float32), cosine]
    for column in columns:
        column[hidden] = -1
    blind = np.logical_and.reduce([column == 0 for column in columns])
    for column in columns:
        _rank(column)
    seen = min(PER_END, len(blind) - int(blind.sum()) - int(hidden.sum()))
    # The same choice among equals as in the original.
    first = torch.from_numpy(-np.minimum.reduce(columns)).topk(seen).indices.numpy()
    return np.concatenate([first, rng.choice(blind.nonzero()[0], PER_END - seen)])


def _rank(values: Row) -> None:
    """Ranks instead of values: 1 for the largest, then those that are 0, then those below."""
    seen, below = values > 0, values < 0
    places = rankdata(values[seen], method="min")
    most = places.max(initial=0)
    values[seen] = most + 1 - places
    last = values[seen].max(initial=0)
    values[~seen & ~below] = last + 1
    values[below] = last + 2
