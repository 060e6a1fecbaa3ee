"""Training-free scores of node pairs: CN, AA, RA, PPR, Katz, preferential attachment, cosine."""

from __future__ import annotations

from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph.cosines import Cosines
from gneg.graph.graph import Graph

__all__ = ["KINDS", "Heuristic", "Kind", "distances", "scores"]

FloatArray = npt.NDArray[np.float64]
Kind = Literal["cn", "aa", "ra", "ppr", "katz", "pa", "cosine"]
KINDS: tuple[Kind, ...] = ("cn", "aa", "ra", "ppr", "katz", "pa", "cosine")

# Pairs whose features are looked up at once.
CHUNK = 2**15
# On a graph of this size PageRank is pushed until at most a hundredth of it is left, wherever it
# lies; a larger one has room for few nodes near the source, and the time for all is not there.
SMALL, LEFT, TOLERANCE = 10_000, 0.01, 1e-6
#: Smallest restart probability: walks are 1 / alpha steps long, and their law ever closer to
#: that of a singular system.
LEAST_ALPHA = 1e-4
# Last bits of a double that rounding drops, of 53.
DROPPED = 21


def rounded(values: FloatArray) -> FloatArray:
    """Round to 32 significant bits, so that sums of the same terms in another order are equal.

    Halves are rounded away from 0.
    """
    bits = np.ascontiguousarray(values, np.float64).view(np.int64)
    near: FloatArray = ((bits + (1 << DROPPED >> 1)) & -(1 << DROPPED)).view(np.float64)
    return near


def neighbor_weight(kind: Literal["ra", "cn", "aa"], degree: npt.NDArray[Any]) -> FloatArray:
    """Return the weight of a common neighbour of a given degree: 1/d (RA), 1 (CN), 1/log d (AA).

    AA (Adamic and Adar 2003) gives a node of degree 1 no weight: it joins no pair.
    """
    size: FloatArray = degree.astype(np.float64)
    if kind == "ra":
        return 1.0 / np.maximum(size, 1)
    if kind == "cn":
        return np.ones_like(size)
    return np.where(size > 1, 1.0 / kernels.logs.logs(np.maximum(size, 2)), 0.0)


#: Weights of common neighbours by kind, of each graph that is in use.
_weights: WeakKeyDictionary[Graph, dict[str, FloatArray]] = WeakKeyDictionary()


def default_tolerance(num_nodes: int, num_edges: int) -> float:
    """Return the tolerance ``epsilon`` of PageRank by push that suits a graph.

    0.01 / E for up to 10,000 nodes, where all residuals together are then at most 1 %; 1e-6 for
    larger graphs. (With a constant one, no push would get past the neighbours in a dense graph.)
    """
    if num_nodes > SMALL:
        return TOLERANCE
    return min(1e-5, LEFT / max(num_edges, 1))


