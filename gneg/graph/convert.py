"""The edges of a networkx graph, a SciPy matrix or PyG data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data, HeteroData


class Edges(NamedTuple):
    """``edge_index [2, E]``, N or (num_src, num_dst), and the weights ``[E]`` if asked for."""

    edge_index: Tensor
    num_nodes: int | tuple[int, int] | None
    weight: Tensor | None


def num_nodes(edge_index: Tensor, size: object) -> tuple[int, int, bool]:
    """Return the numbers of sources and of targets, and whether these are different nodes.

    Args:
        edge_index: ``[2, E]`` ids.
        size: N, or (num_src, num_dst) of a bipartite graph; the largest id + 1 if None.

    Raises:
        ValueError: If it is none of these, or more than fits in memory.
    """
    if size is not None:
        return checks.num_nodes("num_nodes", size)
    largest = int(edge_index.max()) if edge_index.numel() else -1
    return checks.num_nodes("edge_index", max(largest + 1, 0))


def of_data(
    data: Data | HeteroData, edge_type: tuple[str, str, str] | None, weight: str | None
) -> Edges:
    """Return the edges of a ``Data``, or of one ``edge_type`` of a ``HeteroData``.

    Args:
        data: PyG data with an ``edge_index``, or with its transposed sparse matrix ``adj_t``.
        edge_type: The edge type to take of ``HeteroData``; the only one if None.
        weight: The edge attribute that holds weights, ``"adj_t"`` for the values of that matrix;
            None: the edges have none.

    Raises:
        ValueError: If there are no edges or no such weight, or ``edge_type`` is missing or
            unknown.
    """
    store: Any = data
    num_nodes: int | tuple[int, int] | None = getattr(data, "num_nodes", None)
    if hasattr(data, "edge_types"):
        edge_types = list(data.edge_types)
        if edge_type is None and len(edge_types) == 1:
            edge_type = edge_types[0]
        if edge_type is None or edge_type not in edge_types:
            checks.fail("edge_type", f"one of {edge_types}", edge_type)
        store = data[edge_type]
        src, dst = (data[edge_type[end]].num_nodes for end in (0, 2))
        num_nodes = src if edge_type[0] == edge_type[2] else (src, dst)
    elif edge_type is not None:
        checks.fail("edge_type", "None for homogeneous data", edge_type)
    if getattr(store, "edge_index", None) is None:
        if getattr(store, "adj_t", None) is None:
            checks.fail("data", "PyG data with an 'edge_index' or 'adj_t'", f"{data!r}")
        edge_index, values = _of_transposed(store.adj_t)
        checks.choice("weight", weight, (None, "adj_t"))
        return Edges(edge_index, num_nodes, values if weight else None)
    if weight is None:
        return Edges(store.edge_index, num_nodes, None)
    if not isinstance(weight, str) or weight not in store:
        checks.fail("weight", "an edge attribute of the data", repr(weight))
    return Edges(store.edge_index, num_nodes, store[weight])


def _of_transposed(adjacency: Any) -> tuple[Tensor, Tensor]:
    """Return edges ``[2, E]`` and values ``[E]`` of PyG's ``adj_t [num_dst, num_src]``."""
    from torch_geometric.utils import to_edge_index

    edge_index, values = to_edge_index(adjacency)
    return edge_index.flip(0), values


