"""Two-step walks on a device, as ``two_steps`` of ``gneg/kernels/walks.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, unit
from gneg.graph.take import either, take
from gneg.samplers.device.rows import inverted, numbered, over_parts, split
from gneg.samplers.device.tries import in_budget

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

    @property
    def draws_a_try(self) -> int:
        """The number of draws that each try has of its own."""
        return 3

    def tried(self, rows: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ends ``[n]`` of walks from ``rows [n]``, and whether there was a way on."""
        edges, weighted = self.edges, len(self.accept) > 0
        first = take(edges.indptr, rows)
        place = below(state + GOLDEN, edges.sizes(rows)).add_(first)
        if weighted:
            moves = unit(state + steps(2)) >= take(self.accept, place)
            place = either(moves, first.add_(take(self.alias, place)), place)
        via = take(edges.indices, place)
        size = edges.sizes(via)
        if weighted:  # no way on; a row of only such nodes has a uniform table
            size.mul_(take(self.through, via) > 0)
        onwards = below(state + steps(3), size).add_(take(edges.indptr, via))
        return edges.at(onwards.clamp_(max=len(edges.indices) - 1)), size > 0

    def from_list(
        self, non_edges: NonEdges, rows: Tensor, out: Tensor, filled: Tensor, state: Tensor
    ) -> Tensor:
        """Return ``out [b, K]``, filled from ``filled [b]`` on from all usable walks of rows."""
        edges = self.edges
        line, first = edges.entries(rows)
        via = edges.at(first)
        onwards = (take(self.through, via) > 0).nonzero().squeeze(1)
        line, via = take(line, onwards), take(via, onwards)
        way, last = edges.entries(via)
        end = edges.at(last)
        good = non_edges.exclude(take(take(rows, line), way), end).logical_not_()
        end = take(end, good.nonzero().squeeze(1))
        # Walks through the same node have the same weight; sums over nodes, as the kernel adds.
        upto = torch.zeros(len(good) + 1, dtype=torch.int64, device=rows.device)
        torch.cumsum(good, 0, out=upto[1:])
        stop = edges.sizes(via).cumsum(0)
        through = upto[stop].diff(prepend=upto[:1])
        usable = through.nonzero().squeeze(1)
        line, via, through = (take(values, usable) for values in (line, via, through))
        if not len(line):
            return out
        number, ways = numbered(line, len(rows))
        begin = ways.cumsum(0) - ways
        mass = torch.zeros(len(rows), int(ways.max()), dtype=torch.float64, device=rows.device)
        mass[line, number] = through * take(self.through, via)
        gaps = torch.arange(out.size(1), device=rows.device) - filled[:, None]
        here = state[:, None] + GOLDEN * (2 * gaps + 1)
        chosen = (begin[:, None] + inverted(mass, ways, unit(here))).clamp_(max=len(line) - 1)
        before = take(through.cumsum(0) - through, chosen)
        end = take(end, before + below(here + GOLDEN, take(through, chosen)))
        return torch.where((gaps >= 0) & (ways > 0)[:, None], end, out)

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

    Middles are those of the query's edges or of the end's, of which there are fewer, that have the
    other edge too.

    Args:
        edges: The edges.
        back: The reversed edges.
        rows: ``[B]``, the queries.
        index: ``[B, K]``, ends; -1 gets 0.
        mass: Called with ``[n]`` queries, middles and ends.
    """
    flat = index.reshape(-1)
    owner = rows.repeat_interleave(index.size(1))
    sums = torch.zeros(len(flat), dtype=torch.float64, device=rows.device)
    present = (flat >= 0).nonzero().squeeze(1)
    forward, backward = edges.sizes(take(owner, present)), back.sizes(take(flat, present))
    fewer = forward < backward
    least = torch.minimum(forward, backward)

    def work(part: tuple[bool, Tensor]) -> None:
        from_query, cells = part
        lists, starts = (edges, owner) if from_query else (back, flat)
        cell, entry = lists.entries(take(starts, cells))
        cell, via = take(cells, cell), lists.at(entry)
        query, end = take(owner, cell), take(flat, cell)
        met = edges.contain(via, end) if from_query else edges.contain(query, via)
        met = met.nonzero().squeeze(1)
        cell, query, via, end = (take(values, met) for values in (cell, query, via, end))
        sums.index_add_(0, cell, mass(query, via, end))

    parts = [(True, cells) for cells in split(least[fewer], present[fewer])]
    parts += [(False, cells) for cells in split(least[~fewer], present[~fewer])]
    over_parts(work, parts, rows.device)
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

    def work(part: Tensor) -> None:
        line, first, via, last = paths(edges, rows[part])
        good = non_edges.usable(rows[part][line], edges.at(last))
        sums.index_add_(0, part[line[good]], mass(first[good], via[good], last[good]))

    parts = in_budget(edges, rows, torch.arange(len(rows), device=rows.device))
    over_parts(work, parts, rows.device)
    return sums
