"""Draws from shortest-path shells on a device, as ``gneg/kernels/shells.py``.

A ball is a list of keys (ball, node) with the distance of each, so that many balls grow together;
rows of equal queries share one.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import below
from gneg.graph.take import take
from gneg.samplers.device.balls import apart
from gneg.samplers.device.rows import over_parts, rows_at_once, split
from gneg.samplers.device.slots import Shells, Slots

FEW_PATHS, PATHS, MANY = 32, 64, 16  # as in gneg/kernels/shells.py
TRY = 32  # as in gneg/kernels/frontier.py
LISTED_A_TRY = 2  # as in gneg/kernels/second_neighbors.py
# Of each slot, about: nodes of a larger ball, and tries.
CELLS_A_ROW, TRIES = 64, 4


class Drawing(Slots):
    """Rows that are drawn together, shell by shell."""

    def draw_along_edges(self, shell: int, lines: Tensor) -> None:
        """Fill slots of the shell behind the frontier by tries, without listing it."""
        balls, num_targets = self.balls, self.non_edges.num_targets
        ball, nodes = balls.shell(shell - 1)
        sizes = self.shells.edges.sizes(nodes)
        sums = sizes.cumsum(0)
        ends = torch.zeros_like(balls.depth).index_add_(0, ball, sizes)
        before = ends.cumsum(0) - ends
        by_edge, by_bits = ends < num_targets, self.by_bits(shell)
        if by_bits:
            by_edge.zero_()

        def draw(lines: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of = take(self.ball, lines)
            edge = take(by_edge, of)
            rank = below(state, torch.where(edge, take(ends, of), num_targets))
            place_of = take(before, of) + torch.where(edge, rank, 0)
            at = torch.searchsorted(sums, place_of, right=True)
            source = take(nodes, at)
            last = take(self.shells.edges.indptr, source + 1) - (take(sums, at) - place_of)
            target = self.shells.edges.at(last)
            node = torch.where(edge, target, rank + self.shells.target_shift)
            good = self.usable(of, node).logical_and_(balls.distance(of, node) < 0)
            cost, new = torch.full_like(node, 1 if by_bits else TRY), good.nonzero().squeeze(1)
            parent, has_parent, searched = balls.first_parent(
                take(of, new), take(node, new), torch.full_like(new, shell - 1), self.shells.back
            )
            if not by_bits:
                cost.index_add_(0, new, searched)
            along = has_parent & (~take(edge, new) | (parent == take(source, new)))
            good.scatter_(0, new, along)
            return node, good, cost

        few = self.wanted(shell).sum(1)
        enough = torch.where(few < MANY, FEW_PATHS, PATHS) * few
        budget = take(ends, self.ball)
        tried = budget > enough
        if self.shells.second is not None and by_bits:  # a look in the bitmap of a kernel's row
            size = self.shells.second[self.rows]
            budget = 2 * size // LISTED_A_TRY
            tried = few * num_targets * LISTED_A_TRY <= size * size
        self.try_until(lines, shell, torch.where(tried, budget, 0), draw, False)

    def by_bits(self, shell: int) -> bool:
        """Return whether kernels draw from a shell by bitmaps."""
        return shell == 2 and self.shells.second is not None

    def draw_expanded(self, shell: int, lines: Tensor) -> None:
        """Fill slots of an expanded shell by tries, then from the list of what is usable."""
        if self.by_bits(shell):  # after the tries; the list is in order
            ball, nodes = self.balls.among(shell, take(self.ball, lines))
            order = (ball * self.balls.size + nodes).sort()[1]
            self.draw_listed(shell, lines, take(ball, order), take(nodes, order))
            self.explored[lines] = shell - 1  # the kernel lists its bitmap
            return
        _, nodes = self.balls.shell(shell)
        size, begin = self.balls.counts(shell)
        of_line = take(size, self.ball)

        def draw(lines: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of = take(self.ball, lines)
            node = take(nodes, take(begin, of) + below(state, take(size, of)))
            return node, self.usable(of, node), torch.ones_like(node)

        budget = torch.where(of_line > 0, self.out.size(1) + of_line // 8, 0)
        self.try_until(lines, shell, budget, draw, True)
        lines = self.lacking(shell, lines)
        if len(lines):
            self.draw_listed(shell, lines, *self.balls.among(shell, take(self.ball, lines)))

    def draw_listed(self, shell: int, lines: Tensor, ball: Tensor, nodes: Tensor) -> None:
        """Fill slots of a shell from the usable ones of listed nodes, by balls."""
        good = self.usable(ball, nodes).nonzero().squeeze(1)
        self.from_list(lines, shell, take(ball, good), take(nodes, good))

    def draw_far(self, shell: int, lines: Tensor) -> None:
        """Fill slots with targets that are further than the shell before."""
        balls, num_targets = self.balls, self.non_edges.num_targets
        shift = self.shells.target_shift
        explored = self.explored.clone()  # a ball may be larger, for another line

        def draw(lines: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            of, depth = take(self.ball, lines), take(explored, lines)
            node = below(state, num_targets) + shift
            cost = torch.full_like(node, TRY)
            distance = balls.distance(of, node)
            good = ((distance < 0) | (distance > depth)) & self.usable(of, node)
            # The last shell is to come.
            new = (good & (depth < shell - 1)).nonzero().squeeze(1)
            _, has_parent, searched = balls.first_parent(
                take(of, new), take(node, new), take(depth, new), self.shells.back
            )
            cost.index_add_(0, new, searched)
            good.scatter_(0, new, ~has_parent)
            return node, good, cost

        self.try_until(lines, shell, torch.full_like(self.rows, num_targets), draw, False)
        lines = self.lacking(shell, lines)
        self.expand_to(shell - 1, lines)
        everyone = torch.arange(num_targets, device=lines.device) + shift
        for part in lines.split(rows_at_once(num_targets, lines.device)) if len(lines) else ():
            of = take(self.ball, part).unique()[:, None].expand(-1, num_targets)
            nodes = everyone.expand_as(of)
            good = (balls.distance(of, nodes) < 0) & self.usable(of, nodes)
            self.from_list(part, shell, of[good], nodes[good])

    def draw(self) -> None:
        """Fill all slots, shell by shell."""
        everyone, step = torch.arange(len(self.rows), device=self.rows.device), self.shells.step
        far = self.shells.hops[-1]
        for shell in range(1 + step, far, step):
            lines = self.lacking(shell, everyone)
            if not len(lines):
                continue
            self.expand_to(shell - 1, lines)
            self.draw_along_edges(shell, lines)
            lines = self.lacking(shell, lines)
            if len(lines):
                self.expand_to(shell, lines)
                self.draw_expanded(shell, lines)
            fallen = self.wanted(shell)
            self.shell = torch.where(fallen, shell + step, self.shell)
            self.fell += int(fallen.sum())
        self.shell.clamp_(max=far)
        lines = self.lacking(far, everyone)
        if len(lines):
            self.expand_to(far - 2, lines)
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

    def work(lines: Tensor) -> int:
        drawing = Drawing(shells, non_edges, rows[lines], lines, k, seed)
        drawing.draw()
        out[lines] = drawing.out
        return drawing.fell

    def all_of(lines: Tensor) -> int:
        return sum(apart(work, lines))

    return out, sum(over_parts(all_of, _together(shells, rows, k), rows.device))


def _together(shells: Shells, rows: Tensor, k: int) -> list[Tensor]:
    """Return the lines of rows in parts that are drawn together, those of as many paths."""
    # Equal rows stand side by side, and so do those of as many paths.
    lines = rows.sort()[1]
    paths, order = shells.edges.paths[rows[lines]].sort(descending=True, stable=True)
    lines = lines[order]
    few = FEW_PATHS if k < MANY else PATHS
    # Of few paths all are listed, of many some are tried.
    cells = torch.where(paths > few * k, TRIES * k, paths).clamp_(min=k)
    if shells.hops[-1] > 1 + 2 * shells.step:  # balls of more than two steps
        cells.clamp_(min=CELLS_A_ROW * k)
    return split(cells, lines)
