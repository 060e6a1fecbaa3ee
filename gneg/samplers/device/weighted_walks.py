"""Two-step walks along weights on a device, as ``gneg/kernels/weighted_walks.py``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, streams, unit
from gneg.samplers.device.rows import inverted
from gneg.samplers.device.walks import PATHS_A_TRY, added, in_budget, paths, weighed


class WeightedWalks(NamedTuple):
    """Two-step walks along weights on a device.

    Attributes:
        edges: The edges.
        back: The reversed edges.
        weights: ``[E]`` double, of the edges.
        back_weights: ``[E]`` double, of the reversed edges.
        first_accept: ``[E]`` alias tables of each row's first steps.
        first_alias: ``[E]``, offsets within the rows.
        accept: ``[E]`` alias tables of second steps.
        alias: ``[E]``, offsets within the rows.
        through: ``[N]`` double, what a walk through each node weighs.
    """

    edges: DeviceRows
    back: DeviceRows
    weights: Tensor
    back_weights: Tensor
    first_accept: Tensor
    first_alias: Tensor
    accept: Tensor
    alias: Tensor
    through: Tensor

    def draw(self, non_edges: NonEdges, rows: Tensor, k: int, seed: int) -> Tensor:
        """Return ``[B, k]`` usable ends of walks from each row; -1 in a row that has none.

        A try of a row begins where the last one ended, so that rows, not tries, go together.

        Args:
            non_edges: What rows may hold.
            rows: ``[B]``, the queries.
            k: Number of targets of each row, K.
            seed: Seed of the draws.
        """
        out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)
        edges = self.edges
        if not len(edges.indices):
            return out
        state = streams(seed, torch.arange(len(rows), device=rows.device))
        filled, failed = torch.zeros_like(rows), torch.zeros_like(rows)
        allowed = (edges.paths[rows] // PATHS_A_TRY).clamp(min=4 * k)
        live = (edges.sizes(rows) > 0).nonzero().squeeze(1)
        while len(live):
            query = rows[live]
            first = self.first_accept, self.first_alias
            via = edges.at(_picked(edges, query, state[live] + GOLDEN, first))
            good = (edges.sizes(via) > 0) & (self.through[via] > 0)
            step = _picked(edges, via, state[live] + steps(3), (self.accept, self.alias))
            end = edges.at(torch.where(good, step, 0))
            state[live] += GOLDEN * (2 + 2 * good.long())
            good &= non_edges.usable(query, end)
            out[live[good], filled[live[good]]] = end[good]
            filled[live] += good.long()
            failed[live] += (~good).long()
            goes_on = (filled[live] < k) & (failed[live] < allowed[live])
            live = live[goes_on.nonzero().squeeze(1)]
        lacking = ((filled < k) & (edges.sizes(rows) > 0)).nonzero().squeeze(1)
        for part in in_budget(edges, rows, lacking):
            _draw_listed(self, non_edges, rows[part], out, part, filled[part], state[part])
        return out

    def weigh(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return the unnormalised probability ``[B, K]`` of each end, double.

        Args:
            rows: ``[B]``, the queries.
            index: ``[B, K]``, ends; -1 gets 0.
        """

        def mass(query: Tensor, via: Tensor, last: Tensor) -> Tensor:
            first = self.weights[self.edges.lower_bound(query, via)]
            return first * self.through[via] * self.back_weights[last]

        return weighed(self.edges, self.back, rows, index, mass)

    def allowed(self, non_edges: NonEdges, rows: Tensor) -> Tensor:
        """Return the sum of :meth:`weigh` over the non-edges of each row, ``[B]`` double."""
        return added(self.edges, non_edges, rows, self.mass)

    def mass(self, first: Tensor, via: Tensor, last: Tensor) -> Tensor:
        """Return the unnormalised probability of walks by their edges and middles, ``[n]`` each."""
        return self.weights[first] * self.through[via] * self.weights[last]


def _picked(edges: DeviceRows, rows: Tensor, state: Tensor, table: tuple[Tensor, Tensor]) -> Tensor:
    """Return the position of an edge of each row, by the draws at ``state`` and after it."""
    accept, alias = table
    first = edges.indptr[rows]
    step = (first + below(state, edges.sizes(rows))).clamp_(max=len(accept) - 1)
    leaves = unit(state + GOLDEN) >= accept[step]
    return torch.where(leaves, (first + alias[step]).clamp_(max=len(accept) - 1), step)


def _draw_listed(
    walked: WeightedWalks,
    non_edges: NonEdges,
    rows: Tensor,
    out: Tensor,
    lines: Tensor,
    filled: Tensor,
    state: Tensor,
) -> None:
    """Fill what lines lack from the list of all their usable walks."""
    line, first, via, last = paths(walked.edges, rows)
    end = walked.edges.at(last)
    good = non_edges.usable(rows[line], end) & (walked.through[via] > 0)
    line, first, via, last, end = (x[good] for x in (line, first, via, last, end))
    counts = torch.bincount(line, minlength=len(rows))
    begin = counts.cumsum(0) - counts
    width = int(counts.max()) if len(counts) else 0
    if not width:
        return
    mass = torch.zeros(len(rows), width, dtype=torch.float64, device=rows.device)
    number = torch.arange(len(line), device=rows.device) - begin[line]
    mass[line, number] = walked.mass(first, via, last)
    gap = torch.arange(out.size(1), device=rows.device)[None] - filled[:, None]
    chosen = inverted(mass, counts, unit(state[:, None] + GOLDEN * (gap + 1)))
    picked = end[(begin[:, None] + chosen).clamp(max=len(end) - 1)]
    drawn = (gap >= 0) & (counts > 0)[:, None]
    out[lines] = torch.where(drawn, picked, out[lines])
