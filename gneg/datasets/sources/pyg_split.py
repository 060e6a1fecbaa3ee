"""A split that PyG made, as :class:`LinkData`."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import is_undirected

from gneg import checks
from gneg.datasets.link import LinkData
from gneg.datasets.splits import check_no_overlap, make_split
from gneg.graph import Graph


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
    """What ``RandomLinkSplit`` or ``HardLinkSplit`` returned, for training, audits and evaluation.

    Training edges are the message-passing edges of ``train``; positives of ``valid`` and ``test``
    are those of ``edge_label_index`` whose label is not 0. Both get uniform negatives of their own.

    Args:
        train: The first part.
        valid: The second.
        test: The third.
        name: What to call it.
        num_negatives: Evaluation negatives per positive, half of them for each end.
        metric: What to select and report by: ``"mrr"``, ``"auc"`` or ``"hits@K"``.
        seed: Of the negatives.

    Raises:
        ValueError: If a part lacks edges or labels, or an edge stands in two parts.
    """
    for part, data in (("train", train), ("valid", valid), ("test", test)):
        if not isinstance(data, Data) or data.edge_index is None:
            checks.fail(part, "homogeneous PyG data with an 'edge_index'", type(data).__name__)
    undirected = is_undirected(train.edge_index, num_nodes=train.num_nodes)
    edges = train.edge_index.cpu()
    edges = edges[:, edges[0] < edges[1]] if undirected else edges
    held_out = _positives("valid", valid), _positives("test", test)
    parts = check_no_overlap(edges, *held_out, both_ways=undirected)
    graph = Graph.from_edge_index(torch.cat(parts, dim=1), train.num_nodes, undirected=undirected)
    return make_split(
        name,
        graph,
        getattr(train, "x", None),
        seed=seed,
        num_negatives=num_negatives,
        metric=metric,
        parts=parts,
    )


def _positives(part: str, data: Data) -> Tensor:
    if "edge_label_index" in data and "edge_label" in data:
        found: Tensor = data.edge_label_index.cpu()[:, data.edge_label.cpu() > 0]
    elif "pos_edge_label_index" in data:
        found = data.pos_edge_label_index.cpu()
    else:
        allowed = "with 'edge_label_index' and 'edge_label', or 'pos_edge_label_index'"
        checks.fail(part, allowed, data)
    return found
