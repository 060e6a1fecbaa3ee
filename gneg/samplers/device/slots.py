"""Slots of rows, each of a shell, and how they are filled: by tries, or from a list of nodes.

Tries of a row are a sequence that its slots share: the accepted ones fill slots in order until the
row has spent as much as listing would cost. So they can be drawn in rounds of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows, ranges
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, streams, unit
from gneg.graph.take import either, take
from gneg.samplers.device.balls import Balls
from gneg.samplers.device.rows import CPU_CELLS_OF_ROUNDS, rows_at_once

# How many times as many tries a round makes for each empty slot as the one before it, on a CPU and
# elsewhere, where a round costs more than its tries.
CPU_GROWTH, GROWTH = 2, 8

#: Nodes, whether they are good, and what each try costs, of lines and states ``[n]``.
Draw = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


class Shells(NamedTuple):
    """Where shells are searched, and which are drawn from, on a device.

    Attributes:
        edges: The edges; in a bipartite graph both ways, over sources, then targets.
        back: The reversed edges.
        target_shift: The number at which targets begin.
        hops: Distances, ascending, and one past them, which stands for all that is further.
        cumulative: ``[len(hops)]`` double, running sums of their shares.
        step: Difference of the distances of two shells that hold targets.
        second: ``[N]``, the number of second neighbours of each node, if kernels keep bitmaps of
            them; None: they do not.
    """

    edges: DeviceRows
    back: DeviceRows
    target_shift: int
    hops: list[int]
    cumulative: Tensor
    step: int
    second: Tensor | None


class Slots:
    """The slots of rows that are drawn together.

    Args:
        shells: The shells.
        non_edges: What rows may hold.
        rows: ``[b]``, the queries.
        lines: ``[b]``, the number of each in the call.
        k: Number of targets of each row, K.
        seed: Seed of the draws.
    """

    def __init__(
        self,
        shells: Shells,
        non_edges: NonEdges,
        rows: Tensor,
        lines: Tensor,
        k: int,
        seed: int,
    ) -> None:
        self.shells, self.non_edges, self.rows = shells, non_edges, rows
        state = streams(seed, lines)
        slot = torch.arange(1, k + 1, device=rows.device)
        hops = torch.tensor(shells.hops, device=rows.device)
        if float(shells.cumulative[0]) == 1.0:
            self.shell = hops[:1].expand(len(rows), k).clone()
        else:
            share = unit(state[:, None] + GOLDEN * slot)
            at = torch.searchsorted(shells.cumulative, share, right=True)
            self.shell = hops[at.clamp(max=len(hops) - 1)]
        self.state = state + GOLDEN * (k * torch.ones_like(state))
        self.out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)
        # Rows of equal queries share a ball.
        centres, self.ball = rows.unique(return_inverse=True)
        self.balls = Balls(shells.edges, centres)
        self.explored = torch.zeros_like(rows)  # shells, as far as the line's own slots need them
        self.fell = 0

    def targets(self, nodes: Tensor) -> Tensor:
        """Return the targets that nodes are; -1 of a node that is none."""
        return self.non_edges.targets(nodes, self.shells.target_shift)

    def usable(self, ball: Tensor, nodes: Tensor) -> Tensor:
        """Return whether nodes are targets that are not known to the query of their ball."""
        return self.non_edges.usable(take(self.balls.centres, ball), self.targets(nodes))

    def expand_to(self, depth: int, lines: Tensor) -> None:
        """Find the shells of the balls of some lines up to ``depth``."""
        chosen = torch.zeros_like(self.balls.depth, dtype=torch.bool)
        chosen[take(self.ball, lines)] = True
        self.explored[lines] = self.explored[lines].clamp_(min=depth)
        self.balls.expand_to(depth, chosen)

    def wanted(self, shell: int) -> Tensor:
        """Return the slots ``[b, K]`` of a shell that are empty."""
        return (self.shell == shell) & (self.out < 0)

    def lacking(self, shell: int, lines: Tensor) -> Tensor:
        """Return the lines that have an empty slot of a shell."""
        return lines[self.wanted(shell)[lines].any(1).nonzero().squeeze(1)]

    def try_until(self, lines: Tensor, shell: int, budget: Tensor, draw: Draw, once: bool) -> None:
        """Draw tries until slots are full or the budget is spent; the last try may exceed it.

        Args:
            lines: The lines.
            shell: The shell whose slots are filled.
            budget: ``[b]``, what each line may spend.
            draw: Called with lines and states ``[n]``; returns nodes, whether they are good, and
                what each try costs, at least 1.
            once: Whether a good try costs nothing.
        """
        left, k, ahead = budget.clone(), self.out.size(1), 1
        growth = CPU_GROWTH if lines.device.type == "cpu" else GROWTH
        while len(lines):
            free = self.wanted(shell)[lines]
            live = free.any(1).logical_and_(take(left, lines) > 0).nonzero().squeeze(1)
            if not len(live):
                break
            lines, free = take(lines, live), free[live]
            # More for each slot from round to round, but none that could not count.
            lacking, may_cost = free.sum(1), take(left, lines)
            tries = torch.minimum(lacking * ahead, lacking + may_cost)
            at_once = rows_at_once(len(lines) * k, lines.device, CPU_CELLS_OF_ROUNDS)
            ahead = min(ahead * growth, at_once)
            of, step = ranges(torch.ones_like(tries), tries)
            start = tries.cumsum(0) - tries
            state = take(take(self.state, lines), of).add_(step, alpha=GOLDEN)
            nodes, good, cost = draw(take(lines, of), state)
            cost = cost * ~good if once else cost
            number = _before(good.long(), start, of)
            tried = _before(cost, start, of) < take(may_cost, of)
            tried.logical_and_(number < take(lacking, of))
            drawn = torch.zeros_like(tries).index_add_(0, of, tried.long())
            self.state.index_add_(0, lines, drawn, alpha=GOLDEN)
            spent = torch.zeros_like(tries).index_add_(0, of, cost * tried)
            left.index_add_(0, lines, spent, alpha=-1)
            hits = good.logical_and_(tried).nonzero().squeeze(1)
            of = take(of, hits)
            # The empty slots of all lines, k of each, in order; without a wait for their number.
            rank = either(free.view(-1), free.view(-1).cumsum(0) - 1, free.numel())
            slots = torch.empty(free.numel() + 1, dtype=torch.int64, device=lines.device)
            slots.scatter_(0, rank, torch.arange(len(rank), device=lines.device))
            slot = take(slots, take(lacking.cumsum(0) - lacking, of) + take(number, hits))
            place = take(lines - torch.arange(len(lines), device=lines.device), of) * k + slot
            self.out.view(-1).scatter_(0, place, self.targets(take(nodes, hits)))

    def from_list(self, lines: Tensor, shell: int, ball: Tensor, nodes: Tensor) -> None:
        """Fill slots of a shell from listed nodes ``[n]``, each usable, in the order of balls."""
        counts, begin = (values[self.ball] for values in self.balls.runs(ball))
        lines = lines[(counts[lines] > 0).nonzero().squeeze(1)]
        if not len(lines):
            return
        free = self.wanted(shell)[lines]
        number = free.cumsum(1)
        here = self.state[lines, None] + GOLDEN * number
        at = begin[lines, None] + below(here, counts[lines, None])
        drawn = self.targets(take(nodes, at.clamp(max=len(nodes) - 1)))
        self.out[lines] = torch.where(free, drawn, self.out[lines])
        self.state[lines] += GOLDEN * number[:, -1]


def _before(values: Tensor, start: Tensor, of: Tensor) -> Tensor:
    """Return the sum of the ``values [n]`` before each in its range, which begins at a start."""
    sums = values.cumsum(0) - values
    return sums - take(take(sums, start), of)
