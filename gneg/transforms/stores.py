"""The edge stores of ``Data`` and ``HeteroData``, and their graphs and positives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor
from torch_geometric.data import Data, HeteroData

from gneg import checks
from gneg.graph import Graph
from gneg.samplers import Sampler

EdgeType = tuple[str, str, str]


def edge_stores(
    data: Data | HeteroData, edge_types: Iterable[Sequence[str]] | Sequence[str] | None
) -> list[Any]:
    """Return the stores of ``edge_types``, one or several; all of them if None.

    Raises:
        ValueError: If there is no such edge type or no edges.
    """
    checks.instance("data", data, (Data, HeteroData))
    if not isinstance(data, HeteroData):
        if edge_types is not None:
            checks.fail("edge_types", "None for homogeneous data", edge_types)
        if data.edge_index is None:
            checks.fail("data", "PyG data with an 'edge_index'", repr(data))
        stores = [data._store]
    elif edge_types is None:
        stores = [data[edge_type] for edge_type in data.edge_types]
    else:
        stores = [
            store_of("edge_types", data, edge_type)
            for edge_type in several("edge_types", edge_types)
        ]
    for store in stores:
        check_edges(store)
    return stores


def several(name: str, edge_types: Any) -> list[Any]:
    """Return a list of edge types, of one or several of them."""
    allowed = "an edge type, such as ('user', 'buys', 'item'), or several"
    listed = checks.items(name, edge_types, allowed)
    return [listed] if listed and isinstance(listed[0], str) else listed


def store_of(name: str, data: HeteroData, edge_type: Any) -> Any:
    """Return the store of an edge type, which may be named by its ends."""
    named = isinstance(edge_type, Sequence) and all(isinstance(part, str) for part in edge_type)
    canonical = data._to_canonical(*edge_type) if named and len(edge_type) in (2, 3) else None
    if canonical not in data.edge_types or "edge_index" not in data[canonical]:
        checks.fail(name, f"of {data.edge_types}", checks.shown(edge_type))
    return data[canonical]


def check_edges(store: Any) -> None:
    """Refuse a store whose ``edge_index`` is no integer tensor ``[2, E]`` of its nodes.

    Raises:
        ValueError: If it is not.
    """
    edge_index = checks.pairs("edge_index", store.edge_index)
    for ends, size in zip(edge_index, store.size(), strict=True):
        checks.node_range("edge_index", ends, int(size))


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


def made_by(sampler: Callable[..., Sampler], *arguments: Any) -> Sampler:
    """Return the sampler that a user's function makes.

    Raises:
        ValueError: If it makes something else.
    """
    result = sampler(*arguments)
    if not isinstance(result, Sampler):
        checks.fail("sampler", "a function that returns a sampler", checks.shown(result))
    return result


def check_sampler(sampler: object) -> Any:
    """Return ``sampler`` if it is an expression or a function, which makes a sampler.

    Raises:
        ValueError: If it is neither.
    """
    if not isinstance(sampler, str) and not callable(sampler):
        allowed = "an expression, or a function that makes a sampler"
        checks.fail("sampler", allowed, checks.shown(sampler))
    return sampler


def check_name(argument: str, name: object) -> str:
    """Return the name of an attribute if it is a text.

    Raises:
        ValueError: If it is not.
    """
    if not isinstance(name, str) or not name:
        checks.fail(argument, "the name of an attribute", checks.shown(name))
    return name
