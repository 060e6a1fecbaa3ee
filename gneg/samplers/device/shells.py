"""Draws from shortest-path shells on a device, as ``gneg/kernels/shells.py``.

A ball is a sorted list of keys (line, node) with the distance of each, so that many rows' balls
grow together. Tries of a row are a sequence that its slots share: the accepted ones fill slots in
order until the row has spent as much as listing would cost, so that tries are drawn in rounds.
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
from gneg.samplers.device.rows import CPU_CELLS_OF_ROUNDS, place, rows_at_once

FEW_PATHS, PATHS, MANY = 32, 128, 16  # as in gneg/kernels/shells.py
#: Nodes, whether they are good, and what each try costs, of lines ``[n]`` and states ``[n, T]``.
Draw = Callable[[Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]
CELLS_A_ROW = 64  # nodes of a ball for each slot, about


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


class Drawing:
    """Rows that are drawn together.

    Args:
        shells: The shells.
        non_edges: What rows may hold.
        rows: ``[b]``, the queries.
        first_line: The number of the first row in the call.
        k: Number of targets of each row, K.
        seed: Seed of the draws.
    """

    def __init__(
        self,
        shells: Shells,
        non_edges: NonEdges,
        rows: Tensor,
        first_line: int,
        k: int,
        seed: int,
    ) -> None:
        self.shells, self.non_edges, self.rows = shells, non_edges, rows
        lines = torch.arange(len(rows), device=rows.device)
        state = streams(seed, lines + first_line)
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
        self.balls = Balls(shells.edges, rows)
        self.fell = 0

    def targets(self, nodes: Tensor) -> Tensor:
        """Return the targets that nodes are; -1 of a node that is none."""
        target = nodes - self.shells.target_shift
        return torch.where((target >= 0) & (target < self.non_edges.num_targets), target, -1)

    def usable(self, line: Tensor, nodes: Tensor) -> Tensor:
        """Return whether nodes are targets that are not known to the query of their line."""
        return self.non_edges.usable(take(self.rows, line), self.targets(nodes))

    def wanted(self, shell: int) -> Tensor:
        """Return the slots ``[b, K]`` of a shell that are empty."""
        return (self.shell == shell) & (self.out < 0)

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

    # -- tries ------------------------------------------------------------------------------------

    def try_until(self, lines: Tensor, shell: int, budget: Tensor, draw: Draw, once: bool) -> None:
        """Draw tries until slots are full or the budget is spent; the last try may exceed it.

        Args:
            lines: The lines.
            shell: The shell whose slots are filled.
            budget: ``[b]``, what may be spent.
            draw: Called with lines and states ``[n, T]``; returns nodes, whether they are good, and
                what each try costs.
            once: Whether a good try costs nothing.
        """
        spent = torch.zeros_like(budget)
        while len(lines):
            lacking = self.wanted(shell)[lines].sum(1)
            lines = lines[((lacking > 0) & (spent[lines] < budget[lines])).nonzero().squeeze(1)]
            if not len(lines):
                break
            lacking = self.wanted(shell)[lines].sum(1)
            number = torch.arange(1, int(lacking.max()) * 2 + 3, device=lines.device)
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

    def from_list(self, lines: Tensor, shell: int, line: Tensor, nodes: Tensor) -> None:
        """Fill slots of a shell from listed nodes ``[n]``, each usable, in the order of lines."""
        counts = torch.bincount(line, minlength=len(self.rows))
        begin = counts.cumsum(0) - counts
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

    # -- shells -----------------------------------------------------------------------------------

    def draw_along_edges(self, shell: int, lines: Tensor) -> None:
        """Fill slots of the shell behind the frontier by tries, without listing it."""
        balls, num_targets = self.balls, self.non_edges.num_targets
        line, nodes = balls.shell(shell - 1)
        sums = self.shells.edges.sizes(nodes).cumsum(0)
        ends = torch.zeros_like(self.rows).index_add_(0, line, self.shells.edges.sizes(nodes))
        before = ends.cumsum(0) - ends
        by_edge = ends < num_targets

        def draw(lines: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of = lines[:, None].expand_as(state)
            edge = take(by_edge, of)
            rank = below(state, torch.where(edge, take(ends, of), num_targets))
            place_of = take(before, of) + torch.where(edge, rank, 0)
            at = torch.searchsorted(sums, place_of, right=True)
            source = take(nodes, at)
            last = take(self.shells.edges.indptr, source + 1) - (take(sums, at) - place_of)
            target = self.shells.edges.at(last)
            node = torch.where(edge, target, rank + self.shells.target_shift)
            good = (balls.distance(of, node) < 0) & self.usable(of, node)
            cost = torch.ones_like(node)
            i, j = good.nonzero(as_tuple=True)
            depth = torch.full_like(i, shell - 1)
            parent, has_parent, searched = balls.first_parent(
                lines[i], node[i, j], depth, self.shells.back
            )
            cost[i, j] += searched
            good[i, j] = has_parent & (~edge[i, j] | (parent == source[i, j]))
            return node, good, cost

        few = self.wanted(shell).sum(1)
        enough = torch.where(few < MANY, FEW_PATHS, PATHS) * few
        lines = lines[(ends[lines] > enough[lines]).nonzero().squeeze(1)]
        self.try_until(lines, shell, ends, draw, False)

    def draw_expanded(self, shell: int, lines: Tensor) -> None:
        """Fill slots of an expanded shell by tries, then from the list of what is usable."""
        line, nodes = self.balls.shell(shell)
        size, begin = self.balls.counts(shell)
        lines = lines[(size[lines] > 0).nonzero().squeeze(1)]

        def draw(lines: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of = lines[:, None].expand_as(state)
            node = take(nodes, take(begin, of) + below(state, take(size, of)))
            return node, self.usable(of, node), torch.ones_like(node)

        self.try_until(lines, shell, self.out.size(1) + size // 8, draw, True)
        lines = self.lacking(shell, lines)
        if len(lines):
            line, nodes = self.balls.among(shell, lines)
            good = self.usable(line, nodes)
            self.from_list(lines, shell, line[good], nodes[good])

    def draw_far(self, shell: int, lines: Tensor) -> None:
        """Fill slots with targets that are further than the shell before."""
        balls, num_targets = self.balls, self.non_edges.num_targets
        shift = self.shells.target_shift
        searched_for = balls.depth < shell - 1  # lines whose last shell was not found

        def draw(lines: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of = lines[:, None].expand_as(state)
            node = below(state, num_targets) + shift
            cost = torch.ones_like(node)
            good = (balls.distance(of, node) < 0) & self.usable(of, node)
            i, j = (good & searched_for[of]).nonzero(as_tuple=True)
            of = lines[i]
            _, has_parent, searched = balls.first_parent(
                of, node[i, j], balls.depth[of], self.shells.back
            )
            cost[i, j] += searched
            good[i, j] = ~has_parent
            return node, good, cost

        self.try_until(lines, shell, torch.full_like(self.rows, num_targets), draw, False)
        lines = self.lacking(shell, lines)
        balls.expand_to(shell - 1, lines)
        everyone = torch.arange(num_targets, device=lines.device) + shift
        for part in lines.split(rows_at_once(num_targets, lines.device)) if len(lines) else ():
            of = part[:, None].expand(-1, num_targets)
            nodes = everyone.expand_as(of)
            good = (balls.distance(of, nodes) < 0) & self.usable(of, nodes)
            self.from_list(part, shell, of[good], nodes[good])

    def lacking(self, shell: int, lines: Tensor) -> Tensor:
        """Return the lines that have an empty slot of a shell."""
        return lines[self.wanted(shell)[lines].any(1).nonzero().squeeze(1)]

    def draw(self) -> None:
        """Fill all slots, shell by shell."""
        everyone, step = torch.arange(len(self.rows), device=self.rows.device), self.shells.step
        far = self.shells.hops[-1]
        for shell in range(1 + step, far, step):
            lines = self.lacking(shell, everyone)
            if not len(lines):
                continue
            self.balls.expand_to(shell - 1, lines)
            self.draw_along_edges(shell, lines)
            lines = self.lacking(shell, lines)
            if len(lines):
                self.balls.expand_to(shell, lines)
                self.draw_expanded(shell, lines)
            fallen = self.wanted(shell)
            self.shell = torch.where(fallen, shell + step, self.shell)
            self.fell += int(fallen.sum())
        self.shell.clamp_(max=far)
        lines = self.lacking(far, everyone)
        if len(lines):
            self.balls.expand_to(far - 2, lines)
            self.draw_far(far, lines)
            self.fell += int((self.out[lines] < 0).sum())


def draws(
    shells: Shells, non_edges: NonEdges, rows: Tensor, k: int, seed: int
) -> tuple[Tensor, int]:
    """Draw each slot's shell, then a target uniformly from it, or from the next that has any.

    Args:
        shells: The shells.
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        k: Number of targets of each row, K.
        seed: Seed of the draws.

    Returns:
        ``[B, k]`` targets, -1 where no shell holds one, and the number of slots that fell to
        another shell.
    """
    out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)
    size, fell = rows_at_once(CELLS_A_ROW * k, rows.device, CPU_CELLS_OF_ROUNDS), 0
    for first in range(0, len(rows), size):
        drawing = Drawing(shells, non_edges, rows[first : first + size], first, k, seed)
        drawing.draw()
        out[first : first + size] = drawing.out
        fell += drawing.fell
    return out, fell
