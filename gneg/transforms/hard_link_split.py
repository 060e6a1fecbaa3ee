"""PyG's ``RandomLinkSplit`` with negatives of any hardness, and without its leaks."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from gneg import checks
from gneg.datasets.splits import edge_order, one_direction, split_in_order
from gneg.graph import Graph, KnownEdges
from gneg.rng import draw_seed, generator_from, split_seed
from gneg.samplers import Sampler, build
from gneg.samplers.functional import uniform_non_edges
from gneg.transforms.stores import (
    EdgeType,
    check_name,
    check_sampler,
    edge_stores,
    made_by,
    several,
    size_of,
    store_of,
)

Splits = tuple[Any, Any, Any]
#: Positions of the edges of train, valid and test.
Positions = tuple[Tensor, Tensor, Tensor]


@functional_transform("hard_link_split")
class HardLinkSplit(BaseTransform):  # type: ignore[misc]
    """A transform that splits edges in three parts (functional name: ``hard_link_split``).

    Arguments and results are those of PyG's ``RandomLinkSplit``, except that

    * copies of an edge fall in one part, and so do, if ``is_undirected``, both directions;
    * with ``is_undirected`` an edge counts whichever way it is stored, both ways or one;
    * no pair is a negative twice, in either direction if ``is_undirected``;
    * training negatives avoid training edges only: avoiding those of validation and test would tell
      the model where they are (``known="all"`` does). Those of validation and test avoid all;
    * negatives can come from any ``sampler``, which sees the edges of message passing;
    * existing labels are shifted only where negatives are added.

    Args:
        num_val: Number of validation edges, or their share if a float.
        num_test: Number of test edges, or their share if a float.
        is_undirected: Whether the graph is undirected; ignored between two node types.
        key: The name of labels; existing ones are classes 0, 1, ..., which become 1, 2, ...
        split_labels: Whether positives and negatives are stored in separate attributes.
        add_negative_train_samples: Whether negatives are added for training.
        neg_sampling_ratio: Negatives per positive.
        disjoint_train_ratio: Number or share of training edges that are supervision only.
        edge_types: For ``HeteroData``, one or several edge types.
        rev_edge_types: Their reverse edge types, which are split alike; None where there is none.
        sampler: An expression, or a function that makes a sampler on a graph and known edges;
            uniform over all non-edges if None.
        time_attr: An edge attribute to split by instead of at random: the latest edges are test.
        known: The edges that training negatives avoid: ``"train"`` or ``"all"``.
        generator: Source of randomness; without one, splits differ from run to run. The global
            state, which PyG uses, is left alone.

    Raises:
        ValueError: If an argument is out of range, or too few edges are left for training.
    """

    def __init__(
        self,
        num_val: int | float = 0.1,
        num_test: int | float = 0.2,
        is_undirected: bool = False,
        key: str = "edge_label",
        split_labels: bool = False,
        add_negative_train_samples: bool = True,
        neg_sampling_ratio: float = 1.0,
        disjoint_train_ratio: int | float = 0.0,
        edge_types: EdgeType | Sequence[EdgeType] | None = None,
        rev_edge_types: EdgeType | Sequence[EdgeType | None] | None = None,
        *,
        sampler: str | Callable[[Graph, KnownEdges], Sampler] | None = None,
        time_attr: str | None = None,
        known: str = "train",
        generator: torch.Generator | None = None,
    ) -> None:
        self.num_val, self.num_test = num_val, num_test
        self.is_undirected = checks.flag("is_undirected", is_undirected)
        self.key, self.split_labels = (
            check_name("key", key),
            checks.flag("split_labels", split_labels),
        )
        self.add_negative_train_samples = checks.flag(
            "add_negative_train_samples", add_negative_train_samples
        )
        self.neg_sampling_ratio = checks.number("neg_sampling_ratio", neg_sampling_ratio, 0)
        self.disjoint_train_ratio = disjoint_train_ratio
        self.edge_types, self.rev_edge_types = edge_types, rev_edge_types
        self.sampler = None if sampler is None else check_sampler(sampler)
        self.time_attr = None if time_attr is None else check_name("time_attr", time_attr)
        checks.generator("generator", generator)
        self.generator = generator
        self.known = checks.choice("known", known, ("train", "all"))

    def forward(self, data: Data | HeteroData) -> Splits:
        """Return train, valid and test data."""
        if isinstance(data, HeteroData) and self.edge_types is None:
            checks.fail("edge_types", "given for HeteroData", None)
        parts: Splits = copy.copy(data), copy.copy(data), copy.copy(data)
        sources = edge_stores(data, self.edge_types)
        targets = [edge_stores(part, self.edge_types) for part in parts]
        for i, store in enumerate(sources):
            outs = tuple(target[i] for target in targets)
            self._split_store(store, outs, self._reverse(data, i, len(sources)))
        return parts

    def _reverse(self, data: Any, i: int, count: int) -> EdgeType | None:
        """Return the reverse of the i-th of ``count`` edge types."""
        reverses: Any = self.rev_edge_types
        if reverses is None:
            return None
        if not isinstance(data, HeteroData):
            checks.fail("rev_edge_types", "None for homogeneous data", checks.shown(reverses))
        reverses = several("rev_edge_types", reverses)
        if len(reverses) != count:
            checks.fail("rev_edge_types", f"as many as 'edge_types', {count}", len(reverses))
        if reverses[i] is None:
            return None
        edge_type: EdgeType = store_of("rev_edge_types", data, reverses[i])._key
        return edge_type

    def _split_store(self, store: Any, outs: tuple[Any, ...], reverse: EdgeType | None) -> None:
        """Split one edge type."""
        same = reverse is None or store._key == store._parent()[reverse]._key
        undirected = self.is_undirected and not store.is_bipartite() and same
        random = np.random.default_rng(self._seed())
        train, valid, test = self._positions(store, undirected, random)
        disjoint = _count("disjoint_train_ratio", self.disjoint_train_ratio, len(train))
        if len(train) - disjoint <= 0:
            checks.fail("num_val, num_test", "such that edges are left for training", self)
        passing = train[disjoint:], train, torch.cat([train, valid])
        supervised = train[:disjoint] if disjoint else train, valid, test
        negatives = self._negatives(
            store, undirected, passing, supervised, int(random.integers(2**62))
        )
        for out, message_edges, pos, neg in zip(outs, passing, supervised, negatives, strict=True):
            label = self._labels(store, pos, neg)
            _keep_edges(out, message_edges, undirected, reverse)
            for name in (self.key, f"{self.key}_index"):
                if name in out:
                    del out[name]
            for name, value in label.items():
                out[name] = value

    def _seed(self) -> int:
        generator = self.generator or generator_from(draw_seed(None))
        return int(torch.randint(2**62, (1,), generator=generator, device=generator.device))

    def _positions(self, store: Any, undirected: bool, random: np.random.Generator) -> Positions:
        """Return the positions of each part's edges, at random or by time."""
        src, dst = store.edge_index.cpu().numpy()
        positions = one_direction(src, dst) if undirected else np.arange(len(src))
        time = None
        if self.time_attr is not None:
            if self.time_attr not in store:
                checks.fail("time_attr", "an edge attribute of the data", self.time_attr)
            allowed = f"an edge attribute of shape [{len(src)}]"
            times = checks.real_tensor("time_attr", store[self.time_attr], allowed)
            if times.shape != src.shape:
                checks.fail("time_attr", allowed, list(times.shape))
            time = times.cpu().numpy()
        order = edge_order(positions, random, time)
        num_valid = _count("num_val", self.num_val, len(order))
        num_test = _count("num_test", self.num_test, len(order))
        if num_valid + num_test >= len(order):
            sizes = f"{num_valid} and {num_test} of {len(order)} edges"
            checks.fail("num_val, num_test", "such that edges are left for training", sizes)
        parts = split_in_order(order, src, dst, num_valid, num_test)
        train, valid, test = (torch.from_numpy(part).to(store.edge_index.device) for part in parts)
        return train, valid, test

    def _negatives(
        self, store: Any, undirected: bool, passing: Positions, supervised: Positions, seed: int
    ) -> list[Tensor]:
        """Draw the negatives of each part; warn if there are too few non-edges."""
        edges, size = store.edge_index, size_of(store)
        whole = Graph.from_edge_index(edges, size, undirected=undirected)
        counts = [int(len(positions) * self.neg_sampling_ratio) for positions in supervised]
        if not self.add_negative_train_samples:
            counts[0] = 0
        free = int(KnownEdges(whole).sizes(np.arange(whole.num_src)).sum())
        free //= 2 if undirected else 1
        wanted = sum(counts)
        if free < wanted:
            warnings.warn(
                "There are not enough negative edges to satisfy the provided sampling ratio. The "
                f"ratio will be adjusted to {free / wanted:.2f}.",
                stacklevel=4,
            )
            counts = [int(count / wanted * free) for count in counts]
            counts[2] = free - counts[0] - counts[1]
        # Evaluation first: its negatives are excluded from those that follow.
        taken = edges.new_empty(2, 0)
        negatives: list[Tensor] = [taken] * 3
        for part in (2, 1, 0):
            honest = part == 0 and self.known == "train"
            avoided = edges[:, torch.cat([passing[1], supervised[0]])] if honest else edges
            known = torch.cat([avoided, taken], dim=1)
            graph = Graph.from_edge_index(edges[:, passing[part]], size, undirected=undirected)
            pos = edges[:, supervised[part]]
            negatives[part] = self._draw(graph, known, pos, counts[part], split_seed(seed, part))
            taken = torch.cat([taken, negatives[part]], dim=1)
        return negatives

    def _draw(self, graph: Graph, known: Tensor, pos: Tensor, count: int, seed: int) -> Tensor:
        """Draw ``count`` different negatives by the sampler, uniform ones where it has too few."""
        negatives = pos.new_empty(2, 0)
        if self.sampler is not None and pos.size(1) and count:
            avoided = KnownEdges(graph, known)
            sampler = (
                build(self.sampler, graph, known=avoided)
                if isinstance(self.sampler, str)
                else made_by(self.sampler, graph, avoided)
            )
            k = -(-count // pos.size(1))
            drawn = sampler.sample(pos, k, generator=generator_from(split_seed(seed, 1)))
            negatives = _distinct(drawn.edge_index(), graph)[:, :count]
            known = torch.cat([known, negatives], dim=1)
        size = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes
        excluded = Graph.from_edge_index(known, size, undirected=graph.undirected)
        fill = uniform_non_edges(excluded, count - negatives.size(1), split_seed(seed, 2))
        return torch.cat([negatives, fill.to(negatives.device)], dim=1).to(pos.dtype)

    def _labels(self, store: Any, positions: Tensor, negatives: Tensor) -> dict[str, Tensor]:
        """Return the supervision attributes of one part."""
        index, key = store.edge_index[:, positions], self.key
        label = torch.ones(len(positions), device=index.device)
        if key in store:
            label = store[key][positions]
            label = label + 1 if negatives.size(1) else label
        neg_label = label.new_zeros((negatives.size(1), *label.shape[1:]))
        if self.split_labels:
            attributes = {f"pos_{key}": label, f"pos_{key}_index": index}
            if negatives.size(1):
                attributes |= {f"neg_{key}": neg_label, f"neg_{key}_index": negatives}
            return attributes
        return {
            key: torch.cat([label, neg_label]),
            f"{key}_index": torch.cat([index, negatives], dim=1),
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_val={self.num_val}, num_test={self.num_test})"


def _count(name: str, value: int | float, total: int) -> int:
    """Return a number of edges from a number, or from a share of ``total`` if it is a float."""
    if isinstance(value, float):
        return int(checks.number(name, value, 0, 1) * total)
    return checks.integer(name, value, 0)


def _distinct(edge_index: Tensor, graph: Graph) -> Tensor:
    """Return each pair once, in the order of its first copy; (smaller, larger) if undirected."""
    if graph.undirected:
        edge_index = torch.stack([edge_index.min(0).values, edge_index.max(0).values])
    _, first = np.unique((edge_index[0] * graph.num_dst + edge_index[1]).numpy(), return_index=True)
    return edge_index[:, torch.from_numpy(np.sort(first))]


def _keep_edges(store: Any, positions: Tensor, undirected: bool, reverse: EdgeType | None) -> None:
    """Keep only the edges at ``positions``, both ways if undirected, in a store and its reverse."""
    for name in [name for name in store if store.is_edge_attr(name) and name != "edge_index"]:
        value = store[name][positions]
        store[name] = torch.cat([value, value]) if undirected else value
    index = store.edge_index[:, positions]
    store.edge_index = torch.cat([index, index.flip(0)], dim=1) if undirected else index
    if reverse is None or store._parent()[reverse]._key == store._key:
        return
    back = store._parent()[reverse]
    for name in list(back):
        if name == "edge_index":
            back.edge_index = store.edge_index.flip(0)
        elif name in store:
            back[name] = store[name]
        else:
            del back[name]
