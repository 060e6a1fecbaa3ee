"""Rows of targets on a device: exclusion, gaps and their filling, as ``gneg/kernels/pools.py``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from gneg.graph.non_edges import NonEdges
from gneg.graph.streams import GOLDEN, below, steps, streams
from gneg.graph.take import either, frequencies, take
from gneg.kernels import threads
from gneg.samplers.device import torch_threads

Part = TypeVar("Part")
Result = TypeVar("Result")

SPARE = 4  # draws beyond twice what a row lacks
# Entries of the largest tensors at once: on a CPU they stay in its caches; elsewhere 128 MB.
CPU_CELLS, CELLS = 2**16, 2**24
# The same where a call is a long sequence of operations on ever fewer rows.
CPU_CELLS_OF_ROUNDS = 2**20
# Tries of a round, on a CPU and elsewhere, below which rows are tried ahead.
CPU_ENOUGH, ENOUGH = 2**17, 2**20


def in_chunks(
    work: Callable[[slice], None],
    num_rows: int,
    width: int,
    device: torch.device,
    cells: int = CPU_CELLS,
) -> None:
    """Call ``work`` for slices of rows of ``width`` entries, on a CPU of at most ``cells``."""
    size = rows_at_once(width, device, cells)
    if device.type == "cpu":  # one for each thread, unless they are small
        share = -(-num_rows // threads.get_num_threads())
        size = min(size, max(share, threads.MIN_WORK // max(width, 1), 1))
    slices = [slice(lo, min(lo + size, num_rows)) for lo in range(0, num_rows, size)]
    over_parts(work, slices, device)


def over_parts(
    work: Callable[[Part], Result], parts: list[Part], device: torch.device
) -> list[Result]:
    """Return what ``work`` returns for each part, in order.

    On a CPU the threads of the kernels share them, and each operation of torch uses one thread:
    those that read at random places use no more in any case.
    """
    if device.type != "cpu" or len(parts) < 2 or threads.get_num_threads() < 2:
        return [work(part) for part in parts]

    def some(lo: int, hi: int) -> list[Result]:
        torch_threads.share()
        return [work(part) for part in parts[lo:hi]]

    with torch_threads.one_thread():
        results = threads.run_rows(some, len(parts), threads.MIN_WORK)
    return [result for of_some in results for result in of_some]


def place(out: Tensor, candidates: Tensor, usable: Tensor) -> None:
    """Copy each row's usable ``candidates [B, M]``, in order, to the -1 entries of ``out [B, K]``.

    Args:
        out: ``[B, K]``, changed in place.
        candidates: ``[B, M]``.
        usable: ``[B, M]`` bool.
    """
    empty = out < 0
    wanted = empty.cumsum(1).sub_(1)
    rank = usable.cumsum(1).sub_(1)
    # Those that are not placed all go to a column of their own.
    packed = torch.full((len(out), out.size(1) + 1), -1, dtype=out.dtype, device=out.device)
    taken = usable & (rank < out.size(1))
    packed.scatter_(1, either(taken, rank, out.size(1)), candidates)
    packed[:, -1] = -1
    out.copy_(either(empty, packed.gather(1, wanted.clamp_(min=0)), out))


def numbered(at: Tensor, num_rows: int) -> tuple[Tensor, Tensor]:
    """Return how many entries of its row precede each entry, ``[n]``, and the number in each row.

    Args:
        at: ``[n]``, the row of each entry, ascending.
        num_rows: Number of rows.
    """
    of_row = frequencies(at, num_rows)
    number = torch.arange(len(at), device=at.device)
    return number.sub_(take(of_row.cumsum(0) - of_row, at)), of_row


def append(
    out: Tensor, filled: Tensor, lines: Tensor, at: Tensor, number: Tensor, values: Tensor
) -> None:
    """Write values behind the entries of some rows.

    Args:
        out: ``[B, K]``, changed in place.
        filled: ``[B]``, number of entries of each row, changed in place.
        lines: ``[b]``, the rows.
        at: ``[n]``, which of ``lines`` each value is of, ascending.
        number: ``[n]``, its number among the values of the row.
        values: ``[n]``.
    """
    first = take(filled, lines).add_(lines, alpha=out.size(1))
    out.view(-1).scatter_(0, take(first, at).add_(number), values)
    filled.scatter_add_(0, take(lines, at), torch.ones_like(at))


def first_seen(before: Tensor, values: Tensor) -> Tensor:
    """Return which ``values [B, M]`` stand neither in ``before [B, K]`` nor earlier in their row.

    Not those below 0.
    """
    ordered, order = torch.cat([before, values], dim=1).sort(dim=1, stable=True)
    repeated = torch.zeros_like(ordered, dtype=torch.bool)
    repeated[:, 1:] = ordered[:, 1:] == ordered[:, :-1]
    duplicate = torch.zeros_like(repeated).scatter_(1, order, repeated)
    return (values >= 0) & ~duplicate[:, before.size(1) :]


def bad_in_a_row(good: Tensor, before: Tensor) -> Tensor:
    """Return how many draws in a row, each row's ``before`` among them, were bad at each draw."""
    steps = torch.arange(1, good.size(1) + 1, device=good.device).expand_as(good)
    last = either(good, steps, -before[:, None]).cummax(dim=1)[0]
    return steps - last


