"""The edges that must never be returned as negatives: exact membership and complement ranks."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph.csr import frozen
from gneg.graph.device_rows import DeviceRows
from gneg.graph.graph import Graph
from gneg.graph.lazy import cached_property
from gneg.graph.non_edges import NonEdges
from gneg.graph.placement import Engine, Placed

IntArray = npt.NDArray[Any]
#: The edges (or triples) that negatives avoid: those of training (honest), or more on request.
KnownPolicy = Literal["train", "train+valid", "all"]


class KnownEdges(Placed):
    """An exact set of (source, target) pairs with O(log degree) membership.

    Built from any number of edge sets, so that the known edges are always spelled out:
    ``KnownEdges(graph)`` knows the training edges only (honest), ``KnownEdges(graph, valid, test)``
    knows more. Costs 4 bytes a directed edge plus 8 a node, and the same again when sources are
    corrupted in a directed graph; nothing when it is built from one graph, whose arrays it shares.

    Args:
        *edge_sets: Graphs, or integer tensors ``[2, E]``. Tensors are symmetrised if the set is
            undirected. Self-loops in tensors are known edges like any other.
        num_nodes: N or (num_src, num_dst); taken from the first graph if there is one.
        undirected: Whether (u, v) also means (v, u); taken from the first graph if there is one.

    Raises:
        ValueError: If there is neither a graph nor ``num_nodes``, or an edge set does not fit.

    Example:
        >>> known = KnownEdges(torch.tensor([[0, 1], [1, 2]]), num_nodes=4, undirected=True)
        >>> known.contains(torch.tensor([1, 0]), torch.tensor([0, 3]))
        tensor([ True, False])
        >>> known.complement_size(torch.tensor([1]))  # 3; the query itself does not count
        tensor([1])
    """

    def __init__(
        self,
        *edge_sets: Graph | Tensor,
        num_nodes: int | tuple[int, int] | None = None,
        undirected: bool | None = None,
    ) -> None:
        graphs = [edges for edges in edge_sets if isinstance(edges, Graph)]
        self.num_src, self.num_dst, self.bipartite = _size(graphs, num_nodes)
        checks.choice("undirected", undirected, (None, False, True))
        if undirected is None:
            undirected = bool(graphs) and graphs[0].undirected
        self.undirected = bool(undirected)
        for graph in graphs:
            if (graph.num_src, graph.num_dst) != (self.num_src, self.num_dst):
                checks.fail("edge_sets", f"of {self.num_src} x {self.num_dst} nodes", graph)
        if len(edge_sets) == 1 and graphs and graphs[0].undirected == self.undirected:
            self.indptr, self.indices = graphs[0].indptr, graphs[0].indices
        else:
            self.indptr, self.indices = self._merge(edge_sets)
        self._reversed: KnownEdges | None = self if self.undirected else None
        self._graph = graphs[0] if len(edge_sets) == 1 and graphs else None
        for graph in graphs[:1]:
            self.device, self.engine = graph.device, graph.engine
        for graph in graphs[1:]:
            if (graph.device, graph.engine) != (self.device, self.engine):
                checks.fail("edge_sets", f"on {self.device}, as the first one", graph.device)

    def _placed(self, device: torch.device, engine: Engine) -> KnownEdges:
        moved = super()._placed(device, engine)
        for edges in {moved, moved.reversed()} if moved._reversed is not None else {moved}:
            edges._graph = None if edges._graph is None else edges._graph.to(device, engine=engine)
        return moved

    def on_device(self) -> DeviceRows:
        """Return the edges as tensors on the device, those of the graph where they are the same."""
        if self._graph is not None and self._graph.indices is self.indices:
            return self._graph.on_device()
        return super().on_device()

    @property
    def non_edges(self) -> NonEdges:
        """The complement of the edges on the device."""
        return NonEdges(self.on_device(), bool(self.no_self))

    def _merge(self, edge_sets: tuple[Graph | Tensor, ...]) -> tuple[IntArray, IntArray]:
        sources, targets = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for edges in edge_sets:
            tensor = edges.edge_index if isinstance(edges, Graph) else edges
            if isinstance(getattr(edges, "pos", None), Tensor):  # EvalEdges of a dataset
                allowed, hint = "graphs or tensors of shape [2, B]", "did you mean its .pos?"
                checks.fail("edge_sets", allowed, type(edges).__name__, hint=hint)
            tensor = checks.pairs("edge_sets", tensor)
            checks.node_range("edge_sets", tensor[0], self.num_src)
            checks.node_range("edge_sets", tensor[1], self.num_dst)
            array = tensor.detach().cpu().to(torch.int64).numpy()
            sources.append(array[0])
            targets.append(array[1])
            if self.undirected:
                sources.append(array[1])
                targets.append(array[0])
        arrays = kernels.csr.build(
            np.concatenate(sources),
            np.concatenate(targets),
            self.num_src,
            self.num_dst,
            drop_loops=False,
        )
        return frozen(arrays[0]), frozen(arrays[1])

    @property
    def num_edges(self) -> int:
        """Number of known (source, target) pairs."""
        return len(self.indices)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays, those of the reversed view included once it exists."""
        back = self._reversed
        extra = 0 if back is None or back is self else back.indptr.nbytes + back.indices.nbytes
        return int(self.indptr.nbytes + self.indices.nbytes + extra)

    @cached_property
    def no_self(self) -> int:
        """Whether (u, u) is never a negative; a ``SELF_...`` code of the kernels."""
        if self.bipartite:
            return kernels.complement.SELF_FREE
        if self._graph is not None:
            return kernels.complement.SELF_OUT
        return kernels.complement.SELF_MAYBE_KNOWN

    def reversed(self) -> KnownEdges:
        """Return the same pairs as (target, source), for corrupting sources; cached."""
        if self._reversed is None:
            back = object.__new__(KnownEdges)
            back.num_src, back.num_dst = self.num_dst, self.num_src
            back.bipartite, back.undirected = self.bipartite, False
            back.device, back.engine = self.device, self.engine
            back._graph = self._graph.reversed() if self._graph is not None else None
            if back._graph is not None:
                back.indptr, back.indices = back._graph.indptr, back._graph.indices
            else:
                arrays = kernels.csr.transpose(self.indptr, self.indices, self.num_dst)
                back.indptr, back.indices = frozen(arrays[0]), frozen(arrays[1])
            back._reversed = self
            self._reversed = back
        return self._reversed

    def contains(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return whether each (src, dst) is known: bool, of the shape that both have.

        Raises:
            ValueError: If shapes, devices or ids do not fit.
        """
        src = self._rows("src", src)
        dst = checks.index_tensor("dst", dst, "[...]")
        checks.same_shape("dst", dst, "src", src)
        checks.same_device("dst", dst, "src", src)
        checks.node_range("dst", dst, self.num_dst)
        if self.engine == "torch":
            return self.on_device().contain(src.long(), dst.long())
        out = self.holds(_flat(src), _flat(dst))
        return torch.from_numpy(out).view(src.shape).to(src.device)

    def holds(self, rows: IntArray, targets: IntArray) -> npt.NDArray[np.bool_]:
        """Return what :meth:`contains` does, ``[B]``, of ids that were checked, for samplers."""
        out = np.empty(len(rows), np.bool_)
        arguments = out, rows, targets, *self.arrays
        kernels.threads.run_rows(kernels.csr.contains, len(out), len(out), *arguments)
        return out

    def complement_size(self, src: Tensor) -> Tensor:
        """Return the number of non-edges of each source (itself not counted), long, of its shape.

        Raises:
            ValueError: If ids do not fit.
        """
        src = self._rows("src", src)
        if self.engine == "torch":
            return self.non_edges.sizes(src.long())
        out = self.sizes(_flat(src))
        return torch.from_numpy(out).view(src.shape).to(src.device)

    def listed(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Return the known edges of ``rows [B]``: positions in ``rows``, ascending, and targets."""
        start = self.indptr[rows]
        degree = self.indptr[rows + 1] - start
        line = np.repeat(np.arange(len(rows)), degree)
        entry = np.arange(len(line)) - np.repeat(np.cumsum(degree) - degree, degree)
        return line, self.indices[np.repeat(start, degree) + entry].astype(np.int64)

    def sizes(self, rows: IntArray) -> npt.NDArray[np.int64]:
        """Return the number of non-edges of each of ``rows [B]`` as an array, for samplers."""
        out = np.empty(len(rows), np.int64)
        kernels.threads.run_rows(
            kernels.complement.sizes,
            len(out),
            len(out),
            out,
            rows,
            *self.arrays,
            self.num_dst,
            self.no_self,
        )
        return out

    def non_neighbor(self, src: Tensor, rank: Tensor) -> Tensor:
        """Return the ``rank``-th non-edge target of each source, ascending; -1 where there is none.

        A uniform rank gives a uniform non-edge with no rejection, whatever the degree.

        Raises:
            ValueError: If shapes, devices or ids do not fit.
        """
        src = self._rows("src", src)
        rank = checks.index_tensor("rank", rank, "[...]")
        checks.same_shape("rank", rank, "src", src)
        checks.same_device("rank", rank, "src", src)
        if self.engine == "torch":
            return self.non_edges.at(src.long(), rank.long())
        out = np.empty(src.numel(), np.int64)
        kernels.threads.run_rows(
            kernels.complement.nth,
            len(out),
            len(out),
            out,
            _flat(src),
            _flat(rank),
            *self.arrays,
            self.num_dst,
            self.no_self,
        )
        return torch.from_numpy(out).view(src.shape).to(src.device)

    @property
    def arrays(self) -> tuple[IntArray, IntArray]:
        """``indptr [num_src + 1]`` and sorted ``indices [E]``."""
        return self.indptr, self.indices

    def _rows(self, name: str, src: Tensor) -> Tensor:
        src = checks.index_tensor(name, src, "[...]")
        checks.node_range(name, src, self.num_src)
        self.check_place(name, src)
        return src

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state["_reversed"] = self if self.undirected else None
        if self._graph is not None and self.indices is self._graph.indices:
            del state["indptr"], state["indices"]  # the graph brings them, perhaps as a path
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "indptr" not in state:
            self.indptr, self.indices = state["_graph"].indptr, state["_graph"].indices
        frozen(self.indptr)
        frozen(self.indices)

    def __repr__(self) -> str:
        return f"KnownEdges({self.num_src} x {self.num_dst}, num_edges={self.num_edges})"


def _size(graphs: list[Graph], num_nodes: int | tuple[int, int] | None) -> tuple[int, int, bool]:
    if num_nodes is None:
        if not graphs:
            checks.fail("num_nodes", "given when no edge set is a Graph", None)
        return graphs[0].num_src, graphs[0].num_dst, graphs[0].bipartite
    return checks.num_nodes("num_nodes", num_nodes)


def _flat(ids: Tensor) -> npt.NDArray[np.int64]:
    return ids.detach().cpu().to(torch.int64).contiguous().view(-1).numpy()
