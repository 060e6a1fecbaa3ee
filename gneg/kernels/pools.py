"""The exclusion and filling of candidate rows, and draws from fixed pools of targets."""

from __future__ import annotations

import numpy as np

from gneg.kernels import bitmap
from gneg.kernels._jit import GOLDEN, below, has, jit, stream
from gneg.kernels.complement import SELF_OUT, complement_size, self_rank, unrank
from gneg.kernels.prefetch import ask_ahead


@jit
def _remember(table, value):
    """Insert into an open-addressing set of ids (-1 = free); False if it was there."""
    mask = len(table) - 1
    slot = np.int64((np.uint64(value) * GOLDEN) >> np.uint64(32)) & mask
    while table[slot] != -1:
        if table[slot] == value:
            return False
        slot = (slot + 1) & mask
    table[slot] = value
    return True


@jit
def _table(k):
    size = 4
    while size < 2 * k:
        size *= 2
    return np.full(size, -1, np.int64)


@jit
def exclude(lo, hi, out, rows, candidates, indptr, indices, no_self, unique, bits):
    """Copy to the -1 slots of ``out [B, K]`` the usable ``candidates [B, M]``, in their order.

    Usable: not negative, not known, not the query itself and, if ``unique``, not yet in the row.
    ``bits`` are zeros, one for each target, or none. Returns the number of slots still empty.
    """
    k, m, exact = out.shape[1], candidates.shape[1], len(bits) > 0
    table, hashed = _table(k if unique else 1), bits if exact else bitmap.empty(m)
    missing = 0
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        u = rows[i]
        start, stop, loop = indptr[u], indptr[u + 1], u if no_self else np.int64(-1)
        mask = bitmap.marked(hashed, exact, indices, start, stop, loop, m)
        if unique:
            table[:] = -1
            for j in range(k):
                if out[i, j] >= 0:
                    _remember(table, out[i, j])
        j = 0
        for c in range(m):
            while j < k and out[i, j] >= 0:
                j += 1
            if j == k:
                break
            v = candidates[i, c]
            if v < 0:
                continue
            excluded = bitmap.may_hold(hashed, mask, v)
            if excluded and bitmap.holds(mask, indices, start, stop, loop, v):
                continue
            if unique and not _remember(table, v):
                continue
            out[i, j] = v
        bitmap.clear(hashed, mask, indices, start, stop, loop)
        for j in range(k):
            missing += out[i, j] < 0
    return missing


@jit
def fill(lo, hi, out, rows, indptr, indices, num_targets, no_self, unique, seed):
    """Fill the -1 slots of ``out [B, K]`` uniformly from each row's complement.

    A row with fewer than K non-edges is replaced by all of them, ascending, and -1 after. Ranks in
    the complement need no rejection (but for repeats, if ``unique``), so a hub costs what any
    other row does. Returns the number of slots filled and of short rows.
    """
    k = out.shape[1]
    table = _table(k if unique else 1)
    filled = short = 0
    for i in range(lo, hi):
        u = rows[i]
        start, stop = indptr[u], indptr[u + 1]
        size = complement_size(u, indptr, indices, num_targets, no_self)
        wanted = 0
        for j in range(k):
            wanted += out[i, j] < 0
        if size >= k and not wanted:
            continue
        # Where the query itself stands takes a search, as a draw does: not worth it for a few.
        search_self = size < k or wanted > 3 or no_self != SELF_OUT
        skip = self_rank(u, indptr, indices, num_targets, no_self) if search_self else np.int64(-1)
        if size < k:
            for j in range(k):
                out[i, j] = unrank(indices, start, stop, j + (j >= skip)) if j < size else -1
            short += 1
            continue
        if unique:
            table[:] = -1
            for j in range(k):
                if out[i, j] >= 0:
                    _remember(table, out[i, j])
        state = stream(seed, i)
        for j in range(k):
            if out[i, j] >= 0:
                continue
            while True:
                state += GOLDEN
                rank = below(state, size)
                v = unrank(indices, start, stop, rank + (0 <= skip <= rank))
                if skip < 0 and v >= u:
                    v = unrank(indices, start, stop, rank + 1)
                if not unique or _remember(table, v):
                    break
            out[i, j] = v
            filled += 1
    return filled, short


