"""GraphSAGE in mini-batches: a loader of neighbourhoods with hard negatives.

PyG's ``LinkNeighborLoader`` needs pyg-lib, and its negatives may be edges. ``LinkLoader`` takes
the same arguments, needs neither pyg-lib nor torch-sparse, and draws non-edges of each positive.
The last line does all of it, from hidden edges to evaluation: ``gneg train digits --fanout 10,5``.
"""

from __future__ import annotations

import torch
from torch_geometric.data import Data
from torch_geometric.nn import GraphSAGE

from gneg import LinkConfig, datasets, train
from gneg.evaluation.ranking import evaluate_edges
from gneg.loader import LinkLoader


def main() -> None:
    torch.manual_seed(0)
    split = datasets.load("digits")
    data = Data(x=split.x, edge_index=split.graph.edge_index)
    loader = LinkLoader(
        data,
        [10, 5],
        split.train,
        neg_sampling={"mode": "triplet", "amount": 4},
        sampler="mixture(uniform:0.75, walk:0.25)",
        exclude_targets=True,
        batch_size=512,
        shuffle=True,
        generator=torch.Generator().manual_seed(0),
    )
    model = GraphSAGE(split.x.size(1), 64, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for epoch in range(1, 4):
        for batch in loader:
            z = torch.nn.functional.normalize(model(batch.x, batch.edge_index))
            source = z[batch.src_index]
            targets = torch.cat([batch.dst_pos_index[:, None], batch.dst_neg_index], dim=1)
            scores = 10 * torch.einsum("bd,bkd->bk", source, z[targets])
            loss = torch.nn.functional.cross_entropy(scores, torch.zeros(len(scores)).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            z = torch.nn.functional.normalize(model(data.x, data.edge_index))
        metrics = evaluate_edges(split.valid, lambda src, dst, z=z: (z[src] * z[dst]).sum(-1))
        print(f"epoch {epoch}: loss {loss:.3f}, valid MRR {100 * metrics['mrr']:.1f} %")
    record = train(split, LinkConfig(fanout="10,5", hidden=64, batch_size=512, epochs=3))
    print(f"gneg.train: test MRR {100 * record['summary']['test']['mrr']['mean']:.1f} %")


if __name__ == "__main__":
    main()