def scores(
    graph: Graph,
    kind: Kind,
    rows: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    *,
    alpha: float = 0.15,
    epsilon: float | None = None,
    beta: float = 0.005,
    length: int = 3,
    x: Tensor | None = None,
) -> FloatArray:
    """Return scores ``[B, M]`` of pairs ``rows [B]``, ``targets [B, M]``; 0 for targets below 0.

    A common neighbour w counts 1 (``"cn"``), 1 / log deg(w) (``"aa"``) or 1 / deg(w) (``"ra"``).
    ``"ppr"`` is personalised PageRank from the row, by forward push (Andersen et al., FOCS 2006):
    at most ``epsilon * deg(v)`` below the exact value, in a directed graph ``epsilon`` times the
    number of nodes and edges. ``"katz"`` (Katz 1953) counts walks of up to
    ``length`` steps, each step weighing ``beta``. ``"pa"`` is preferential attachment, deg(u)
    deg(v) (Barabasi and Albert 1999); ``"cosine"`` that of features.

    Scores are the same on any processor and number of threads: sums run over neighbours and
    features in ascending order, and all but ``"pa"`` are :func:`rounded` to 32 significant bits,
    so that pairs whose scores are equal in theory are equal.

    Args:
        graph: A homogeneous graph.
        kind: The score: one of :data:`KINDS`.
        rows: ``[B]`` sources.
        targets: ``[B, M]`` targets of each source; below 0: none.
        alpha: Restart probability of ``"ppr"``, in [0.0001, 1].
        epsilon: Tolerance of ``"ppr"``, > 0; :func:`default_tolerance` if None.
        beta: Weight of a step of ``"katz"``, > 0.
        length: Steps of ``"katz"`` at the most, >= 1.
        x: ``[N, F]`` features, dense or sparse CSR, for ``"cosine"``.

    Raises:
        ValueError: If the graph is bipartite, an argument is out of range, or ``x`` is missing.
    """
    if graph.bipartite:
        checks.fail("graph", "homogeneous", graph)
    checks.choice("kind", kind, KINDS)
    alpha = checks.number("alpha", alpha, LEAST_ALPHA, 1)
    epsilon = default_tolerance(graph.num_nodes, graph.num_edges) if epsilon is None else epsilon
    checks.number("epsilon", epsilon, 0, open_low=True)
    beta = checks.number("beta", beta, 0, open_low=True)
    length = checks.integer("length", length, 1)
    if kind == "cosine":
        return _cosine(x, rows, targets)
    if kind == "pa":
        degree = graph.degree().numpy(), graph.reversed().degree().numpy()
        return np.where(targets >= 0, 1.0 * degree[0][rows][:, None] * degree[1][targets], 0.0)
    out = np.empty(targets.shape)
    order = np.argsort(rows, kind="stable")  # equal rows share their preparation
    work = max(out.size, 64 * len(rows))
    arguments = len(rows), work, out, rows[order], np.ascontiguousarray(targets[order])
    steps, size = graph.steps(), graph.num_nodes
    threads = kernels.threads
    if kind == "ppr":

        def push(*args: Any) -> None:
            kernels.ppr.push(*args, threads.zeros(3 * size), threads.scratch(size)[1])

        threads.run_rows(push, *arguments, *steps[:2], alpha, epsilon)
    elif kind == "katz":

        def count(*args: Any) -> None:
            kernels.katz.katz(*args, threads.zeros(3 * size), threads.integers(3 * size))

        threads.run_rows(count, *arguments, *steps[:4], beta, length)
    else:
        known = _weights.setdefault(graph, {})
        if kind not in known:
            known[kind] = neighbor_weight(kind, graph.degree().numpy())
        weight = known[kind]

        def weigh(*args: Any) -> None:
            kernels.heuristics.weighted(*args, threads.zeros(size))

        threads.run_rows(weigh, *arguments, *steps[:4], weight)
    back = np.empty_like(out)
    back[order] = rounded(out)
    return back


