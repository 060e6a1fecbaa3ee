"""Planetoid, Amazon and Coauthor through PyG's own classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

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
    source = NAMES[name]
    candidates = [name, f"{source.folder}/{name}", f"{source.cls}/{name}"]
    copy = local.find(root, candidates, [source.raw])
    folder = local.place(root, copy, f"{source.folder}/{name}")
    x, edge_index = _processed(folder) or _by_class(name, root, folder)
    # The undirected graph is what the benchmarks use, whatever the raw files hold.
    graph = Graph.from_edge_index(edge_index, x.size(0), undirected=True)
    return make_split(name, graph, x, seed=seed)


def _processed(folder: Path) -> tuple[Tensor, Tensor] | None:
    """Return ``x [N, F]`` and ``edge_index [2, E]`` of a folder that PyG has processed.

    Importing PyG takes longer than most of what is done with these datasets. None: its class is
    needed, because nothing is processed yet, or not as it is by default, or not readable so.
    """
    # The class stands beside the values: PyG need not be imported for a stand-in of it.
    stand_in = (object, "torch_geometric.data.data.Data")
    try:
        with torch.serialization.safe_globals([stand_in]):
            values, slices, _ = torch.load(folder / "processed" / "data.pt", weights_only=True)
        changes = [
            torch.load(folder / "processed" / f"pre_{kind}.pt", weights_only=True)
            for kind in ("transform", "filter")
        ]
        usual = slices is None and changes == ["None", "None"]
        return (values["x"], values["edge_index"]) if usual else None
    except Exception:  # whatever reading another or a damaged file raises: PyG says what it is
        return None


def _by_class(name: str, root: Path, folder: Path) -> tuple[Tensor, Tensor]:
    """Return ``x [N, F]`` and ``edge_index [2, E]`` by PyG's class, which downloads what lacks."""
    import torch_geometric.datasets

    source = NAMES[name]
    cls: Any = getattr(torch_geometric.datasets, source.cls)
    try:
        data = cls(str(folder.parent), name)[0]
    except Exception as error:
        if (folder / source.raw).exists():
            local.damaged(name, folder, error)
        raise local.missing(name, root, f"{source.folder}/{name}/raw", error) from error
    return data.x, data.edge_index
