"""Tries of two-step walks on a device, and when a row is listed instead.

As in ``gneg/kernels/walks.py`` the tries of a row are a sequence, each with draws of its own, so
that they can be made in rounds of any size.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from gneg.graph.device_rows import DeviceRows, ranges
from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import steps, streams
from gneg.graph.take import take
from gneg.samplers.device.rows import (
    CPU_CELLS_OF_ROUNDS,
    CPU_ENOUGH,
    ENOUGH,
    append,
    in_chunks,
    numbered,
    split,
)

# As in gneg/kernels/listed_walks.py.
LEAST_REJECTED, LEAST_OF_ONE, PATHS_A_TRY = 64, 8, 8


class Walked(Protocol):
    """Two-step walks whose ends can be drawn by tries, or from a list of all of them."""

    @property
    def edges(self) -> DeviceRows:
        """The edges."""

    @property
    def draws_a_try(self) -> int:
        """The number of draws that each try has of its own."""

    def tried(self, rows: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ends ``[n]`` of walks from ``rows [n]``, and whether there was a way on.

        The first draw of a try is the one after ``state [n]``.
        """

    def from_list(
        self, non_edges: NonEdges, rows: Tensor, out: Tensor, filled: Tensor, state: Tensor
    ) -> Tensor:
        """Return ``out [b, K]``, filled from ``filled [b]`` on from all usable walks of rows."""


def drawn(walked: Walked, non_edges: NonEdges, rows: Tensor, k: int, seed: int) -> Tensor:
    """Return ``[B, k]`` usable ends of walks from each row; -1 in a row that has none.

    A row that rejects too often is listed instead, so that the ends follow the conditional
    distribution.

    Args:
        walked: The walks.
        non_edges: What rows may hold.
        rows: ``[B]``, the queries.
        k: Number of targets of each row, K.
        seed: Seed of the draws.
    """
    out = torch.full((len(rows), k), -1, dtype=torch.int64, device=rows.device)
    if len(walked.edges.indices):

        def work(part: slice) -> None:
            state = streams(seed, torch.arange(part.start, part.stop, device=rows.device))
            _draw(walked, non_edges, rows[part], out[part], state)

        in_chunks(work, len(rows), k, rows.device, CPU_CELLS_OF_ROUNDS)
    return out


def _draw(walked: Walked, non_edges: NonEdges, rows: Tensor, out: Tensor, state: Tensor) -> None:
    """Draw rows together: in each round at least as many tries of a row as it lacks targets."""
    edges, k, a_try = walked.edges, out.size(1), steps(walked.draws_a_try)
    fanout = edges.sizes(rows)
    allowed = torch.maximum(fanout // 4, take(edges.paths, rows) // PATHS_A_TRY)
    allowed.clamp_(min=LEAST_REJECTED if k > 1 else LEAST_OF_ONE)
    filled, failed = torch.zeros_like(rows), torch.zeros_like(rows)
    enough = CPU_ENOUGH if rows.device.type == "cpu" else ENOUGH
    live = (fanout > 0).nonzero().squeeze(1)
    while len(live):
        had, lost = take(filled, live), take(failed, live)
        lacking, left = k - had, take(allowed, live) - lost
        # Of few rows, many at once, but none that could not count.
        ahead = max(1, enough // (len(live) * k))
        tries = torch.minimum(lacking * ahead, lacking + left - 1)
        at, step = ranges(torch.zeros_like(tries), tries, int(tries.sum()))
        query = take(take(rows, live), at)
        start = take(state, live).add_(had.add_(lost), alpha=a_try)
        ends, good = walked.tried(query, take(start, at).add_(step, alpha=a_try))
        good.logical_and_(non_edges.exclude(query, ends).logical_not_())
        hits = good.nonzero().squeeze(1)
        at, step = take(at, hits), take(step, hits)
        number, good_of_row = numbered(at, len(live))
        kept = (number < take(lacking, at)).logical_and_(step - number < take(left, at))
        kept = kept.nonzero().squeeze(1)
        ends = take(ends, take(hits, kept))
        append(out, filled, live, take(at, kept), take(number, kept), ends)
        failed.index_add_(0, live, torch.minimum(tries - good_of_row, left))
        left = (filled < k).logical_and_(failed < allowed)
        live = take(live, take(left, live).nonzero().squeeze(1))
    listed = ((filled < k) & (fanout > 0)).nonzero().squeeze(1)
    listed = listed[fanout[listed].sort()[1]]  # so that those of a part are as wide
    for part in in_budget(edges, rows, listed):
        start = state[part] + a_try * (filled + failed)[part]
        out[part] = walked.from_list(non_edges, rows[part], out[part], filled[part], start)


def in_budget(edges: DeviceRows, rows: Tensor, lines: Tensor) -> list[Tensor]:
    """Return ``lines`` in parts whose walks fit the memory for one operation.

    So do their first steps, of which there are more where most of them lead nowhere.
    """
    rows = rows[lines]
    return split(torch.maximum(take(edges.paths, rows), edges.sizes(rows)), lines)
