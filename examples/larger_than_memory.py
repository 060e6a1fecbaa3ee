"""A graph that need not fit in memory: built from a file, mapped, and drawn in by two processes."""

from __future__ import annotations

import gzip
import multiprocessing
import tempfile
from pathlib import Path

import torch

import gneg
from gneg.graph.generate import RandomEdges


def write(path: Path) -> None:
    """Write 100,000 edges between named users, as a log has them."""
    with gzip.open(path, "wt") as file:
        file.write("from,to\n")
        for sources, targets in RandomEdges(scale=13, num_edges=100_000).pieces():
            pairs = zip(sources.tolist(), targets.tolist(), strict=True)
            file.writelines(f"user{u:05d},user{v:05d}\n" for u, v in pairs)


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    write(folder / "edges.csv.gz")
    header = gneg.ingest(
        folder / "edges.csv.gz", folder / "graph", undirected=True, memory="1GB", say=print
    )
    print(header["origin"]["counts"])  # rows, and what was left out
    graph = gneg.Graph.open(folder / "graph")
    print(graph)
    sampler = gneg.samplers.Walk(graph)  # its pickle is a path
    pos = torch.stack([torch.arange(1000), torch.arange(1, 1001)])
    with multiprocessing.get_context("spawn").Pool(2) as pool:  # which map the same files
        first, second = pool.starmap(sampler.sample, [(pos, 50), (pos.flip(0), 50)])
    print(int(first.mask.sum()), int(second.mask.sum()), "negatives of two processes")


if __name__ == "__main__":
    main()
