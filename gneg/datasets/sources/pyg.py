"""Planetoid, Amazon and Coauthor through PyG's own classes, and splits that PyG made."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import LinkData
from gneg.datasets.sources import local
from gneg.datasets.splits import check_no_overlap, make_split
from gneg.graph import Graph

if TYPE_CHECKING:  # it takes seconds to import
    from torch_geometric.data import Data


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


def from_pyg(
    train: Data,
    valid: Data,
    test: Data,
    *,
    name: str = "data",
    num_negatives: int = 500,
    metric: str = "mrr",
    seed: int = 0,
) -> LinkData:
    """Make a dataset from the parts that ``RandomLinkSplit`` or ``HardLinkSplit`` returned.

    Training edges are the message-passing edges of ``train``; positives of ``valid`` and ``test``
    are those of ``edge_label_index`` whose label is not 0. Both get uniform negatives of their own.
    One of them may be empty (``num_val=0``), for what does not look at it.

    Args:
        train: The training part, whose ``x`` holds the features.
        valid: The validation part.
        test: The test part.
        name: Name of the dataset.
        num_negatives: Evaluation negatives per positive, half of them for each end.
        metric: The metric to select and report by: ``"mrr"``, ``"auc"`` or ``"hits@K"``.
        seed: Seed of the evaluation negatives.

    Raises:
        ValueError: If a part lacks edges or labels, an edge stands in two parts, or there are
            neither validation nor test edges.
    """
    from torch_geometric.data import Data
    from torch_geometric.utils import is_undirected

    for part, data in (("train", train), ("valid", valid), ("test", test)):
        if not isinstance(data, Data) or data.edge_index is None:
            checks.fail(part, "homogeneous PyG data with an 'edge_index'", type(data).__name__)
    size = _num_nodes(train, valid, test)
    undirected = is_undirected(train.edge_index, num_nodes=size)
    edges = train.edge_index.cpu().long()
    edges = edges[:, edges[0] < edges[1]] if undirected else edges
    held_out = _positives("valid", valid), _positives("test", test)
    if not sum(part.size(1) for part in held_out):
        checks.fail("valid, test", "a split with edges to validate or to test on", "none")
    parts = check_no_overlap(edges, *held_out, both_ways=undirected)
    graph = Graph.from_edge_index(torch.cat(parts, dim=1), size, undirected=undirected)
    return make_split(
        name,
        graph,
        getattr(train, "x", None),
        seed=seed,
        num_negatives=num_negatives,
        metric=metric,
        parts=parts,
        allow_empty=True,
    )


def _positives(part: str, data: Data) -> Tensor:
    if "edge_label_index" in data and "edge_label" in data:
        edges: Tensor = data.edge_label_index.cpu()[:, data.edge_label.cpu() > 0]
    elif "pos_edge_label_index" in data:
        edges = data.pos_edge_label_index.cpu()
    else:
        allowed = "data with 'edge_label_index' and 'edge_label', or 'pos_edge_label_index'"
        checks.fail(part, allowed, data)
    return edges.long()


def _num_nodes(train: Data, valid: Data, test: Data) -> int:
    """Return N; where the data do not say it, the largest id in any part + 1.

    PyG would take the largest id among the training edges, with a warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return int(train.num_nodes)
        except UserWarning:
            names = ("edge_index", "edge_label_index", "pos_edge_label_index")
            edges = [part[name] for part in (train, valid, test) for name in names if name in part]
            return max(int(index.max()) for index in edges if index.numel()) + 1
