"""Drawings of the negatives of a small graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from gneg import checks, files
from gneg.graph import Graph, heuristics
from gneg.graph.heuristics import Kind
from gneg.graph.take import distinct
from gneg.samplers.negatives import Negatives

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

MAX_NODES = 500  # more are illegible


def draw(
    graph: Graph,
    negatives: Negatives,
    *,
    hardness: Kind = "ra",
    ax: Axes | None = None,
    path: str | Path | None = None,
    seed: int = 0,
) -> Axes:
    """Draw a graph with positives and their negatives; harder negatives are darker.

    Args:
        graph: A homogeneous graph of at most 500 nodes.
        negatives: Negatives that a sampler drew on the graph.
        hardness: The heuristic whose value colours the negatives.
        ax: The axes to draw on; new ones if None.
        path: A file to save the figure to, ``.png``, ``.svg`` or ``.pdf``; None: no file.
        seed: Seed for the layout.

    Returns:
        The axes.

    Raises:
        ValueError: If the graph is bipartite or too large.
    """
    import matplotlib.pyplot as plt
    from matplotlib.colors import ListedColormap

    if graph.num_nodes > MAX_NODES:
        checks.fail("graph", f"of at most {MAX_NODES} nodes", graph)
    whole = nx.Graph()
    whole.add_nodes_from(range(graph.num_nodes))
    whole.add_edges_from(graph.edge_index.t().tolist())
    layout = nx.spring_layout(whole, seed=seed)
    if ax is None:
        ax = plt.subplots(figsize=(8, 6), layout="constrained")[1]
    pos = negatives.positives().t().tolist()
    src, dst = distinct(negatives.edge_index())[0].numpy()
    score = heuristics.scores(graph.to_undirected(), hardness, src, dst[:, None])[:, 0]
    nx.draw_networkx_edges(whole, layout, ax=ax, edge_color="#c9ced6", width=0.8)
    common: dict[str, Any] = {"ax": ax, "arrows": False}
    nx.draw_networkx_edges(whole, layout, edgelist=pos, edge_color="#0072B2", width=2.0, **common)
    order = np.argsort(score, kind="stable")
    lines = nx.draw_networkx_edges(
        whole,
        layout,
        edgelist=[(int(src[i]), int(dst[i])) for i in order],
        edge_color=score[order],
        edge_cmap=ListedColormap(plt.get_cmap("YlOrRd")(np.linspace(0.3, 1, 256))),
        edge_vmin=0.0,
        style="dashed",
        width=1.4,
        **common,
    )
    nx.draw_networkx_nodes(whole, layout, ax=ax, node_size=50, node_color="#1c2430")
    if len(order):
        ax.figure.colorbar(lines, ax=ax, shrink=0.6, label=f"{hardness.upper()} of the negative")
    ax.plot([], [], color="#c9ced6", label="edges")
    ax.plot([], [], color="#0072B2", linewidth=2, label="positives")
    ax.plot([], [], color="#F03B20", linestyle="dashed", label="negatives")
    ax.legend(loc="upper left", frameon=False)
    ax.set_axis_off()
    if path is not None:
        target, figure = Path(path), ax.get_figure(root=True)
        assert figure is not None
        options: dict[str, Any] = {"format": target.suffix[1:], "dpi": 150}
        files.write_whole(target, lambda temporary: figure.savefig(temporary, **options))
    return ax
