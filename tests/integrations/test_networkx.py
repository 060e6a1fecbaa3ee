"""Pictures of small graphs."""

from __future__ import annotations

import matplotlib as mpl
import networkx as nx
import pytest
import torch

import gneg
from gneg.integrations.networkx import draw
from tests.worlds import bipartite, random_graph

mpl.use("Agg")


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_every_pair_is_drawn(suffix, tmp_path):
    import matplotlib.pyplot as plt

    graph = gneg.from_networkx(nx.karate_club_graph())
    assert graph.num_edges == 156
    pos = graph.edge_index[:, :6]
    negatives = gneg.samplers.Walk(graph, corrupt="both").sample(pos, 4)
    path = tmp_path / f"karate.{suffix}"
    ax = draw(graph, negatives, path=path)
    drawn = [
        len(lines.get_segments()) for lines in ax.collections if hasattr(lines, "get_segments")
    ]
    assert drawn == [78, 6, torch.unique(negatives.edge_index(), dim=1).size(1)]
    assert path.stat().st_size > 5000
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "edges",
        "positives",
        "negatives",
    ]
    plt.close("all")


def test_large_and_bipartite_graphs_are_refused():
    large = random_graph(600, 900)
    with pytest.raises(ValueError, match="'graph' must be of at most 500 nodes"):
        draw(large, gneg.samplers.Uniform(large).sample(large.edge_index[:, :2], 2))
    pairs = bipartite()
    with pytest.raises(ValueError, match="bipartite"):
        draw(pairs, gneg.samplers.Uniform(pairs).sample(pairs.edge_index[:, :2], 2))
