"""Batches of links with exact negatives, their densities and sampled neighbourhoods."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg.graph import Graph, sparse
from gneg.graph.sizes import with_sizes
from gneg.loader import blocks
from gneg.loader.blocks import Blocks, MessageGraph
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler
from gneg.samplers.base import Score
from gneg.samplers.negatives import Negatives, Side, Vectors


@dataclass(frozen=True)
class LinkBatch:
    """Positives, their negatives and the sampled neighbourhoods of all ends.

    Attributes:
        edges: ``[B]``, the positions of the positives among all.
        pos: ``[2, B]``, the positives.
        negatives: Their negatives.
        blocks: The neighbourhoods of the ends of both, or of a share of them, b of B.
        local_pos: ``[2, b]``, the ends of the positives as positions in ``blocks.nodes``.
        local_negatives: The negatives with positions in ``blocks.nodes`` in place of ids.
        x: ``[n, F]``, features of ``blocks.nodes``, dense or sparse CSR; None: not looked up.
    """

    edges: Tensor
    pos: Tensor
    negatives: Negatives
    blocks: Blocks
    local_pos: Tensor
    local_negatives: Negatives
    x: Tensor | None

    __repr__ = with_sizes

    @property
    def nbytes(self) -> int:
        """Bytes of neighbourhoods, negatives and features."""
        tensors = [self.pos, self.local_pos, *sparse.content(self.x)] if self.x is not None else []
        for part in (self.negatives, self.local_negatives):
            tensors += [part.src, part.index, part.mask]
        return self.blocks.nbytes + sum(tensor.nbytes for tensor in tensors)

    def pin_memory(self) -> LinkBatch:
        """Return the batch with positives, negatives and dense features in pinned memory.

        Sparse features and neighbourhoods are not pinned.
        """
        names = ("pos", "negatives", "local_pos", "local_negatives")
        pinned = {name: getattr(self, name).pin_memory() for name in names}
        if self.x is not None and self.x.layout == torch.strided:
            pinned["x"] = self.x.pin_memory()
        return replace(self, **pinned)


class LinkBatches:
    """Makes batches of links: negatives by any sampler, neighbourhoods without the links.

    Unlike PyG's batches (:class:`~gneg.loader.LinkLoader`) these keep all of
    :class:`~gneg.Negatives`: masks, sides, log densities. A batch depends on its links and its seed
    alone, so that any number of threads, processes or machines make the same ones.

    Args:
        graph: The graph whose edges messages pass along, both ways.
        positives: ``[2, P]``, all positives.
        sampler: The sampler of negatives.
        k: Negatives per positive.
        fanouts: Neighbours of a node in each hop, -1 for all.
        x: ``[N, F]`` features, dense (also memory-mapped) or sparse CSR; None: none.
        mask_targets: Whether the links of a batch are hidden from message passing.
        densities: Which of ``log_q`` and ``pos_log_q`` are computed together with the batch.
        input_gradient: Whether the input of the first layer is learned.
        device: The device of ``z`` and of the model that is ``score``; batches are on the CPU.
        ends: Returns what negatives are drawn for, of positives and a generator; None: the
            positives.
    """

    def __init__(
        self,
        graph: Graph,
        positives: Tensor,
        sampler: Sampler,
        k: int,
        fanouts: Sequence[int],
        *,
        x: Tensor | None = None,
        mask_targets: bool = True,
        densities: Sequence[str] = (),
        input_gradient: bool = True,
        device: torch.device | str = "cpu",
        ends: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    ) -> None:
        self.ends = ends
        self.graph, self.positives, self.sampler = MessageGraph(graph), positives, sampler
        self.k, self.fanouts, self.mask_targets = k, list(fanouts), mask_targets
        self.densities, self.input_gradient, self.device = densities, input_gradient, device
        self.x = x if x is None or x.layout == torch.strided else _scipy(x)
        self._drawing = threading.Lock()  # samplers keep lists and caches between draws

    def make(
        self,
        edges: Tensor,
        seed: int,
        *,
        z: Vectors | None = None,
        score: Score | None = None,
        share: slice | None = None,
    ) -> LinkBatch:
        """Return the batch of some positives.

        Args:
            edges: ``[B]``, positions among the positives.
            seed: Seed of negatives and neighbourhoods.
            z: ``[N, D]`` embeddings, for samplers that read them.
            score: A model, for samplers that select by it.
            share: The positives whose neighbourhoods are sampled; None: all.
        """
        pos = self.positives[:, edges]
        with self._drawing:
            generator = generator_from(split_seed(seed, 0))
            by_kernels = self.sampler.graph.engine == "kernels"
            on = "cpu" if by_kernels and z is None and score is None else self.device
            ends = pos if self.ends is None else self.ends(pos, generator)
            negatives = self.sampler.sample(
                ends.to(on), self.k, z=z, score=score, generator=generator
            ).to("cpu")
            for density in self.densities:
                getattr(negatives, density)  # computed when it is read
        rows = slice(0, pos.size(1)) if share is None else share
        drawn, shift = negatives.take(rows), self.graph.target_shift
        ids = _ends(pos[:, rows], drawn, shift)
        sampled, local = blocks.sample(
            self.graph,
            torch.cat([part.reshape(-1) for part in ids]).numpy(),
            self.fanouts,
            split_seed(seed, 1),
            hidden=_ends(pos, negatives, shift)[0].numpy() if self.mask_targets else None,
            all_hops=share is not None,
            input_gradient=self.input_gradient,
        )
        positions = torch.from_numpy(local.astype(np.int64)).split([part.numel() for part in ids])
        local_pos, src, index, *replaced = (
            part.view(like.shape) for part, like in zip(positions, ids, strict=True)
        )
        local_negatives = replace(
            drawn, src=src, index=index, replaced=replaced[0] if replaced else None
        )
        x = None if self.x is None else _rows(self.x, sampled.nodes)
        return LinkBatch(edges, pos, negatives, sampled, local_pos, local_negatives, x)


def _ends(pos: Tensor, negatives: Negatives, shift: int) -> list[Tensor]:
    """Return positives, queries, negatives and replaced ends, in ids of the message graph."""
    parts = [pos, negatives.src, negatives.index]
    parts += [] if negatives.replaced is None else [negatives.replaced]
    if not shift:
        return parts
    side: Side | Tensor = negatives.side
    src_replaced = side if isinstance(side, Tensor) else torch.full((pos.size(1),), side == "src")
    queries, targets = shift * src_replaced.long(), shift * (~src_replaced).long()
    shifts = [torch.tensor([[0], [shift]]), queries, targets.unsqueeze(1), targets]
    return [part + offset for part, offset in zip(parts, shifts, strict=False)]


def _scipy(x: Tensor) -> Any:
    """Return sparse features as a SciPy matrix, whose rows are quick to take."""
    from scipy import sparse as scipy_sparse

    crow, col, values = (part.numpy() for part in sparse.content(x))
    return scipy_sparse.csr_array((values, col, crow), shape=tuple(x.shape))


def _rows(x: Any, nodes: Any) -> Tensor:
    """Return the features of nodes."""
    if isinstance(x, Tensor):
        return x[torch.from_numpy(nodes)]
    rows = x[nodes]
    crow, col, values = map(torch.from_numpy, (rows.indptr, rows.indices, rows.data))
    return sparse.csr(crow, col, values, rows.shape)
