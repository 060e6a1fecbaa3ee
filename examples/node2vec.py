"""PyG's Node2Vec with negatives that are not neighbours, by overriding ``neg_sample``.

PyG draws them from all nodes, neighbours included. ``uniform_walks`` is only used without pyg-lib,
which PyG's random walk needs and which is not on PyPI.
"""

from __future__ import annotations

import torch
from torch_geometric.nn import Node2Vec
from torch_geometric.nn.models import node2vec

import gneg
from gneg import datasets
from gneg.evaluation.ranking import evaluate_edges
from gneg.samplers import Degree, Sampler, Uniform


class HardNode2Vec(Node2Vec):
    """Node2Vec that contrasts each node with the negatives of a sampler."""

    def __init__(self, sampler: Sampler, **options: object) -> None:
        super().__init__(sampler.graph.edge_index, num_nodes=sampler.graph.num_nodes, **options)
        self.sampler = sampler

    def neg_sample(self, batch: torch.Tensor) -> torch.Tensor:
        """Return rows of a node and its non-neighbours, ``[n, context_size]``."""
        windows = self.walk_length + 2 - self.context_size
        rows = batch.repeat(self.walks_per_node * self.num_negative_samples * windows)
        neg = self.sampler.sample(torch.stack([rows, rows]), k=self.context_size - 1)
        return torch.cat([rows.unsqueeze(1), neg.index], dim=1)[neg.mask.all(dim=1)]


def uniform_walks(
    rowptr: torch.Tensor, col: torch.Tensor, start: torch.Tensor, length: int, p: float, q: float
) -> torch.Tensor:
    """Return walks ``[B, length + 1]`` as pyg-lib does for p = q = 1; isolated nodes stay put."""
    nodes = [start]
    for _ in range(length):
        degree = rowptr[nodes[-1] + 1] - rowptr[nodes[-1]]
        step = (torch.rand(len(start)) * degree).long()
        place = (rowptr[nodes[-1]] + step).clamp(max=len(col) - 1)
        nodes.append(torch.where(degree > 0, col[place], nodes[-1]))
    return torch.stack(nodes, dim=1)


def main() -> None:
    if not node2vec.WITH_PYG_LIB:
        node2vec.WITH_PYG_LIB = True
        torch.library.define(
            "pyg::random_walk",
            "(Tensor rowptr, Tensor col, Tensor seed, int length, float p, float q) -> Tensor",
        )
        torch.library.impl("pyg::random_walk", "CPU", uniform_walks)
    data = datasets.load("digits")
    options = {"embedding_dim": 32, "walk_length": 10, "context_size": 5, "walks_per_node": 2}
    for sampler in (Uniform(data.graph), Degree(data.graph, 0.75)):
        torch.manual_seed(0)
        model = HardNode2Vec(sampler, **options)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
        for _ in range(6):
            for pos_rw, neg_rw in model.loader(batch_size=256, shuffle=True):
                loss = model.loss(pos_rw, neg_rw)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        z = model().detach()
        metrics = evaluate_edges(data.test, lambda src, dst, z=z: (z[src] * z[dst]).sum(-1))
        print(f"{sampler}: test AUC {100 * metrics['auc']:.1f} %")
    src, dst = model.neg_sample(torch.arange(64))[:, :2].t()
    assert not gneg.KnownEdges(data.graph).contains(src, dst).any()


if __name__ == "__main__":
    main()
