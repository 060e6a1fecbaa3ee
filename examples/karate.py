"""From networkx to a picture of negatives: Zachary's karate club.

Uniform negatives join the two halves of the club; those of two-step walks stay close to the edges.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib as mpl
import networkx as nx
import torch

import gneg
from gneg.integrations.networkx import draw
from gneg.samplers.formats import export


def main() -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    club = nx.karate_club_graph()
    graph = gneg.from_networkx(club)
    pos = torch.tensor([[0, 33, 5, 23], [1, 32, 6, 25]])
    _, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    for ax, name in zip(axes, ("uniform", "walk"), strict=True):
        sampler = gneg.samplers.build(name, graph)
        negatives = sampler.sample(pos, k=5, generator=torch.Generator().manual_seed(0))
        draw(graph, negatives, ax=ax).set_title(name)
        labelled = export.to_networkx(negatives)
        hardest = max(
            ((u, v) for u, v, label in labelled.edges(data="label") if not label),
            key=lambda pair: len(list(nx.common_neighbors(club, *pair))),
        )
        count = int(negatives.mask.sum())
        print(f"{name}: {count} negatives; nodes {hardest} share most neighbours")
    path = Path(tempfile.gettempdir()) / "karate.png"
    axes[0].figure.savefig(path)
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
