"""A call of a public function with valid arguments, and what must hold of its result."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from gneg import Graph, KnownEdges, Negatives
from tests.fuzz.values import vectors


@dataclass
class Call:
    """A call that succeeds as it stands.

    Attributes:
        function: Called with the arguments.
        arguments: Valid arguments by name.
        check: Fails where the result is wrong; called with the result.
        facts: Names of the arguments that the check relies on: it holds while they stand.
    """

    function: Callable[..., Any]
    arguments: dict[str, Any]
    check: Callable[[Any], None] = field(default=lambda result: None)
    facts: frozenset[str] = frozenset()


def exact(graph: Graph, known: KnownEdges) -> Callable[[Negatives], None]:
    """A check that negatives are in range, unknown and no loops."""

    def check(negatives: Negatives) -> None:
        src, dst = negatives.edge_index()
        assert not len(src) or (int(src.min()) >= 0 and int(dst.min()) >= 0)
        assert not len(src) or (int(src.max()) < graph.num_src and int(dst.max()) < graph.num_dst)
        assert not known.contains(src, dst).any(), "a known edge"
        assert graph.bipartite or not (src == dst).any(), "a loop"
        if negatives.log_q is not None:
            assert not torch.isnan(negatives.log_q).any()

    return check


def score_of(graph: Graph, rng: random.Random) -> Callable[[Tensor, Tensor], Tensor]:
    z = vectors(graph, rng)
    a, b = z if isinstance(z, tuple) else (z, z)
    return lambda src, dst: (a[src] * b[dst]).sum(-1)
