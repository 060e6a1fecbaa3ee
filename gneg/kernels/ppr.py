"""Where walks end: personalised PageRank by forward push, and walks of a fixed length."""

from __future__ import annotations

import numpy as np

from gneg.kernels._jit import jit


@jit
def spread(u, indptr, indices, alpha, epsilon, stays, values, mark, queue, touched):
    """Push from ``u`` until every residual is below ``epsilon * degree``.

    A walk that has nowhere to go ``stays``, or else is lost unless it stops there by itself.

    ``values [>= 2 N]`` holds estimates, then residuals; a node waits in the circular ``queue`` at
    most once, by its mark. Returns the number of nodes that were ``touched``.
    """
    n = len(indptr) - 1
    visited, waiting = mark[-1] + 1, mark[-1] + 2
    mark[-1] = waiting
    values[n + u], touched[0], queue[0], mark[u] = 1.0, u, u, waiting
    size, head, length = 1, 0, 1
    while length:
        v = queue[head]
        head = head + 1 if head + 1 < n else 0
        length -= 1
        mark[v] = visited
        residual = values[n + v]
        values[n + v] = 0.0
        degree = indptr[v + 1] - indptr[v]
        if degree == 0:
            values[v] += residual if stays else alpha * residual
            continue
        values[v] += alpha * residual
        share = (1.0 - alpha) * residual / degree
        for e in range(indptr[v], indptr[v + 1]):
            w = np.uint64(indices[e])  # unsigned: see heuristics.gathered
            values[np.uint64(n) + w] += share
            stamp = mark[w]
            if stamp == waiting:
                continue
            if stamp != visited:
                mark[w] = visited
                touched[size] = w
                size += 1
            limit = epsilon * max(indptr[w + np.uint64(1)] - indptr[w], 1)
            if values[np.uint64(n) + w] >= limit:
                mark[w] = waiting
                place = head + length
                queue[place if place < n else place - n] = w
                length += 1
    return size


@jit
def push(lo, hi, out, rows, targets, indptr, indices, alpha, epsilon, values, mark, queue):
    """``out[i, j]`` = PageRank personalised to rows[i], restart ``alpha``, at targets[i, j].

    Equal rows in a row share the push. Targets below 0 score 0. ``values`` is left as zeros.
    """
    n = len(indptr) - 1
    touched = np.empty(n, np.int64)
    size = 0
    for i in range(lo, hi):
        if i == lo or rows[i] != rows[i - 1]:
            size = spread(
                rows[i], indptr, indices, alpha, epsilon, True, values, mark, queue, touched
            )
        for j in range(targets.shape[1]):
            v = targets[i, j]
            out[i, j] = values[v] if v >= 0 else 0.0
        if i + 1 == hi or rows[i] != rows[i + 1]:
            for t in range(size):
                values[touched[t]] = values[n + touched[t]] = 0.0


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
    """Where walks from each row end, and in the last column how many of them on a non-edge.

    Of ``num_steps``, or with restart if that is 0 (and no ``weights`` then); walks are lost in a
    dead end. Non-edges are the ids from ``shift`` on, ``num_targets`` of them, that are not known.
    """
    n = len(indptr) - 1
    k = targets.shape[1]
    touched = np.empty(n, np.int64)
    size, free = 0, 0.0
    for i in range(lo, hi):
        u = rows[i]
        if i == lo or u != rows[i - 1]:
            if num_steps > 0:
                size = walked(u, indptr, indices, weights, num_steps, values, mark, queue, touched)
            else:
                size = spread(
                    u, indptr, indices, alpha, epsilon, False, values, mark, queue, touched
                )
            free = -values[u] if no_self else 0.0
            for t in range(size):
                if shift <= touched[t] < shift + num_targets:
                    free += values[touched[t]]
            for e in range(known_indptr[u], known_indptr[u + 1]):
                free -= values[known[e] + shift]
        for j in range(k):
            out[i, j] = values[targets[i, j]]
        out[i, k] = free
        if i + 1 == hi or rows[i] != rows[i + 1]:
            for t in range(size):
                values[touched[t]] = values[n + touched[t]] = 0.0
