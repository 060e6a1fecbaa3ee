"""Static negatives as PyG's supervision attributes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from gneg import checks
from gneg.graph import Graph
from gneg.rng import draw_seed, generator_from, split_seed
from gneg.samplers import Sampler, build
from gneg.samplers.base import Corrupt
from gneg.samplers.negatives import Negatives
from gneg.transforms.stores import (
    check_name,
    check_sampler,
    edge_stores,
    graph_of,
    made_by,
    positives,
)


@functional_transform("add_negatives")
class AddNegatives(BaseTransform):  # type: ignore[misc]
    """A transform that adds k negatives of each positive (functional name: ``add_negatives``).

    Positives are the supervised edges (``edge_label_index``, those whose label is not 0) if there
    are any, else all edges. In ``"binary"`` mode ``edge_label_index [2, P + n]`` holds positives
    and then negatives, ``edge_label`` 1 and 0; integer labels of classes are shifted by 1, so that
    0 is "no edge". In ``"triplet"`` mode ``src_index [P]``, ``dst_pos_index [P]`` and
    ``dst_neg_index``, ``[P]`` for k = 1 and else ``[P, k]``, are set (on the node stores of
    ``HeteroData``), of the positives that have k negatives.

    Args:
        sampler: An expression, or a function that makes a sampler on a :class:`~gneg.graph.Graph`.
        k: Negatives per positive.
        mode: ``"binary"`` or ``"triplet"``.
        corrupt: The end that an expression's sampler replaces; ``"dst"`` in triplets.
        edge_types: For ``HeteroData``, one or several edge types; all if None.
        key: The name of the labels.
        generator: Source of randomness.

    Raises:
        ValueError: If an argument is out of range or does not fit the data.
    """

    def __init__(
        self,
        sampler: str | Callable[[Graph], Sampler] = "uniform",
        k: int = 1,
        *,
        mode: Literal["binary", "triplet"] = "binary",
        corrupt: Corrupt = "dst",
        edge_types: Sequence[Any] | None = None,
        key: str = "edge_label",
        generator: torch.Generator | None = None,
    ) -> None:
        self.sampler = check_sampler(sampler)
        self.k = checks.integer("k", k, 1)
        self.mode = checks.choice("mode", mode, ("binary", "triplet"))
        self.corrupt = checks.choice("corrupt", corrupt, ("dst", "src", "both"))
        if mode == "triplet" and corrupt != "dst":
            checks.fail("corrupt", "'dst' in triplets", repr(corrupt))
        self.edge_types = edge_types
        self.key = check_name("key", key)
        checks.generator("generator", generator)
        self.generator = generator

    def forward(self, data: Data | HeteroData) -> Data | HeteroData:
        """Return the data with negatives added."""
        seed = draw_seed(self.generator)
        for i, store in enumerate(edge_stores(data, self.edge_types)):
            pos, label = positives(store, self.key)
            graph = graph_of(store)
            x = getattr(data, "x", None) if isinstance(data, Data) else None
            sampler = (
                build(self.sampler, graph, z=x, corrupt=self.corrupt)
                if isinstance(self.sampler, str)
                else made_by(self.sampler, graph)
            )
            generator = generator_from(split_seed(seed, i))
            negatives = sampler.sample(pos, self.k, generator=generator)
            if self.mode == "binary":
                self._binary(store, pos, label, negatives)
            else:
                self._triplets(data, store, pos, negatives)
        return data

    def _binary(self, store: Any, pos: Tensor, label: Tensor | None, negatives: Negatives) -> None:
        neg = negatives.edge_index()
        pos_label = torch.ones(pos.size(1), device=pos.device) if label is None else label + 1
        neg_label = pos_label.new_zeros(neg.size(1))
        store[f"{self.key}_index"] = torch.cat([pos, neg.to(pos.dtype)], dim=1)
        store[self.key] = torch.cat([pos_label, neg_label])

    def _triplets(
        self, data: Data | HeteroData, store: Any, pos: Tensor, negatives: Negatives
    ) -> None:
        complete = negatives.mask.all(dim=1)
        index = negatives.index[complete].to(pos.dtype)
        ends: tuple[Any, Any] = (data, data)
        if isinstance(data, HeteroData):
            ends = data[store._key[0]], data[store._key[-1]]
        ends[0].src_index, ends[1].dst_pos_index = pos[:, complete]
        ends[1].dst_neg_index = index[:, 0] if self.k == 1 else index

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.sampler!r}, k={self.k}, mode={self.mode!r})"