def of_networkx(graph: networkx.Graph, weight: str | None) -> Edges:
    """Return the edges of a networkx graph; node ids are positions in ``list(graph)``.

    Where every node has an attribute ``bipartite``, 0 or 1, as networkx marks two kinds of nodes,
    sources are the nodes with 0 and targets those with 1, each numbered in the order of the graph.

    Args:
        graph: Any networkx graph.
        weight: The edge attribute that holds weights, 1 where an edge lacks it; None: no weights.

    Raises:
        ValueError: If ``graph`` has no ``edges`` and ``is_directed`` of networkx.
    """
    if not (hasattr(graph, "edges") and hasattr(graph, "is_directed")):
        checks.fail("graph", "a networkx graph", type(graph).__name__)
    ids = {node: i for i, node in enumerate(graph)}
    size: int | tuple[int, int] = len(ids)
    edges = [edge[:2] for edge in graph.edges()]
    kind = {node: data.get("bipartite") for node, data in graph.nodes(data=True)}
    if set(kind.values()) == {0, 1}:
        parts = [[node for node in graph if kind[node] == side] for side in (0, 1)]
        ids = {node: i for part in parts for i, node in enumerate(part)}
        size = len(parts[0]), len(parts[1])
        edges = [(u, v) if kind[u] == 0 else (v, u) for u, v in edges]
        inside = [(u, v) for u, v in edges if kind[u] == kind[v]]
        if inside:
            allowed = "one whose edges join nodes with 'bipartite' 0 to nodes with 1"
            checks.fail("graph", allowed, f"the edge {inside[0]}")
    edge_index = torch.tensor([(ids[u], ids[v]) for u, v in edges]).long().view(-1, 2).t()
    if weight is None:
        return Edges(edge_index, size, None)
    if not isinstance(weight, str):
        checks.fail("weight", "the name of an edge attribute", checks.shown(weight))
    values = [
        checks.number("weight", value, 0, open_low=True)
        for *_, value in graph.edges(data=weight, default=1)
    ]
    return Edges(edge_index, size, torch.tensor(values, dtype=torch.double))


def of_scipy(
    matrix: scipy.sparse.sparray | scipy.sparse.spmatrix, bipartite: bool | None, weighted: bool
) -> Edges:
    """Return the non-zero entries of a sparse matrix ``[num_src, num_dst]`` as edges.

    Args:
        matrix: The adjacency matrix, of SciPy or a sparse tensor of torch.
        bipartite: Whether rows and columns are different nodes; None: if it is not square.
        weighted: Whether the entries are weights of the edges.

    Raises:
        ValueError: If ``matrix`` is not a SciPy sparse matrix, or is not square but
            ``bipartite=False``.
    """
    if isinstance(matrix, Tensor) and matrix.layout is not torch.strided:
        matrix = _of_sparse(matrix)
    if not hasattr(matrix, "tocoo"):
        checks.fail("matrix", "a SciPy sparse matrix or a sparse tensor", type(matrix).__name__)
    checks.choice("bipartite", bipartite, (None, False, True))
    checks.flag("weighted", weighted)
    coo = matrix.tocoo()
    if bipartite is None:
        bipartite = coo.shape[0] != coo.shape[1]
    if not bipartite and coo.shape[0] != coo.shape[1]:
        checks.fail("matrix", "square unless 'bipartite' is True", f"shape {coo.shape}")
    keep = coo.data != 0
    edge_index = torch.from_numpy(np.stack([coo.row[keep], coo.col[keep]]).astype(np.int64))
    size = (int(coo.shape[0]), int(coo.shape[1]))
    weight = torch.from_numpy(coo.data[keep].astype(np.float64)) if weighted else None
    return Edges(edge_index, size if bipartite else size[0], weight)


def _of_sparse(matrix: Tensor) -> scipy.sparse.coo_matrix:
    """Return a sparse tensor as a SciPy matrix."""
    import scipy.sparse

    entries = matrix.detach().cpu().to_sparse_coo().coalesce()
    return scipy.sparse.coo_matrix((entries.values(), entries.indices()), tuple(matrix.shape))


def weights(weight: object, size: int) -> npt.NDArray[np.float64]:
    """Return the weights of ``size`` edges as an array.

    Raises:
        ValueError: If there are not ``size`` of them, or one is not positive and finite.
    """
    allowed = f"a tensor of shape [{size}], one weight an edge"
    values = checks.real_tensor("weight", weight, allowed)
    if values.numel() != size:
        checks.fail("weight", allowed, list(values.shape))
    array = values.detach().cpu().double().contiguous().view(-1).numpy()
    if not (np.isfinite(array).all() and (array > 0).all()):
        checks.fail("weight", "finite and > 0", f"{array.min()} to {array.max()}")
    return array
