"""Balls around rows on a device: shells by breadth-first search, many rows at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows, ranges
from gneg.graph.key_table import KeyTable
from gneg.graph.take import either, take
from gneg.samplers.device.rows import CPU_CELLS_OF_ROUNDS, rows_at_once, split

Result = TypeVar("Result")

FEW_PARENTS = 4  # in-neighbours that are looked at first; then so many times more


class TooLargeError(Exception):
    """A shell of several balls takes more memory than one operation may: they are drawn apart."""


class Balls:
    """Balls whose shells are found one after the other.

    Nodes of a shell are in the order in which a search finds them, as in ``gneg/kernels/ball.py``.

    Args:
        edges: The edges.
        centres: ``[b]``, the centre of each ball.

    Attributes:
        centres: ``[b]``, the same.
        depth: ``[b]``, the last shell of each ball that was found.
    """

    def __init__(self, edges: DeviceRows, centres: Tensor) -> None:
        self.edges, self.size, self.centres = edges, len(edges.indptr) - 1, centres
        balls = torch.arange(len(centres), device=centres.device)
        self.depth = torch.zeros_like(balls)
        self._shells = {0: (balls, centres)}  # balls, ascending, and nodes
        self._keys = balls * self.size + centres  # of all nodes, in the order of finding
        self._distance = torch.zeros_like(balls)
        self._places: KeyTable | None = None

    def shell(self, depth: int) -> tuple[Tensor, Tensor]:
        """Return balls, ascending, and nodes of a shell, ``[n]`` each, of balls that found it."""
        empty = self.depth[:0]
        return self._shells.get(depth, (empty, empty))

    def counts(self, depth: int) -> tuple[Tensor, Tensor]:
        """Return the size of each ball's shell, and where it begins in :meth:`shell`."""
        return self.runs(self.shell(depth)[0])

    def runs(self, balls: Tensor) -> tuple[Tensor, Tensor]:
        """Return how often each ball stands among ``balls [n]``, ascending, and where first."""
        bounds = torch.searchsorted(balls, torch.arange(len(self.depth) + 1, device=balls.device))
        return bounds.diff(), bounds[:-1]

    def among(self, depth: int, balls: Tensor) -> tuple[Tensor, Tensor]:
        """Return what :meth:`shell` does, of some balls only."""
        ball, nodes = self.shell(depth)
        chosen = torch.zeros_like(self.depth, dtype=torch.bool)
        chosen[balls] = True
        inside = take(chosen, ball).nonzero().squeeze(1)
        return take(ball, inside), take(nodes, inside)

    def expand_to(self, depth: int, chosen: Tensor) -> None:
        """Find the shells of ``chosen [b]`` balls, bool, up to ``depth``."""
        nearest = int(torch.where(chosen, self.depth, depth).min()) if len(chosen) else depth
        for last in range(nearest, depth):
            behind = (chosen & (self.depth == last)).nonzero().squeeze(1)
            if len(behind):
                self._expand(last + 1, behind)

    def _expand(self, depth: int, balls: Tensor) -> None:
        """Find the shell ``depth`` of balls that found the one before it."""
        of, frontier = self.among(depth - 1, balls)
        sizes = self.edges.sizes(frontier)
        total = int(sizes.sum())
        most = rows_at_once(1, sizes.device, CPU_CELLS_OF_ROUNDS)
        if len(self.centres) > 1 and total > most:
            raise TooLargeError
        at, edge = ranges(take(self.edges.indptr, frontier), sizes, total)
        node = self.edges.at(edge)
        keys = take(of * self.size, at).add_(node)
        # The first time that each is found, in the order of finding; not in an earlier shell.
        if depth == 1:
            first = node != take(take(self.centres, of), at)  # no row holds a node twice
        else:
            limit = len(self.centres) * self.size
            first = KeyTable(torch.cat([self._keys, keys]), limit).first[len(self._keys) :]
        new = first.nonzero().squeeze(1)
        keys, node, ball = take(keys, new), take(node, new), take(of, take(at, new))
        self._keys = torch.cat([self._keys, keys])
        self._distance = torch.cat([self._distance, torch.full_like(ball, depth)])
        self._places, self.depth[balls] = None, depth
        before = self.shell(depth)
        if len(before[0]):
            both = [torch.cat(parts) for parts in zip(before, (ball, node), strict=True)]
            order = both[0].sort(stable=True)[1]
            ball, node = take(both[0], order), take(both[1], order)
        self._shells[depth] = ball, node

    def distance(self, balls: Tensor, nodes: Tensor) -> Tensor:
        """Return the distance of each node from the centre of a ball; -1 outside of the ball."""
        if len(self._shells) <= 2:  # no ball is more than a row of the edges
            centre = take(self.centres, balls)
            near = self.edges.contain(centre, nodes).logical_and_(take(self.depth, balls) > 0)
            return near.long().mul_(2).sub_(1).masked_fill_(nodes == centre, 0)
        if self._places is None:
            self._places = KeyTable(self._keys, len(self.centres) * self.size)
        place = self._places.find(balls * self.size + nodes)
        return torch.where(place < 0, -1, take(self._distance, place.clamp(min=0)))

    def first_parent(
        self, balls: Tensor, nodes: Tensor, depth: Tensor, back: DeviceRows
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the first in-neighbour of each node that is in its ball's shell ``depth``.

        Args:
            balls: ``[n]``.
            nodes: ``[n]``.
            depth: ``[n]``, the shell.
            back: The reversed edges.

        Returns:
            ``[n]`` each: the neighbour, whether there is one, and how many were before it.
        """
        begin, none = take(back.indptr, nodes), take(back.indptr, nodes + 1)
        first, left = none.clone(), torch.arange(len(nodes), device=nodes.device)
        # On a CPU a few in-neighbours at first: most nodes have a parent among them.
        looked, width = 0, FEW_PARENTS if nodes.device.type == "cpu" else back.longest
        while len(left) and looked < back.longest:
            start = take(begin, left) + looked
            sizes = (take(none, left) - start).clamp_(min=0, max=width)
            for part in split(sizes, torch.arange(len(left), device=nodes.device)):
                of, edge = ranges(take(start, part), take(sizes, part))
                of = take(take(left, part), of)
                inside = self.distance(take(balls, of), back.at(edge)) == take(depth, of)
                candidate = either(inside, edge, take(none, of))
                first.scatter_reduce_(0, of, candidate, "amin")
            looked, width = looked + width, width * FEW_PARENTS
            if looked < back.longest:
                unsettled = (first == none) & (none - begin > looked)
                left = take(left, take(unsettled, left).nonzero().squeeze(1))
        parent = back.at(first.clamp(max=max(len(back.indices) - 1, 0)))
        return parent, first < none, first - begin


def apart(work: Callable[[Tensor], Result], lines: Tensor) -> list[Result]:
    """Return what ``work`` returns for lines ``[n]``, or for halves of them, whose balls fit.

    It is called again from the beginning, before most of what a ball costs.
    """
    try:
        return [work(lines)]
    except TooLargeError:
        first, second = lines.tensor_split(2)
        return apart(work, first) + apart(work, second)
