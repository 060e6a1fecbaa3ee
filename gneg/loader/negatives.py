"""A PyG link sampler that draws exact negatives of each positive."""

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
from gneg.loader.neighborhood import Output
from gneg.rng import generator_from, split_seed
from gneg.samplers import Guarded, NodeTime, Sampler
from gneg.samplers.negatives import Negatives
from gneg.transforms.stores import EdgeType


class _DrawnNegatives(NegativeSampling):  # type: ignore[misc]
    """Negatives that were drawn before, handed to PyG in its own layout."""

    def __init__(self, request: NegativeSampling, src: Tensor, dst: Tensor, amount: Any) -> None:
        super().__init__(request.mode, request.amount)
        self.amount, self.ends = amount, {"src": src, "dst": dst}

    def sample(self, num_samples: int, endpoint: str, num_nodes: int | None = None) -> Tensor:
        """Return the negatives' sources or targets."""
        return self.ends[endpoint]


class LinkSampler(BaseSampler):  # type: ignore[misc]
    """A sampler of the neighbourhoods of positives and of their exact negatives.

    Args:
        neighbors: PyG's ``NeighborSampler`` or :class:`~gneg.loader.NeighborSampler`.
        sampler: The sampler that draws the negatives, on the graph of the links' edge type; None:
            PyG draws them.
        exclude_targets: Whether the positives of the batch are left out of message passing, in
            both directions.
        reverse: The edge type that holds the same edges in the other direction.
        node_time: When each source and each target came to be, ``[num_src]`` and ``[num_dst]``:
            the negatives of a link with a time are no later; None: nodes have no times.
        seed: Seed of the negatives.

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
        node_time: tuple[Tensor, Tensor] | None = None,
        seed: int = 0,
    ) -> None:
        self.neighbors, self.sampler = neighbors, sampler
        self.exclude_targets, self.reverse = exclude_targets, reverse
        self.node_time, self.seed = node_time, seed
        self.state = torch.zeros(1, dtype=torch.long).share_memory_()
        self.z: tuple[Tensor, Tensor] | None = None

    def sample_from_nodes(self, inputs: NodeSamplerInput) -> Output:
        """Sample the neighbourhoods of nodes."""
        return self.neighbors.sample_from_nodes(inputs)

    def sample_from_edges(
        self, inputs: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> Output:
        """Sample the neighbourhoods of the ends of edges and of negatives, if there are any."""
        inputs = _flat(inputs)
        negatives = None if neg_sampling is None else self._negatives(inputs, neg_sampling)
        neighbors = self.neighbors
        draw = neighbors.sample if hasattr(neighbors, "sample") else neighbors._sample
        out = edge_sample(inputs, draw, neighbors.num_nodes, neighbors.disjoint, None, negatives)
        if self.exclude_targets:
            self._hide(out, inputs)
        kind = getattr(neighbors.subgraph_type, "value", neighbors.subgraph_type)
        return out.to_bidirectional() if kind == "bidirectional" else out

    @property
    def edge_permutation(self) -> Any:
        """The positions in the data of the neighbour sampler's edges."""
        return self.neighbors.edge_permutation

    def score(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return the dot products of the embeddings that ``loader.refresh(z)`` set.

        Raises:
            ValueError: If there are no embeddings yet.
        """
        if self.z is None:
            checks.fail("z", "set by loader.refresh(z) for a sampler that needs a model", None)
        return (self.z[0][src] * self.z[1][dst]).sum(dim=-1)

    def _draw(self, inputs: EdgeSamplerInput, k: int) -> Negatives:
        """Draw negatives that depend on the positives and the epoch, not on the worker."""
        assert self.sampler is not None
        pos = torch.stack([inputs.row, inputs.col]).cpu().long()
        mark = zlib.crc32(pos.numpy().tobytes())
        seed = split_seed(split_seed(self.seed, int(self.state)), mark)
        z: Any = self.z
        if z is not None and not self.sampler.graph.bipartite:
            z = z[0]
        score = self.score if "score" in self.sampler.needs else None
        sampler = self.sampler
        if self.node_time is not None and inputs.time is not None:
            sampler = Guarded(sampler, [NodeTime(self.node_time, inputs.time)])
        return sampler.sample(pos, k, z=z, score=score, generator=generator_from(seed))

    def _negatives(self, inputs: EdgeSamplerInput, request: NegativeSampling) -> NegativeSampling:
        """Draw negatives, in PyG's layout.

        Pairs of a batch, and triplets of disjoint neighbourhoods, are ordered with the positives
        running fastest; other triplets with the negatives of a positive together.
        """
        if self.sampler is None:
            return request
        positives = len(inputs.row)
        k = math.ceil(request.amount)
        negatives = self._draw(inputs, k)
        src, dst = negatives.pairs()
        mask = _filled(negatives)
        lone = ~mask.any(dim=1)
        if lone.any() and (request.is_triplet() or self.neighbors.disjoint):
            pair = inputs.row[lone][0].item(), inputs.col[lone][0].item()
            allowed = "of nodes that have a non-edge in triplets and disjoint batches"
            hint = "leave out links before whose time no other nodes came to be"
            timed = self.node_time is not None and inputs.time is not None
            checks.fail("edge_label_index", allowed, pair, hint=hint if timed else "")
        pick = torch.where(mask, torch.arange(k), 0)
        short = ~mask & ~lone.unsqueeze(1)
        if short.any():  # repeat negatives of the row: PyG's rows are all of one length
            have = mask.sum(dim=1, keepdim=True).clamp(min=1)
            pick = torch.where(mask, pick, torch.arange(k) % have)
        src, dst = src.gather(1, pick), dst.gather(1, pick)
        if request.is_triplet():
            if self.neighbors.disjoint:
                src, dst = src.t(), dst.t()
            return _DrawnNegatives(request, src.reshape(-1), dst.reshape(-1), request.amount)
        exists = (~lone).unsqueeze(0).expand(k, -1).reshape(-1)
        wanted = math.ceil(positives * request.amount)
        src, dst = src.t().reshape(-1)[:wanted], dst.t().reshape(-1)[:wanted]
        exists = exists[:wanted]
        amount = Fraction(int(exists.sum()), max(positives, 1))
        return _DrawnNegatives(request, src[exists], dst[exists], amount)

    def _hide(self, out: Any, inputs: EdgeSamplerInput) -> None:
        """Remove the batch's positives from the sampled edges."""
        input_type = inputs.input_type
        pairs = torch.stack([inputs.row, inputs.col]).cpu().long()
        if input_type is None:
            keep = _not_hidden(
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
            keep = _not_hidden(*ends, out.row[edge_type], out.col[edge_type], hidden)
            count = out.num_sampled_edges[edge_type]
            out.num_sampled_edges[edge_type] = _recount(keep, count)
            out.row[edge_type] = out.row[edge_type][keep]
            out.col[edge_type] = out.col[edge_type][keep]
            if out.edge is not None:
                out.edge[edge_type] = out.edge[edge_type][keep]


def _flat(inputs: EdgeSamplerInput) -> EdgeSamplerInput:
    """Return the same links in one dimension, also where they are called for by ``[a, b]`` ids.

    Labels keep the dimensions that they have beside.
    """
    last = inputs.row.dim() - 1
    if last < 1:
        return inputs
    fields = (inputs.input_id, inputs.row, inputs.col, inputs.label, inputs.time)
    flat = [None if field is None else field.flatten(0, last) for field in fields]
    return EdgeSamplerInput(*flat, inputs.input_type)


def _filled(negatives: Negatives) -> Tensor:
    """Return the mask; refuse rows whose usable negatives do not come first."""
    mask = negatives.mask
    if (mask[:, 1:] & ~mask[:, :-1]).any():
        checks.fail("sampler", "one that fills rows from the left", negatives)
    return mask


def _not_hidden(
    src_node: Tensor, dst_node: Tensor, row: Tensor, col: Tensor, hidden: Tensor
) -> Tensor:
    """Return the mask of edges that are not among ``hidden [2, n]``."""
    size = int(max(dst_node.max(), hidden[1].max())) + 1 if len(dst_node) else 1
    return ~torch.isin(src_node[row] * size + dst_node[col], hidden[0] * size + hidden[1])


def _recount(keep: Tensor, counts: list[int] | None) -> list[int] | None:
    """Return the number of edges of each hop that are kept."""
    return None if counts is None else [int(part.sum()) for part in keep.split(counts)]
