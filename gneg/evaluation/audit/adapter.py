"""What an audit asks of its data: the interface that pairs and triples both have."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from gneg import checks
from gneg.graph import Graph
from gneg.graph.sizes import with_sizes
from gneg.samplers import Sampler
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
#: ``score(src, dst)`` of pairs or ``score(head, relation, tail)`` of triples, all of one shape.
Score = Callable[..., Tensor]


@dataclass(frozen=True)
class Group:
    """Pairs of nodes that are described together; ids are those of :attr:`Adapter.graph`.

    Attributes:
        ids: ``[2, n]`` or ``[3, n]``, the pairs or triples in the ids that a model scores.
        src: ``[n]``, one node of each pair; of triples the entity that is not replaced.
        dst: ``[n]``, the other node; of triples the entity that is (or would be) drawn.
        drawn: The nodes whose degree is described: the ends that are, or could have been, drawn.
    """

    ids: Tensor
    src: IntArray
    dst: IntArray
    drawn: IntArray

    __repr__ = with_sizes


class Adapter(ABC):
    """Pairs or triples as an audit sees them: positives, held-out positives and a sampler.

    Attributes:
        sampler: The sampler that is audited.
        name: The name of the dataset.
        split: How the dataset was split.
        train: ``[2, P]`` or ``[3, P]``, the training positives.
        held_out: ``[2, H]`` or ``[3, H]``, the positives that the sampler does not see.
        graph: The training graph, undirected and of one node set, on which heuristics and
            distances are computed.
        num_nodes: Number of nodes that could be drawn, N.
        uniform: The uniform sampler with the same known edges and the same replaced ends.
        known_bytes: Memory that the known edges take, in bytes.
    """

    sampler: Sampler | TripleSampler
    name: str
    split: str
    train: Tensor
    held_out: Tensor
    graph: Graph
    num_nodes: int
    uniform: Sampler | TripleSampler
    known_bytes: int

    def vectors(self, z: Tensor | None) -> Any:
        """Return embeddings ``[N, D]`` in the form that ``sampler.sample`` takes."""
        return z

    @abstractmethod
    def nodes(self, negatives: Negatives, ids: Tensor) -> Tensor:
        """Return replaced ends ``ids [B, ...]`` in the ids of :attr:`graph`."""

    @abstractmethod
    def take(
        self, drawn: list[Negatives], pos: Tensor, rows: Tensor, model: dict[str, Any], seed: int
    ) -> Negatives:
        """Return the negatives of the positives ``rows``, sorted, whose hardness is described.

        Args:
            drawn: All negatives, in the order of ``pos``.
            pos: ``[2, B]`` or ``[3, B]``, the positives.
            rows: ``[b]`` sorted positions in ``pos``.
            model: The ``score`` and ``z`` of ``sampler.sample``.
            seed: Seed of the audit.
        """

    @abstractmethod
    def negative_group(self, negatives: Negatives) -> Group:
        """Return the usable negatives as a group."""

    @abstractmethod
    def positive_group(self, pos: Tensor, seed: int) -> Group:
        """Return positives as a group, with the ends that the sampler would replace as drawn."""

    @abstractmethod
    def columns(self, groups: Mapping[str, Group]) -> dict[str, dict[str, FloatArray]]:
        """Return the values of each measure of hardness, by name, for the pairs of each group."""

    @abstractmethod
    def is_held_out(self, negatives: Negatives) -> Tensor:
        """Return which negatives are held-out positives, ``[B, K]`` bool."""

    @abstractmethod
    def uniform_hits(self, negatives: Negatives) -> float:
        """Return the hits that as many uniform negatives of the same queries would have."""

    @abstractmethod
    def expected_share(self, pos: Tensor) -> float | None:
        """Return the probability that a negative is a held-out positive, by the sampler's density.

        The sum over each query's held-out positives of q(v | u), averaged over the queries: what
        counting hits estimates, without noise.

        Args:
            pos: ``[2, B]`` or ``[3, B]``, the positives that negatives are drawn for.

        Returns:
            A share in [0, 1]; None where the density has no closed form, or one that is slow.
        """

    def guard_effects(
        self, pos: Tensor, k: int, model: dict[str, Any], seed: int
    ) -> list[dict[str, Any]]:
        """Return what each guard of the sampler drops, saves and costs; empty without guards."""
        return []


def require_model(sampler: Sampler | TripleSampler, score: object) -> None:
    """Refuse a sampler that selects by a model's scores where there is no model.

    Raises:
        ValueError: If the sampler needs scores and ``score`` is None.
    """
    if "score" in sampler.needs and score is None:
        allowed = "a trained model, for a sampler that selects by one"
        checks.fail("score", allowed, None, hint="on the command line, --model")
