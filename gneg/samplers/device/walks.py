"""Two-step walks on a device, as ``two_steps`` of ``gneg/kernels/walks.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, streams, unit
from gneg.graph.take import take
from gneg.samplers.device.rows import CPU_CELLS_OF_ROUNDS, chunks, inverted, split

PATHS_A_TRY = 32  # as in gneg/kernels/walks.py
Mass = Callable[[Tensor, Tensor, Tensor], Tensor]


class Walks(NamedTuple):
    """Two-step walks on a device, their second steps uniform.

    Attributes:
        edges: The edges.
        back: The reversed edges.
        accept: ``[E]`` alias tables of each row's first steps; empty: uniform ones.
        alias: ``[E]``, offsets within the rows.
        through: ``[N]`` double, weight of the first step to a node over the node's degree.
    """

    edges: DeviceRows
    back: DeviceRows
    accept: Tensor
    alias: Tensor
    through: Tensor

    def draw(self, non_edges: NonEdges, rows: Tensor, k: int, seed: int) -> Tensor:
        """Return ``[B, k]`` usable ends of walks from each row; -1 in a row that has none.

        A row that rejects too often is listed instead, so that the ends follow the conditional
        distribution.

        Args:
            non_edges: What rows may hold.
            rows: ``[B]``, the queries.
            k: Number of targets of each row, K.
            seed: Seed of the draws.
        """
        out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)
        if not len(self.edges.indices):
            return out
        for part in chunks(len(rows), k, rows.device, CPU_CELLS_OF_ROUNDS):
            _draw(self, non_edges, rows[part], part.start, out[part], seed)
        return out

    def weigh(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return the unnormalised probability ``[B, K]`` of each end, double.

        Args:
            rows: ``[B]``, the queries.
            index: ``[B, K]``, ends; -1 gets 0.
        """
        return weighed(self.edges, self.back, rows, index, lambda _, via, __: self.through[via])

    def allowed(self, non_edges: NonEdges, rows: Tensor) -> Tensor:
        """Return the sum of :meth:`weigh` over the non-edges of each row, ``[B]`` double."""
        through = self.through
        return added(self.edges, non_edges, rows, lambda _, via, __: through[via])


