"""Slots of rows, each of a shell, and how they are filled: by tries, or from a list of nodes.

Tries of a row are a sequence that its slots share: the accepted ones fill slots in order until the
row has spent as much as listing would cost. So they can be drawn in rounds of any size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, streams, unit
from gneg.graph.take import take
from gneg.samplers.device.balls import Balls
from gneg.samplers.device.rows import place

#: Nodes, whether they are good, and what each try costs, of lines ``[n]`` and states ``[n, T]``.
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
    """

    edges: DeviceRows
    back: DeviceRows
    target_shift: int
    hops: list[int]
    cumulative: Tensor
    step: int


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
        target = nodes - self.shells.target_shift
        return torch.where((target >= 0) & (target < self.non_edges.num_targets), target, -1)

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

    def fill(self, lines: Tensor, shell: int, nodes: Tensor, good: Tensor) -> Tensor:
        """Put the good ones of ``nodes [n, T]`` into the slots of a shell, in order.

        Returns:
            ``[n, T]``, which of them were needed.
        """
        free = self.wanted(shell)[lines]
        kept = good & (good.cumsum(1) <= free.sum(1, keepdim=True))
        block = torch.where(free, -1, 0)
        place(block, self.targets(nodes), kept)
        self.out[lines] = torch.where(free, block, self.out[lines])
        return kept

    def try_until(self, lines: Tensor, shell: int, budget: Tensor, draw: Draw, once: bool) -> None:
        """Draw tries until slots are full or the budget is spent; the last try may exceed it.

        Args:
            lines: The lines.
            shell: The shell whose slots are filled.
            budget: ``[b]``, what each line may spend.
            draw: Called with balls and states ``[n, T]``; returns nodes, whether they are good, and
                what each try costs.
            once: Whether a good try costs nothing.
        """
        spent, drawn = torch.zeros_like(budget), 0
        while len(lines):
            lacking = self.wanted(shell)[lines].sum(1)
            lines = lines[((lacking > 0) & (spent[lines] < budget[lines])).nonzero().squeeze(1)]
            if not len(lines):
                break
            lacking = self.wanted(shell)[lines].sum(1)
            drawn = max(2 * drawn, int(lacking.max()))
            number = torch.arange(1, drawn + 1, device=lines.device)
            nodes, good, cost = draw(lines, self.state[lines, None] + GOLDEN * number)
            cost = torch.where(good, 0, cost) if once else cost
            before = spent[lines, None] + cost.cumsum(1) - cost
            full = (good.cumsum(1) - good.long()) >= lacking[:, None]
            tried = (before < budget[lines, None]) & ~full
            # From the first try that is not made on, none is.
            tried = tried.long().cummin(1)[0].bool()
            self.fill(lines, shell, nodes, good & tried)
            spent[lines] += torch.where(tried, cost, 0).sum(1)
            self.state[lines] += GOLDEN * tried.sum(1)

    def from_list(self, lines: Tensor, shell: int, ball: Tensor, nodes: Tensor) -> None:
        """Fill slots of a shell from listed nodes ``[n]``, each usable, in the order of balls."""
        counts = torch.bincount(ball, minlength=len(self.balls.depth))
        begin = (counts.cumsum(0) - counts)[self.ball]
        counts = counts[self.ball]
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
