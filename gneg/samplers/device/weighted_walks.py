"""Two-step walks along weights on a device, as ``gneg/kernels/weighted_walks.py``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, unit
from gneg.graph.take import take
from gneg.samplers.device.rows import inverted, numbered
from gneg.samplers.device.walks import added, paths, weighed


class WeightedWalks(NamedTuple):
    """Two-step walks along weights on a device.

    Attributes:
        edges: The edges.
        back: The reversed edges.
        weights: ``[E]`` double, of the edges.
        first_accept: ``[E]`` alias tables of each row's first steps.
        first_alias: ``[E]``, offsets within the rows.
        accept: ``[E]`` alias tables of second steps.
        alias: ``[E]``, offsets within the rows.
        through: ``[N]`` double, what a walk through each node weighs.
    """

    edges: DeviceRows
    back: DeviceRows
    weights: Tensor
    first_accept: Tensor
    first_alias: Tensor
    accept: Tensor
    alias: Tensor
    through: Tensor

    @property
    def draws_a_try(self) -> int:
        """The number of draws that each try has of its own."""
        return 4

    def tried(self, rows: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ends ``[n]`` of walks from ``rows [n]``, and whether there was a way on."""
        first = self.first_accept, self.first_alias
        via = self.edges.at(_picked(self.edges, rows, state + GOLDEN, first))
        good = (self.edges.sizes(via) > 0) & (take(self.through, via) > 0)
        step = _picked(self.edges, via, state + steps(3), (self.accept, self.alias))
        return self.edges.at(torch.where(good, step, 0)), good

    def from_list(
        self, non_edges: NonEdges, rows: Tensor, out: Tensor, filled: Tensor, state: Tensor
    ) -> Tensor:
        """Return ``out [b, K]``, filled from ``filled [b]`` on from all usable walks of rows."""
        line, first, via, last = paths(self.edges, rows)
        end = self.edges.at(last)
        good = non_edges.usable(rows[line], end) & (self.through[via] > 0)
        line, first, via, last, end = (x[good] for x in (line, first, via, last, end))
        if not len(line):
            return out
        number, counts = numbered(line, len(rows))
        begin = counts.cumsum(0) - counts
        mass = torch.zeros(len(rows), int(counts.max()), dtype=torch.float64, device=rows.device)
        mass[line, number] = self.mass(first, via, last)
        gap = torch.arange(out.size(1), device=rows.device)[None] - filled[:, None]
        chosen = inverted(mass, counts, unit(state[:, None] + GOLDEN * (gap + 1)))
        picked = end[(begin[:, None] + chosen).clamp(max=len(end) - 1)]
        return torch.where((gap >= 0) & (counts > 0)[:, None], picked, out)

    def weigh(self, rows: Tensor, index: Tensor) -> Tensor:
        """Return the unnormalised probability ``[B, K]`` of each end, double.

        Args:
            rows: ``[B]``, the queries.
            index: ``[B, K]``, ends; -1 gets 0.
        """

        def mass(query: Tensor, via: Tensor, end: Tensor) -> Tensor:
            first = self.weights[self.edges.lower_bound(query, via)]
            return first * self.through[via] * self.weights[self.edges.lower_bound(via, end)]

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
