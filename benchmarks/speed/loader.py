"""Batches a second of the link loader: ``python -m benchmarks.speed.loader``.

dblp2010, two hops, 64 features. PyG's loader with its random negatives runs on the same neighbour
sampler in the same process, in turn; the fastest round counts. Then one epoch of GraphSAGE over all
training edges in mini-batches. Writes ``results/loader.json``.
"""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import torch
import torch_geometric.loader
from torch_geometric.data import Data
from torch_geometric.nn import GraphSAGE

from benchmarks import record
from gneg import datasets, kernels
from gneg.cli.app import keep_freed_memory
from gneg.loader import LinkLoader, NeighborSampler

HERE = Path(__file__).parent
DBLP = HERE.parent.parent.parent / "shared" / "data" / "graphs" / "dblp2010" / "edges.csv.gz"
BATCH, FANOUT, WIDTH, BATCHES, ROUNDS = 2048, [10, 5], 64, 40, 4


def loaders(data: Data, pos: torch.Tensor) -> dict[str, Any]:
    """Return the loaders to compare, by their negatives."""
    neighbors = NeighborSampler(data, FANOUT)

    def pyg(neg_sampling: Any) -> Any:
        return torch_geometric.loader.LinkLoader(
            data, neighbors, pos, neg_sampling=neg_sampling, batch_size=BATCH
        )

    def ours(sampler: str) -> Any:
        return LinkLoader(
            data, FANOUT, pos, neg_sampling="binary", sampler=sampler, batch_size=BATCH
        )

    return {
        "no negatives": pyg(None),
        "PyG's random negatives": pyg("binary"),
        "uniform": ours("uniform"),
        "walk": ours("walk"),
        "mixture(uniform:0.75, walk:0.25)": ours("mixture(uniform:0.75, walk:0.25)"),
    }


def rates(data: Data, pos: torch.Tensor) -> list[dict[str, Any]]:
    """Return batches per second and nodes per batch, neighbourhoods of negatives included."""
    by_negatives = loaders(data, pos[:, : BATCH * BATCHES])
    best: dict[str, float] = {}
    nodes: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, loader in by_negatives.items():
            start, num_nodes = time.perf_counter(), 0
            for batch in loader:
                num_nodes += batch.num_nodes
            rate = BATCHES / (time.perf_counter() - start)
            best[name], nodes[name] = max(best.get(name, 0.0), rate), num_nodes / BATCHES
    return [{"negatives": n, "batches_per_s": best[n], "nodes": nodes[n]} for n in by_negatives]


def epoch(data: Data, pos: torch.Tensor) -> dict[str, float]:
    """Return seconds and peak memory, in GB, of an epoch of GraphSAGE."""
    loader = LinkLoader(
        data,
        FANOUT,
        pos,
        neg_sampling="binary",
        sampler="walk",
        exclude_targets=True,
        batch_size=BATCH,
        shuffle=True,
    )
    model = GraphSAGE(WIDTH, WIDTH, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    start, loading = time.perf_counter(), 0.0
    before = start
    for batch in loader:
        loading += time.perf_counter() - before
        z = model(batch.x, batch.edge_index)
        src, dst = batch.edge_label_index
        score = (z[src] * z[dst]).sum(dim=1)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(score, batch.edge_label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        before = time.perf_counter()
    took = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": took, "loading_s": loading, "positives": pos.size(1), "gigabytes": peak}


def main() -> None:
    keep_freed_memory()
    split = datasets.load(DBLP)
    x = torch.randn(split.num_nodes, WIDTH, generator=torch.Generator().manual_seed(0))
    data = Data(x=x, edge_index=split.graph.edge_index)
    result = {
        "batch": BATCH,
        "fanout": FANOUT,
        "rows": rates(data, split.train),
        "epoch": epoch(data, split.train),
        "kernel_threads": kernels.threads.get_num_threads(),
    }
    record.write(HERE / "results" / "loader.json", "python -m benchmarks.speed.loader", result)
    print(result)


if __name__ == "__main__":
    main()
