"""An immutable graph: frozen, sorted CSR arrays of one relation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import convert, csr
from gneg.graph.csr import FloatArray, IntArray, Rows, Steps, frozen
from gneg.graph.placement import Placed

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data, HeteroData


class Graph(Placed):
    """An immutable graph of one relation, homogeneous or bipartite, directed or undirected.

    Parallel edges of a multigraph are one, whose weight is the sum of theirs, and self-loops are
    left out (a self-loop is never a negative, and no heuristic or walk uses it). Isolated nodes are
    fine. Build one with :meth:`from_edge_index`, :meth:`from_data`, :meth:`from_networkx` or
    :meth:`from_scipy`. Walks and message passing follow weights, heuristics do not.

    Undirected or directed is *checked* by default: a graph whose edges all appear in both
    directions is undirected, any other is directed. ``undirected=True`` symmetrises the
    edges; ``undirected=False`` keeps a symmetric graph directed. A directed graph is walked along
    its edges; to walk it both ways and still exclude only its directed edges, use
    ``Sampler(graph.to_undirected(), known=KnownEdges(graph))``.

    Attributes:
        num_src: Number of source nodes, N in a homogeneous graph.
        num_dst: Number of target nodes, N in a homogeneous graph.
        bipartite: Whether sources and targets are different node sets.
        undirected: Whether every edge is present in both directions.
        indptr: ``[num_src + 1]`` int64, read-only.
        indices: ``[E]`` int32 (int64 from 2**31 nodes on), sorted within each row, read-only.
        weights: ``[E]`` double, > 0, in the order of ``indices``, read-only; None: unweighted.

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
        weights: FloatArray | None = None,
    ) -> None:
        self.num_src = len(indptr) - 1
        self.num_dst = num_dst
        self.bipartite = bipartite
        self.undirected = undirected
        self.indptr = frozen(indptr)
        self.indices = frozen(indices)
        self.weights = None if weights is None else frozen(weights)
        self._reversed: Graph | None = self if undirected else None
        self._steps: Steps | None = None

    @classmethod
    def from_edge_index(
        cls,
        edge_index: Tensor,
        num_nodes: int | tuple[int, int] | None = None,
        *,
        undirected: bool | None = None,
        weight: Tensor | None = None,
    ) -> Graph:
        """Build from ``edge_index [2, E]``.

        Args:
            edge_index: ``[2, E]`` integer tensor of (source, target).
            num_nodes: N, or (num_src, num_dst) for a bipartite graph; the largest id + 1 if None.
            undirected: True symmetrises, False keeps the direction, None checks.
            weight: ``[E]``, > 0; those of parallel edges add up, as do both directions where the
                graph is symmetrised.

        Raises:
            ValueError: On a wrong shape, dtype or an id out of range, on a weight that is not
                positive, or if a bipartite graph is asked to be undirected.
        """
        edge_index = checks.pairs("edge_index", edge_index)
        checks.choice("undirected", undirected, (None, False, True))
        num_src, num_dst, bipartite = convert.num_nodes(edge_index, num_nodes)
        if bipartite and undirected:
            checks.fail("undirected", "None or False for a bipartite graph", undirected)
        checks.node_range("edge_index", edge_index[0], num_src)
        checks.node_range("edge_index", edge_index[1], num_dst)
        edges = edge_index.detach().cpu().to(torch.int64).contiguous().numpy()
        weights = None if weight is None else convert.weights(weight, edges.shape[1])
        size = num_src, num_dst
        rows, back = csr.both_ways(edges[0], edges[1], weights, size, bipartite, undirected)
        one_way = bipartite or back is not None
        graph = cls._of(rows, num_dst, bipartite=bipartite, undirected=not one_way)
        if back is not None:
            reverse = cls._of(back, num_src, bipartite=False, undirected=False)
            graph._reversed, reverse._reversed = reverse, graph
        return graph

    @classmethod
    def from_data(
        cls,
        data: Data | HeteroData,
        edge_type: tuple[str, str, str] | None = None,
        *,
        undirected: bool | None = None,
        weight: str | None = None,
    ) -> Graph:
        """Build from a PyG ``Data``, or from one ``edge_type`` of a ``HeteroData``.

        Args:
            data: PyG data with an ``edge_index`` or an ``adj_t``.
            edge_type: The edge type to take of ``HeteroData``; the only one if None.
            undirected: True symmetrises, False keeps the direction, None checks.
            weight: The edge attribute that holds weights, such as ``"edge_weight"``.

        Raises:
            ValueError: If the data has no ``edge_index`` or weight, or ``edge_type`` is missing or
                unknown.
        """
        edges = convert.of_data(data, edge_type, weight)
        return cls.from_edge_index(*edges[:2], undirected=undirected, weight=edges.weight)

    @classmethod
    def from_networkx(
        cls, graph: networkx.Graph, *, undirected: bool | None = None, weight: str | None = None
    ) -> Graph:
        """Build from a networkx graph; node ids are positions in ``list(graph)``.

        Bipartite where every node has an attribute ``bipartite``, 0 (a source) or 1 (a target).

        Args:
            graph: Any networkx graph; parallel edges of a multigraph are one.
            undirected: True symmetrises, False keeps the direction, None checks; always True for an
                undirected networkx graph.
            weight: The edge attribute that holds weights; 1 where an edge lacks it.

        Raises:
            ValueError: If ``graph`` has no ``edges`` and ``is_directed`` of networkx.
        """
        edges = convert.of_networkx(graph, weight)
        if not graph.is_directed() and not isinstance(edges.num_nodes, tuple):
            undirected = True
        return cls.from_edge_index(*edges[:2], undirected=undirected, weight=edges.weight)

    @classmethod
    def from_scipy(
        cls,
        matrix: scipy.sparse.sparray | scipy.sparse.spmatrix,
        *,
        bipartite: bool | None = None,
        undirected: bool | None = None,
        weighted: bool = False,
    ) -> Graph:
        """Build from the non-zero entries of a SciPy sparse matrix ``[num_src, num_dst]``.

        Args:
            matrix: The adjacency matrix; a sparse tensor of torch will do as well.
            bipartite: Whether rows and columns are different nodes; None: if it is not square.
            undirected: True symmetrises, False keeps the direction, None checks.
            weighted: Whether the entries are weights of the edges.

        Raises:
            ValueError: If ``matrix`` is not a SciPy sparse matrix, or is not square but
                ``bipartite=False``.
        """
        edges = convert.of_scipy(matrix, bipartite, weighted)
        return cls.from_edge_index(*edges[:2], undirected=undirected, weight=edges.weight)

    @classmethod
    def open(cls, folder: str | Path) -> Graph:
        """Open a graph that :meth:`save` or ``gneg ingest`` wrote, without reading its arrays.

        The arrays are mapped: the system reads what is used of them, and processes that open the
        same folder, or are sent the opened graph, share one copy.

        Args:
            folder: The folder.

        Raises:
            ValueError: If it holds no such graph, or its files are not those that were written.
        """
        from gneg.graph import store

        return store.open_graph(folder)

    def save(self, folder: str | Path) -> None:
        """Write the graph to a folder for :meth:`open`, whole or not at all.

        Args:
            folder: The folder, new or empty; a graph that is stored there is replaced.

        Raises:
            ValueError: If there is something else.
        """
        from gneg.graph import store

        store.save(self, folder)

    @classmethod
    def _of(cls, rows: Rows, num_dst: int, bipartite: bool, undirected: bool) -> Graph:
        return cls(
            *rows[:2], num_dst, bipartite=bipartite, undirected=undirected, weights=rows.weights
        )

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
        """Return a hash of nodes and edges: the same for the same graph, however it was built."""
        return csr.fingerprint(self._rows, self.num_dst, self.bipartite)

    def degree(self) -> Tensor:
        """Return the number of targets of each source, ``[num_src]`` long."""
        return torch.from_numpy(np.diff(self.indptr))

    def reversed(self) -> Graph:
        """Return the graph with every edge reversed, for corrupting sources; cached, O(E) once."""
        if self._reversed is None:
            src, dst = self.edge_index.numpy()
            rows = csr.reverse_rows(self._rows, self.num_dst, src, dst, self.weights)
            reverse = self._of(rows, self.num_src, bipartite=self.bipartite, undirected=False)
            reverse.device, reverse.engine, reverse._reversed = self.device, self.engine, self
            self._reversed = reverse
        return self._reversed

    def to_undirected(self) -> Graph:
        """Return the symmetrised graph; the graph itself if it is undirected.

        Raises:
            ValueError: If the graph is bipartite.
        """
        if self.undirected:
            return self
        return Graph.from_edge_index(
            self.edge_index,
            (self.num_src, self.num_dst) if self.bipartite else self.num_src,
            undirected=True,
            weight=None if self.weights is None else torch.from_numpy(self.weights.copy()),
        )

    def to_homogeneous(self) -> Graph:
        """Return the undirected graph of a single node set, in which targets follow sources.

        Of a homogeneous graph that is :meth:`to_undirected`.
        """
        if not self.bipartite:
            return self.to_undirected()
        steps = self.steps()
        rows = Rows(steps.indptr, steps.indices, steps.weights)
        return self._of(rows, self.num_nodes, bipartite=False, undirected=True)

    def steps(self) -> Steps:
        """Return the arrays for walks and BFS; a bipartite graph is walked both ways."""
        if self._steps is None:
            build = csr.bipartite_steps if self.bipartite else csr.homogeneous_steps
            self._steps = build(self._rows, self.reversed()._rows)
        return self._steps

    @property
    def _rows(self) -> Rows:
        return Rows(self.indptr, self.indices, self.weights)

    def __reduce__(self) -> tuple[Any, ...]:
        place = {"device": self.device, "engine": self.engine}
        return Graph._of, (self._rows, self.num_dst, self.bipartite, self.undirected), place

    def __repr__(self) -> str:
        size = f"num_nodes={self.num_nodes}"
        if self.bipartite:
            size = f"num_src={self.num_src}, num_dst={self.num_dst}"
        kind = "" if self.bipartite else f", undirected={self.undirected}"
        kind += "" if self.weights is None else ", weighted"
        kind += "" if self.engine == "kernels" else f", torch on {self.device}"
        return f"Graph({size}, num_edges={self.num_edges}{kind})"
