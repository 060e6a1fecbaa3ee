"""Neighbour sampling that needs neither pyg-lib nor torch-sparse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_geometric.data import HeteroData
from torch_geometric.sampler import (
    BaseSampler,
    EdgeSamplerInput,
    NegativeSampling,
    NodeSamplerInput,
    NumNeighbors,
)
from torch_geometric.sampler.neighbor_sampler import edge_sample, node_sample

from gneg import checks
from gneg.loader.neighborhood import NONE, ONLY, ONLY_EDGE, Columns, Neighborhood, Output
from gneg.loader.structure import AnyData, structure
from gneg.transforms.stores import EdgeType, check_edges, check_name

#: A list, a dictionary by edge type, or PyG's ``NumNeighbors``.
Neighbors: TypeAlias = Any


class NeighborSampler(BaseSampler):  # type: ignore[misc]
    """Samples the neighbourhoods of seed nodes hop by hop (Hamilton et al., NeurIPS 2017).

    The same fields as PyG's sampler of that name, from numba kernels, the same for any number of
    threads: nodes (seeds first, then in the order they were sampled), edges towards the seeds,
    counts by hop; ``disjoint`` keeps a neighbourhood for each seed, and ``time_attr`` leaves out
    nodes or edges that are later than the seed.

    Args:
        data: ``Data`` or ``HeteroData`` on the CPU, or PyG's pair (feature store, graph store).
        num_neighbors: Neighbours of a node in each hop, -1 for all; by edge type if a dictionary.
        replace: Whether a neighbour may be drawn twice.
        disjoint: Whether neighbourhoods of seeds are kept apart.
        subgraph_type: ``"directional"``, or ``"bidirectional"``: each edge both ways.
        temporal_strategy: ``"uniform"`` over the past, or its ``"last"`` edges.
        time_attr: The attribute of nodes or of edges that holds times; implies ``disjoint``.
        weight_attr: The attribute of edges that neighbours are drawn in proportion to.
        seed: Seed of all draws.

    Raises:
        ValueError: If an argument is out of range or an attribute is missing.
    """

    def __init__(
        self,
        data: AnyData,
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
        data = structure(data, time_attr)
        self.hetero = isinstance(data, HeteroData)
        self.subgraph_type = str(getattr(subgraph_type, "value", subgraph_type))
        checks.choice("subgraph_type", self.subgraph_type, ("directional", "bidirectional"))
        self.last = (
            checks.choice("temporal_strategy", temporal_strategy, ("uniform", "last")) == "last"
        )
        self.replace = checks.flag("replace", replace)
        self.disjoint = checks.flag("disjoint", disjoint) or time_attr is not None
        for name, attribute in (("time_attr", time_attr), ("weight_attr", weight_attr)):
            if attribute is not None:
                check_name(name, attribute)
        self.node_types = list(data.node_types) if self.hetero else [ONLY]
        self.edge_types = list(data.edge_types) if self.hetero else [ONLY_EDGE]
        nodes = {name: data[name] if self.hetero else data for name in self.node_types}
        self.sizes = {name: int(store.num_nodes) for name, store in nodes.items()}
        self.num_nodes = self.sizes if self.hetero else self.sizes[ONLY]
        self.fanouts = self._fanouts(num_neighbors)
        self.node_time = {
            name: store[time_attr]
            for name, store in nodes.items()
            if time_attr is not None and time_attr in store and store.is_node_attr(time_attr)
        }
        self.columns = {
            edge_type: self._columns(
                data[edge_type] if self.hetero else data, edge_type, time_attr, weight_attr
            )
            for edge_type in self.edge_types
        }
        has_times = self.node_time or any(len(columns.time) for columns in self.columns.values())
        if time_attr is not None and not has_times:
            checks.fail("time_attr", "an attribute of nodes or edges", time_attr)
        self.seed = checks.integer("seed", seed, 0)

    def _fanouts(self, num_neighbors: Neighbors) -> dict[EdgeType, list[int]]:
        """Return the number of neighbours in each hop, by edge type."""
        if not isinstance(num_neighbors, NumNeighbors):
            num_neighbors = NumNeighbors(_checked_fanouts(num_neighbors))
        fanouts: dict[EdgeType, list[int]] = {}
        if not self.hetero:
            fanouts[ONLY_EDGE] = num_neighbors.get_values()
        elif self.edge_types:
            fanouts.update(num_neighbors.get_values(self.edge_types))
        return fanouts

    def _columns(
        self, store: Any, edge_type: EdgeType, time_attr: str | None, weight_attr: str | None
    ) -> Columns:
        """Sort edges by target and time."""
        size = self.sizes[edge_type[-1]]
        if "edge_index" not in store or store.edge_index is None:
            empty = np.empty(0, np.int64)
            return Columns(np.zeros(size + 1, np.int64), empty, empty, NONE, NONE)
        check_edges(store)
        row, col = store.edge_index.cpu().numpy()
        time = weight = NONE
        if time_attr is not None and edge_type[0] in self.node_time:
            node_time = self.node_time[edge_type[0]]
            time = _values("time_attr", node_time, self.sizes[edge_type[0]])[row]
        elif time_attr is not None and time_attr in store and store.is_edge_attr(time_attr):
            time = _values("time_attr", store[time_attr], len(row))
        if weight_attr is not None:
            if weight_attr not in store:
                checks.fail("weight_attr", "an attribute of every edge type", weight_attr)
            weight = _values("weight_attr", store[weight_attr], len(row)).astype(np.float64)
            if not (np.isfinite(weight) & (weight >= 0)).all():
                checks.fail("weight_attr", "finite and >= 0", f"{weight.min()} to {weight.max()}")
        perm = np.lexsort((time, col)) if len(time) else np.argsort(col, kind="stable")
        colptr = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(col, minlength=size), out=colptr[1:])
        ordered = [values[perm] if len(values) else values for values in (time, weight)]
        return Columns(colptr, np.ascontiguousarray(row[perm]), perm, *ordered)

    def sample_from_nodes(self, inputs: NodeSamplerInput) -> Output:
        """Sample the neighbourhoods of nodes."""
        return self._both_ways(node_sample(inputs, self.sample))

    def sample_from_edges(
        self, inputs: EdgeSamplerInput, neg_sampling: NegativeSampling | None = None
    ) -> Output:
        """Sample the neighbourhoods of the ends of edges and of PyG's random negatives, if any."""
        times: Any = self.node_time if self.hetero else self.node_time.get(ONLY)
        if isinstance(times, dict) and not times:
            times = None
        output = edge_sample(
            inputs, self.sample, self.num_nodes, self.disjoint, times, neg_sampling
        )
        return self._both_ways(output)

    def _both_ways(self, output: Output) -> Output:
        return output.to_bidirectional() if self.subgraph_type == "bidirectional" else output

    @property
    def edge_permutation(self) -> Any:
        """The position in the data of each edge that ``edge`` of an output counts by."""
        perms = {name: torch.from_numpy(columns.perm) for name, columns in self.columns.items()}
        return perms if self.hetero else perms[ONLY_EDGE]

    def sample(
        self, seeds: Tensor | dict[str, Tensor], times: Tensor | dict[str, Tensor] | None = None
    ) -> Output:
        """Sample the neighbourhoods of ``seeds`` (by node type), no later than their ``times``."""
        by_type = seeds if isinstance(seeds, dict) else {ONLY: seeds}
        time_of = times if isinstance(times, dict) or times is None else {ONLY: times}
        neighborhood = Neighborhood(self, by_type, time_of)
        for hop in range(max(map(len, self.fanouts.values()), default=0)):
            neighborhood.hop(hop)
        return neighborhood.output()


def _checked_fanouts(num_neighbors: Any) -> list[int] | dict[EdgeType, list[int]]:
    """Return the number of neighbours in each hop, as a list, or one for each edge type."""
    if isinstance(num_neighbors, Mapping):
        return {edge_type: _hops(fanout) for edge_type, fanout in num_neighbors.items()}
    return _hops(num_neighbors)


def _hops(fanout: Any) -> list[int]:
    listed = checks.items("num_neighbors", fanout, "a list of integers, one for each hop, -1: all")
    return [checks.integer("num_neighbors", number, -1) for number in listed]


def _values(name: str, value: Any, size: int) -> npt.NDArray[Any]:
    """Return an attribute of ``size`` nodes or edges, a number for each."""
    allowed = f"an attribute of shape [{size}]"
    numbers = checks.real_tensor(name, value, allowed)
    if numbers.shape != (size,):
        checks.fail(name, allowed, list(numbers.shape))
    return numbers.detach().cpu().numpy()
