"""Balls around rows on a device: shells by breadth-first search, many rows at once."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.take import take


class Balls:
    """A ball for each of some lines, whose shells are found one after the other.

    Nodes of a shell are in the order in which a search finds them, as in ``gneg/kernels/ball.py``.

    Args:
        edges: The edges.
        rows: ``[b]``, the centre of each line's ball.

    Attributes:
        depth: ``[b]``, the last shell of each line that was found.
    """

    def __init__(self, edges: DeviceRows, rows: Tensor) -> None:
        self.edges, self.size = edges, len(edges.indptr) - 1
        lines = torch.arange(len(rows), device=rows.device)
        self.depth = torch.zeros_like(lines)
        self._shells = {0: (lines, rows)}  # lines, ascending, and nodes
        self._keys = lines * self.size + rows  # of all nodes, sorted
        self._distance = torch.zeros_like(lines)

    def shell(self, depth: int) -> tuple[Tensor, Tensor]:
        """Return lines, ascending, and nodes of a shell, ``[n]`` each, of lines that found it."""
        empty = self.depth[:0]
        return self._shells.get(depth, (empty, empty))

    def counts(self, depth: int) -> tuple[Tensor, Tensor]:
        """Return the size of each line's shell, and where it begins in :meth:`shell`."""
        sizes = torch.bincount(self.shell(depth)[0], minlength=len(self.depth))
        return sizes, sizes.cumsum(0) - sizes

    def among(self, depth: int, lines: Tensor) -> tuple[Tensor, Tensor]:
        """Return what :meth:`shell` does, of some lines only."""
        line, nodes = self.shell(depth)
        chosen = torch.zeros_like(self.depth, dtype=torch.bool)
        chosen[lines] = True
        inside = take(chosen, line).nonzero().squeeze(1)
        return take(line, inside), take(nodes, inside)

    def expand_to(self, depth: int, lines: Tensor) -> None:
        """Find the shells of some lines up to ``depth``."""
        while len(lines):
            lines = lines[(self.depth[lines] < depth).nonzero().squeeze(1)]
            for last in lines.new_tensor(sorted(set(self.depth[lines].tolist()))).tolist():
                self._expand(last + 1, lines[self.depth[lines] == last])

    def _expand(self, depth: int, lines: Tensor) -> None:
        """Find the shell ``depth`` of lines that found the one before it."""
        of, frontier = self.among(depth - 1, lines)
        at, edge = self.edges.entries(frontier)
        line, node = take(of, at), self.edges.at(edge)
        new = (self.distance(line, node) < 0).nonzero().squeeze(1)
        line, node = take(line, new), take(node, new)
        # The first time that each is found, in the order of finding.
        keys, order = (line * self.size + node).sort(stable=True)
        first = torch.ones_like(keys, dtype=torch.bool)
        first[1:] = keys[1:] != keys[:-1]
        first_places = order[first].sort()[0]
        line, node = take(line, first_places), take(node, first_places)
        before = self.shell(depth)
        both = [torch.cat(parts) for parts in zip(before, (line, node), strict=True)]
        order = both[0].sort(stable=True)[1]
        self._shells[depth] = take(both[0], order), take(both[1], order)
        keys = torch.cat([self._keys, line * self.size + node])
        self._keys, order = keys.sort()
        distance = torch.cat([self._distance, torch.full_like(line, depth)])
        self._distance = take(distance, order)
        self.depth[lines] = depth

    def distance(self, lines: Tensor, nodes: Tensor) -> Tensor:
        """Return the distance of each node in the ball of its line; -1 outside of it."""
        keys = lines * self.size + nodes
        place = torch.searchsorted(self._keys, keys).clamp_(max=max(len(self._keys) - 1, 0))
        return torch.where(take(self._keys, place) == keys, take(self._distance, place), -1)

    def first_parent(
        self, lines: Tensor, nodes: Tensor, depth: Tensor, back: DeviceRows
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the first in-neighbour of each node that is in its line's shell ``depth``.

        Args:
            lines: ``[n]``.
            nodes: ``[n]``.
            depth: ``[n]``, the shell.
            back: The reversed edges.

        Returns:
            ``[n]`` each: the neighbour, whether there is one, and how many were before it.
        """
        at, edge = back.entries(nodes)
        inside = self.distance(take(lines, at), back.at(edge)) == take(depth, at)
        start, size = take(back.indptr, nodes), back.sizes(nodes)
        none = start + size
        first = none.scatter_reduce(0, at[inside], edge[inside], "amin")
        return back.at(first.clamp(max=max(len(back.indices) - 1, 0))), first < none, first - start
