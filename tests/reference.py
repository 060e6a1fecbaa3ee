"""Slow, obvious oracles on dense matrices; nothing here is shared with the library."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from gneg import Graph


def adjacency(graph: Graph) -> np.ndarray:
    matrix = np.zeros((graph.num_src, graph.num_dst), bool)
    src, dst = graph.edge_index.numpy()
    matrix[src, dst] = True
    return matrix


def weights(graph: Graph) -> np.ndarray:
    """[num_src, num_dst]: 1 for each edge without weights."""
    matrix = adjacency(graph).astype(float)
    if graph.weights is not None:
        matrix[tuple(graph.edge_index.numpy())] = graph.weights
    return matrix


def non_edges(graph: Graph) -> np.ndarray:
    """[num_src, num_dst] bool: neither an edge nor a self-loop."""
    free = ~adjacency(graph)
    if not graph.bipartite:
        np.fill_diagonal(free, False)
    return free


def conditional(weight: np.ndarray, graph: Graph) -> np.ndarray:
    """Rows of weights as distributions over non-edges; uniform where nothing has weight."""
    free = non_edges(graph)
    out = np.where(free, weight, 0.0)
    for u in range(len(out)):
        if out[u].sum() <= 0:
            out[u] = free[u]
        if out[u].sum() > 0:
            out[u] /= out[u].sum()
    return out


def uniform(graph: Graph) -> np.ndarray:
    return conditional(np.ones((graph.num_src, graph.num_dst)), graph)


def degree(graph: Graph, alpha: float) -> np.ndarray:
    indegree = adjacency(graph).sum(0).astype(float)
    weight = np.array([d**alpha if d else float(alpha == 0) for d in indegree])
    return conditional(np.tile(weight, (graph.num_src, 1)), graph)


def walk(graph: Graph, kind: str) -> np.ndarray:
    """Two steps: sum over w of W[u, w] * weight(w) * W[w, v], by triple loop."""
    a = weights(graph)
    strength, d = a.sum(1), adjacency(graph).sum(1)
    weight = {
        "ra": lambda w: 1 / strength[w],
        "cn": lambda w: 1.0,
        "aa": lambda w: 1 / math.log(d[w]) if d[w] > 1 else 0.0,
    }[kind]
    out = np.zeros(a.shape)
    for u in range(len(a)):
        for w in np.flatnonzero(a[u]):
            for v in np.flatnonzero(a[w]):
                out[u, v] += a[u, w] * weight(w) * a[w, v]
    return conditional(out, graph)


def steps(graph: Graph, count: int) -> np.ndarray:
    """A walk of ``count`` steps, along weights, that ends on the target side."""
    move = _joint_moves(graph)
    return conditional(_targets(np.linalg.matrix_power(move, count), graph), graph)


def ppr(graph: Graph, alpha: float) -> np.ndarray:
    """Where a walk with restart ends; one that cannot go on is discarded."""
    move = _joint_moves(graph)
    n = len(move)
    return conditional(
        _targets(alpha * np.linalg.inv(np.eye(n) - (1 - alpha) * move), graph), graph
    )


def _joint_moves(graph: Graph) -> np.ndarray:
    a = weights(graph)
    if graph.bipartite:
        s, t = a.shape
        a = np.block([[np.zeros((s, s)), a], [a.T, np.zeros((t, t))]])
    total = a.sum(1, keepdims=True)
    return a / np.where(total > 0, total, 1)


def _targets(matrix: np.ndarray, graph: Graph) -> np.ndarray:
    return matrix[: graph.num_src, graph.num_src :] if graph.bipartite else matrix


def distances(graph: Graph) -> np.ndarray:
    """[num_src, num_dst] hop distances by BFS, inf where unreachable."""
    move = _joint_moves(graph) > 0
    out = np.full((graph.num_src, len(move)), np.inf)
    for source in range(graph.num_src):
        out[source, source] = 0
        queue = deque([source])
        while queue:
            node = queue.popleft()
            for other in np.flatnonzero(move[node]):
                if np.isinf(out[source, other]):
                    out[source, other] = out[source, node] + 1
                    queue.append(other)
    return _targets(out, graph)


def khop(graph: Graph, shares: dict) -> np.ndarray:
    """Uniform on shells; an empty shell hands its share outwards, at last to all non-edges."""
    distance, free = distances(graph), non_edges(graph)
    step = 2 if graph.bipartite else 1
    named = [hop for hop in shares if hop != "far"]
    top = max(named) if named else 1 + step
    total = sum(shares.values())
    out = np.zeros(distance.shape)
    for u in range(len(out)):
        everything = free[u].astype(float)
        if not everything.any():
            continue
        for hop, share in shares.items():
            hop = top + 1 if hop == "far" else hop
            while hop <= top and not (free[u] & (distance[u] == hop)).any():
                hop += step
            shell = free[u] & ((distance[u] == hop) if hop <= top else (distance[u] > top))
            chosen = shell if shell.any() else everything
            out[u] += share / total * chosen / chosen.sum()
    return out
