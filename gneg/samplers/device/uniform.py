"""Uniform non-edges by rejection on a device, as ``draws`` of ``gneg/kernels/pools.py``."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, streams
from gneg.samplers.device.rows import in_chunks


def draws(non_edges: NonEdges, rows: Tensor, k: int, seed: int) -> Tensor:
    """Return ``k`` targets of each row: slot j takes draws j, j + k, ... until one is usable.

    Rows that know half of the targets, or have fewer than ``k`` others, stay -1.

    Args:
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        k: Number of targets of each row, K.
        seed: Seed of the draws.
    """
    num_targets = non_edges.num_targets
    sizes = non_edges.known.sizes(rows)
    dense = (2 * sizes >= num_targets) | (num_targets - sizes <= k)
    out = torch.empty(len(rows), k, dtype=torch.int64, device=rows.device)
    slots = torch.arange(1, k + 1, device=rows.device) * GOLDEN
    if not num_targets:
        return out.fill_(-1)

    def work(part: slice) -> None:
        lines = torch.arange(part.start, part.stop, device=rows.device)
        states, queries = streams(seed, lines)[:, None] + slots, rows[part, None]
        index = below(states, num_targets)
        rejected = non_edges.exclude(queries, index) & ~dense[part, None]
        line, column = rejected.nonzero(as_tuple=True)
        state = states[rejected]
        while len(line):
            state = state + steps(k)
            index[line, column] = target = below(state, num_targets)
            again = non_edges.exclude(queries[line, 0], target)
            line, column, state = line[again], column[again], state[again]
        out[part] = torch.where(dense[part, None], -1, index)

    in_chunks(work, len(rows), k, rows.device)
    return out
