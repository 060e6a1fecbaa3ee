"""Densities of draws from shells on a device, as ``log_prob`` of ``gneg/kernels/ball.py``."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg.graph.non_edges import NonEdges
from gneg.samplers.device.balls import apart
from gneg.samplers.device.rows import in_chunks
from gneg.samplers.device.shells import CELLS_A_ROW
from gneg.samplers.device.slots import Shells, Slots


def log_density(
    shells: Shells, weights: Tensor, non_edges: NonEdges, rows: Tensor, index: Tensor
) -> Tensor:
    """Return the log density ``[B, K]`` of targets, double, by finding every shell.

    Args:
        shells: The shells.
        weights: ``[len(hops)]`` double, their shares.
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        index: ``[B, K]``, targets; -1 entries get any value.
    """
    out = torch.empty(index.shape, dtype=torch.float64, device=rows.device)
    far = shells.hops[-1]

    def measure(lines: Tensor) -> None:
        slots = Slots(shells, non_edges, rows[lines], lines, 1, 0)
        balls, of = slots.balls, slots.ball
        balls.expand_to(far - 1, torch.ones_like(balls.centres, dtype=torch.bool))
        share = torch.zeros(len(balls.centres), far + 1, dtype=torch.float64, device=rows.device)
        share[:, shells.hops] = weights
        whole = non_edges.sizes(balls.centres)
        size = torch.zeros_like(share)
        for depth in range(1, far):
            ball, nodes = balls.shell(depth)
            size[:, depth].index_add_(0, ball, slots.usable(ball, nodes).double())
        size[:, far] = whole - size.sum(1)
        for depth in range(1 + shells.step, far, shells.step):
            empty = size[:, depth] == 0
            share[:, min(depth + shells.step, far)] += torch.where(empty, share[:, depth], 0.0)
            share[:, depth] = torch.where(empty, 0.0, share[:, depth])
        none_far = (size[:, far] == 0) & (whole > 0)
        anywhere = torch.where(none_far, share[:, far] / whole.clamp(min=1), 0.0)
        nodes = index[lines].clamp(min=0) + shells.target_shift
        depth_of = balls.distance(of[:, None].expand_as(nodes), nodes)
        depth_of = torch.where(depth_of < 0, far, depth_of)
        share_there, size_there = share[of].gather(1, depth_of), size[of].gather(1, depth_of)
        inside = (depth_of > 0) & (size_there > 0)
        mass = torch.where(inside, share_there / size_there, 0.0) + anywhere[of][:, None]
        out[lines] = mass.log()

    order = rows.sort()[1]  # equal rows side by side: they share a ball

    def work(part: slice) -> None:
        apart(measure, order[part])

    in_chunks(work, len(rows), CELLS_A_ROW * index.size(1), rows.device)
    return out
