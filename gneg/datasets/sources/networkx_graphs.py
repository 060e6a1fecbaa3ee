"""Graphs of networkx as datasets, with the names of their nodes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from gneg.datasets.link import LinkData
from gneg.datasets.names import Names
from gneg.datasets.splits import make_split
from gneg.graph import Graph

if TYPE_CHECKING:
    import networkx


def from_networkx(
    graph: networkx.Graph,
    *,
    name: str = "graph",
    weight: str | None = None,
    x: Tensor | None = None,
    seed: int = 0,
) -> LinkData:
    """Make a dataset from a networkx graph by a random split, 85/5/10; nodes keep their names.

    Args:
        graph: Any networkx graph; nodes with ``bipartite`` 0 and 1 are of two kinds.
        name: Name of the dataset.
        weight: The edge attribute that holds weights, > 0; None: no weights.
        x: ``[N, F]`` features in the order of the nodes, those with ``bipartite`` 0 first.
        seed: Seed of the split and of the evaluation negatives.

    Raises:
        ValueError: If ``graph`` is no networkx graph, or too small to split.

    Example:
        >>> import networkx
        >>> data = from_networkx(networkx.karate_club_graph())
        >>> data.num_nodes, data.end_names[0][33]
        (34, '33')
    """
    converted = Graph.from_networkx(graph, weight=weight)
    names: Names | tuple[Names, Names] = Names([str(node) for node in graph])
    if converted.bipartite:
        first, second = (
            Names([str(node) for node, kind in graph.nodes(data="bipartite") if kind == side])
            for side in (0, 1)
        )
        names = first, second
    return replace(make_split(name, converted, x, seed=seed), names=names)
