"""Momentum contrast: negatives from a queue of past embeddings of a slowly moving encoder.

Known edges are masked in the queue. Positives and negatives are both scored against keys of the
slow encoder, and embeddings are normalised: otherwise larger embeddings alone would lower the loss.
"""

from __future__ import annotations

import torch
from torch_geometric.nn import GraphSAGE

import gneg
from gneg import datasets
from gneg.evaluation import metrics
from gneg.nn import synthetic


def main(epochs: int = 10) -> float:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    data = datasets.load("digits")
    graph = data.graph
    bank = gneg.samplers.MemoryBank(graph, size=1024, max_age=20, corrupt="both")

    def embed(encoder: torch.nn.Module) -> torch.Tensor:
        return torch.nn.functional.normalize(encoder(data.x, graph.edge_index))

    model = GraphSAGE(data.x.size(1), 64, num_layers=2)
    average = torch.optim.swa_utils.get_ema_multi_avg_fn(0.95)
    slow = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=average)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_of = gneg.losses.InfoNCE(temperature=0.1)

    for _ in range(epochs):
        order = torch.randperm(data.train.size(1), generator=generator)
        for batch in order.split(512):
            with torch.no_grad():
                keys = embed(slow)
            negatives = bank.sample(data.train[:, batch], k=32, z=keys, generator=generator)
            z = embed(model)
            pos_src, pos_dst = synthetic.embed_positives(negatives, z)
            src, dst = synthetic.embed(negatives, z)
            loss = loss_of((pos_src * pos_dst).sum(-1), (src * dst).sum(-1), negatives)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            slow.update_parameters(model)
            bank.step()
    print(bank.report(), negatives.counts)

    with torch.no_grad():
        z = embed(model)
        mrr = metrics.mrr(*((z[s] * z[d]).sum(-1) for s, d in (data.test.pos, data.test.neg)))
    print(f"test MRR against {data.test.num_negatives} uniform negatives each: {mrr:.3f}")
    return mrr


if __name__ == "__main__":
    main()
