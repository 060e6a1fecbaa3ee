"""A training loop of your own: PyG's GraphSAGE, gneg's negatives, a corrected loss.

Run it with ``python examples/train_loop.py``; it takes a few seconds and downloads nothing.
"""

from __future__ import annotations

import torch
from torch_geometric.nn import GraphSAGE

import gneg
from gneg import datasets
from gneg.evaluation import metrics


def main(epochs: int = 40) -> float:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    data = datasets.load("digits")

    # A sampler sees the training graph, and by default never returns one of its edges.
    graph = data.graph
    sampler = gneg.samplers.Mixture(
        [gneg.samplers.Uniform(graph), gneg.samplers.Walk(graph)], [0.75, 0.25], corrupt="both"
    )
    loss_of = gneg.losses.SampledSoftmax()

    model = GraphSAGE(data.x.size(1), 64, num_layers=2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def score(z: torch.Tensor, src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return (z[src] * z[dst]).sum(-1)

    for epoch in range(1, epochs + 1):
        negatives = sampler.sample(data.train, k=8, generator=generator)
        z = model(data.x, graph.edge_index)
        loss = loss_of(score(z, *data.train), score(z, *negatives.pairs()), negatives)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {loss.item():.3f}")

    with torch.no_grad():
        z = model(data.x, graph.edge_index)
    mrr = metrics.mrr(score(z, *data.test.pos), score(z, *data.test.neg))
    print(f"test MRR against {data.test.num_negatives} uniform negatives each: {mrr:.3f}")
    return mrr


if __name__ == "__main__":
    main()
