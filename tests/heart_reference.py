"""HeaRT's procedure as gneg specifies it, the slow and obvious way."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

MASK, GOLDEN = (1 << 64) - 1, 0x9E3779B97F4A7C15


def _mix(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def key(seed: int, u: int, v: int) -> int:
    """The place of v among equals of u."""
    state = _mix(seed ^ _mix(((u + 1) * GOLDEN) & MASK))
    return _mix((state + (v + 1) * GOLDEN) & MASK)


def push(neighbors: list[list[int]], u: int, alpha: float, epsilon: float) -> list[float]:
    """PageRank personalised to u, first in, first out."""
    estimate, residual = [0.0] * len(neighbors), [0.0] * len(neighbors)
    residual[u] = 1.0
    waiting = deque([u])
    while waiting:
        v = waiting.popleft()
        left, residual[v] = residual[v], 0.0
        if not neighbors[v]:
            estimate[v] += left
            continue
        estimate[v] += alpha * left
        for w in neighbors[v]:
            residual[w] += (1 - alpha) * left / len(neighbors[v])
            if residual[w] >= epsilon * max(len(neighbors[w]), 1) and w not in waiting:
                waiting.append(w)
    return estimate


def added(terms: list[float]) -> float:
    """Sum from the first to the last term, each rounded to double (``sum`` compensates)."""
    total = 0.0
    for term in terms:
        total += term
    return total


def cosine(a: list[float], b: list[float]) -> float:
    """Cosine of two rows, summed from the first to the last feature; 0 if it is below 2**-40."""
    product, *squares = (
        added([x * y for x, y in zip(left, right, strict=True)])
        for left, right in ((a, b), (a, a), (b, b))
    )
    length = math.sqrt(squares[0] * squares[1])
    return product / length if length and abs(product) >= 2.0**-40 * length else 0.0


def ranks(score: dict[int, float]) -> dict[int, float]:
    """Equal scores share the mean of their ranks; those of 0 take the last of theirs."""
    found = {}
    for v, s in score.items():
        above = sum(other > s for other in score.values())
        level = sum(other == s for other in score.values())
        found[v] = above + level if s == 0 else above + (level + 1) / 2
    return found


def order(graph, known, u, x, *, local, merge, alpha, epsilon, seed):
    """All candidates of u, hardest first, their merged ranks, and which nothing sees."""
    n = graph.num_nodes
    neighbors = [graph.indices[graph.indptr[v] : graph.indptr[v + 1]].tolist() for v in range(n)]
    there = set(known.indices[known.indptr[u] : known.indptr[u + 1]].tolist()) | {u}
    candidates = [v for v in range(n) if v not in there]
    common = {v: [w for w in neighbors[u] if v in neighbors[w]] for v in candidates}
    rank = push(neighbors, u, alpha, epsilon)
    lists = [
        {
            v: added([1 / len(neighbors[w]) if local == "ra" else 1.0 for w in common[v]])
            for v in candidates
        },
        {v: rank[v] for v in candidates},
    ]
    if x is not None:
        rows = x.double().tolist()
        lists.append({v: cosine(rows[u], rows[v]) for v in candidates})
    lists = [{v: float(np.float32(s)) for v, s in one.items()} for one in lists]
    by = [ranks(one) for one in lists]
    pick = min if merge == "best" else sum
    merged = {v: pick([one[v] for one in by]) for v in candidates}
    unseen = {v for v in candidates if all(one[v] == 0 for one in lists)}
    return sorted(candidates, key=lambda v: (merged[v], key(seed, u, v))), merged, unseen
