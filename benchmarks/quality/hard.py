"""HeaRT-style evaluation negatives in plain NumPy: dense, for small graphs only.

Li et al., NeurIPS 2023 (datasets and benchmarks): for either end of each positive, the nodes that
rank best by resource allocation, personalised PageRank or feature cosine.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

from gneg.datasets import EvalEdges, LinkData

ALPHA, STEPS = 0.15, 60  # of PageRank; all further steps together add less than 1e-4


def _matrix(data: LinkData) -> sparse.csr_array:
    """Return the adjacency matrix of the training graph, ``[N, N]``."""
    src, dst = data.graph.edge_index.numpy()
    return sparse.csr_array((np.ones(len(src)), (src, dst)), shape=(data.num_nodes,) * 2)


def _heuristics(data: LinkData, nodes: npt.NDArray[np.int64]) -> list[npt.NDArray[np.float64]]:
    """Return RA, PPR and, with features, cosine of ``nodes [n]`` to all nodes, each ``[n, N]``."""
    adjacency = _matrix(data)
    degree = np.maximum(adjacency.sum(axis=1), 1)
    through = sparse.diags_array(1.0 / degree) @ adjacency
    ra = (adjacency[nodes] @ through).toarray()
    start = np.zeros((len(nodes), data.num_nodes))
    start[np.arange(len(nodes)), nodes] = 1.0
    ppr, walk = ALPHA * start, start
    for _ in range(STEPS):
        walk = (1 - ALPHA) * (through.T @ walk.T).T
        ppr = ppr + ALPHA * walk
    values = [ra, ppr]
    if data.x is not None:
        x = data.x.to_dense() if data.x.layout != torch.strided else data.x
        unit = torch.nn.functional.normalize(x.double()).numpy()
        values.append(unit[nodes] @ unit.T)
    return values


def hard_negatives(data: LinkData, edges: EvalEdges, per_end: int = 250) -> EvalEdges:
    """Return the positives with ``2 * per_end`` hard negatives each.

    Nodes are ranked by each heuristic (ties by id), and by the best of their ranks (ties by the sum
    of ranks, then by id). Training and validation edges, the positive itself and the node itself
    are left out.

    Args:
        data: The dataset.
        edges: The positives; their own negatives are ignored.
        per_end: Negatives that replace either end.
    """
    nodes = torch.unique(edges.pos).numpy()
    known = _matrix(data).astype(bool).tolil()
    for u, v in data.valid.pos.t().tolist():
        known[u, v] = known[v, u] = True
    known = known.tocsr()
    rank = np.zeros((len(nodes), data.num_nodes))
    best = np.full((len(nodes), data.num_nodes), np.inf)
    for value in _heuristics(data, nodes):
        value[known[nodes].toarray()] = -np.inf
        value[np.arange(len(nodes)), nodes] = -np.inf
        order = np.argsort(-value, axis=1, kind="stable")
        place = np.empty(order.shape)
        np.put_along_axis(place, order, np.arange(data.num_nodes, dtype=float)[None], axis=1)
        best, rank = np.minimum(best, place), rank + place
    best[known[nodes].toarray()] = np.inf
    best[np.arange(len(nodes)), nodes] = np.inf
    order = np.lexsort((rank, best), axis=1)[:, : per_end + 1]
    row_of = np.empty(data.num_nodes, np.int64)
    row_of[nodes] = np.arange(len(nodes))

    def hardest(query: npt.NDArray[np.int64], target: npt.NDArray[np.int64]) -> torch.Tensor:
        candidates = order[row_of[query]]
        # The positive itself comes last, and is cut off.
        places = np.argsort(candidates == target[:, None], axis=1, kind="stable")
        return torch.from_numpy(np.take_along_axis(candidates, places, axis=1)[:, :per_end])

    u, v = edges.pos.numpy()
    queries_u, queries_v = (torch.from_numpy(end)[:, None].expand(-1, per_end) for end in (u, v))
    src = torch.cat([queries_u, hardest(v, u)], dim=1)
    dst = torch.cat([hardest(u, v), queries_v], dim=1)
    return EvalEdges(edges.pos, (src.contiguous(), dst.contiguous()))
