"""Neighbour sampling that needs neither pyg-lib nor torch-sparse."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    HeteroSamplerOutput,
    NegativeSampling,
    NodeSamplerInput,
    NumNeighbors,
    SamplerOutput,
)
from torch_geometric.sampler.neighbor_sampler import edge_sample, node_sample

from gneg import checks, kernels
from gneg.rng import split_seed
from gneg.transforms.stores import EdgeType

IntArray = npt.NDArray[np.int64]
#: A list, a dictionary by edge type, or PyG's ``NumNeighbors``.
Neighbors: TypeAlias = Any
#: PyG's ``SamplerOutput`` or ``HeteroSamplerOutput``.
Output: TypeAlias = Any
#: Homogeneous graphs are heterogeneous ones of one node type and one edge type.
ONLY, ONLY_EDGE = "n", ("n", "e", "n")
NONE = np.empty(0)


class Columns(NamedTuple):
    """Edges by target: ``row[colptr[v]:colptr[v + 1]]`` are the sources, in the order of time."""

    colptr: IntArray
    row: IntArray
    perm: IntArray
    time: npt.NDArray[Any]
    weight: npt.NDArray[Any]


class NeighborSampler(BaseSampler):  # type: ignore[misc]
    """Samples the neighbourhoods of seed nodes hop by hop (Hamilton et al., NeurIPS 2017).

    The same fields as PyG's sampler of that name, from numba kernels, the same for any number of
    threads: nodes (seeds first, then in the order they were found), edges towards the seeds, counts
    by hop; ``disjoint`` keeps a neighbourhood for each seed, and ``time_attr`` of nodes or edges
    leaves out what is later than the seed.

    Args:
        data: ``Data`` or ``HeteroData`` on the CPU.
        num_neighbors: Neighbours of a node in each hop, -1 for all; by edge type if a dictionary.
        replace: Whether a neighbour may be drawn twice.
        disjoint: Whether neighbourhoods of seeds are kept apart.
        subgraph_type: ``"directional"``, or ``"bidirectional"``: each edge both ways.
        temporal_strategy: ``"uniform"`` over the past, or its ``"last"`` edges.
        time_attr: Attribute of nodes or of edges; needs ``disjoint``.
        weight_attr: Attribute of edges: neighbours are drawn in proportion to it.
        seed: Where all randomness comes from.

    Raises:
        ValueError: If an argument is out of range or an attribute is missing.
    """

    def __init__(
        self,
        data: Data | HeteroData,
        num_neighbors: Neighbors,
        *,
        replace: bool = False,
        disjoint: bool = False,
        subgraph_type: Literal["directional", "bidirectional"] = "directional",
        temporal_strategy: Literal["uniform", "last"] = "uniform",
        time_attr: str | None = None,
        weight_attr: str | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(data, Data | HeteroData):
            given = type(data).__name__
            checks.fail("data", "Data or HeteroData where pyg-lib is not installed", given)
        self.hetero = isinstance(data, HeteroData)
        self.subgraph_type = str(getattr(subgraph_type, "value", subgraph_type))
        checks.choice("subgraph_type", self.subgraph_type, ("directional", "bidirectional"))
        self.last = (
            checks.choice("temporal_strategy", temporal_strategy, ("uniform", "last")) == "last"
        )
        self.replace, self.disjoint = replace, disjoint or time_attr is not None
        self.node_types = list(data.node_types) if self.hetero else [ONLY]
        self.edge_types = list(data.edge_types) if self.hetero else [ONLY_EDGE]
        nodes = {one: data[one] if self.hetero else data for one in self.node_types}
        self.sizes = {one: int(store.num_nodes) for one, store in nodes.items()}
        self.num_nodes = self.sizes if self.hetero else self.sizes[ONLY]
        self.fanouts = self._fanouts(num_neighbors)
        self.node_time = {
            one: store[time_attr]
            for one, store in nodes.items()
            if time_attr is not None and time_attr in store and store.is_node_attr(time_attr)
        }
        self.columns = {
            one: self._columns(data[one] if self.hetero else data, one, time_attr, weight_attr)
            for one in self.edge_types
        }
        timed = self.node_time or any(len(one.time) for one in self.columns.values())
        if time_attr is not None and not timed:
            checks.fail("time_attr", "an attribute of nodes or edges", time_attr)
        self.seed = seed

    def _fanouts(self, num_neighbors: Neighbors) -> dict[EdgeType, list[int]]:
        """Neighbours in each hop, by edge type."""
        if not isinstance(num_neighbors, NumNeighbors):
            by_type = isinstance(num_neighbors, Mapping)
            num_neighbors = NumNeighbors(dict(num_neighbors) if by_type else list(num_neighbors))
        found: dict[EdgeType, list[int]] = {}
        if not self.hetero:
            found[ONLY_EDGE] = num_neighbors.get_values()
        elif self.edge_types:
            found.update(num_neighbors.get_values(self.edge_types))
        return found

    def _columns(
        self, store: Any, edge_type: EdgeType, time_attr: str | None, weight_attr: str | None
    ) -> Columns:
        """Sort edges by target and time."""
        size = self.sizes[edge_type[-1]]
        if "edge_index" not in store or store.edge_index is None:
            empty = np.empty(0, np.int64)
            return Columns(np.zeros(size + 1, np.int64), empty, empty, NONE, NONE)
        row, col = store.edge_index.cpu().numpy()
        time = weight = NONE
        if time_attr is not None and edge_type[0] in self.node_time:
            time = self.node_time[edge_type[0]].cpu().numpy()[row]
        elif time_attr is not None and time_attr in store and store.is_edge_attr(time_attr):
            time = store[time_attr].cpu().numpy()
        if weight_attr is not None:
            if weight_attr not in store:
                checks.fail("weight_attr", "an attribute of every edge type", weight_attr)
            weight = store[weight_attr].cpu().double().numpy()
        perm = np.lexsort((time, col)) if len(time) else np.argsort(col, kind="stable")
        colptr = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(col, minlength=size), out=colptr[1:])
        ordered = [one[perm] if len(one) else one for one in (time, weight)]
        return Columns(colptr, np.ascontiguousarray(row[perm]), perm, *ordered)

    def sample_from_nodes(self, inputs: NodeSamplerInput) -> Output:
        """Neighbourhoods of nodes."""
        return self._both_ways(node_sample(inputs, self.sample))

    def sample_from_edges(
        self, inputs: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> Output:
        """Neighbourhoods of the ends of edges, and of PyG's own random negatives if asked for."""
        times: Any = self.node_time if self.hetero else self.node_time.get(ONLY)
        if isinstance(times, dict) and not times:
            times = None
        found = edge_sample(inputs, self.sample, self.num_nodes, self.disjoint, times, neg_sampling)
        return self._both_ways(found)

    def _both_ways(self, found: Output) -> Output:
        return found.to_bidirectional() if self.subgraph_type == "bidirectional" else found

    @property
    def edge_permutation(self) -> Any:
        """From positions of sampled edges to those of the data."""
        found = {one: torch.from_numpy(columns.perm) for one, columns in self.columns.items()}
        return found if self.hetero else found[ONLY_EDGE]

    def sample(
        self, seeds: Tensor | dict[str, Tensor], times: Tensor | dict[str, Tensor] | None = None
    ) -> Output:
        """Neighbourhoods of ``seeds`` (by node type), no later than their ``times``."""
        by_type = seeds if isinstance(seeds, dict) else {ONLY: seeds}
        time_of = times if isinstance(times, dict) or times is None else {ONLY: times}
        walk = _Neighborhood(self, by_type, time_of)
        for hop in range(max((len(one) for one in self.fanouts.values()), default=0)):
            walk.hop(hop)
        return walk.output()


