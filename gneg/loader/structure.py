"""Nodes, edges and times of PyG data, also where they are in a feature store and a graph store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch_geometric.data import Data, FeatureStore, GraphStore, HeteroData, remote_backend_utils

from gneg import checks

#: ``Data``, ``HeteroData`` or PyG's pair of a ``FeatureStore`` and a ``GraphStore``.
AnyData: TypeAlias = Any


def structure(data: AnyData, time_attr: str | None = None) -> Data | HeteroData:
    """Return data with the nodes and edges of ``data``, which need not have its features.

    ``Data`` and ``HeteroData`` are returned as they are.

    Args:
        data: ``Data``, ``HeteroData`` or a pair (feature store, graph store).
        time_attr: The attribute of nodes or edges that holds times; None: none.

    Raises:
        ValueError: If ``data`` is none of these.
    """
    if isinstance(data, Data | HeteroData):
        return data
    if not is_pair_of_stores(data):
        allowed = "Data, HeteroData or (feature store, graph store)"
        checks.fail("data", allowed, type(data).__name__)
    features, edges = data
    sizes = {attr.edge_type: attr.size for attr in edges.get_all_edge_attrs()}
    if list(sizes) == [None]:
        if sizes[None] is None:
            checks.fail("data", "a graph store that says the size of its edges", edges)
        row, col, _ = edges.coo()
        whole = Data(edge_index=torch.stack([row, col]), num_nodes=max(sizes[None]))
    else:
        rows, cols, _ = edges.coo(list(sizes))
        whole = HeteroData()
        for edge_type in sizes:
            whole[edge_type].edge_index = torch.stack([rows[edge_type], cols[edge_type]])
        for name in dict.fromkeys(name for edge_type in sizes for name in edge_type[::2]):
            whole[name].num_nodes = remote_backend_utils.num_nodes(features, edges, name)
    for attr in features.get_all_tensor_attrs():
        if time_attr is not None and attr.attr_name == time_attr:
            store = whole if attr.group_name is None else whole[attr.group_name]
            store[time_attr] = _whole_tensor(features, attr)
    return whole


def is_pair_of_stores(data: AnyData) -> bool:
    """Return whether data is a pair of a feature store and a graph store."""
    return (
        isinstance(data, tuple | list)
        and len(data) == 2
        and isinstance(data[0], FeatureStore)
        and isinstance(data[1], GraphStore)
    )


def features(data: AnyData, node_type: str | None) -> Tensor | Callable[[], Tensor] | None:
    """Return the features ``x`` of the nodes of a type, or a function that fetches them; or None.

    Args:
        data: ``Data``, ``HeteroData`` or a pair (feature store, graph store).
        node_type: The node type; None for homogeneous data.
    """
    if isinstance(data, Data | HeteroData):
        store: Any = data if node_type is None else data[node_type]
        x: Tensor | None = store.x if "x" in store else None
        return x
    for attr in data[0].get_all_tensor_attrs():
        if (attr.group_name, attr.attr_name) == (node_type, "x"):
            return lambda: _whole_tensor(data[0], attr)
    return None


def _whole_tensor(store: FeatureStore, attr: Any) -> Tensor:
    attr.index = None
    tensor: Tensor = store.get_tensor(attr)
    return tensor
