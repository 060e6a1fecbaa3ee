"""Negatives that get harder by epoch: the quantile of scores that they are taken from rises.

An adaptive sampler needs three things from a training loop: the current ``score`` when it draws,
``step()`` after ``optimizer.step()``, and ``end_epoch()``.
"""

from __future__ import annotations

import torch
from torch_geometric.nn import GraphSAGE

import gneg
from gneg import datasets
from gneg.evaluation import metrics
from gneg.samplers import Curriculum, Hardest, Schedule, Select, Uniform


def main(epochs: int = 30) -> float:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    data = datasets.load("digits")
    graph = data.graph
    sampler = Curriculum(
        Select(Uniform(graph, corrupt="both"), Hardest(), m=32),
        Schedule("cosine", start=0.5, end=0.95, epochs=epochs),
        setting="quantile",
    )
    model = GraphSAGE(data.x.size(1), 64, num_layers=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_of = gneg.losses.InfoNCE()

    for epoch in range(1, epochs + 1):
        z = model(data.x, graph.edge_index)
        score = lambda src, dst, z=z: (z[src] * z[dst]).sum(-1)  # noqa: E731
        negatives = sampler.sample(data.train, k=4, score=score, generator=generator)
        loss = loss_of(score(*data.train), score(*negatives.pairs()), negatives)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        sampler.step()
        sampler.end_epoch()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {loss.item():.3f}, {sampler.report()}")

    with torch.no_grad():
        z = model(data.x, graph.edge_index)
        mrr = metrics.mrr(*((z[s] * z[d]).sum(-1) for s, d in (data.test.pos, data.test.neg)))
    print(f"test MRR against {data.test.num_negatives} uniform negatives each: {mrr:.3f}")
    return mrr


if __name__ == "__main__":
    main()
