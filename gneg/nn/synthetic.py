"""Embeddings of negatives that are mixed with their positives, or stored with past embeddings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import embedding

from gneg import checks
from gneg.samplers.negatives import Negatives, Vectors


def embed(negatives: Negatives, z: Vectors) -> tuple[Tensor, Tensor]:
    """Return the embeddings of all pairs in the graph's direction, both ``[B, K, D]``.

    Those of ``z``, but for what is stored (``MemoryBank``) or mixed (``Mixup``): score these, and
    not ``z`` at ``negatives.pairs()``, where ``negatives.synthetic``.

    Args:
        negatives: The negatives of a sampler.
        z: ``[N, D]``, current embeddings; a pair, sources and targets, in a bipartite graph.
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
    """Return the embeddings ``[B, D]`` of both ends of the positives, in the graph's direction.

    Those of ``z``, but for what is stored.

    Args:
        negatives: The negatives of a sampler.
        z: ``[N, D]``, current embeddings; a pair, sources and targets, in a bipartite graph.

    Raises:
        ValueError: If the positives are not known.
    """
    query = _look_up(negatives, negatives.src, z, replaced=False)
    return negatives.directed(query, _positive_targets(negatives, z).to(query.dtype))


def _positive_targets(negatives: Negatives, z: Vectors) -> Tensor:
    """Embeddings ``[B, D]`` of the positives' replaced ends."""
    if negatives.stored is not None:
        tables, _, slot = negatives.stored
        return torch.cat(tables)[slot]
    if negatives.replaced is None:
        checks.fail("negatives", "drawn by a sampler, which notes the positives", negatives)
    return _look_up(negatives, negatives.replaced, z, replaced=True)


def _look_up(negatives: Negatives, ids: Tensor, z: Vectors, *, replaced: bool) -> Tensor:
    """Embeddings of replaced ends, or of queries.

    Looked up as an embedding: indexing has a slow gradient, whose sums come in any order.
    """
    if isinstance(z, Tensor):
        return embedding(ids, z)
    by_side = z[::-1] if replaced else z  # where targets are replaced, where sources are
    if not isinstance(negatives.side, Tensor):
        return embedding(ids, by_side[0] if negatives.side == "dst" else by_side[1])
    where_dst, where_src = (embedding(ids.clamp(max=len(table) - 1), table) for table in by_side)
    return torch.where(negatives.side.view(-1, *[1] * ids.dim()), where_src, where_dst)
