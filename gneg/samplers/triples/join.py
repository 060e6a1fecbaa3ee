"""Negatives of heads and of tails, joined into one result."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg.samplers.base import IntArray
from gneg.samplers.negatives import Density, Negatives

#: Positions of rows in a batch, and their negatives.
Drawn = tuple[IntArray, Negatives]


def join(pos: Tensor, parts: list[Drawn], swapped: npt.NDArray[np.bool_]) -> Negatives:
    """Join negatives of both ends in the order of ``pos``, with entities instead of queries.

    Args:
        pos: ``[3, B]``, the positives.
        parts: Positions of rows and their negatives, which together are all rows; later parts
            replace rows of earlier ones.
        swapped: ``[B]``, whether the head of each row is replaced.
    """
    head, relation, tail = pos.detach().cpu().long()

    def whole(name: str) -> Tensor | None:
        values = [getattr(drawn, name) for _, drawn in parts]
        if any(value is None for value in values):
            return None
        arrays = [value.numpy() for value in values]
        shape = pos.size(1), *arrays[0].shape[1:]
        if len(arrays) == 1:  # all rows, in order
            (out,) = arrays
        elif name == "mask" and all(array.all() for array in arrays):  # nearly always
            out = np.ones(shape, bool)
        else:
            out = np.empty(shape, arrays[0].dtype)
            for (positions, _), array in zip(parts, arrays, strict=True):
                out[positions] = array
        return torch.from_numpy(out).to(pos.device)

    side = torch.from_numpy(swapped)
    counts: dict[str, int] = {}
    for _, drawn in parts:
        for name, value in drawn.counts.items():
            counts[name] = counts.get(name, 0) + value
    index, mask = whole("index"), whole("mask")
    assert index is not None
    assert mask is not None
    return Negatives(
        src=torch.where(side, tail, head).to(pos.device),
        index=index,
        mask=mask,
        density=Density(lambda: whole("log_q"), lambda: whole("pos_log_q")),
        side=side.to(pos.device),
        counts=counts,
        replaced=torch.where(side, head, tail).to(pos.device),
        mix=whole("mix"),
        relation=relation.to(pos.device),
    )
