"""Walks of any length on a device, as ``steps`` of ``gneg/kernels/walks.py``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows, ranges
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, streams, unit
from gneg.graph.take import either, frequencies, take
from gneg.samplers.device.rows import (
    CPU_CELLS_OF_ROUNDS,
    ENOUGH,
    append,
    in_chunks,
    numbered,
)
from gneg.samplers.device.shares import Shares

INTEGERS = (torch.uint8, torch.int16, torch.int32, torch.int64)
# Walks of a round, on a CPU, below which rows are walked ahead: a round takes many operations.
CPU_ENOUGH = 2**19


class LongWalks(NamedTuple):
    """What walks go along, on a device.

    Attributes:
        edges: The edges; in a bipartite graph both ways, over sources, then targets.
        sizes: ``[N + 1]``, the number of edges of each node; of one past them, where walks are that
            have nowhere to go, none.
        accept: ``[E]`` alias tables of each row's edges; empty: uniform steps.
        alias: ``[E]``, offsets within the rows.
        dead_ends: Whether a walk can be at a node without edges.
        lengths: The lengths of walks, up to the longest.
        target_shift: The number at which targets begin.
    """

    edges: DeviceRows
    sizes: Tensor
    accept: Tensor
    alias: Tensor
    dead_ends: bool
    lengths: Shares
    target_shift: int

    @property
    def nowhere(self) -> int:
        """The number that stands for no node."""
        return len(self.sizes) - 1

    @property
    def longest(self) -> int:
        """The number of steps of the longest walks."""
        return len(self.lengths.upto) - 1

    @property
    def draws_a_try(self) -> int:
        """The number of draws that each try has of its own."""
        return 1 + self.longest * (2 if len(self.accept) else 1)


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
    live, k = torch.arange(len(rows), device=rows.device), out.size(1)
    state = streams(seed, live + first_line)
    filled, failed = torch.zeros_like(live), torch.zeros_like(live)  # in a row, so far
    enough = CPU_ENOUGH if rows.device.type == "cpu" else ENOUGH
    if not walked.dead_ends:
        live = live[(take(walked.sizes, rows) > 0).nonzero().squeeze(1)]
    while len(live):
        lacking, failed_before = k - filled[live], failed[live]
        # Of few rows, many at once.
        count = lacking * min(max(1, enough // (len(live) * k)), tries)
        at, step = ranges(torch.zeros_like(count), count, int(count.sum()))
        query, start = take(rows[live], at), take(state[live], at)
        start.add_(step, alpha=steps(walked.draws_a_try))
        target = _walk(walked, query, start).sub_(walked.target_shift)
        inside = (target >= 0).logical_and_(target < non_edges.num_targets)
        target.clamp_(0, non_edges.num_targets - 1)
        good = inside.logical_and_(non_edges.exclude(query, target).logical_not_())

        # How many were bad before each good one; no longer counted where a row was given up.
        hits = good.nonzero().squeeze(1)
        at, step = take(at, hits), take(step, hits)
        number, good_of_row = numbered(at, len(live))
        earlier = torch.cat([step.new_zeros(1), step])
        bad = step - 1 - either(number > 0, earlier[:-1], take(-1 - failed_before, at))
        given_up = torch.cat([step.new_zeros(1), (bad >= tries).cumsum(0)])
        behind = good_of_row.cumsum(0)
        first = given_up[behind - good_of_row]
        counts = (number < take(lacking, at)).logical_and_(given_up[1:] == take(first, at))
        placed = counts.nonzero().squeeze(1)
        target = take(target, take(hits, placed))
        append(out, filled, live, take(at, placed), take(number, placed), target)
        # And behind the last of each row.
        bad = torch.where(good_of_row > 0, count - 1 - earlier[behind], failed_before + count)
        state[live] += steps(walked.draws_a_try) * count
        failed[live] = bad
        left = (filled[live] < k) & (bad < tries) & (given_up[behind] == first)
        live = live[left.nonzero().squeeze(1)]


def _walk(walked: LongWalks, rows: Tensor, state: Tensor) -> Tensor:
    """Return the ends ``[n]`` of walks from ``rows [n]``; ``nowhere`` where there was no way on.

    The first draw of a walk is the one after ``state [n]``.
    """
    edges, weighted, last_edge = walked.edges, len(walked.accept) > 0, len(walked.edges.indices) - 1
    here = state + GOLDEN
    # The longest first: those that go on are at the front. Short integers are sorted faster.
    kind = next(kind for kind in INTEGERS if walked.longest <= torch.iinfo(kind).max)
    rest, order = (walked.longest - walked.lengths.at(unit(here))).to(kind).sort()
    here, node = take(here, order), take(rows, order)
    going_on = frequencies(rest.long(), walked.longest + 1).cumsum(0)[:-1].flip(0)
    for live in going_on.tolist():
        if not live:
            break
        here, at = here[:live].add_(GOLDEN), node[:live]
        size, first = take(walked.sizes, at), take(edges.indptr, at)
        step = below(here, size).add_(first).clamp_(max=last_edge)
        if weighted:
            leaves = unit(here.add_(GOLDEN)) >= take(walked.accept, step)
            step = either(leaves, first.add_(take(walked.alias, step)), step).clamp_(max=last_edge)
        if walked.dead_ends:
            at.copy_(either(size > 0, edges.at(step), walked.nowhere))
        else:
            at.copy_(take(edges.indices, step))
    return torch.empty_like(node).scatter_(0, order, node)
