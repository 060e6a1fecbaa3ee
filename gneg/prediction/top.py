"""The highest of many scores, in less time than ``torch.topk`` takes for few of them."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 64  # columns of which the highest is looked at first


def top(scores: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the k highest scores of each row, highest first, and their columns, ``[b, k]``.

    The k highest lie in the k blocks of columns with the highest maxima, so that all others are
    read once: exact, several times as fast as ``torch.topk`` on 300,000 columns.

    Args:
        scores: ``[b, M]``.
        k: How many, in [1, M].
    """
    blocks = scores.size(1) // BLOCK
    if blocks <= 4 * k:
        best = scores.topk(k)
        return best.values, best.indices
    whole = scores[:, : blocks * BLOCK].unflatten(1, (blocks, BLOCK))
    chosen = whole.amax(dim=2).topk(k).indices
    columns = (chosen.unsqueeze(2) * BLOCK + torch.arange(BLOCK, device=scores.device)).flatten(1)
    tail = torch.arange(blocks * BLOCK, scores.size(1), device=scores.device)
    columns = torch.cat([columns, tail.expand(len(scores), -1)], dim=1)
    best = scores.gather(1, columns).topk(k)
    return best.values, columns.gather(1, best.indices)