def _draw(
    walked: Walks, non_edges: NonEdges, rows: Tensor, first_line: int, out: Tensor, seed: int
) -> None:
    """Draw rows together: in each round as many tries of a row as it lacks targets."""
    edges, k = walked.edges, out.size(1)
    lines = torch.arange(len(rows), device=rows.device)
    fanout = edges.sizes(rows)
    state = streams(seed, lines + first_line)
    filled, failed = torch.zeros_like(lines), torch.zeros_like(lines)
    allowed = (fanout // 4).clamp(min=4)
    live = (fanout > 0).nonzero().squeeze(1)
    while len(live):
        tries = k - filled[live]
        total = len(live) * k if int(tries.min()) == k else int(tries.sum())
        at = torch.repeat_interleave(tries, output_size=total)
        line = take(live, at)
        begin = tries.cumsum(0) - tries
        step = torch.arange(total, device=rows.device)
        step -= take(begin, at)
        query = take(rows, line)
        of_line = query, take(fanout, line), take(state, line), take(tries, at)
        ends, good = _tried(walked, *of_line, step)
        good.logical_and_(non_edges.exclude(query, ends).logical_not_())
        rank = good.cumsum(0)
        before = torch.cat([rank.new_zeros(1), rank])[begin]
        hits = good.nonzero().squeeze(1)
        line, at = take(line, hits), take(at, hits)
        slot = take(filled, line) + take(rank, hits) - take(before, at) - 1
        out.view(-1)[line * k + slot] = take(ends, hits)
        state[live] += GOLDEN * (3 * tries)
        filled += torch.bincount(line, minlength=len(rows))
        failed[live] += k - filled[live]
        live = live[(filled[live] < k).nonzero().squeeze(1)]
        due = live[(failed[live] >= allowed[live]).nonzero().squeeze(1)]
        if len(due):
            allowed[due] = torch.maximum(allowed[due], edges.paths[rows[due]] // PATHS_A_TRY)
            listed = due[(failed[due] >= allowed[due]).nonzero().squeeze(1)]
            _draw_listed(walked, non_edges, rows, out, listed, filled, state)
            live = live[(failed[live] < allowed[live]).nonzero().squeeze(1)]


def _tried(
    walked: Walks, rows: Tensor, fanout: Tensor, state: Tensor, tries: Tensor, step: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the ends ``[n]`` of walks, and whether there was a way on.

    Args:
        walked: The edges and the weights of first steps.
        rows: ``[n]``, where each walk starts.
        fanout: ``[n]``, the number of first steps.
        state: ``[n]``, the stream of its row.
        tries: ``[n]``, the number of walks of its row.
        step: ``[n]``, its number among them.
    """
    edges, weighted = walked.edges, len(walked.accept) > 0
    first = take(edges.indptr, rows)
    here = state + GOLDEN * (2 * step + 1)
    place = first + below(here, fanout)
    if weighted:
        moves = unit(here + GOLDEN) >= take(walked.accept, place)
        place = torch.where(moves, first + take(walked.alias, place), place)
    via = edges.at(place)
    size = edges.sizes(via)
    if weighted:  # no way on; a row of only such nodes has a uniform table
        size = torch.where(take(walked.through, via) > 0, size, 0)
    here = state + GOLDEN * (2 * tries + step + 1)
    onwards = take(edges.indptr, via) + below(here, size)
    good = size > 0
    return edges.at(torch.where(good, onwards, first)), good


def paths(edges: DeviceRows, rows: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return all two-step walks of some rows, in order.

    Returns:
        ``[n]`` each: position in ``rows``, first edge, middle and last edge.
    """
    line, first = edges.entries(rows)
    via = edges.at(first)
    way, last = edges.entries(via)
    return line[way], first[way], via[way], last


def weighed(edges: DeviceRows, back: DeviceRows, rows: Tensor, index: Tensor, mass: Mass) -> Tensor:
    """Return the sum ``[B, K]`` of a mass over the two-step walks to each end, double.

    Args:
        edges: The edges.
        back: The reversed edges.
        rows: ``[B]``, the queries.
        index: ``[B, K]``, ends; -1 gets 0.
        mass: Called with ``[n]`` queries, middles and last edges, of ``back``.
    """
    flat = index.reshape(-1)
    owner = rows.repeat_interleave(index.size(1))
    sums = torch.zeros(len(flat), dtype=torch.float64, device=rows.device)
    present = (flat >= 0).nonzero().squeeze(1)
    for part in split(back.sizes(take(flat, present)), present):
        cell, last = back.entries(flat[part])
        via, query = back.at(last), owner[part][cell]
        met = edges.contain(query, via)
        sums.index_add_(0, part[cell[met]], mass(query[met], via[met], last[met]))
    return sums.view(index.shape)


def added(edges: DeviceRows, non_edges: NonEdges, rows: Tensor, mass: Mass) -> Tensor:
    """Return the sum ``[B]`` of a mass over the two-step walks to non-edges of rows, double.

    Args:
        edges: The edges.
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        mass: Called with ``[n]`` first edges, middles and last edges.
    """
    sums = torch.zeros(len(rows), dtype=torch.float64, device=rows.device)
    for part in in_budget(edges, rows, torch.arange(len(rows), device=rows.device)):
        line, first, via, last = paths(edges, rows[part])
        good = non_edges.usable(rows[part][line], edges.at(last))
        sums.index_add_(0, part[line[good]], mass(first[good], via[good], last[good]))
    return sums


def _draw_listed(
    walked: Walks,
    non_edges: NonEdges,
    rows: Tensor,
    out: Tensor,
    lines: Tensor,
    filled: Tensor,
    state: Tensor,
) -> None:
    """Fill what lines lack from the list of all their usable walks."""
    edges, k = walked.edges, out.size(1)
    lines = lines[edges.sizes(rows[lines]).sort()[1]]  # so that those of a part are as wide
    for part in in_budget(edges, rows, lines):
        query = rows[part]
        line, first = edges.entries(query)
        via = edges.at(first)
        onwards = (take(walked.through, via) > 0).nonzero().squeeze(1)
        line, via = take(line, onwards), take(via, onwards)
        way, last = edges.entries(via)
        end = edges.at(last)
        good = non_edges.exclude(take(take(query, line), way), end).logical_not_()
        end = take(end, good.nonzero().squeeze(1))
        # Walks through the same node have the same weight; sums over nodes, as the kernel adds.
        upto = torch.zeros(len(good) + 1, dtype=torch.int64, device=rows.device)
        torch.cumsum(good, 0, out=upto[1:])
        stop = edges.sizes(via).cumsum(0)
        through = upto[stop].diff(prepend=upto[:1])
        usable = through.nonzero().squeeze(1)
        line, via, through = (take(values, usable) for values in (line, via, through))
        if not len(line):
            continue
        ways = torch.bincount(line, minlength=len(part))
        begin = ways.cumsum(0) - ways
        mass = torch.zeros(len(part), int(ways.max()), dtype=torch.float64, device=rows.device)
        number = torch.arange(len(line), device=rows.device) - take(begin, line)
        mass[line, number] = through * take(walked.through, via)
        gaps = torch.arange(k, device=rows.device) - filled[part, None]
        here = state[part, None] + GOLDEN * (2 * gaps + 1)
        chosen = (begin[:, None] + inverted(mass, ways, unit(here))).clamp_(max=len(line) - 1)
        before = take(through.cumsum(0) - through, chosen)
        end = take(end, before + below(here + GOLDEN, take(through, chosen)))
        drawn = (gaps >= 0) & (ways > 0)[:, None]
        out[part] = torch.where(drawn, end, out[part])


def in_budget(edges: DeviceRows, rows: Tensor, lines: Tensor) -> list[Tensor]:
    """Return ``lines`` in parts whose walks fit the memory for one operation."""
    return split(edges.paths[rows[lines]], lines)
