"""A PyG sampler whose negatives are those of each positive, and are no edges."""

from __future__ import annotations

import math
import zlib
from fractions import Fraction
from typing import Any

import torch
from torch import Tensor
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    NegativeSampling,
    NodeSamplerInput,
)
from torch_geometric.sampler.neighbor_sampler import edge_sample

from gneg import checks
from gneg.loader.neighbors import Output
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler
from gneg.samplers.negatives import Negatives
from gneg.transforms.stores import EdgeType


class _Chosen(NegativeSampling):  # type: ignore[misc]
    """Hands PyG negatives that were drawn before, in the layout that it asks for."""

    def __init__(self, asked: NegativeSampling, src: Tensor, dst: Tensor, amount: Any) -> None:
        super().__init__(asked.mode, asked.amount)
        self.amount, self.chosen = amount, {"src": src, "dst": dst}

    def sample(self, num_samples: int, endpoint: str, num_nodes: int | None = None) -> Tensor:
        """Return the end that was drawn."""
        return self.chosen[endpoint]


class LinkSampler(BaseSampler):  # type: ignore[misc]
    """Neighbourhoods of positives and of their own, exact negatives.

    Args:
        neighbors: PyG's ``NeighborSampler`` or :class:`~gneg.loader.NeighborSampler`.
        sampler: Draws the negatives, in the graph of the edge type that links are of.
        exclude_targets: Leave the batch's own positives out of message passing, both ways.
        reverse: The edge type that holds the same edges the other way round.
        seed: Where all randomness comes from.

    Attributes:
        state: ``[1]`` long in shared memory: the epoch.
        z: Embeddings in shared memory, for adaptive samplers; None until they are given.
    """

    def __init__(
        self,
        neighbors: Any,
        sampler: Sampler | None,
        *,
        exclude_targets: bool = False,
        reverse: EdgeType | None = None,
        seed: int = 0,
    ) -> None:
        self.neighbors, self.sampler = neighbors, sampler
        self.exclude_targets, self.reverse = exclude_targets, reverse
        self.seed = seed
        self.state = torch.zeros(1, dtype=torch.long).share_memory_()
        self.z: tuple[Tensor, Tensor] | None = None

    def sample_from_nodes(self, inputs: NodeSamplerInput) -> Output:
        """As the neighbour sampler does."""
        return self.neighbors.sample_from_nodes(inputs)

    def sample_from_edges(
        self, inputs: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> Output:
        """Neighbourhoods of the ends of edges and, if asked for, of negatives of each."""
        inputs = _flat(inputs)
        chosen = None if neg_sampling is None else self._choose(inputs, neg_sampling)
        neighbors = self.neighbors
        draw = neighbors.sample if hasattr(neighbors, "sample") else neighbors._sample
        out = edge_sample(inputs, draw, neighbors.num_nodes, neighbors.disjoint, None, chosen)
        if self.exclude_targets:
            self._hide(out, inputs)
        kind = getattr(neighbors.subgraph_type, "value", neighbors.subgraph_type)
        return out.to_bidirectional() if kind == "bidirectional" else out

    @property
    def edge_permutation(self) -> Any:
        """That of the neighbour sampler."""
        return self.neighbors.edge_permutation

    def score(self, src: Tensor, dst: Tensor) -> Tensor:
        """The model, as far as workers know it: the dot product of the embeddings they were given.

        Raises:
            ValueError: If they were given none.
        """
        if self.z is None:
            checks.fail("z", "given by loader.refresh(z) for a sampler that needs a model", None)
        return (self.z[0][src] * self.z[1][dst]).sum(dim=-1)

    def _draw(self, inputs: EdgeSamplerInput, k: int) -> Negatives:
        """Negatives that depend on the positives and the epoch, not on the worker."""
        assert self.sampler is not None
        pos = torch.stack([inputs.row, inputs.col]).cpu().long()
        mark = zlib.crc32(pos.numpy().tobytes())
        seed = split_seed(split_seed(self.seed, int(self.state)), mark)
        z: Any = self.z
        if z is not None and not self.sampler.graph.bipartite:
            z = z[0]
        score = self.score if "score" in self.sampler.needs else None
        return self.sampler.sample(pos, k, z=z, score=score, generator=generator_from(seed))

    def _choose(self, inputs: EdgeSamplerInput, asked: NegativeSampling) -> NegativeSampling:
        """Draw negatives, in PyG's layout.

        Pairs of a batch, and triplets of disjoint neighbourhoods, are ordered with the positives
        running fastest; other triplets with the negatives of a positive together.
        """
        if self.sampler is None:
            return asked
        positives = len(inputs.row)
        k = math.ceil(asked.amount)
        negatives = self._draw(inputs, k)
        src, dst = negatives.pairs()
        mask = _filled(negatives)
        lone = ~mask.any(dim=1)
        if lone.any() and (asked.is_triplet() or self.neighbors.disjoint):
            pair = inputs.row[lone][0].item(), inputs.col[lone][0].item()
            allowed = "of nodes that have a non-edge"
            checks.fail("edge_label_index", f"{allowed} in triplets and disjoint batches", pair)
        pick = torch.where(mask, torch.arange(k), 0)
        short = ~mask & ~lone.unsqueeze(1)
        if short.any():  # repeat what a row has: PyG knows no shorter ones
            have = mask.sum(dim=1, keepdim=True).clamp(min=1)
            pick = torch.where(mask, pick, torch.arange(k) % have)
        src, dst = src.gather(1, pick), dst.gather(1, pick)
        if asked.is_triplet():
            if self.neighbors.disjoint:
                src, dst = src.t(), dst.t()
            return _Chosen(asked, src.reshape(-1), dst.reshape(-1), asked.amount)
        there = (~lone).unsqueeze(0).expand(k, -1).reshape(-1)
        wanted = math.ceil(positives * asked.amount)
        src, dst = src.t().reshape(-1)[:wanted], dst.t().reshape(-1)[:wanted]
        kept = there[:wanted]
        amount = Fraction(int(kept.sum()), max(positives, 1))
        return _Chosen(asked, src[kept], dst[kept], amount)

    def _hide(self, out: Any, inputs: EdgeSamplerInput) -> None:
        """Take the batch's positives out of the sampled edges."""
        input_type = inputs.input_type
        pairs = torch.stack([inputs.row, inputs.col]).cpu().long()
        if input_type is None:
            keep = _others(
                out.node, out.node, out.row, out.col, torch.cat([pairs, pairs.flip(0)], 1)
            )
            out.num_sampled_edges = _recount(keep, out.num_sampled_edges)
            out.row, out.col = out.row[keep], out.col[keep]
            out.edge = None if out.edge is None else out.edge[keep]
            return
        targets = {input_type: pairs}
        if self.reverse is not None:
            targets[self.reverse] = pairs.flip(0)
        elif input_type[0] == input_type[-1]:
            targets[input_type] = torch.cat([pairs, pairs.flip(0)], dim=1)
        for edge_type, hidden in targets.items():
            ends = out.node[edge_type[0]], out.node[edge_type[-1]]
            keep = _others(*ends, out.row[edge_type], out.col[edge_type], hidden)
            count = out.num_sampled_edges[edge_type]
            out.num_sampled_edges[edge_type] = _recount(keep, count)
            out.row[edge_type] = out.row[edge_type][keep]
            out.col[edge_type] = out.col[edge_type][keep]
            if out.edge is not None:
                out.edge[edge_type] = out.edge[edge_type][keep]


def _flat(inputs: EdgeSamplerInput) -> EdgeSamplerInput:
    """The same links in one row, whatever shape their positions were given in."""
    fields = (inputs.input_id, inputs.row, inputs.col, inputs.label, inputs.time)
    flat = [one if one is None or one.dim() < 2 else one.reshape(-1) for one in fields]
    return EdgeSamplerInput(*flat, inputs.input_type)


def _filled(negatives: Negatives) -> Tensor:
    """The mask, with what is usable in a row first."""
    mask = negatives.mask
    if (mask[:, 1:] & ~mask[:, :-1]).any():
        checks.fail("sampler", "one that fills rows from the left", negatives)
    return mask


def _others(src_node: Tensor, dst_node: Tensor, row: Tensor, col: Tensor, hidden: Tensor) -> Tensor:
    """Which edges are none of ``hidden [2, n]``."""
    size = int(max(dst_node.max(), hidden[1].max())) + 1 if len(dst_node) else 1
    return ~torch.isin(src_node[row] * size + dst_node[col], hidden[0] * size + hidden[1])


def _recount(keep: Tensor, counts: list[int] | None) -> list[int] | None:
    """Edges of each hop that are left."""
    return None if counts is None else [int(part.sum()) for part in keep.split(counts)]
