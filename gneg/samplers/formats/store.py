"""Negatives as files of their own, bound to the graph they were drawn in."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from gneg import checks, files
from gneg.samplers.formats.columns import Columns, read, write
from gneg.samplers.negatives import Density, Negatives, Side


class Fingerprinted(Protocol):
    """A graph, or triples."""

    def fingerprint(self) -> str:
        """Return a hash: the same for the same content."""


def save(negatives: Negatives, path: str | Path, graph: Fingerprinted) -> None:
    """Write a ``.parquet``, ``.npz`` or ``.csv`` with the hash of the graph (or the triples).

    Args:
        negatives: Negatives that a sampler drew, without mixed or stored embeddings.
        path: The file; its suffix says the format.
        graph: The graph or triples that they were drawn in.

    Raises:
        ValueError: If the suffix is unknown, the positives are, or there are embeddings beside
            the ids.
    """
    header = {"graph": graph.fingerprint(), "versions": files.versions()}
    write(Path(path), [columns(negatives)], header)


def load(path: str | Path, graph: Fingerprinted) -> Negatives:
    """Read what :func:`save` or ``gneg sample`` wrote.

    Args:
        path: The file.
        graph: The graph or triples that the negatives were drawn in.

    Raises:
        ValueError: If it was written for another graph, or is no file of negatives.
    """
    arrays, header = read(Path(path))
    if header.get("graph") != graph.fingerprint():
        allowed = f"the graph they were drawn in, {header.get('graph')}"
        checks.fail("graph", allowed, f"{graph}, {graph.fingerprint()}")
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
