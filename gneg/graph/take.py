"""Reads at many positions, choices of many values, counts of numbers, and different columns."""

from __future__ import annotations

import torch
from torch import Tensor


def take(values: Tensor, positions: Tensor) -> Tensor:
    """Return ``values[positions]``, in a third of the time that an index takes on a CPU.

    Args:
        values: Of one dimension.
        positions: Integers, at least 0, of any shape.
    """
    return values.index_select(0, positions.reshape(-1)).view(positions.shape)


def either(condition: Tensor, chosen: Tensor, otherwise: Tensor | int) -> Tensor:
    """Return ``chosen`` where a condition holds, ``otherwise`` elsewhere; integers.

    On a CPU ``torch.where`` takes a branch at each entry, which costs five times as much as
    arithmetic where the condition is as good as random.
    """
    if condition.device.type != "cpu":
        return torch.where(condition, chosen, otherwise)
    return (chosen - otherwise).mul_(condition).add_(otherwise)


def frequencies(numbers: Tensor, end: int) -> Tensor:
    """Return how often each number below ``end`` is among ``numbers [n]``, ``[end]``.

    As ``torch.bincount``, which waits for a device.
    """
    counts = torch.zeros(end, dtype=torch.int64, device=numbers.device)
    return counts.scatter_add_(0, numbers, torch.ones_like(numbers))


def distinct(ids: Tensor) -> tuple[Tensor, Tensor]:
    """Return the different columns of ``ids [M, E]`` in ascending order, and which one each is.

    As ``torch.unique(ids, dim=1, return_inverse=True)``, which compares columns one by one and
    takes 20 to 30 times as long.
    """
    if ids.numel() == 0:
        return ids, torch.zeros(ids.size(1), dtype=torch.long, device=ids.device)
    key, size = torch.zeros_like(ids[0], dtype=torch.long), 1
    for row in ids.long():
        low, high = int(row.min()), int(row.max())
        number = row - low
        if size * (high - low + 1) > torch.iinfo(torch.int64).max:  # ranks are smaller
            (size, key), (end, number) = _ranks(key), _ranks(row)
        else:
            end = high - low + 1
        key, size = key * end + number, size * end
    size, which = _ranks(key)
    columns = ids.new_empty(ids.size(0), size)
    columns[:, which] = ids
    return columns, which


def _ranks(numbers: Tensor) -> tuple[int, Tensor]:
    """Return how many different numbers there are, and the rank of each among them."""
    different, ranks = torch.unique(numbers, return_inverse=True)
    return len(different), ranks
