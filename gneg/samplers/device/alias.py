"""Draws by an alias table on a device, as ``gneg/kernels/alias.py``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, streams, unit
from gneg.graph.take import either, take
from gneg.samplers.device.rows import bad_in_a_row, in_chunks, inverted, place, rows_at_once


class AliasTable(NamedTuple):
    """An alias table over all targets, on a device.

    Attributes:
        accept: ``[N]``, share of the draws of a target that stay with it.
        alias: ``[N]``, the target that gets the others.
        weight: ``[N]`` double, the weights.
        total: Their sum.
    """

    accept: Tensor
    alias: Tensor
    weight: Tensor
    total: float

    @classmethod
    def of(
        cls,
        table: tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]],
        weight: npt.NDArray[np.float64],
        device: torch.device,
    ) -> AliasTable:
        """Return a table of the kernels and its weights on a device."""
        accept, alias = (torch.from_numpy(array.copy()).to(device) for array in table)
        of_targets = torch.from_numpy(weight.copy()).to(device)
        return cls(accept, alias, of_targets, float(weight.sum()))


def draws(
    table: AliasTable, non_edges: NonEdges, rows: Tensor, k: int, seed: int, tries: int
) -> Tensor:
    """Return ``k`` targets of each row, known ones rejected; -1 in a row that has no other.

    Where ``tries`` are rejected in a row, the rest is drawn from the conditional distribution.

    Args:
        table: The table.
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        k: Number of targets of each row, K.
        seed: Seed of the draws.
        tries: Draws that are rejected before a row's non-edges are listed.
    """
    out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)
    if not len(table.weight):
        return out

    def work(part: slice) -> None:
        lines = torch.arange(part.start, part.stop, device=rows.device)
        state = streams(seed, lines)
        failed = torch.zeros_like(lines)  # in a row, so far
        drawn, index = torch.zeros_like(lines), out[part]
        live = torch.arange(len(lines), device=rows.device)
        while len(live):
            gaps = (index[live] < 0).sum(dim=1)
            number = torch.arange(int(gaps.max()), device=rows.device)
            place_of = state[live, None] + GOLDEN * (2 * (drawn[live, None] + number) + 1)
            target = below(place_of, len(table.weight))
            stays = unit(place_of + GOLDEN) < take(table.accept, target)
            target = either(stays, target, take(table.alias, target).long())
            good = non_edges.usable(rows[part][live, None], target)
            good &= take(table.weight, target) > 0
            # A slot is filled by each good draw, and a row given up after so many bad ones.
            run = bad_in_a_row(good, failed[live])
            over = (run >= tries).cumsum(dim=1)
            good &= (over == 0) & (good.cumsum(dim=1) <= gaps[:, None])
            complete = good.cumsum(dim=1) >= gaps[:, None]
            stopped = complete | (over > 0)
            # Draws up to the one that ends the row, or all of them.
            used = (~stopped).sum(dim=1).add_(stopped.any(dim=1).long())
            block = index[live]
            place(block, target, good)
            index[live] = block
            drawn[live] += used
            failed[live] = run[:, -1]
            given_up = ((over[:, -1] > 0) & ~complete[:, -1]).nonzero().squeeze(1)
            if len(given_up):
                _draw_listed(table, non_edges, rows[part], index, live[given_up], state, drawn)
            live = live[(~stopped.any(dim=1)).nonzero().squeeze(1)]
        out[part] = index

    in_chunks(work, len(rows), k, rows.device)
    return out


def _draw_listed(
    table: AliasTable,
    non_edges: NonEdges,
    rows: Tensor,
    index: Tensor,
    lines: Tensor,
    state: Tensor,
    drawn: Tensor,
) -> None:
    """Fill the gaps of some lines by inverting the conditional distribution."""
    targets = torch.arange(len(table.weight), device=rows.device)
    for line in lines.split(rows_at_once(len(targets), rows.device)):
        free = non_edges.usable(rows[line, None], targets.expand(len(line), -1))
        free &= table.weight > 0
        mass, sizes = torch.where(free, table.weight, 0.0), torch.full_like(line, len(targets))
        block = index[line]
        number = (block < 0).cumsum(dim=1)
        share = unit(state[line, None] + GOLDEN * (2 * drawn[line, None] + number))
        drawable = (block < 0) & free.any(dim=1, keepdim=True)
        index[line] = torch.where(drawable, inverted(mass, sizes, share), block)


def log_density(table: AliasTable, non_edges: NonEdges, rows: Tensor, index: Tensor) -> Tensor:
    """Return the log share ``[B, K]`` of each target's weight among its row's non-edges, double.

    NaN in a row without any weighted non-edge.
    """
    weight, known = table.weight, non_edges.known
    line, position = known.entries(rows)
    targets = known.at(position)
    left = torch.full((len(rows),), table.total, dtype=torch.float64, device=rows.device)
    left.index_add_(0, line, weight[targets], alpha=-1)
    if non_edges.no_self:
        left -= torch.where(known.contain(rows, rows), 0.0, weight[rows])
    scarce = (left <= 1e-9 * table.total).nonzero().squeeze(1)  # cancellation: add what is left
    everyone = torch.arange(len(weight), device=rows.device)
    for part in scarce.split(rows_at_once(len(weight), rows.device)):
        free = non_edges.usable(rows[part, None], everyone.expand(len(part), -1))
        left[part] = torch.where(free, weight, 0.0).sum(dim=1)
    none = left[:, None] <= 0
    return torch.where(none, torch.nan, weight[index.clamp(min=0)].log() - left.log()[:, None])
