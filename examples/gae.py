"""PyG's graph auto-encoder with negatives that it scores high.

``GAE.recon_loss`` takes negative edges as its third argument; without them it draws uniform ones.
"""

from __future__ import annotations

import torch
from torch_geometric.nn import GAE, GCNConv

import gneg
from gneg import datasets
from gneg.evaluation.ranking import evaluate_edges


class Encoder(torch.nn.Module):
    """Two layers of GCN."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = GCNConv(width, 64), GCNConv(64, 32)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        """Return embeddings."""
        return self.second(self.first(x, edge_index).relu(), edge_index)


def main() -> None:
    data = datasets.load("digits")
    edge_index = data.graph.edge_index
    for name in ("uniform", "tempered(uniform, m=4, temperature=3)"):
        torch.manual_seed(0)
        model = GAE(Encoder(data.x.size(1)))
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        sampler = gneg.samplers.build(name, data.graph)
        generator = torch.Generator().manual_seed(0)
        for _ in range(40):
            z = model.encode(data.x, edge_index)

            def score(src: torch.Tensor, dst: torch.Tensor, z=z) -> torch.Tensor:
                return (z[src] * z[dst]).sum(-1)

            negatives = sampler.sample(data.train, k=1, score=score, generator=generator)
            loss = model.recon_loss(z, data.train, negatives.edge_index())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            z = model.encode(data.x, edge_index)
        metrics = evaluate_edges(data.test, lambda src, dst, z=z: (z[src] * z[dst]).sum(-1))
        print(f"{name}: test MRR {100 * metrics['mrr']:.1f} %, AUC {100 * metrics['auc']:.1f} %")


if __name__ == "__main__":
    main()