def exclude(
    non_edges: NonEdges, rows: Tensor, out: Tensor, candidates: Tensor, *, unique: bool
) -> None:
    """Copy to the -1 entries of ``out [B, K]`` the usable ``candidates [B, M]``, in their order."""

    def work(part: slice) -> None:
        good = non_edges.usable(rows[part, None], candidates[part])
        if unique:
            good = first_seen(out[part], torch.where(good, candidates[part], -1))
        place(out[part], candidates[part], good)

    in_chunks(work, len(out), candidates.size(1) + out.size(1), out.device)


def fill(
    non_edges: NonEdges, rows: Tensor, out: Tensor, seed: int, *, unique: bool
) -> tuple[int, int]:
    """Fill the -1 entries of ``out [B, K]`` uniformly, as :func:`gneg.kernels.pools.fill`.

    Returns:
        The number of entries that were filled, and of rows that are shorter than K.
    """
    k = out.size(1)
    sizes = non_edges.sizes(rows)
    short = sizes < k
    lines = ((out < 0).any(dim=1) | short).nonzero().squeeze(1)
    if not len(lines):
        return 0, 0
    filled, short_lines = 0, lines[short[lines]]
    for part in short_lines.split(rows_at_once(k, out.device)):
        rank = torch.arange(k, device=out.device).expand(len(part), k)
        out[part] = non_edges.at(rows[part, None].expand_as(rank), rank)
    for part in lines[~short[lines]].split(rows_at_once(k, out.device)):
        draw = _fill_each if unique else _fill_all
        filled += draw(non_edges, rows[part], out, part, seed)
    return filled, len(short_lines)


def rows_at_once(width: int, device: torch.device, cells: int = CPU_CELLS) -> int:
    """Return the number of rows of ``width`` entries that are worked on at once."""
    return max(1, (cells if device.type == "cpu" else CELLS) // max(width, 1))


def split(sizes: Tensor, lines: Tensor) -> list[Tensor]:
    """Return ``lines [n]`` in parts that fit the memory for one operation, of ``sizes [n]``."""
    if not len(lines):
        return []
    budget = 8 * CPU_CELLS if lines.device.type == "cpu" else CELLS
    part = sizes.cumsum(0).div_(budget, rounding_mode="floor")
    if not int(part[-1]):
        return [lines]
    return list(lines.split(torch.unique_consecutive(part, return_counts=True)[1].tolist()))


def _fill_all(non_edges: NonEdges, rows: Tensor, out: Tensor, lines: Tensor, seed: int) -> int:
    """Fill all gaps of some lines, with repeats; the n-th gap takes the n-th draw."""
    index = out[lines]
    empty = index < 0
    line, column = empty.nonzero(as_tuple=True)
    state = streams(seed, lines)[line] + GOLDEN * empty.cumsum(1)[line, column]
    rank = below(state, non_edges.sizes(rows)[line])
    index[line, column] = non_edges.ranked(rows[line], rank, non_edges.self_ranks(rows)[line])
    out[lines] = index
    return len(line)


def _fill_each(non_edges: NonEdges, rows: Tensor, out: Tensor, lines: Tensor, seed: int) -> int:
    """Fill all gaps of some lines without repeats: draws that a row holds are passed over."""
    state, sizes, skip = streams(seed, lines), non_edges.sizes(rows), non_edges.self_ranks(rows)
    filled = drawn = 0
    while len(lines):
        index = out[lines]
        gaps = (index < 0).sum(dim=1)
        count = 2 * int(gaps.max()) + SPARE
        filled += 0 if drawn else int(gaps.sum())
        number = torch.arange(drawn + 1, drawn + count + 1, device=out.device)
        rank = below(state[:, None] + GOLDEN * number, sizes[:, None])
        values = non_edges.ranked(rows[:, None].expand_as(rank), rank, skip[:, None])
        place(index, values, first_seen(index, values))
        out[lines] = index
        drawn += count
        left = (index < 0).any(dim=1).nonzero().squeeze(1)
        lines, rows, state, sizes, skip = (x[left] for x in (lines, rows, state, sizes, skip))
    return filled


def inverted(mass: Tensor, sizes: Tensor, share: Tensor) -> Tensor:
    """Return the entry ``[b, K]`` of each row on which a share of its running sum falls.

    Args:
        mass: ``[b, W]`` double, at least 0.
        sizes: ``[b]``, the number of entries of each row; what is behind them does not count.
        share: ``[b, K]`` double, in [0, 1).
    """
    last = (sizes - 1).clamp_(min=0)[:, None]
    sums = mass.cumsum(dim=1)
    goal = share * sums.gather(1, last)
    behind = torch.arange(mass.size(1), device=mass.device) > last
    entry = torch.searchsorted(sums.masked_fill_(behind, torch.inf), goal, right=True)
    return torch.minimum(entry, last)


def shuffle(out: Tensor, seed: int) -> None:
    """Put the entries of each row into random order, as :func:`gneg.kernels.pools.shuffle`."""
    state = streams(seed, torch.arange(len(out), device=out.device))
    for taken, j in enumerate(range(out.size(1) - 1, 0, -1), 1):
        swap = below(state + steps(taken), j + 1)[:, None]
        moved, swapped = out[:, j : j + 1].clone(), out.gather(1, swap)
        out[:, j : j + 1] = swapped
        out.scatter_(1, swap, moved)
