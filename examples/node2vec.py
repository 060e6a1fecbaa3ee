"""PyG's Node2Vec with negatives that are no neighbours: override ``neg_sample``.

Its own negatives are any nodes, neighbours included. The second half of this file is only for those
without pyg-lib, which PyG's random walk needs and which is not on PyPI.
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
    """Contrasts each node with what a sampler draws for it."""

    def __init__(self, sampler: Sampler, **options: object) -> None:
        super().__init__(sampler.graph.edge_index, num_nodes=sampler.graph.num_nodes, **options)
        self.sampler = sampler

    def neg_sample(self, batch: torch.Tensor) -> torch.Tensor:
        """Rows of a node and nodes that it has no edge to, as wide as a context."""
        windows = self.walk_length + 2 - self.context_size
        rows = batch.repeat(self.walks_per_node * self.num_negative_samples * windows)
        drawn = self.sampler.sample(torch.stack([rows, rows]), k=self.context_size - 1)
        return torch.cat([rows.unsqueeze(1), drawn.index], dim=1)[drawn.mask.all(dim=1)]


def uniform_walks(
    rowptr: torch.Tensor, col: torch.Tensor, start: torch.Tensor, length: int, p: float, q: float
) -> torch.Tensor:
    """What pyg-lib's walk does for p = q = 1; a node without neighbours stays where it is."""
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
    split = datasets.load("digits")
    options = {"embedding_dim": 32, "walk_length": 10, "context_size": 5, "walks_per_node": 2}
    for sampler in (Uniform(split.graph), Degree(split.graph, 0.75)):
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
        found = evaluate_edges(split.test, lambda src, dst, z=z: (z[src] * z[dst]).sum(-1))
        print(f"{sampler}: test AUC {100 * found['auc']:.1f} %")
    src, dst = model.neg_sample(torch.arange(64))[:, :2].t()
    assert not gneg.KnownEdges(split.graph).contains(src, dst).any()


if __name__ == "__main__":
    main()
