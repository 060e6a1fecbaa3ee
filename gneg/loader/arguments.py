"""Checks of the links and the edges that a loader is given."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.sampler import NegativeSampling

from gneg import checks
from gneg.samplers import Sampler
from gneg.transforms.stores import EdgeType, check_edges


def negative_sampling(request: Any, ratio: Any) -> NegativeSampling | None:
    """Return PyG's description of the negatives that are asked for; None: none.

    Args:
        request: ``"binary"``, ``"triplet"``, a ``NegativeSampling`` or None.
        ratio: Negatives per positive, or None; read by the caller if it is not 0.

    Raises:
        ValueError: If it is none of these.
    """
    if ratio is not None:
        checks.number("neg_sampling_ratio", ratio, 0)
    try:
        return NegativeSampling.cast(request)
    except (AssertionError, TypeError, ValueError):  # of PyG's class, which names no argument
        allowed = "'binary', 'triplet', a torch_geometric.sampler.NegativeSampling or None"
        checks.fail("neg_sampling", allowed, checks.shown(request))


def check_sampler(sampler: Any, *, exclude_targets: bool) -> None:
    """Refuse a sampler of another kind.

    Args:
        sampler: An expression, a sampler of pairs, or None.
        exclude_targets: Whether links are left out of message passing.

    Raises:
        ValueError: If one of the two is something else.
    """
    checks.flag("exclude_targets", exclude_targets)
    if sampler is not None:
        checks.instance("sampler", sampler, (str, Sampler))


def check_links(
    data: Data | HeteroData, edge_label_index: Any, edge_label: Any, known: Any
) -> None:
    """Refuse edges, links, labels or known edges that are no tensors of the data's nodes.

    Args:
        data: ``Data`` or ``HeteroData``.
        edge_label_index: The links ``[2, P]``, for ``HeteroData`` an edge type with or without
            them; None: all edges.
        edge_label: ``[P]`` labels of the links, or None.
        known: ``[2, E]`` further known edges, or None.

    Raises:
        ValueError: If one of them does not fit.
    """
    for store in data.edge_stores:
        if store.get("edge_index") is not None:
            check_edges(store)
    edge_type, links = _parsed(data, edge_label_index)
    store = data if edge_type is None else data[edge_type]
    nodes = [data if edge_type is None else data[edge_type[i]] for i in (0, -1)]
    if links is None:
        links = store.get("edge_index") if edge_type is not None else data.edge_index
    for name, pairs in (("edge_label_index", links), ("known", known)):
        if name == "known" and pairs is None:
            continue
        index = checks.pairs(name, pairs)
        for ends, node_store in zip(index, nodes, strict=True):
            checks.node_range(name, ends, int(node_store.num_nodes))
    if edge_label is not None:
        size = links.size(1)
        label = checks.tensor("edge_label", edge_label, f"a tensor of shape [{size}, ...]")
        if not label.dim() or label.size(0) != size:
            checks.fail("edge_label", f"a tensor of shape [{size}, ...]", list(label.shape))


def _parsed(data: Data | HeteroData, edge_label_index: Any) -> tuple[EdgeType | None, Any]:
    """Return the edge type of links, None for homogeneous data, and the links, None for all."""
    if isinstance(data, Data):
        return None, edge_label_index
    allowed = f"one of the edge types {data.edge_types}, or a pair of one and links [2, P]"
    if not isinstance(edge_label_index, list | tuple) or not edge_label_index:
        checks.fail("edge_label_index", allowed, checks.shown(edge_label_index))
    links: Tensor | None = None
    edge_type: Any = edge_label_index
    if not isinstance(edge_label_index[0], str):
        if len(edge_label_index) != 2:
            checks.fail("edge_label_index", allowed, checks.shown(edge_label_index))
        edge_type, links = edge_label_index
    names = isinstance(edge_type, list | tuple) and all(isinstance(name, str) for name in edge_type)
    canonical = data._to_canonical(*edge_type) if names and len(edge_type) in (2, 3) else None
    if canonical not in data.edge_types:
        checks.fail("edge_label_index", allowed, checks.shown(edge_type))
    return canonical, links
