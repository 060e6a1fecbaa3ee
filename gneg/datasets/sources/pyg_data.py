"""Graphs and splits that are PyG objects: ``Data``, and one edge type of ``HeteroData``."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import LinkData
from gneg.datasets.splits import check_no_overlap, make_split
from gneg.graph import Graph
from gneg.graph.convert import weights

if TYPE_CHECKING:  # it takes seconds to import
    from torch_geometric.data import Data, HeteroData

EdgeType = tuple[str, str, str]


def from_pyg(
    train: Data | HeteroData,
    valid: Data | HeteroData | None = None,
    test: Data | HeteroData | None = None,
    *,
    edge_type: EdgeType | None = None,
    name: str = "data",
    num_negatives: int = 500,
    metric: str | None = None,
    seed: int = 0,
) -> LinkData:
    """Make a dataset from the parts that ``RandomLinkSplit`` or ``HardLinkSplit`` returned.

    Training edges are the message-passing edges of ``train``, with ``edge_weight`` as their
    weights; positives of ``valid`` and ``test``
    are those of ``edge_label_index`` whose label is not 0. Both get uniform negatives of their own.
    One of them may be empty (``num_val=0``), for what does not look at it. Data alone, without
    ``valid`` and ``test``, are split at random, 85/5/10.

    Of ``HeteroData`` one edge type is used, without the edges of other types. Between two types of
    nodes it is a bipartite graph; their features then stand in columns of their own, and are used
    where both types have some.

    Args:
        train: The training part, whose ``x`` holds the features; or the whole graph.
        valid: The validation part.
        test: The test part.
        edge_type: The edge type to take of ``HeteroData``; the only one if None.
        name: Name of the dataset.
        num_negatives: Evaluation negatives per positive, half of them for each end.
        metric: The metric to select and report by: ``"mrr"``, ``"auc"``, ``"hits@K"`` or, in a
            bipartite graph, ``"recall@20"``; the first or the last of these if None.
        seed: Seed of the evaluation negatives and of a random split.

    Raises:
        ValueError: If a part lacks edges or labels, an edge stands in two parts, or there are
            neither validation nor test edges.
    """
    parts = {"train": train} if valid is None and test is None else _parts(train, valid, test)
    stores = {part: _store(part, data, edge_type) for part, data in parts.items()}
    size = _size(list(parts.values()), list(stores.values()), edge_type)
    x = _features(train, edge_type, size)
    edges, weight = stores["train"].edge_index.cpu().long(), _weight(stores["train"])
    undirected = isinstance(size, int) and _is_undirected(edges, size, weight)
    if undirected:
        one_way = edges[0] < edges[1]
        edges, weight = edges[:, one_way], None if weight is None else weight[one_way]
    if len(parts) == 1:
        graph = Graph.from_edge_index(edges, size, undirected=undirected, weight=weight)
        return make_split(
            name, graph, x, seed=seed, num_negatives=num_negatives, metric=metric
        )  # fmt: skip
    held_out = tuple(_positives(part, stores[part]) for part in ("valid", "test"))
    if not sum(part.size(1) for part in held_out):
        checks.fail("valid, test", "a split with edges to validate or to test on", "none")
    split = check_no_overlap(edges, *held_out, both_ways=undirected)
    graph = Graph.from_edge_index(torch.cat(split, dim=1), size, undirected=undirected)
    return make_split(
        name,
        graph,
        x,
        seed=seed,
        num_negatives=num_negatives,
        metric=metric,
        parts=split,
        weight=weight,
        allow_empty=True,
    )


def _parts(train: Any, valid: Any, test: Any) -> dict[str, Any]:
    for part, data in (("valid", valid), ("test", test)):
        if data is None:
            allowed = "PyG data, as of RandomLinkSplit; without 'valid' and 'test' data are split"
            checks.fail(part, allowed, None)
    return {"train": train, "valid": valid, "test": test}


def _store(part: str, data: Any, edge_type: EdgeType | None) -> Any:
    """Return what holds the edges: ``Data`` itself, or the store of an edge type.

    Raises:
        ValueError: If there are no edges, or the edge type is missing or unknown.
    """
    from torch_geometric.data import Data, HeteroData

    if isinstance(data, HeteroData):
        known = [kind for kind in data.edge_types if "edge_index" in data[kind]]
        if edge_type is None and len(known) == 1:
            edge_type = known[0]
        if edge_type not in known:
            checks.fail("edge_type", f"one of {known}", edge_type)
        return data[edge_type]
    if not isinstance(data, Data) or data.edge_index is None:
        checks.fail(part, "PyG data with an 'edge_index'", type(data).__name__)
    if edge_type is not None:
        checks.fail("edge_type", "None for homogeneous data", edge_type)
    return data


def _is_undirected(edge_index: Tensor, size: int, weight: Tensor | None) -> bool:
    from torch_geometric.utils import is_undirected

    return bool(is_undirected(edge_index, weight, num_nodes=size))


def _weight(store: Any) -> Tensor | None:
    """Return the weights ``[E]`` of edges; a warning names other attributes, which are not used."""
    edge_keys = [name for name in ("edge_attr", "edge_time", "time") if name in store]
    if edge_keys:
        warnings.warn(f"not used of the edges: {', '.join(edge_keys)}", stacklevel=3)
    if "edge_weight" not in store:
        return None
    weight = torch.from_numpy(weights(store.edge_weight, store.edge_index.size(1)))
    return weight.clone()


def _positives(part: str, store: Any) -> Tensor:
    if "edge_label_index" in store and "edge_label" in store:
        edges: Tensor = store.edge_label_index.cpu()[:, store.edge_label.cpu() > 0]
    elif "pos_edge_label_index" in store:
        edges = store.pos_edge_label_index.cpu()
    else:
        allowed = "data with 'edge_label_index' and 'edge_label', or 'pos_edge_label_index'"
        checks.fail(part, allowed, store)
    return edges.long()


def _size(
    parts: Sequence[Any], stores: Sequence[Any], edge_type: EdgeType | None
) -> int | tuple[int, int]:
    """Return N, or the numbers of sources and of targets between two types of nodes."""
    if parts[0] is stores[0]:
        return _num_nodes(parts[0], stores, (0, 1))
    source, _, target = stores[0]._key
    if source == target:
        return _num_nodes(parts[0][source], stores, (0, 1))
    return _num_nodes(parts[0][source], stores, (0,)), _num_nodes(parts[0][target], stores, (1,))


def _num_nodes(nodes: Any, stores: Sequence[Any], rows: tuple[int, ...]) -> int:
    """Return N; where the data do not say it, the largest id in any part + 1.

    PyG would take the largest id among the training edges, with a warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            number = nodes.num_nodes
        except UserWarning:
            number = None
    if number is not None:
        return int(number)
    names = ("edge_index", "edge_label_index", "pos_edge_label_index")
    edges = [store[name][list(rows)] for store in stores for name in names if name in store]
    return max(int(index.max()) for index in edges if index.numel()) + 1


def _features(data: Any, edge_type: EdgeType | None, size: int | tuple[int, int]) -> Tensor | None:
    """Return features ``[N, F]``; of two types of nodes each has columns of its own."""
    store = _store("train", data, edge_type)
    if store is data:
        x: Tensor | None = getattr(data, "x", None)
        return x
    source, _, target = store._key
    tables: dict[str, Tensor | None] = {kind: data[kind].get("x") for kind in (source, target)}
    if isinstance(size, int):
        return tables[source]
    lacking = [kind for kind, x in tables.items() if x is None]
    if lacking:
        if len(lacking) == 1:
            used = f"those of {target if lacking[0] == source else source!r} are not used"
            warnings.warn(f"{lacking[0]!r} has no features, so that {used}", stacklevel=3)
        return None
    present = [table.detach().cpu().float() for table in tables.values() if table is not None]
    return torch.block_diag(*present)  # type: ignore[no-any-return]
