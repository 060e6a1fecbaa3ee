"""Ends of walks: personalised PageRank by forward push, and walks of a fixed length."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import has, jit
from gneg.kernels.prefetch import ask_for

HUB = 32  # neighbours from which on few get their turn by one push


@jit
def _enter(w, residuals, limits, indptr, epsilon, touched, size, queue, tail):
    """List a node if it is new, let it wait if its residual has reached its limit.

    Without a branch, which nobody could predict: it is written behind the last of both lists, whose
    ends move or do not. Returns their ends.
    """
    one, last = np.uint64(1), np.uint64(len(indptr) - 1)
    limit = limits[w]
    touched[size] = w
    size += np.uint64(limit == 0.0)
    # One that is not 0 is this one already, or infinite.
    limit = max(limit, epsilon * max(indptr[w + one] - indptr[w], 1))
    waits = residuals[w] >= limit
    queue[tail] = w
    limits[w] = np.inf if waits else limit
    tail += np.uint64(waits)
    return size, tail if tail <= last else np.uint64(0)


@jit
def spread(u, indptr, indices, alpha, epsilon, stays, values, queue, touched):
    """Push from ``u`` until every residual is below ``epsilon * degree``.

    A walk that has nowhere to go ``stays``, or else is lost unless it stops there by itself.

    ``values [>= 3 N]`` holds estimates, residuals and limits: a node's limit is 0 until it is
    touched, infinite while it waits in the circular ``queue [>= N + 1]``. Returns the number of
    nodes that were ``touched [>= N + 1]``, for :func:`clear`.
    """
    n = len(indptr) - 1
    residuals, limits = values[n : 2 * n], values[2 * n : 3 * n]
    residuals[u], limits[u], touched[0], queue[0] = 1.0, np.inf, u, u
    # Unsigned, as nodes and edges are: see heuristics.gathered.
    none, one, last = np.uint64(0), np.uint64(1), np.uint64(n)
    size, head, tail = one, none, one
    while head != tail:
        v = np.uint64(queue[head])
        head = head + one if head < last else none
        ask_for(indptr, queue[head + one if head < last else none])
        if head != tail:  # else it holds no node
            ask_for(indices, indptr[queue[head]])
        residual = residuals[v]
        start, stop = indptr[v], indptr[v + one]
        degree = stop - start
        residuals[v], limits[v] = 0.0, epsilon * max(degree, 1)
        if degree == 0:
            values[v] += residual if stays else alpha * residual
            continue
        values[v] += alpha * residual
        share = (1.0 - alpha) * residual / degree
        if degree >= HUB:
            for e in range(np.uint64(start), np.uint64(stop)):
                w = np.uint64(indices[e])
                residuals[w] += share
                if residuals[w] >= limits[w]:
                    size, tail = _enter(
                        w, residuals, limits, indptr, epsilon, touched, size, queue, tail
                    )
            continue
        for e in range(np.uint64(start), np.uint64(stop)):
            w = np.uint64(indices[e])
            residuals[w] += share
            size, tail = _enter(w, residuals, limits, indptr, epsilon, touched, size, queue, tail)
    return np.int64(size)


@jit
def clear(touched, n, values):
    """Set estimates, residuals and limits of the nodes that were ``touched`` to 0."""
    for v in touched:
        values[v] = values[n + v] = values[2 * n + v] = 0.0


@jit
def push(lo, hi, out, rows, targets, indptr, indices, alpha, epsilon, values, queue):
    """``out[i, j]`` = PageRank personalised to rows[i], restart ``alpha``, at targets[i, j].

    Equal rows in a row share the push. Targets below 0 score 0. ``values`` is left as zeros.
    """
    n = len(indptr) - 1
    touched = np.empty(n + 1, np.int64)
    size = 0
    for i in range(lo, hi):
        if i == lo or rows[i] != rows[i - 1]:
            size = spread(rows[i], indptr, indices, alpha, epsilon, True, values, queue, touched)
        for j in range(targets.shape[1]):
            v = targets[i, j]
            out[i, j] = values[v] if v >= 0 else 0.0
        if i + 1 == hi or rows[i] != rows[i + 1]:
            clear(touched[:size], n, values)


@jit
def walked(u, indptr, indices, weights, num_steps, values, mark, queue, touched):
    """Distribute a walker at ``u`` over the ends of all walks of ``num_steps`` steps.

    Steps are uniform unless there are ``weights``; a walk that has nowhere to go is lost. The first
    half of ``values [>= 2 N]`` holds the result, the second zeros. Returns the number of nodes that
    were ``touched`` by the last step.
    """
    n = len(indptr) - 1
    queue[0], values[n + u], waiting, size = u, 1.0, 1, 0
    for step in range(num_steps):
        mark[-1] += 1
        visited, size = mark[-1], 0
        for t in range(waiting):
            v = queue[t]
            first, last = indptr[v], indptr[v + 1]
            here, total = values[n + v], np.float64(last - first)
            values[n + v] = 0.0
            if len(weights):
                total = weights[first:last].sum()
            if total <= 0.0:
                continue
            share = here / total
            for e in range(first, last):
                w = indices[e]
                values[w] += share * weights[e] if len(weights) else share
                if mark[w] != visited:
                    mark[w] = visited
                    touched[size] = w
                    size += 1
        if step + 1 < num_steps:
            for t in range(size):
                w = touched[t]
                queue[t], values[n + w], values[w] = w, values[w], 0.0
            waiting = size
    return size


@jit
def among(
    lo,
    hi,
    out,
    rows,
    targets,
    indptr,
    indices,
    weights,
    num_steps,
    alpha,
    epsilon,
    shift,
    known_indptr,
    known,
    num_targets,
    no_self,
    values,
    mark,
    queue,
):
    """Shares of walks from each row that end on each target and, last column, on any non-edge.

    Of ``num_steps``, or with restart if that is 0 (and no ``weights`` then); walks are lost in a
    dead end. Non-edges are the ids from ``shift`` on, ``num_targets`` of them, that are not known.
    """
    n = len(indptr) - 1
    k = targets.shape[1]
    touched = np.empty(n + 1, np.int64)
    size, free = 0, 0.0
    for i in range(lo, hi):
        u = rows[i]
        if i == lo or u != rows[i - 1]:
            if num_steps > 0:
                size = walked(u, indptr, indices, weights, num_steps, values, mark, queue, touched)
            else:
                size = spread(u, indptr, indices, alpha, epsilon, False, values, queue, touched)
            first, last = known_indptr[u], known_indptr[u + 1]
            free = -values[u] if no_self and not has(known, first, last, u) else 0.0
            for t in range(size):
                if shift <= touched[t] < shift + num_targets:
                    free += values[touched[t]]
            for e in range(first, last):
                free -= values[known[e] + shift]
        for j in range(k):
            out[i, j] = values[targets[i, j]]
        out[i, k] = free
        if i + 1 == hi or rows[i] != rows[i + 1]:
            clear(touched[:size], n, values)
