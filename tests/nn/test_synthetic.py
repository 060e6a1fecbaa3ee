"""Embeddings of mixed negatives, and of bipartite graphs."""

from __future__ import annotations

import pytest
import torch

from gneg import samplers
from gneg.nn import synthetic
from tests.worlds import bipartite, random_graph


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_mixup_mixes_the_positive_in():
    graph = random_graph(40, 80)
    sampler = samplers.Mixup(samplers.Uniform(graph), 0.6, corrupt="both")
    pos = graph.edge_index[:, :20]
    neg = sampler.sample(pos, 5, generator=seeded())
    assert 0 <= float(neg.mix.min()) < 0.1
    assert 0.5 < float(neg.mix.max()) < 0.6
    z = torch.randn(40, 3, generator=seeded(1), requires_grad=True)
    src, dst = synthetic.embed(neg, z)
    replaces_src = neg.side
    for row in range(20):
        positive = pos[0, row] if replaces_src[row] else pos[1, row]
        for k in range(5):
            share = neg.mix[row, k]
            mixed = share * z[positive] + (1 - share) * z[neg.index[row, k]]
            torch.testing.assert_close((src if replaces_src[row] else dst)[row, k], mixed)
            torch.testing.assert_close((dst if replaces_src[row] else src)[row, k], z[neg.src[row]])
    assert neg.synthetic
    assert neg.to("cpu").synthetic
    assert not samplers.Uniform(graph).sample(pos, 2).synthetic


@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
def test_embeddings_of_a_bipartite_graph_come_as_a_pair(corrupt):
    graph = bipartite()
    users, items = torch.randn(12, 3, generator=seeded(1)), torch.randn(20, 3, generator=seeded(2))
    pos = graph.edge_index[:, :30]
    neg = samplers.Uniform(graph, corrupt=corrupt).sample(pos, 4, generator=seeded())
    src, dst = neg.pairs()
    assert torch.equal(synthetic.embed(neg, (users, items))[0], users[src])
    assert torch.equal(synthetic.embed(neg, (users, items))[1], items[dst])
    positives = synthetic.embed_positives(neg, (users, items))
    assert torch.equal(positives[0], users[pos[0]])
    assert torch.equal(positives[1], items[pos[1]])
