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
    """PyG: a copy of ``data`` with ``edge_label_index`` and ``edge_label``, positives first."""
    import copy

    found, pos = copy.copy(data), negatives.positives()
    none = negatives.edge_index()
    found.edge_label_index = torch.cat([pos, none], dim=1)
    found.edge_label = torch.cat([torch.ones(pos.size(1)), torch.zeros(none.size(1))])
    return found


def to_ogb(negatives: Negatives) -> dict[str, Tensor]:
    """OGB: ``source_node [E]``, ``target_node [E]``, ``target_node_neg [E, K]``.

    Raises:
        ValueError: If sources were replaced or rows are short.
    """
    _one_end(negatives, "dst", "OGB's")
    source, target = negatives.positives()
    return {"source_node": source, "target_node": target, "target_node_neg": negatives.index}


def to_heart(tails: Negatives, heads: Negatives) -> npt.NDArray[np.int64]:
    """HeaRT: pairs ``[E, K, 2]``, of which the first half keeps the source.

    Args:
        tails: Negatives whose target is replaced.
        heads: As many of the same positives, whose source is replaced.

    Raises:
        ValueError: If they are of other ends, positives or numbers, or rows are short.
    """
    _one_end(tails, "dst", "HeaRT's")
    _one_end(heads, "src", "HeaRT's")
    _same(tails, heads)
    both = [torch.stack(one.pairs(), dim=2) for one in (tails, heads)]
    return torch.cat(both, dim=1).numpy()


def to_pykeen(tails: Negatives, heads: Negatives) -> dict[str, Tensor]:
    """PyKEEN's sampled evaluator: ``head_negatives [E, K]`` and ``tail_negatives [E, K]``.

    Raises:
        ValueError: As for :func:`to_heart`.
    """
    _one_end(tails, "dst", "PyKEEN's")
    _one_end(heads, "src", "PyKEEN's")
    _same(tails, heads)
    return {"head_negatives": heads.index, "tail_negatives": tails.index}


def to_graphstorm(negatives: Negatives, path: str | Path) -> None:
    """GraphStorm: a parquet with ``source_id``, ``dest_id`` and ``edge_dst_hard_negative``.

    The last is an edge feature, a list of K node ids padded with -1.

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
    """DGL GraphBolt: ``seeds [n, 2]``, ``labels [n]`` and ``indexes [n]``, positives first.

    ``indexes`` says which positive a pair belongs to.
    """
    pos, none = negatives.positives(), negatives.edge_index()
    row = torch.arange(pos.size(1))
    of_negative = row.unsqueeze(1).expand_as(negatives.mask)[negatives.mask]
    return {
        "seeds": torch.cat([pos, none], dim=1).t().contiguous(),
        "labels": torch.cat([torch.ones(pos.size(1)), torch.zeros(none.size(1))]),
        "indexes": torch.cat([row, of_negative]),
    }


def to_networkx(negatives: Negatives, *, undirected: bool = True) -> networkx.Graph:
    """networkx: positives and negatives as edges with ``label`` 1 and 0.

    A negative has ``positives``, the edges it was drawn for.
    """
    import networkx as nx

    graph: networkx.Graph = nx.Graph() if undirected else nx.DiGraph()
    pos = [(int(u), int(v)) for u, v in negatives.positives().t()]
    graph.add_edges_from(pos, label=1)
    src, dst = negatives.pairs()
    for edge, heads, tails, mask in zip(
        pos, src.tolist(), dst.tolist(), negatives.mask, strict=True
    ):
        for u, v, there in zip(heads, tails, mask.tolist(), strict=True):
            if not there:
                continue
            if not graph.has_edge(u, v):
                graph.add_edge(u, v, label=0, positives=[])
            graph.edges[u, v]["positives"].append(edge)
    return graph


def to_scipy(negatives: Negatives, num_nodes: int | tuple[int, int]) -> scipy.sparse.csr_array:
    """SciPy: how often each pair is a negative, ``[num_src, num_dst]``."""
    from scipy import sparse

    size = num_nodes if isinstance(num_nodes, tuple) else (num_nodes, num_nodes)
    src, dst = negatives.edge_index().numpy()
    found = sparse.coo_array((np.ones(len(src), np.int64), (src, dst)), shape=size)
    return found.tocsr()


def _one_end(negatives: Negatives, side: str, form: str) -> None:
    if negatives.side != side:
        checks.fail("negatives", f"those whose '{side}' end is replaced in {form} form", negatives)
    if not negatives.mask.all():
        checks.fail("negatives", f"whole rows in {form} form", f"{negatives} with short ones")


def _same(tails: Negatives, heads: Negatives) -> None:
    same = tails.index.shape == heads.index.shape
    if not same or not torch.equal(tails.positives(), heads.positives()):
        checks.fail("heads", f"of the same positives and number as tails, {tails}", heads)
