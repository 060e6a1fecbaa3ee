"""Edges that stand in two parts of a split: refused, or left out of validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.link import LinkData
from gneg.datasets.names import Names, spoken


def check_no_overlap(
    train: Tensor,
    valid: Tensor,
    test: Tensor,
    *,
    both_ways: bool = True,
    names: Sequence[Names | None] = (None, None),
) -> tuple[Tensor, Tensor, Tensor]:
    """Return a split's edges if none of its evaluation edges stands in an earlier part.

    Args:
        train: ``[2, E]`` training edges.
        valid: ``[2, E]`` validation edges.
        test: ``[2, E]`` test edges.
        both_ways: Whether (v, u) is the same edge as (u, v).
        names: Names of sources and of targets, for errors.

    Raises:
        ValueError: If an edge stands in two parts.
    """
    size = int(torch.cat([train, valid, test], dim=1).max()) + 1

    def keys(edges: Tensor) -> Tensor:
        if not both_ways:
            return edges[0] * size + edges[1]
        return edges.min(dim=0).values * size + edges.max(dim=0).values

    for part, edges, earlier in (
        ("valid", valid, keys(train)),
        ("test", test, torch.cat([keys(train), keys(valid)])),
    ):
        shared = edges[:, torch.isin(keys(edges), earlier)]
        if shared.size(1):
            allowed = "free of edges that stand in two parts" + ", in either direction" * both_ways
            first = " - ".join(spoken(names, shared[:, :1])[0])
            number = f"{shared.size(1):,} of the edges in {part}"
            checks.fail("split", allowed, f"{number} in an earlier part too, such as {first}")
    return train, valid, test


def drop_repeated_edges(data: LinkData) -> LinkData:
    """Return the data with only those validation edges that are not training edges.

    Repeated edges would select the model that remembers edges. Returns ``data`` itself if no
    validation edge is repeated, or all of them are.
    """
    new = (~data.known().contains(*data.valid.pos)).nonzero()[:, 0]
    if len(new) in (0, data.valid.pos.size(1)):
        return data
    dropped = replace(data, valid=data.valid.take(new))
    dropped.__dict__["graph"] = data.graph  # of the same training edges: not built again
    return dropped
