"""The homogeneous OGB link sets and its knowledge graphs, through OGB's own class."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import EvalEdges, LinkData
from gneg.datasets.sources import local
from gneg.datasets.triple import PARTS, TripleData
from gneg.graph import sparse
from gneg.graph.triples import End
from gneg.lazy import importing

#: Metric of each link dataset, and whether it is undirected.
NAMES = {
    "ogbl-ddi": ("hits@20", True),
    "ogbl-collab": ("hits@50", True),
    "ogbl-ppa": ("hits@100", True),
    "ogbl-citation2": ("mrr", False),
    "ogbl-vessel": ("auc", True),
}
#: Names of the knowledge graphs.
TRIPLE_NAMES = ("ogbl-biokg", "ogbl-wikikg2")
ENDS: tuple[End, End] = ("head", "tail")


class _TrustingTorch:
    """torch, except that ``load`` unpickles the files that OGB saved."""

    load = staticmethod(functools.partial(torch.load, weights_only=False))

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@contextlib.contextmanager
def ogb_class() -> Iterator[Any]:
    """Yield OGB's dataset class, able to read its own files.

    ogb 1.3.6 calls ``torch.load`` without ``weights_only``, which torch >= 2.6 refuses for the
    PyG and NumPy objects in them (ogb issue #497). Only OGB's module sees another ``torch``, and
    only meanwhile. Its check for newer releases, a network thread, is turned off.
    """
    os.environ.setdefault("OUTDATED_IGNORE", "1")
    with importing():
        from ogb.linkproppred import PygLinkPropPredDataset, dataset_pyg

    dataset_pyg.torch = _TrustingTorch()
    try:
        yield PygLinkPropPredDataset
    finally:
        dataset_pyg.torch = torch


def load(name: str, root: Path) -> LinkData:
    """Load one of :data:`NAMES` with its official split.

    Args:
        name: One of :data:`NAMES`.
        root: Folder to look for a local copy in and to download to.

    Raises:
        ValueError: If the local copy is not complete.
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    folder_name = name.replace("-", "_")
    copy = local.find(root, [folder_name, folder_name + "_pyg"], ["split"])
    folder = local.place(root, copy, folder_name)
    if copy is None and folder.exists() and any(folder.iterdir()):
        # OGB would offer to delete it.
        checks.fail(
            "root",
            f"a folder with a complete copy of {name} (raw, split, mapping) or none",
            f"{folder} without 'split'",
        )
    with ogb_class() as dataset_class:
        try:
            dataset = dataset_class(name, root=str(folder.parent))
        # OGB calls exit() if the user declines a large download, and input() with no one there.
        except (Exception, SystemExit) as error:
            if copy is not None:
                local.damaged(name, copy, error)
            _drop_empty(folder)
            raise local.missing(name, root, folder_name, error) from error
        split = dataset.get_edge_split()
        data = dataset[0]
    metric, undirected = NAMES[name]
    return LinkData(
        name=name,
        num_nodes=int(data.num_nodes),
        x=sparse.if_it_pays(getattr(data, "x", None)),
        train=_positives(split["train"]),
        valid=_eval_edges(split["valid"]),
        test=_eval_edges(split["test"]),
        undirected=undirected,
        metric=metric,
        split="official",
    )


def _drop_empty(folder: Path) -> None:
    """Remove the folders a failed download made; OGB would ask about an update the next time."""
    for path in [*folder.glob("**/"), folder][::-1]:
        with contextlib.suppress(OSError):
            path.rmdir()


def _positives(part: dict[str, Any]) -> Tensor:
    if "edge" in part:
        return torch.as_tensor(part["edge"]).long().t().contiguous()
    ends = part["source_node"], part["target_node"]
    return torch.stack([torch.as_tensor(end).long() for end in ends])


def _eval_edges(part: dict[str, Any]) -> EvalEdges:
    pos = _positives(part)
    if "edge_neg" in part:
        neg = torch.as_tensor(part["edge_neg"]).long().t()
        return EvalEdges(pos, (neg[0].contiguous(), neg[1].contiguous()))
    targets = torch.as_tensor(part["target_node_neg"]).long()
    return EvalEdges(pos, (pos[0].unsqueeze(1).expand_as(targets), targets))


def load_triples(name: str, root: Path) -> TripleData:
    """Load one of :data:`TRIPLE_NAMES` with its official split and negatives.

    Args:
        name: One of :data:`TRIPLE_NAMES`.
        root: Folder to look for a local copy in and to download to.

    Raises:
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    with ogb_class() as dataset_class:
        try:
            dataset = dataset_class(name, root=str(root))
        except (Exception, SystemExit) as error:
            raise local.missing(name, root, name.replace("-", "_"), error) from error
        split, graph = dataset.get_edge_split(), dataset[0]
    return from_ogb_split(name, split, graph)


def from_ogb_split(name: str, split: Mapping[str, Mapping[str, Any]], graph: Any) -> TripleData:
    """Make a dataset from OGB's split and graph.

    ogbl-biokg numbers the entities of each type from 0; here one type follows the other.

    Args:
        name: Name of the dataset.
        split: OGB's dictionaries of train, valid and test.
        graph: OGB's graph, which has the numbers of entities.
    """
    sizes: dict[str, int] = dict(getattr(graph, "num_nodes_dict", None) or {})
    start, total = {}, 0
    for kind in sorted(sizes):
        start[kind], total = total, total + int(sizes[kind])

    def shifted(part: Mapping[str, Any], end: End, name: str) -> Tensor:
        """Return the ids ``[E, ...]`` of an end, or of its negatives, which share its type."""
        ids = torch.as_tensor(part[name]).long()
        if not sizes:
            return ids
        shift = torch.tensor([start[kind] for kind in part[f"{end}_type"]])
        return ids + shift.view(-1, *[1] * (ids.dim() - 1))

    def triples(part: Mapping[str, Any]) -> Tensor:
        head, tail = (shifted(part, end, end) for end in ENDS)
        return torch.stack([head, torch.as_tensor(part["relation"]).long(), tail])

    train, valid, test = (triples(split[part]) for part in PARTS)
    num_relations = 1 + max(int(part[1].max()) for part in (train, valid, test))
    types = [[i] for i, kind in enumerate(sorted(sizes)) for _ in range(int(sizes[kind]))]
    num_entities = total if sizes else int(graph.num_nodes)
    negatives = {
        part: {end: shifted(split[part], end, f"{end}_neg") for end in ENDS}
        for part in ("valid", "test")
        if "head_neg" in split[part]
    }
    return TripleData(
        name,
        train,
        valid,
        test,
        num_entities,
        num_relations,
        types=types or None,
        negatives=negatives or None,
    )
