"""Walks of any length on a device, as ``steps`` of ``gneg/kernels/walks.py``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, streams, unit
from gneg.graph.take import take
from gneg.samplers.device.rows import (
    CPU_CELLS_OF_ROUNDS,
    ENOUGH,
    bad_in_a_row,
    in_chunks,
    place,
)

# Walks of a round, on a CPU, below which rows are walked ahead: a round takes many operations.
CPU_ENOUGH = 2**19


class LongWalks(NamedTuple):
    """What walks go along, on a device.

    Attributes:
        edges: The edges; in a bipartite graph both ways, over sources, then targets.
        accept: ``[E]`` alias tables of each row's edges; empty: uniform steps.
        alias: ``[E]``, offsets within the rows.
        shares: ``[L + 1]`` double, share of the walks of at most n steps, 1 at its end.
        target_shift: The number at which targets begin.
    """

    edges: DeviceRows
    accept: Tensor
    alias: Tensor
    shares: Tensor
    target_shift: int

    @property
    def draws_a_try(self) -> int:
        """The number of draws that each try has of its own."""
        return 1 + (len(self.shares) - 1) * (2 if len(self.accept) else 1)


def draws(
    walked: LongWalks, non_edges: NonEdges, rows: Tensor, k: int, seed: int, tries: int
) -> Tensor:
    """Return ``k`` ends of each row's walks that are usable.

    Where ``tries`` of them are rejected in a row, the rest is left -1.

    Args:
        walked: The edges and the lengths of walks.
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        k: Number of targets of each row, K.
        seed: Seed of the draws.
        tries: Walks that are rejected before a row is given up.
    """
    out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)

    def work(part: slice) -> None:
        _draw(walked, non_edges, rows[part], part.start, out[part], seed, tries)

    in_chunks(work, len(rows), k, rows.device, CPU_CELLS_OF_ROUNDS)
    return out


def _draw(
    walked: LongWalks,
    non_edges: NonEdges,
    rows: Tensor,
    first_line: int,
    out: Tensor,
    seed: int,
    tries: int,
) -> None:
    """Draw rows together: in each round at least as many walks of a row as it lacks targets."""
    lines = torch.arange(len(rows), device=rows.device)
    state = streams(seed, lines + first_line)
    failed = torch.zeros_like(lines)  # in a row, so far
    live, width = lines, out.size(1)
    enough = CPU_ENOUGH if rows.device.type == "cpu" else ENOUGH
    while len(live):
        index, query = out[live], rows[live, None]
        gaps = (index < 0).sum(dim=1)
        # Of few rows, many at once.
        ahead = min(max(1, enough // (len(live) * width)), tries)
        count = gaps * ahead
        walks = torch.arange(width * ahead, device=rows.device) < count[:, None]
        target = _walk(walked, query, state[live, None], walks) - walked.target_shift
        inside = walks & (target >= 0) & (target < non_edges.num_targets)
        target = torch.where(inside, target, -1)
        good = non_edges.usable(query, target)
        run = bad_in_a_row(good, failed[live])
        over = (walks & (run >= tries)).cumsum(dim=1) > 0
        place(index, target, good & ~over)
        out[live] = index
        state[live] += steps(walked.draws_a_try) * count
        failed[live] = run.gather(1, count[:, None] - 1).squeeze(1)
        left = (index < 0).any(dim=1) & ~over[:, -1]
        live = live[left.nonzero().squeeze(1)]


def _walk(walked: LongWalks, rows: Tensor, state: Tensor, walks: Tensor) -> Tensor:
    """Return the ends of walks from ``rows [b, 1]``, as many of each as ``walks [b, W]`` says.

    They are of the shape of ``walks``; -1 of a walk that has nowhere to go, and where none is.
    """
    edges, shares, weighted = walked.edges, walked.shares, len(walked.accept) > 0
    line, column = walks.nonzero(as_tuple=True)
    here = take(state[:, 0], line) + steps(walked.draws_a_try) * column + GOLDEN
    length = torch.searchsorted(shares, unit(here), right=True, out_int32=True)
    # The longest first: those that go on are at the front.
    length, order = length.clamp_(max=len(shares) - 1).sort(descending=True)
    here, line, column = take(here, order), take(line, order), take(column, order)
    node = take(rows[:, 0], line)
    number = torch.bincount(length, minlength=len(shares))
    for live in (len(node) - number.cumsum(0)[:-1]).tolist():
        if not live:
            break
        here = here[:live] + GOLDEN
        at = node[:live].clamp(min=0)
        size = torch.where(node[:live] >= 0, edges.sizes(at), 0)
        first = take(edges.indptr, at)
        moves, step = size > 0, first + below(here, size)
        if weighted:
            here = here + GOLDEN
            leaves = unit(here) >= take(walked.accept, torch.where(moves, step, 0))
            step = torch.where(
                leaves, first + take(walked.alias, torch.where(moves, step, 0)), step
            )
        node[:live] = torch.where(moves, edges.at(torch.where(moves, step, 0)), -1)
    ends = torch.full(walks.shape, -1, dtype=torch.int64, device=rows.device)
    ends[line, column] = node
    return ends