@jit
def draws(lo, hi, out, rows, indptr, indices, num_targets, no_self, seed, bits):
    """Draw ``out [B, K]`` uniformly from each row's complement, by rejection.

    All slots are drawn at once, then tested: slot j takes the draws j, j + K, j + 2 K, ... of its
    row's stream until one is usable. Rows that know half of the targets, or that have fewer than K
    others, stay -1: there ranks in the complement cost less. Returns the number of such rows.
    ``bits`` are zeros, one for each target, or none.
    """
    k, left, exact = out.shape[1], 0, len(bits) > 0
    slots = np.uint64(k)  # unsigned: a test of the sign of each place would cost more than a draw
    stride = GOLDEN * slots
    hashed = bits if exact else bitmap.empty(k)
    for i in range(lo, hi):
        ask_ahead(i, hi, rows, indptr, indices)
        u = rows[i]
        start, stop = indptr[u], indptr[u + 1]
        if 2 * (stop - start) >= num_targets or num_targets - (stop - start) <= k:
            out[i] = -1
            left += 1
            continue
        row, state = out[i], stream(seed, i) + GOLDEN
        for j in range(slots):
            row[j] = below(state + GOLDEN * j, num_targets)
        loop = u if no_self else np.int64(-1)
        if bitmap.too_long(stop - start, k):
            # Hardly any draw is known: the processor goes on with others while it searches.
            for j in range(slots):
                v, draw = row[j], state + GOLDEN * j
                while v == loop or has(indices, start, stop, v):
                    draw += stride
                    v = below(draw, num_targets)
                row[j] = v
            continue
        mask = bitmap.marked(hashed, exact, indices, start, stop, loop, k)
        for j in range(slots):
            if not bitmap.may_hold(hashed, mask, row[j]):
                continue
            v, draw = row[j], state + GOLDEN * j
            while bitmap.may_hold(hashed, mask, v) and bitmap.holds(
                mask, indices, start, stop, loop, v
            ):
                draw += stride
                v = below(draw, num_targets)
            row[j] = v
        bitmap.clear(hashed, mask, indices, start, stop, loop)
    return left


@jit
def batch_draws(lo, hi, out, rows, batch, position, indptr, indices, no_self, seed, tries):
    """Usable targets of the other queries of a batch; row i is query ``position[i]`` of it.

    All of them once if K allows, else random ones.
    """
    num_others, k = len(batch) - 1, out.shape[1]
    for i in range(lo, hi):
        u = rows[i]
        start, stop = indptr[u], indptr[u + 1]
        if k >= num_others:
            j = 0
            for p in range(num_others + 1):
                v = batch[p]
                excluded = p == position[i] or (no_self and v == u)
                if not excluded and not has(indices, start, stop, v):
                    out[i, j] = v
                    j += 1
            continue
        state = stream(seed, i)
        for j in range(k):
            for _attempt in range(tries):
                state += GOLDEN
                p = below(state, num_others)
                v = batch[p + (p >= position[i])]
                if not (no_self and v == u) and not has(indices, start, stop, v):
                    out[i, j] = v
                    break


@jit
def shuffle(lo, hi, out, rows, seed):
    """Put the entries of each row into random order."""
    last = np.uint64(out.shape[1] - 1)
    swap = np.empty(out.shape[1], np.int64)
    for i in range(lo, hi):
        row, state = out[i], stream(seed, i) + GOLDEN
        for j in range(last):  # apart from the swaps: by vector instructions
            swap[j] = below(state + GOLDEN * j, last - j + np.uint64(1))
        for j in range(last):
            a, b = last - j, np.uint64(swap[j])
            row[a], row[b] = row[b], row[a]


@jit
def subsets(lo, hi, out, queries, starts, pool, rows, indptr, indices, no_self, unique, seed):
    """K random entries without replacement from ``pool[starts[r]:starts[r + 1]]``, r = rows[i].

    Only usable ones, as :func:`exclude` has them; -1 where there are none left.
    """
    k = out.shape[1]
    longest = 0
    for i in range(lo, hi):
        if rows[i] >= 0:
            longest = max(longest, starts[rows[i] + 1] - starts[rows[i]])
    chosen = np.empty(longest, np.int64)
    table = _table(k if unique else 1)
    for i in range(lo, hi):
        if rows[i] < 0:
            continue
        first = starts[rows[i]]
        size = starts[rows[i] + 1] - first
        for c in range(size):
            chosen[c] = pool[first + c]
        if unique:
            table[:] = -1
        u = queries[i]
        state = stream(seed, i)
        j = 0
        for c in range(size):
            if j == k:
                break
            state += GOLDEN
            swap = c + below(state, size - c)
            v = chosen[swap]
            chosen[swap] = chosen[c]
            if (no_self and v == u) or has(indices, indptr[u], indptr[u + 1], v):
                continue
            if not unique or _remember(table, v):
                out[i, j] = v
                j += 1


@jit
def pick(lo, hi, out, pool, rows, seed):
    """K entries with replacement from the leading non-negative entries of ``pool[rows[i]]``."""
    for i in range(lo, hi):
        r = rows[i]
        size = 0
        while size < pool.shape[1] and pool[r, size] >= 0:
            size += 1
        if size == 0:
            continue
        state = stream(seed, i)
        for j in range(out.shape[1]):
            state += GOLDEN
            out[i, j] = pool[r, below(state, size)]


@jit
def top(lo, hi, out, rows, candidates, key):
    """The K candidates of each row with the highest key, highest first, ties in their order.

    Kept sorted by insertion: K is small, and after the first few most candidates are too low.
    Candidates below 0 are passed over; -1 where a row has fewer than K.
    """
    k = out.shape[1]
    best = np.empty(k, np.float64)
    for i in range(lo, hi):
        size = 0
        for c in range(candidates.shape[1]):
            value = key[i, c]
            if candidates[i, c] < 0 or (size == k and not value > best[k - 1]):
                continue
            j = size if size < k else k - 1
            while j > 0 and value > best[j - 1]:
                best[j], out[i, j] = best[j - 1], out[i, j - 1]
                j -= 1
            best[j], out[i, j] = value, candidates[i, c]
            size = min(size + 1, k)
        for j in range(size, k):
            out[i, j] = -1
