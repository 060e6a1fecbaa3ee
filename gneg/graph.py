"""What a graph is: a frozen, sorted CSR view of one relation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data, HeteroData

IntArray = npt.NDArray[Any]


class Steps(NamedTuple):
    """The arrays a walk or a BFS runs on: out-edges, in-edges, where the target ids begin."""

    indptr: IntArray
    indices: IntArray
    in_indptr: IntArray
    in_indices: IntArray
    target_shift: int


class Graph:
    """An immutable graph of one relation, homogeneous or bipartite, directed or undirected.

    Parallel edges are coalesced and self-loops are left out (a self-loop is never a negative, and
    no heuristic or walk uses it). Isolated nodes are fine. Build one with
    :meth:`from_edge_index`, :meth:`from_data`, :meth:`from_networkx` or :meth:`from_scipy`.

    Undirected or directed is *checked* by default: a graph whose edges all appear in both
    directions is undirected, any other is directed. ``undirected=True`` symmetrises what is
    given; ``undirected=False`` keeps a symmetric graph directed. A directed graph is walked along
    its edges; to walk it both ways and still exclude only its directed edges, use
    ``Sampler(graph.to_undirected(), known=KnownEdges(graph))``.

    Attributes:
        num_src: Number of source nodes, N in a homogeneous graph.
        num_dst: Number of target nodes, N in a homogeneous graph.
        bipartite: Whether sources and targets are different node sets.
        undirected: Whether every edge is present in both directions.
        indptr: ``[num_src + 1]`` int64, read-only.
        indices: ``[E]`` int32 (int64 from 2**31 nodes on), sorted within each row, read-only.

    Example:
        >>> graph = Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), undirected=True)
        >>> graph
        Graph(num_nodes=3, num_edges=4, undirected=True)
    """

    def __init__(
        self,
        indptr: IntArray,
        indices: IntArray,
        num_dst: int,
        *,
        bipartite: bool,
        undirected: bool,
    ) -> None:
        self.num_src = len(indptr) - 1
        self.num_dst = num_dst
        self.bipartite = bipartite
        self.undirected = undirected
        self.indptr = frozen(indptr)
        self.indices = frozen(indices)
        self._reversed: Graph | None = self if undirected else None
        self._steps: Steps | None = None

    @classmethod
    def from_edge_index(
        cls,
        edge_index: Tensor,
        num_nodes: int | tuple[int, int] | None = None,
        *,
        undirected: bool | None = None,
    ) -> Graph:
        """Build from ``edge_index [2, E]``.

        Args:
            edge_index: ``[2, E]`` integer tensor of (source, target).
            num_nodes: N, or (num_src, num_dst) for a bipartite graph; the largest id + 1 if None.
            undirected: True symmetrises, False keeps the direction, None checks.

        Raises:
            ValueError: On a wrong shape, dtype or an id out of range, or if a bipartite graph is
                asked to be undirected.
        """
        edge_index = checks.pairs("edge_index", edge_index)
        if isinstance(num_nodes, tuple):
            num_src = checks.integer("num_nodes[0]", num_nodes[0], 0)
            num_dst = checks.integer("num_nodes[1]", num_nodes[1], 0)
            if undirected:
                checks.fail("undirected", "None or False for a bipartite graph", undirected)
        else:
            if num_nodes is None:
                num_nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
            num_src = num_dst = checks.integer("num_nodes", num_nodes, 0)
        checks.node_range("edge_index", edge_index[0], num_src)
        checks.node_range("edge_index", edge_index[1], num_dst)
        bipartite = isinstance(num_nodes, tuple)
        return cls._build(_numpy(edge_index), num_src, num_dst, bipartite, undirected)

    @classmethod
    def from_data(
        cls,
        data: Data | HeteroData,
        edge_type: tuple[str, str, str] | None = None,
        *,
        undirected: bool | None = None,
    ) -> Graph:
        """Build from a PyG ``Data``, or from one ``edge_type`` of a ``HeteroData``.

        Raises:
            ValueError: If the data has no ``edge_index``, or ``edge_type`` is missing or unknown.
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
            checks.fail("data", "PyG data with an 'edge_index'", f"{data!r}")
        return cls.from_edge_index(store.edge_index, num_nodes, undirected=undirected)

    @classmethod
    def from_networkx(cls, graph: networkx.Graph, *, undirected: bool | None = None) -> Graph:
        """Build from a networkx graph; node ids are positions in ``list(graph)``.

        Raises:
            ValueError: If ``graph`` has no ``edges`` and ``is_directed`` of networkx.
        """
        if not (hasattr(graph, "edges") and hasattr(graph, "is_directed")):
            checks.fail("graph", "a networkx graph", type(graph).__name__)
        ids = {node: i for i, node in enumerate(graph)}
        edges = [(ids[edge[0]], ids[edge[1]]) for edge in graph.edges()]
        edge_index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t()
        if not graph.is_directed():
            undirected = True
        return cls.from_edge_index(edge_index, len(ids), undirected=undirected)

    @classmethod
    def from_scipy(
        cls,
        matrix: scipy.sparse.sparray | scipy.sparse.spmatrix,
        *,
        bipartite: bool | None = None,
        undirected: bool | None = None,
    ) -> Graph:
        """Build from the non-zero entries of a SciPy sparse matrix ``[num_src, num_dst]``.

        A square matrix is homogeneous unless ``bipartite=True``; another shape is bipartite.

        Raises:
            ValueError: If ``matrix`` is not a SciPy sparse matrix, or is not square but
                ``bipartite=False``.
        """
        if not hasattr(matrix, "tocoo"):
            checks.fail("matrix", "a SciPy sparse matrix", type(matrix).__name__)
        coo = matrix.tocoo()
        if bipartite is None:
            bipartite = coo.shape[0] != coo.shape[1]
        if not bipartite and coo.shape[0] != coo.shape[1]:
            checks.fail("matrix", "square unless 'bipartite' is True", f"shape {coo.shape}")
        keep = coo.data != 0
        edge_index = torch.from_numpy(np.stack([coo.row[keep], coo.col[keep]]).astype(np.int64))
        size = (int(coo.shape[0]), int(coo.shape[1]))
        return cls.from_edge_index(
            edge_index, size if bipartite else size[0], undirected=undirected
        )

    @classmethod
    def _build(
        cls, edges: IntArray, num_src: int, num_dst: int, bipartite: bool, undirected: bool | None
    ) -> Graph:
        src, dst = edges[0], edges[1]
        if undirected:
            src, dst = np.concatenate([src, dst]), np.concatenate([dst, src])
        arrays = kernels.csr.build(src, dst, num_src, num_dst, drop_loops=not bipartite)
        if undirected or bipartite:
            return cls(*arrays, num_dst, bipartite=bipartite, undirected=bool(undirected))
        back = kernels.csr.transpose(*arrays, num_dst)
        symmetric = undirected is None and kernels.csr.equal(arrays, back)
        graph = cls(*arrays, num_dst, bipartite=False, undirected=symmetric)
        if not symmetric:
            graph._reversed = cls(*back, num_src, bipartite=False, undirected=False)
            graph._reversed._reversed = graph
        return graph

    @property
    def num_nodes(self) -> int:
        """N; in a bipartite graph both sides together."""
        return self.num_src + self.num_dst if self.bipartite else self.num_src

    @property
    def num_edges(self) -> int:
        """Number of directed edges, E: an undirected edge counts twice."""
        return len(self.indices)

    @property
    def edge_index(self) -> Tensor:
        """``[2, E]`` long, sorted by source and target."""
        sources = np.repeat(np.arange(self.num_src), np.diff(self.indptr))
        return torch.from_numpy(np.stack([sources, self.indices.astype(np.int64)]))

    def fingerprint(self) -> str:
        """A hash of nodes and edges: the same for the same graph, however it was built."""
        digest = hashlib.sha256(str((self.num_src, self.num_dst, self.bipartite)).encode())
        for array in (self.indptr, self.indices.astype(np.int64)):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]

    def degree(self) -> Tensor:
        """``[num_src]`` long: number of targets of each source."""
        return torch.from_numpy(np.diff(self.indptr))

    def reversed(self) -> Graph:
        """The graph with every edge turned round, for corrupting sources; cached, O(E) once."""
        if self._reversed is None:
            arrays = kernels.csr.transpose(self.indptr, self.indices, self.num_dst)
            other = Graph(*arrays, self.num_src, bipartite=self.bipartite, undirected=False)
            other._reversed = self
            self._reversed = other
        return self._reversed

    def to_undirected(self) -> Graph:
        """The symmetrised graph; the graph itself if it is undirected.

        Raises:
            ValueError: If the graph is bipartite.
        """
        if self.undirected:
            return self
        return Graph.from_edge_index(
            self.edge_index,
            (self.num_src, self.num_dst) if self.bipartite else self.num_src,
            undirected=True,
        )

    def steps(self) -> Steps:
        """The arrays for walks and BFS; a bipartite graph is walked both ways in joint ids."""
        if self._steps is None:
            back = self.reversed()
            out = self.indptr, self.indices
            if not self.bipartite:
                self._steps = Steps(*out, back.indptr, back.indices, 0)
            else:
                indptr = frozen(np.concatenate([out[0], back.indptr[1:] + len(out[1])]))
                id_type = np.int32 if self.num_nodes < 2**31 else np.int64
                shifted = out[1].astype(id_type) + id_type(self.num_src)
                indices = frozen(np.concatenate([shifted, back.indices.astype(id_type)]))
                self._steps = Steps(indptr, indices, indptr, indices, self.num_src)
        return self._steps

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.indptr, self.indices, self.num_dst, self.bipartite, self.undirected)

    def __repr__(self) -> str:
        size = f"num_nodes={self.num_nodes}"
        if self.bipartite:
            return (
                f"Graph(num_src={self.num_src}, num_dst={self.num_dst}, num_edges={self.num_edges})"
            )
        return f"Graph({size}, num_edges={self.num_edges}, undirected={self.undirected})"


def _rebuild(
    indptr: IntArray, indices: IntArray, num_dst: int, bipartite: bool, undirected: bool
) -> Graph:
    return Graph(indptr, indices, num_dst, bipartite=bipartite, undirected=undirected)


def frozen(array: IntArray) -> IntArray:
    """Make read-only: the graph is immutable, and kernels compile once for read-only arrays."""
    array.flags.writeable = False
    return array


def _numpy(edge_index: Tensor) -> IntArray:
    return edge_index.detach().cpu().to(torch.int64).contiguous().numpy()
