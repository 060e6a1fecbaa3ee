"""Negatives as files of their own, bound to the graph they were drawn in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gneg import checks, records
from gneg.graph import Graph, Triples
from gneg.samplers.formats import shards
from gneg.samplers.formats.columns import KIND, REMEDY, Columns, read, write
from gneg.samplers.negatives import Density, Negatives, Side


def save(negatives: Negatives, path: str | Path, graph: Graph | Triples) -> None:
    """Write a ``.parquet``, ``.npz`` or ``.csv`` with the hash of the graph (or the triples).

    Args:
        negatives: Negatives that a sampler drew, without mixed or stored embeddings.
        path: The file; its suffix says the format.
        graph: The graph or triples that they were drawn in.

    Raises:
        ValueError: If the suffix is unknown, the positives are, or there are embeddings beside
            the ids.
    """
    checks.instance("negatives", negatives, (Negatives,))
    checks.instance("path", path, (str, Path))
    checks.instance("graph", graph, (Graph, Triples))
    header = {"graph": graph.fingerprint(), "versions": records.versions()}
    write(Path(path), [columns(negatives)], header, rows=len(negatives.src))


def load(path: str | Path, graph: Graph | Triples) -> Negatives:
    """Read what :func:`save` or ``gneg sample`` wrote.

    Args:
        path: The file, or the folder of ``gneg sample``.
        graph: The graph or triples that the negatives were drawn in.

    Raises:
        ValueError: If it was written for another graph, is damaged, or is no file of negatives.
    """
    checks.instance("path", path, (str, Path))
    checks.instance("graph", graph, (Graph, Triples))
    path = Path(path)
    arrays, header = shards.read(path) if path.is_dir() else read(path)
    if header.get("graph") != graph.fingerprint():
        allowed = f"the graph they were drawn in, {header.get('graph')}"
        checks.fail("graph", allowed, f"{graph}, {graph.fingerprint()}")
    fault = _out_of_range(arrays, graph)
    if fault is not None:
        checks.fail("path", KIND, f"{path}: {fault}", hint=REMEDY)
    tensors = {name: torch.tensor(column) for name, column in arrays.items()}
    side: Side | Tensor = tensors["side"]
    if len(tensors["side"]) and (tensors["side"] == tensors["side"][0]).all():
        side = "src" if tensors["side"][0] else "dst"
    return Negatives(
        src=tensors["src"].long(),
        index=tensors["index"].long().clamp(min=0),
        mask=tensors["index"] >= 0,
        density=Density(tensors["log_q"].float() if "log_q" in tensors else None),
        side=side,
        replaced=tensors["replaced"].long(),
        relation=tensors["relation"].long() if "relation" in tensors else None,
    )


def _out_of_range(arrays: Columns, graph: Graph | Triples) -> str | None:
    """Return which ids the graph does not have; None: it has all of them."""
    if isinstance(graph, Triples):
        sources = targets = graph.num_entities
        relations = graph.num_relations
    else:
        sources, targets, relations = graph.num_src, graph.num_dst, 0
    of_source = arrays["side"]
    replaced_ends = np.where(of_source, sources, targets)
    limits = {"src": np.where(of_source, targets, sources), "replaced": replaced_ends}
    limits |= {"index": replaced_ends[:, None], "relation": np.array(relations)}
    for name in ("src", "replaced", "index", "relation"):
        ids = arrays.get(name, np.empty(0, np.int64))
        low = -1 if name == "index" else 0
        if ids.size and ((ids < low) | (ids >= limits[name])).any():
            return f"'{name}' has ids out of range, from {ids.min()} to {ids.max()}"
    return None


def columns(negatives: Negatives) -> Columns:
    """Return negatives as arrays with a row for each positive.

    Raises:
        ValueError: If the positives are not known, or there are embeddings beside the ids.
    """
    if negatives.replaced is None or negatives.synthetic:
        checks.fail("negatives", "drawn by a sampler, and node ids only", negatives)
    src, side = negatives.src, negatives.side
    if not isinstance(side, Tensor):
        side = torch.full(src.shape, side == "src", device=src.device)
    tensors = {"src": src, "replaced": negatives.replaced, "side": side}
    tensors["index"] = negatives.index.masked_fill(~negatives.mask, -1)
    if negatives.log_q is not None:
        tensors["log_q"] = negatives.log_q
    if negatives.relation is not None:
        tensors["relation"] = negatives.relation
    return {name: value.detach().cpu().numpy() for name, value in tensors.items()}
