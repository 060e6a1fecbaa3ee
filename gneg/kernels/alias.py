"""Alias tables: draws from any discrete distribution in constant time (Walker 1977, Vose 1991)."""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, has, jit, stream, unit
from gneg.kernels.logs import log
from gneg.kernels.prefetch import ask_ahead


@jit
def build_rows(lo, hi, accept, alias, indptr, indices, weight):
    """Build an alias table per row, of entries e with probability ~ ``weight[indices[e]]``.

    ``alias`` holds offsets within the row. A row of total weight 0 gets uniform entries.
    """
    longest = 1
    for u in range(lo, hi):
        longest = max(longest, indptr[u + 1] - indptr[u])
    small, large = np.empty(longest, np.int64), np.empty(longest, np.int64)
    scaled = np.empty(longest, np.float64)
    for u in range(lo, hi):
        start, degree = indptr[u], indptr[u + 1] - indptr[u]
        total = 0.0
        for i in range(degree):
            total += weight[indices[start + i]]
        num_small = num_large = 0
        for i in range(degree):
            scaled[i] = weight[indices[start + i]] * degree / total if total > 0 else 1.0
            if scaled[i] < 1.0:
                small[num_small] = i
                num_small += 1
            else:
                large[num_large] = i
                num_large += 1
        while num_small > 0 and num_large > 0:
            num_small -= 1
            s, g = small[num_small], large[num_large - 1]
            accept[start + s], alias[start + s] = scaled[s], g
            scaled[g] -= 1.0 - scaled[s]
            if scaled[g] < 1.0:
                num_large -= 1
                small[num_small] = g
                num_small += 1
        for i in range(num_large):
            accept[start + large[i]], alias[start + large[i]] = 1.0, large[i]
        for i in range(num_small):  # what rounding left over
            accept[start + small[i]], alias[start + small[i]] = 1.0, small[i]


@jit
def draws(lo, hi, out, rows, accept, alias, indptr, indices, weight, no_self, seed, tries):
    """Draw targets by one alias table over all of them, known ones rejected.

    Where ``tries`` are rejected in a row, the rest is drawn from the explicit conditional
    distribution, and is left -1 if that is empty.
    """
    num_targets, k = len(accept), out.shape[1]
    bits = bitmap.empty(k)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        u = rows[i]
        start, stop = indptr[u], indptr[u + 1]
        loop = u if no_self else np.int64(-1)
        state = stream(seed, i)
        mask = bitmap.mark(bits, indices, start, stop, loop, k)
        j, failed = 0, 0
        while j < k and failed < tries:
            v = below(state + GOLDEN, num_targets)
            state += GOLDEN + GOLDEN
            partner = alias[v]
            v = np.int64(partner) if unit(state) >= accept[v] else v
            excluded = bitmap.may_hold(bits, mask, v)
            excluded = excluded and bitmap.holds(mask, indices, start, stop, loop, v)
            usable = weight[v] > 0 and not excluded
            out[i, j] = v
            j += usable
            failed = 0 if usable else failed + 1
        bitmap.clear(bits, mask, indices, start, stop, loop)
        if j < k:
            out[i, j] = -1
        for rest in range(j, k):
            state += GOLDEN
            if not _exact(out, i, rest, u, start, stop, indices, weight, no_self, unit(state)):
                break


@jit
def _exact(out, i, j, u, start, stop, indices, weight, no_self, fraction):
    """Invert the conditional distribution by two passes over the targets."""
    total = 0.0
    for final in range(2):
        goal = fraction * total
        running = 0.0
        position = start
        for v in range(len(weight)):
            while position < stop and indices[position] < v:
                position += 1
            known = position < stop and indices[position] == v
            if known or (no_self and v == u) or weight[v] <= 0:
                continue
            running += weight[v]
            if final:
                out[i, j] = v
                if running > goal:
                    return True
        total = running
    return total > 0


@jit
def log_normaliser(lo, hi, out, rows, indptr, indices, weight, total, no_self):
    """Log of the weight of a row's non-neighbours; -inf where it is (numerically) nothing."""
    for i in range(lo, hi):
        u = rows[i]
        start, stop = indptr[u], indptr[u + 1]
        left = total
        for e in range(start, stop):
            left -= weight[indices[e]]
        if no_self and not has(indices, start, stop, u):
            left -= weight[u]
        if left <= 1e-9 * total:  # cancellation: add what is left instead
            left = 0.0
            position = start
            for v in range(len(weight)):
                while position < stop and indices[position] < v:
                    position += 1
                if not (position < stop and indices[position] == v) and not (no_self and v == u):
                    left += weight[v]
        out[i] = log(left) if left > 0 else -np.inf
