"""Training-free scores of node pairs: common neighbours, Adamic-Adar, RA, personalised PageRank."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gneg import checks, kernels
from gneg.graph import Graph

FloatArray = npt.NDArray[np.float64]
Kind = Literal["cn", "aa", "ra", "ppr"]
KINDS: tuple[Kind, ...] = ("cn", "aa", "ra", "ppr")


def neighbor_weight(kind: Literal["ra", "cn", "aa"], degree: npt.NDArray[Any]) -> FloatArray:
    """Weight of a common neighbour of the given degree: 1/d (RA), 1 (CN), 1/log d (AA).

    AA (Adamic and Adar 2003) gives a node of degree 1 no weight: it joins no pair.
    """
    size: FloatArray = degree.astype(np.float64)
    if kind == "ra":
        return 1.0 / np.maximum(size, 1)
    if kind == "cn":
        return np.ones_like(size)
    return np.where(size > 1, 1.0 / np.log(np.maximum(size, 2)), 0.0)


def scores(
    graph: Graph,
    kind: Kind,
    rows: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    *,
    alpha: float = 0.15,
    epsilon: float = 1e-5,
) -> FloatArray:
    """Scores ``[B, M]`` of pairs ``rows [B]``, ``targets [B, M]``; 0 for targets below 0.

    A common neighbour w counts 1 (``"cn"``), 1 / log deg(w) (``"aa"``) or 1 / deg(w) (``"ra"``).
    ``"ppr"`` is personalised PageRank from the row, by forward push (Andersen et al., FOCS 2006):
    at most ``epsilon * deg(v)`` below the exact value.

    Args:
        graph: A homogeneous graph.
        kind: Which score.
        rows: Sources.
        targets: Targets of each source.
        alpha: Restart probability of ``"ppr"``, in (0, 1).
        epsilon: Tolerance of ``"ppr"``, > 0.

    Raises:
        ValueError: If the graph is bipartite or an argument is out of range.
    """
    if graph.bipartite:
        checks.fail("graph", "homogeneous", graph)
    checks.choice("kind", kind, KINDS)
    checks.number("alpha", alpha, 0, 1, open_low=True)
    checks.number("epsilon", epsilon, 0, open_low=True)
    out = np.empty(targets.shape)
    order = np.argsort(rows, kind="stable")  # equal rows share their preparation
    work = max(out.size, 64 * len(rows))
    arguments = len(rows), work, out, rows[order], np.ascontiguousarray(targets[order])
    steps, size = graph.steps(), graph.num_nodes
    if kind == "ppr":

        def push(*args: Any) -> None:
            marked = kernels.threads.scratch(size)
            kernels.ppr.push(*args, kernels.threads.zeros(2 * size), *marked)

        kernels.threads.run_rows(push, *arguments, *steps[:2], alpha, epsilon)
    else:
        weight = neighbor_weight(kind, graph.degree().numpy())

        def weigh(*args: Any) -> None:
            kernels.heuristics.weighted(*args, kernels.threads.zeros(size))

        kernels.threads.run_rows(weigh, *arguments, *steps[:4], weight)
    back = np.empty_like(out)
    back[order] = out
    return back
