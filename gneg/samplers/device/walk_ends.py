"""Where walks of a fixed length and walks with restart end, on a device: their densities."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.key_table import KeyTable
from gneg.graph.lazy import cached_property
from gneg.graph.non_edges import NonEdges
from gneg.graph.pagerank import LEAST_FREE
from gneg.graph.take import take
from gneg.samplers.device.rows import over_parts, rows_at_once, split


class StepEnds:
    """Ends of walks of a fixed length, as ``walked`` of ``gneg/kernels/ppr.py``.

    Args:
        edges: The edges; in a bipartite graph both ways, over sources, then targets.
        weights: ``[E]`` double, of the edges; empty: uniform steps.
        hops: Steps of a walk, >= 1.
        target_shift: The number at which targets begin.
    """

    def __init__(self, edges: DeviceRows, weights: Tensor, hops: int, target_shift: int) -> None:
        self.edges, self.weights, self.hops = edges, weights, hops
        self.target_shift = target_shift

    def among(self, non_edges: NonEdges, rows: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shares of walks that end at targets ``[B, K]``, and at any non-edge ``[B]``.

        Args:
            non_edges: What rows may hold.
            rows: ``[B]``, the queries.
            index: ``[B, K]``, targets, at least 0.
        """
        num_nodes = len(self.edges.indptr) - 1
        starts, of = rows.unique(return_inverse=True)
        free = torch.zeros(len(starts), dtype=torch.float64, device=rows.device)
        shares = torch.zeros(index.shape, dtype=torch.float64, device=rows.device)
        lines, stop = of.sort()[1], torch.bincount(of).cumsum(0).tolist()

        def work(part: Tensor) -> None:
            lo, hi = int(part[0]), int(part[-1]) + 1
            keys, mass = self._walked(starts[lo:hi])
            ball = keys.div(num_nodes, rounding_mode="floor")
            target = non_edges.targets(keys - ball * num_nodes, self.target_shift)
            usable = non_edges.usable(take(starts, ball + lo), target)
            free.index_add_(0, ball + lo, torch.where(usable, mass, 0.0))
            here = lines[stop[lo - 1] if lo else 0 : stop[hi - 1]]
            nodes = index[here] + self.target_shift
            place = KeyTable(keys, (hi - lo) * num_nodes).find(
                (of[here] - lo)[:, None] * num_nodes + nodes
            )
            if len(keys):
                shares[here] = torch.where(place < 0, 0.0, take(mass, place.clamp(min=0)))

        parts = split(take(self._most_entries, starts), torch.arange(len(starts)).to(of))
        over_parts(work, parts, rows.device)
        return shares, take(_walks(free), of)

    def _walked(self, starts: Tensor) -> tuple[Tensor, Tensor]:
        """Return where walks from ``starts [b]`` end: keys (start, node), and shares of walks.

        A walk that has nowhere to go ends nowhere.
        """
        edges, num_nodes = self.edges, len(self.edges.indptr) - 1
        ball = torch.arange(len(starts), device=starts.device)
        node, mass = starts, torch.ones(len(starts), dtype=torch.float64, device=starts.device)
        for _ in range(self.hops):
            at, edge = edges.entries(node)
            each = self._share(node, at, edge)
            keys = take(ball * num_nodes, at) + edges.at(edge)
            table = KeyTable(keys, len(starts) * num_nodes)
            first = table.first.nonzero().squeeze(1)
            number = table.first.cumsum(0) - 1
            sums = torch.zeros(len(first), dtype=torch.float64, device=starts.device)
            mass = sums.index_add_(0, take(number, table.find(keys)), take(mass, at) * each)
            keys, ball = take(keys, first), take(ball, take(at, first))
            node = keys - ball * num_nodes
        return ball * num_nodes + node, mass

    def _share(self, node: Tensor, at: Tensor, edge: Tensor) -> Tensor:
        """Return the probability of the step along each ``edge`` of ``node[at]``, double."""
        if not len(self.weights):
            return take(1.0 / self.edges.sizes(node).clamp(min=1).double(), at)
        weight = take(self.weights, edge)
        total = torch.zeros(len(node), dtype=torch.float64, device=node.device)
        total.index_add_(0, at, weight)
        return torch.where(take(total, at) > 0, weight / take(total, at), 0.0)

    @cached_property
    def _most_entries(self) -> Tensor:
        """``[N]``, how many edges a step of walks from each node follows, at most."""
        edges, num_edges = self.edges, len(self.edges.indices)
        line, entry = edges.entries(torch.arange(len(edges.indptr) - 1, device=edges.device))
        column = edges.at(entry)
        count = torch.ones(len(edges.indptr) - 1, dtype=torch.int64, device=edges.device)
        most = count
        for _ in range(self.hops):  # the last one follows none where all walks were lost before
            count = torch.zeros_like(count).index_add_(0, line, take(count, column))
            most = torch.maximum(most, count.clamp_(max=num_edges))
        return most


class TableEnds(NamedTuple):
    """Ends of walks with restart, of which a table of all pairs is kept.

    Attributes:
        table: ``[N, N]`` float, PageRank personalised to each row.
        target_shift: The number at which targets begin.
    """

    table: Tensor
    target_shift: int

    def among(self, non_edges: NonEdges, rows: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return what :meth:`StepEnds.among` does."""
        first, num_targets = self.target_shift, non_edges.num_targets
        starts, of = rows.unique(return_inverse=True)
        free = []
        for part in starts.split(rows_at_once(num_targets, rows.device)):
            reached = self.table[part, first : first + num_targets].double()
            line, entry = non_edges.known.entries(part)
            reached[line, non_edges.known.at(entry)] = 0.0
            if non_edges.no_self:
                reached.scatter_(1, part[:, None], 0.0)
            free.append(reached.sum(1))
        return self.table[rows[:, None], index + first].double(), take(_walks(torch.cat(free)), of)


def _walks(free: Tensor) -> Tensor:
    """Return shares of walks, 0 where they are as few as the kernels' rounding."""
    return torch.where(free > LEAST_FREE, free, 0.0)
