"""Your own training script on several processes, with exact negatives from ``LinkLoader``.

    torchrun --nproc-per-node 2 examples/torchrun_training.py

Each process takes its share of the positives; the loader hides their edges from message passing and
draws their negatives, and DistributedDataParallel joins the gradients. ``gneg.train`` needs none of
this: ``torchrun --nproc-per-node 2 -m gneg train digits`` has the result of one process.
"""

from __future__ import annotations

import os

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from torch_geometric.data import Data
from torch_geometric.nn import GraphSAGE

from gneg import datasets
from gneg.evaluation.ranking import evaluate_edges
from gneg.loader import LinkLoader

BATCH = 256  # positives of each process in a step


def train(rank: int, size: int) -> None:
    torch.manual_seed(0)  # the same initial weights everywhere
    split = datasets.load("digits")
    data = Data(x=split.x, edge_index=split.graph.edge_index)
    model = GraphSAGE(split.x.size(1), 64, 2)
    parallel = DistributedDataParallel(model) if size > 1 else model
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    for epoch in range(1, 4):
        # Every process has the same order, and takes every size-th positive of it: as many as all.
        order = torch.randperm(split.train.size(1), generator=torch.Generator().manual_seed(epoch))
        own = order[: len(order) // size * size][rank::size]
        loader = LinkLoader(
            data,
            [10, 5],
            split.train[:, own],
            known=split.train,  # those of other processes are no negatives either
            neg_sampling={"mode": "triplet", "amount": 4},
            sampler="mixture(uniform:0.75, walk:0.25)",
            exclude_targets=True,
            batch_size=BATCH,
            generator=torch.Generator().manual_seed(size * epoch + rank),  # a stream of its own
        )
        for batch in loader:
            z = torch.nn.functional.normalize(parallel(batch.x, batch.edge_index))
            targets = torch.cat([batch.dst_pos_index[:, None], batch.dst_neg_index], dim=1)
            scores = 10 * torch.einsum("bd,bkd->bk", z[batch.src_index], z[targets])
            loss = torch.nn.functional.cross_entropy(scores, torch.zeros(len(scores)).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    if rank == 0:
        with torch.no_grad():
            z = torch.nn.functional.normalize(model(data.x, data.edge_index))
        metrics = evaluate_edges(split.valid, lambda src, dst: (z[src] * z[dst]).sum(-1))
        print(f"{size} processes: valid MRR {100 * metrics['mrr']:.1f} %")


def main() -> None:
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        train(0, 1)
        return
    distributed.init_process_group("gloo")
    try:
        train(distributed.get_rank(), distributed.get_world_size())
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
