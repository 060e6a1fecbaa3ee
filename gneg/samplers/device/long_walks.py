"""Walks of any length on a device, as ``steps`` of ``gneg/kernels/walks.py``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, streams, unit
from gneg.graph.take import take
from gneg.samplers.device.rows import CPU_CELLS_OF_ROUNDS, chunks, place


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
    for part in chunks(len(rows), k, rows.device, CPU_CELLS_OF_ROUNDS):
        _draw(walked, non_edges, rows[part], part.start, out[part], seed, tries)
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
    """Draw rows together: in each round as many walks of a row as it lacks targets."""
    lines = torch.arange(len(rows), device=rows.device)
    state = streams(seed, lines + first_line)
    failed = torch.zeros_like(lines)
    live = lines
    while len(live):
        count = (out[live] < 0).sum(dim=1)
        number = torch.arange(int(count.max()), device=rows.device)
        walks = number < count[:, None]
        end, spent = _walk(walked, rows[live], state[live], walks)
        state[live] += GOLDEN * spent
        target = end - walked.target_shift
        inside = walks & (end >= 0) & (target >= 0) & (target < non_edges.num_targets)
        target = torch.where(inside, target, 0)
        good = inside & non_edges.usable(rows[live, None], target)
        index = out[live]
        place(index, target, good)
        out[live] = index
        failed[live] = torch.where(good.any(dim=1), 0, failed[live] + count)
        left = (index < 0).any(dim=1) & (failed[live] < tries)
        live = live[left.nonzero().squeeze(1)]


def _walk(walked: LongWalks, rows: Tensor, state: Tensor, walks: Tensor) -> tuple[Tensor, Tensor]:
    """Walk from each row as often as ``walks [B, W]`` says.

    Returns:
        ``[B, W]`` ends, -1 of a walk that has nowhere to go, and ``[B]``, draws that were taken.
    """
    line, column = walks.nonzero(as_tuple=True)
    count = walks.sum(dim=1)
    length, spent = _lengths(walked, state, walks, count, line, column)
    # The longest first, each row's walks of one length in their order: the draws of a step are
    # taken in that order, and those that go on are at the front of it.
    by_row = torch.sort(length, descending=True, stable=True)[1]
    order = take(by_row, torch.sort(take(line, by_row), stable=True)[1])
    rank = torch.empty_like(order)
    begin = count.cumsum(0) - count
    rank[order] = torch.arange(len(order), device=rows.device)
    rank -= take(begin, line)
    length, order = torch.sort(length, descending=True, stable=True)
    line, rank = take(line, order), take(rank, order)
    node = take(rows, line)
    longer = torch.bincount(length, minlength=len(walked.shares)).flip(0).cumsum(0).flip(0).tolist()
    weighted = len(walked.accept) > 0
    for taken in range(len(longer) - 1):
        live = longer[taken + 1]  # walks of more steps than were taken
        if not live:
            break
        at, of = node[:live], line[:live]
        size = torch.where(at >= 0, walked.edges.sizes(at.clamp(min=0)), 0)
        moves = size > 0
        draw = take(spent, of) + rank[:live] + 1
        draws_here = torch.bincount(of, minlength=len(rows))
        if weighted:  # a walk that goes on takes another draw
            draw = draw + _moves_before(moves, of, rank[:live], len(rows))
            draws_here += torch.bincount(of[moves], minlength=len(rows))
        here = take(state, of) + GOLDEN * draw
        first = take(walked.edges.indptr, at.clamp(min=0))
        step = first + below(here, size)
        if weighted:
            step = torch.where(moves, step, 0)
            leaves = unit(here + GOLDEN) >= take(walked.accept, step)
            step = torch.where(leaves & moves, first + take(walked.alias, step), step)
        node[:live] = torch.where(moves, walked.edges.at(torch.where(moves, step, 0)), -1)
        spent = spent + draws_here
    ends = torch.full(walks.shape, -1, dtype=torch.int64, device=rows.device)
    ends[line, take(column, order)] = node
    return ends, spent


def _lengths(
    walked: LongWalks, state: Tensor, walks: Tensor, count: Tensor, line: Tensor, column: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the length of each walk, and the draws of each row that this took."""
    shares = walked.shares
    longest = len(shares) - 1
    if float(shares[longest - 1]) <= 0.0:  # all are of that length
        return torch.full_like(line, longest), torch.zeros_like(count)
    share = unit(take(state, line) + GOLDEN * (column + 1))
    return torch.searchsorted(shares, share, right=True), count


def _moves_before(moves: Tensor, line: Tensor, rank: Tensor, num_rows: int) -> Tensor:
    """Return how many walks of the same row and a lower rank go on."""
    order = torch.sort(rank, stable=True)[1]
    order = take(order, torch.sort(take(line, order), stable=True)[1])
    ordered = take(moves, order).long()
    before = ordered.cumsum(0) - ordered
    count = torch.bincount(line, minlength=num_rows)
    before -= before[(count.cumsum(0) - count)[line[order]]]
    result = torch.empty_like(before)
    result[order] = before
    return result
