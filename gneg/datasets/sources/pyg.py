"""Planetoid, Amazon and Coauthor through PyG's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from gneg.datasets.link import LinkData
from gneg.datasets.sources import local
from gneg.datasets.splits import make_split
from gneg.graph import Graph


class Source(NamedTuple):
    """A dataset class of PyG, its folder, and the raw files that show a copy is there."""

    cls: str
    folder: str
    raw: str


NAMES = {
    **{
        name: Source("Planetoid", "planetoid", f"raw/ind.{name.lower()}.graph")
        for name in ("Cora", "CiteSeer", "PubMed")
    },
    **{
        name: Source("Amazon", "amazon", f"raw/amazon_electronics_{name.lower()}.npz")
        for name in ("Computers", "Photo")
    },
    **{
        name: Source("Coauthor", "coauthor", f"raw/ms_academic_{suffix}.npz")
        for name, suffix in (("CS", "cs"), ("Physics", "phy"))
    },
}


def load(name: str, root: Path, seed: int = 0) -> LinkData:
    """Load a dataset of :data:`NAMES` and split it 85/5/10.

    Args:
        name: One of :data:`NAMES`.
        root: Folder to look for a local copy in and to download to.
        seed: Seed of the split.

    Raises:
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    import torch_geometric.datasets

    source = NAMES[name]
    candidates = [name, f"{source.folder}/{name}", f"{source.cls}/{name}"]
    copy = local.find(root, candidates, [source.raw])
    folder = local.place(root, copy, f"{source.folder}/{name}")
    cls: Any = getattr(torch_geometric.datasets, source.cls)
    try:
        data = cls(str(folder.parent), name)[0]
    except Exception as error:
        if (folder / source.raw).exists():
            local.damaged(name, folder, error)
        raise local.missing(name, root, f"{source.folder}/{name}/raw", error) from error
    # The undirected graph is what the benchmarks use, whatever the raw files hold.
    graph = Graph.from_data(data, undirected=True)
    return make_split(name, graph, data.x, seed=seed)