class Heuristic:
    """A scorer of pairs: CN, AA, RA, PPR, Katz, preferential attachment or cosine of features.

    The scores are those of :func:`scores`. A directed graph is taken as undirected. In a bipartite
    graph a source and a target have no common neighbours: CN, AA and RA are 0.

    Args:
        graph: Any graph.
        kind: The score: one of :data:`KINDS`.
        x: ``[N, F]`` features, for ``"cosine"``; sources first in a bipartite graph.

    Raises:
        ValueError: If ``kind`` is unknown or ``x`` missing.

    Example:
        >>> import torch
        >>> square = torch.tensor([[0, 1, 0, 3], [1, 2, 3, 2]])
        >>> graph = Graph.from_edge_index(square, undirected=True)
        >>> Heuristic(graph, "cn")(torch.tensor([0, 0]), torch.tensor([2, 1]))
        tensor([2., 0.], dtype=torch.float64)
    """

    def __init__(self, graph: Graph, kind: Kind, x: Tensor | None = None) -> None:
        checks.instance("graph", graph, (Graph,))
        self.graph = graph.to_homogeneous()
        self.sizes = graph.num_src, graph.num_dst
        self._shift = graph.num_src if graph.bipartite else 0
        self.kind: Kind = checks.choice("kind", kind, KINDS)
        self.x = features("x", x, graph.num_nodes) if kind == "cosine" else None

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores, double, of pairs ``src``, ``dst`` of one shape, in that shape.

        Raises:
            ValueError: If ids do not fit.
        """
        for name, ends, size in zip(("src", "dst"), (src, dst), self.sizes, strict=True):
            checks.node_range(name, checks.index_tensor(name, ends, "[...]"), size)
        checks.same_shape("dst", dst, "src", src)
        rows = src.reshape(-1).cpu().long().contiguous().numpy()
        targets = dst.reshape(-1, 1).cpu().long().contiguous().numpy() + self._shift
        values = scores(self.graph, self.kind, rows, targets, x=self.x)
        return torch.from_numpy(values).view(src.shape).to(src.device)


def distances(
    graph: Graph,
    src: npt.NDArray[np.int64],
    dst: npt.NDArray[np.int64],
    farthest: int = 8,
) -> npt.NDArray[np.int64]:
    """Return the number of edges on a shortest path of each pair, ``[B]``.

    Args:
        graph: The graph whose edges are followed.
        src: ``[B]`` sources.
        dst: ``[B]`` targets.
        farthest: The longest path that is looked for, >= 1; longer or no paths count as
            ``farthest + 1``.
    """
    out = np.empty(len(src), np.int64)
    steps, size = graph.steps(), graph.num_nodes

    def search(*args: Any) -> None:
        back = kernels.threads.integers(size)
        kernels.distances.distances(*args, *kernels.threads.scratch(size), back)

    kernels.threads.run_rows(
        search,
        len(src),
        256 * len(src),
        out,
        src,
        dst,
        *steps[:4],
        checks.integer("farthest", farthest, 1),
    )
    return out


def features(name: str, x: object, num_nodes: int) -> Tensor:
    """Return ``x`` if it is a matrix ``[N, F]`` of real features, dense or sparse CSR.

    Raises:
        ValueError: If it is not.
    """
    allowed = f"features of shape [{num_nodes}, F], dense or sparse CSR, for 'cosine'"
    if isinstance(x, Tensor) and x.layout is torch.sparse_csr and not x.is_meta:
        matrix = x
    else:
        matrix = checks.tensor(name, x, allowed)
    if matrix.is_complex():
        checks.fail(name, allowed, f"dtype {matrix.dtype}")
    if matrix.dim() != 2 or matrix.size(0) != num_nodes:
        checks.fail(name, allowed, f"shape {list(matrix.shape)}")
    return matrix


def unit_rows(x: Tensor) -> Any:
    """Return features as double rows of length 1 (or 0), as NumPy array or, of CSR, SciPy CSR."""
    if x.layout == torch.strided:
        array = x.detach().cpu().double().numpy()
        norm = np.sqrt((array**2).sum(axis=1, keepdims=True))
        return array / np.where(norm > 0, norm, 1.0)
    from scipy import sparse

    parts = x.values().double(), x.col_indices(), x.crow_indices()
    matrix = sparse.csr_array(tuple(part.cpu().numpy() for part in parts), shape=tuple(x.shape))
    norm = np.sqrt((matrix**2).sum(axis=1))
    return (sparse.diags_array(1.0 / np.where(norm > 0, norm, 1.0)) @ matrix).tocsr()


def _cosine(
    x: Tensor | None, rows: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]
) -> FloatArray:
    if x is None:
        checks.fail("x", "features [N, F] for 'cosine'", None)
    flat, sources = targets.ravel(), np.repeat(rows, targets.shape[1])
    cosines = rounded(Cosines(x).pairs(sources, np.maximum(flat, 0)))
    return np.where(flat >= 0, cosines, 0.0).reshape(targets.shape)