class _Neighborhood:
    """The nodes and edges found so far."""

    def __init__(
        self, sampler: NeighborSampler, seeds: dict[str, Tensor], times: dict[str, Tensor] | None
    ) -> None:
        self.sampler = sampler
        self.keys: dict[str, IntArray] = {}
        self.seed_time = NONE
        if times is not None:  # in the order of the numbers that seeds get below
            self.seed_time = np.concatenate(
                [times[one].numpy() for one in sampler.sizes if one in times]
            )
        first = 0
        for one, size in sampler.sizes.items():
            nodes = seeds[one].numpy().astype(np.int64) if one in seeds else np.empty(0, np.int64)
            if sampler.disjoint and one in seeds:
                nodes = nodes + (first + np.arange(len(nodes))) * size
                first += len(nodes)
            self.keys[one] = nodes
        self.begin = dict.fromkeys(self.keys, 0)
        self.node_counts = {one: [len(keys)] for one, keys in self.keys.items()}
        self.edges: dict[EdgeType, list[tuple[IntArray, ...]]] = {
            one: [] for one in sampler.edge_types
        }
        # What is drawn depends on the seeds alone, not on how batches are spread over workers.
        mark = np.concatenate(list(self.keys.values()))
        self.seed = split_seed(sampler.seed, zlib.crc32(mark.tobytes()))

    def hop(self, number: int) -> None:
        """Sample edges into what the last hop found."""
        ends = {one: len(keys) for one, keys in self.keys.items()}
        frontier = {one: keys[self.begin[one] : ends[one]] for one, keys in self.keys.items()}
        for i, edge_type in enumerate(self.sampler.edge_types):
            fanout = self.sampler.fanouts[edge_type]
            k = fanout[number] if number < len(fanout) else 0
            seed = split_seed(self.seed, number * len(self.sampler.edge_types) + i)
            self.edges[edge_type].append(self._along(edge_type, frontier, k, seed))
        self.begin = ends
        for one, keys in self.keys.items():
            self.node_counts[one].append(len(keys) - ends[one])

    def _along(
        self, edge_type: EdgeType, frontier: dict[str, IntArray], k: int, seed: int
    ) -> tuple[IntArray, ...]:
        """Local sources, local targets and positions of the edges of one type."""
        columns, sizes = self.sampler.columns[edge_type], self.sampler.sizes
        into, size = frontier[edge_type[-1]], sizes[edge_type[-1]]
        nodes = into % max(size, 1)
        group = into // max(size, 1)
        times = self.seed_time[group] if len(self.seed_time) else NONE
        timed = columns.time if len(times) else NONE
        ends = np.empty(len(nodes), np.int64)
        replace = self.sampler.replace
        count = kernels.neighbors.counts(nodes, times, columns.colptr, timed, k, replace, ends)
        offsets = np.concatenate([[0], np.cumsum(count)])
        position = np.empty(offsets[-1], np.int64)
        first = self.begin[edge_type[-1]]
        kernels.threads.run_rows(
            kernels.neighbors.draw,
            len(nodes),
            len(position),
            position,
            offsets,
            nodes,
            columns.colptr,
            ends,
            k,
            replace,
            self.sampler.last and len(timed) > 0,
            columns.weight,
            seed,
            first,
        )
        found = columns.row[position]
        target = first + np.repeat(np.arange(len(nodes)), count)
        if self.sampler.disjoint:
            found = found + np.repeat(group, count) * sizes[edge_type[0]]
        local = np.empty(len(found), np.int64)
        known = self.keys[edge_type[0]]
        new = kernels.neighbors.relabel(known, found, local)
        self.keys[edge_type[0]] = np.concatenate([known, new])
        return local, target, position

    def output(self) -> Output:
        """As PyG's samplers return it."""
        sampler = self.sampler
        nodes, batch = {}, {}
        for one, keys in self.keys.items():
            size = max(sampler.sizes[one], 1)
            nodes[one] = torch.from_numpy(keys % size)
            batch[one] = torch.from_numpy(keys // size)
        joined = {
            one: [torch.from_numpy(np.concatenate(part)) for part in zip(*hops, strict=True)]
            if hops
            else [torch.empty(0, dtype=torch.long)] * 3
            for one, hops in self.edges.items()
        }
        counts = {one: [len(hop[0]) for hop in hops] for one, hops in self.edges.items()}
        options: dict[str, Any] = {
            "node": nodes,
            "row": {one: parts[0] for one, parts in joined.items()},
            "col": {one: parts[1] for one, parts in joined.items()},
            "edge": {one: parts[2] for one, parts in joined.items()},
            "batch": batch if sampler.disjoint else None,
            "num_sampled_nodes": self.node_counts,
            "num_sampled_edges": counts,
        }
        if sampler.hetero:
            return HeteroSamplerOutput(**options)
        plain = {
            name: next(iter(value.values())) if isinstance(value, dict) else value
            for name, value in options.items()
        }
        return SamplerOutput(**plain)
