"""Embeddings of synthetic negatives: mixed with their positives, or stored at earlier steps."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding

from gneg import checks
from gneg.samplers.negatives import Negatives, Vectors

__all__ = ["embed", "embed_positives"]


def embed(negatives: Negatives, z: Vectors) -> tuple[Tensor, Tensor]:
    """Return the embeddings of sources and targets of all negatives, each ``[B, K, D]``.

    They are rows of ``z``, except where a sampler stores targets (``MemoryBank``) or mixes them
    with the positive (``Mixup``). Where ``negatives.synthetic`` is true, score these embeddings
    instead of ``z`` at ``negatives.pairs()``.

    Args:
        negatives: The negatives of a sampler.
        z: Current embeddings, ``[N, D]``; in a bipartite graph a pair, sources and targets.
    """
    if negatives.stored is not None:
        tables, slot, _ = negatives.stored
        target = torch.cat(tables)[slot]
    else:
        target = _look_up(negatives, negatives.index, z, replaced=True)
    query = _look_up(negatives, negatives.src, z, replaced=False)
    if negatives.mix is not None:
        share = negatives.mix.unsqueeze(-1).to(target.dtype)
        positive = _positive_targets(negatives, z).unsqueeze(1)
        target = share * positive + (1 - share) * target
    return negatives.directed(query.unsqueeze(1).expand_as(target), target.to(query.dtype))


def embed_positives(negatives: Negatives, z: Vectors) -> tuple[Tensor, Tensor]:
    """Return the embeddings of sources and targets of the positives, each ``[B, D]``.

    They are rows of ``z``, except where the sampler stores targets (``MemoryBank``).

    Args:
        negatives: The negatives of a sampler.
        z: Current embeddings, ``[N, D]``; in a bipartite graph a pair, sources and targets.

    Raises:
        ValueError: If the negatives do not hold their positives.
    """
    query = _look_up(negatives, negatives.src, z, replaced=False)
    return negatives.directed(query, _positive_targets(negatives, z).to(query.dtype))


def _positive_targets(negatives: Negatives, z: Vectors) -> Tensor:
    """Return the embeddings ``[B, D]`` of the ends of positives that negatives replace."""
    if negatives.stored is not None:
        tables, _, slot = negatives.stored
        return torch.cat(tables)[slot]
    if negatives.replaced is None:
        checks.fail("negatives", "drawn by a sampler, which notes the positives", negatives)
    return _look_up(negatives, negatives.replaced, z, replaced=True)


def _look_up(negatives: Negatives, ids: Tensor, z: Vectors, *, replaced: bool) -> Tensor:
    """Return the embeddings of ``ids``, at the replaced end or at the query's end of each row.

    By an embedding lookup: the gradient of indexing is slow, and adds in an undefined order.
    """
    if isinstance(z, Tensor):
        return embedding(ids, z)
    by_side = z[::-1] if replaced else z  # the table where targets, and where sources are replaced
    if not isinstance(negatives.side, Tensor):
        return embedding(ids, by_side[0] if negatives.side == "dst" else by_side[1])
    where_dst, where_src = (embedding(ids.clamp(max=len(table) - 1), table) for table in by_side)
    return torch.where(negatives.side.view(-1, *[1] * ids.dim()), where_src, where_dst)
