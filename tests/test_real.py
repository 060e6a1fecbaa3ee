"""A hundred million draws on a real graph, and every kernel at that size."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from gneg import Graph, samplers


@pytest.fixture(scope="module")
def dblp(shared) -> Graph:
    table = pd.read_csv(shared / "graphs" / "dblp2010" / "edges.csv.gz", comment="#", header=None)
    return Graph.from_edge_index(
        torch.from_numpy(table.to_numpy().T.copy()), 326_186, undirected=True
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "draws"),
    [
        ("uniform", 40_000_000),
        ("walk", 40_000_000),
        ("khop", 10_000_000),
        ("degree", 10_000_000),
        ("mixture(uniform, walk(kind=aa))", 10_000_000),
    ],
)
def test_a_hundred_million_draws_hit_no_known_edge(dblp, text, draws):
    sampler = samplers.build(text, dblp, corrupt="both")
    generator = torch.Generator().manual_seed(0)
    batch, k = 50_000, 100
    for _ in range(draws // (batch * k)):
        which = torch.randint(dblp.num_edges, (batch,), generator=generator)
        neg = sampler.sample(dblp.edge_index[:, which], k, generator=generator)
        src, dst = neg.edge_index()
        assert len(src) == batch * k
        assert not sampler.known.contains(src, dst).any()
        assert not (src == dst).any()
