"""The edge stores of ``Data`` and ``HeteroData``, and their graphs and positives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor
from torch_geometric.data import Data, HeteroData

from gneg import checks
from gneg.graph import Graph

EdgeType = tuple[str, str, str]


def edge_stores(
    data: Data | HeteroData, edge_types: Iterable[Sequence[str]] | Sequence[str] | None
) -> list[Any]:
    """Return the stores of ``edge_types``, one or several; all of them if None.

    Raises:
        ValueError: If there is no such edge type or no edges.
    """
    if not isinstance(data, HeteroData):
        if edge_types is not None:
            checks.fail("edge_types", "None for homogeneous data", edge_types)
        if data.edge_index is None:
            checks.fail("data", "PyG data with an 'edge_index'", repr(data))
        return [data._store]
    if edge_types is None:
        return [data[edge_type] for edge_type in data.edge_types]
    several = list(edge_types) if not isinstance(next(iter(edge_types)), str) else [edge_types]
    stores = []
    for edge_type in several:
        store = data[tuple(edge_type)]
        if "edge_index" not in store:
            checks.fail("edge_types", f"of {data.edge_types}", tuple(edge_type))
        stores.append(store)
    return stores


def size_of(store: Any) -> int | tuple[int, int]:
    """Return N, or (num_src, num_dst) between two node types."""
    size: tuple[int, int] = store.size()
    return size if store.is_bipartite() else size[0]


def graph_of(store: Any) -> Graph:
    """Return the graph of a store's edges."""
    return Graph.from_edge_index(store.edge_index, size_of(store))


def positives(store: Any, key: str) -> tuple[Tensor, Tensor | None]:
    """Return the supervised positives ``[2, P]`` of a store and their labels.

    They are the pairs of ``key_index`` whose label is not 0, or all edges if there is none.
    """
    if f"{key}_index" not in store:
        return store.edge_index, store.get(key)
    index, label = store[f"{key}_index"], store.get(key)
    if label is None or label.is_floating_point():
        return (index, None) if label is None else (index[:, label > 0], None)
    return index, label
