"""Negatives in the forms of other libraries."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files
from gneg.samplers.negatives import Negatives

if TYPE_CHECKING:
    import networkx
    import scipy.sparse
    from torch_geometric.data import Data

__all__ = [
    "to_graphbolt",
    "to_graphstorm",
    "to_heart",
    "to_networkx",
    "to_ogb",
    "to_pyg",
    "to_pykeen",
    "to_scipy",
]


def to_pyg(negatives: Negatives, data: Data) -> Data:
    """Return PyG's form: ``data`` with ``edge_label_index`` and ``edge_label``, positives first."""
    import copy

    labelled = copy.copy(data)
    pos, neg = negatives.positives(), negatives.edge_index()
    labelled.edge_label_index = torch.cat([pos, neg], dim=1)
    labelled.edge_label = torch.cat([torch.ones(pos.size(1)), torch.zeros(neg.size(1))])
    return labelled


def to_ogb(negatives: Negatives) -> dict[str, Tensor]:
    """Return OGB's form: ``source_node [E]``, ``target_node [E]``, ``target_node_neg [E, K]``.

    Raises:
        ValueError: If sources were replaced or rows are short.
    """
    _one_end(negatives, "dst", "OGB's")
    source, target = negatives.positives()
    return {"source_node": source, "target_node": target, "target_node_neg": negatives.index}


def to_heart(tails: Negatives, heads: Negatives) -> npt.NDArray[np.int64]:
    """Return HeaRT's form: pairs ``[E, K, 2]``, the first half of each row with its source.

    Args:
        tails: Negatives whose target is replaced.
        heads: Negatives of the same positives, as many, whose source is replaced.

    Raises:
        ValueError: If ends, positives or numbers differ from that, or rows are short.
    """
    _one_end(tails, "dst", "HeaRT's")
    _one_end(heads, "src", "HeaRT's")
    _same(tails, heads)
    pairs = [torch.stack(negatives.pairs(), dim=2) for negatives in (tails, heads)]
    return torch.cat(pairs, dim=1).numpy()


def to_pykeen(tails: Negatives, heads: Negatives) -> dict[str, Tensor]:
    """Return PyKEEN's form: ``head_negatives [E, K]`` and ``tail_negatives [E, K]``.

    For its sampled evaluator.

    Args:
        tails: Negatives whose target is replaced.
        heads: Negatives of the same positives, as many, whose source is replaced.

    Raises:
        ValueError: If ends, positives or numbers differ from that, or rows are short.
    """
    _one_end(tails, "dst", "PyKEEN's")
    _one_end(heads, "src", "PyKEEN's")
    _same(tails, heads)
    return {"head_negatives": heads.index, "tail_negatives": tails.index}


def to_graphstorm(negatives: Negatives, path: str | Path) -> None:
    """Write GraphStorm's form, a parquet file of positives with their negatives.

    Columns ``source_id``, ``dest_id`` and ``edge_dst_hard_negative``, an edge feature: a list of K
    node ids padded with -1.

    Raises:
        ValueError: If sources were replaced.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if negatives.side != "dst":
        checks.fail("negatives", "of replaced targets for GraphStorm", negatives)
    source, target = negatives.positives().numpy()
    index = negatives.index.masked_fill(~negatives.mask, -1).numpy()
    lists = pa.FixedSizeListArray.from_arrays(pa.array(index.ravel()), index.shape[1])
    columns = {"source_id": source, "dest_id": target, "edge_dst_hard_negative": lists}
    table = pa.table(columns)
    files.write_whole(Path(path), lambda temporary: pq.write_table(table, temporary))


def to_graphbolt(negatives: Negatives) -> dict[str, Tensor]:
    """Return DGL GraphBolt's form: ``seeds [n, 2]``, ``labels [n]``, ``indexes [n]``.

    Positives first; ``indexes`` says which positive a pair belongs to.
    """
    pos, neg = negatives.positives(), negatives.edge_index()
    row = torch.arange(pos.size(1))
    of_negative = row.unsqueeze(1).expand_as(negatives.mask)[negatives.mask]
    return {
        "seeds": torch.cat([pos, neg], dim=1).t().contiguous(),
        "labels": torch.cat([torch.ones(pos.size(1)), torch.zeros(neg.size(1))]),
        "indexes": torch.cat([row, of_negative]),
    }


def to_networkx(negatives: Negatives, *, undirected: bool = True) -> networkx.Graph:
    """Return a networkx graph: positives and negatives as edges with ``label`` 1 and 0.

    A negative edge has an attribute ``positives``, the edges that it was drawn for.
    """
    import networkx as nx

    graph: networkx.Graph = nx.Graph() if undirected else nx.DiGraph()
    pos = [(int(u), int(v)) for u, v in negatives.positives().t()]
    graph.add_edges_from(pos, label=1)
    src, dst = negatives.pairs()
    for edge, heads, tails, mask in zip(
        pos, src.tolist(), dst.tolist(), negatives.mask, strict=True
    ):
        for u, v, usable in zip(heads, tails, mask.tolist(), strict=True):
            if not usable:
                continue
            if not graph.has_edge(u, v):
                graph.add_edge(u, v, label=0, positives=[])
            graph.edges[u, v]["positives"].append(edge)
    return graph


def to_scipy(negatives: Negatives, num_nodes: int | tuple[int, int]) -> scipy.sparse.csr_array:
    """Return a SciPy matrix ``[num_src, num_dst]``: how often each pair is a negative."""
    from scipy import sparse

    size = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
    src, dst = negatives.edge_index().numpy()
    count = np.ones(len(src), np.int64)
    return sparse.coo_array((count, (src, dst)), shape=size).tocsr()


def _one_end(negatives: Negatives, side: str, form: str) -> None:
    if negatives.side != side:
        checks.fail("negatives", f"those whose '{side}' end is replaced in {form} form", negatives)
    if not negatives.mask.all():
        checks.fail("negatives", f"whole rows in {form} form", f"{negatives} with short ones")


def _same(tails: Negatives, heads: Negatives) -> None:
    same = tails.index.shape == heads.index.shape
    if not same or not torch.equal(tails.positives(), heads.positives()):
        checks.fail("heads", f"of the same positives and number as tails, {tails}", heads)
