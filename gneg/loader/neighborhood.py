"""Neighbourhoods of a batch of seed nodes, hop by hop, on edges sorted by target."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_geometric.sampler import HeteroSamplerOutput, SamplerOutput

from gneg import kernels
from gneg.rng import split_seed
from gneg.transforms.stores import EdgeType

if TYPE_CHECKING:
    from gneg.loader.neighbors import NeighborSampler

IntArray = npt.NDArray[np.int64]
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


class Neighborhood:
    """The nodes and edges that were sampled so far."""

    def __init__(
        self, sampler: NeighborSampler, seeds: dict[str, Tensor], times: dict[str, Tensor] | None
    ) -> None:
        self.sampler = sampler
        self.keys: dict[str, IntArray] = {}
        self.seed_time = NONE
        if times is not None:  # in the order of the numbers that seeds get below
            self.seed_time = np.concatenate(
                [times[name].numpy() for name in sampler.sizes if name in times]
            )
        first = 0
        for name, size in sampler.sizes.items():
            nodes = seeds[name].numpy().astype(np.int64) if name in seeds else np.empty(0, np.int64)
            if sampler.disjoint and name in seeds:
                nodes = nodes + (first + np.arange(len(nodes))) * size
                first += len(nodes)
            self.keys[name] = nodes
        self.begin = dict.fromkeys(self.keys, 0)
        self.node_counts = {name: [len(keys)] for name, keys in self.keys.items()}
        self.edges: dict[EdgeType, list[tuple[IntArray, ...]]] = {
            edge_type: [] for edge_type in sampler.edge_types
        }
        # What is drawn depends on the seeds alone, not on how batches are spread over workers.
        mark = np.concatenate(list(self.keys.values()))
        self.seed = split_seed(sampler.seed, zlib.crc32(mark.tobytes()))

    def hop(self, number: int) -> None:
        """Sample edges into the nodes that the last hop added."""
        ends = {name: len(keys) for name, keys in self.keys.items()}
        frontier = {name: keys[self.begin[name] : ends[name]] for name, keys in self.keys.items()}
        for i, edge_type in enumerate(self.sampler.edge_types):
            fanout = self.sampler.fanouts[edge_type]
            k = fanout[number] if number < len(fanout) else 0
            seed = split_seed(self.seed, number * len(self.sampler.edge_types) + i)
            self.edges[edge_type].append(self._along(edge_type, frontier, k, seed))
        self.begin = ends
        for name, keys in self.keys.items():
            self.node_counts[name].append(len(keys) - ends[name])

    def _along(
        self, edge_type: EdgeType, frontier: dict[str, IntArray], k: int, seed: int
    ) -> tuple[IntArray, ...]:
        """Sample edges of one type: their local sources, local targets and positions."""
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
        source = columns.row[position]
        target = first + np.repeat(np.arange(len(nodes)), count)
        if self.sampler.disjoint:
            source = source + np.repeat(group, count) * sizes[edge_type[0]]
        local = np.empty(len(source), np.int64)
        keys = self.keys[edge_type[0]]
        new = kernels.neighbors.relabel(keys, source, local)
        self.keys[edge_type[0]] = np.concatenate([keys, new])
        return local, target, position

    def output(self) -> Output:
        """Return the sample in the form of PyG's samplers."""
        sampler = self.sampler
        nodes, batch = {}, {}
        for name, keys in self.keys.items():
            size = max(sampler.sizes[name], 1)
            nodes[name] = torch.from_numpy(keys % size)
            batch[name] = torch.from_numpy(keys // size)
        edges = {
            name: [torch.from_numpy(np.concatenate(part)) for part in zip(*hops, strict=True)]
            if hops
            else [torch.empty(0, dtype=torch.long)] * 3
            for name, hops in self.edges.items()
        }
        counts = {name: [len(hop[0]) for hop in hops] for name, hops in self.edges.items()}
        options: dict[str, Any] = {
            "node": nodes,
            "row": {name: parts[0] for name, parts in edges.items()},
            "col": {name: parts[1] for name, parts in edges.items()},
            "edge": {name: parts[2] for name, parts in edges.items()},
            "batch": batch if sampler.disjoint else None,
            "num_sampled_nodes": self.node_counts,
            "num_sampled_edges": counts,
        }
        if sampler.hetero:
            return HeteroSamplerOutput(**options)
        homogeneous = {
            name: next(iter(value.values())) if isinstance(value, dict) else value
            for name, value in options.items()
        }
        return SamplerOutput(**homogeneous)
