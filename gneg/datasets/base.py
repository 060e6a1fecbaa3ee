"""What every dataset turns into: positives by split, evaluation negatives, features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from gneg import checks, metrics, sparse
from gneg.config import Known
from gneg.graph import Graph
from gneg.known import KnownEdges


@dataclass(frozen=True)
class EvalEdges:
    """Positives to rank and the negatives to rank them against.

    Attributes:
        pos: ``[2, E]`` long.
        neg: Sources and targets, both ``[M]`` (one set shared by all positives) or both
            ``[E, K]`` (each positive's own).
        mask: ``[E, K]`` bool, False where there is no negative; None: there is one everywhere.
    """

    pos: Tensor
    neg: tuple[Tensor, Tensor]
    mask: Tensor | None = None

    @property
    def shared(self) -> bool:
        """Whether all positives are ranked against one set."""
        return self.neg[0].dim() == 1

    @property
    def num_negatives(self) -> int:
        """Negatives that each positive is ranked against."""
        return self.neg[0].size(-1)

    def evaluate(self, score: Callable[[Tensor, Tensor], Tensor]) -> dict[str, float]:
        """Rank by ``score(src, dst)`` and return :func:`gneg.metrics.summary`.

        Raises:
            ValueError: If scores are NaN.
        """
        with torch.no_grad():
            pos, neg = score(self.pos[0], self.pos[1]), score(*self.neg)
        return metrics.summary(pos, neg, self.mask)

    def to(self, device: torch.device | str) -> EvalEdges:
        """Return the same on ``device``."""
        mask = None if self.mask is None else self.mask.to(device)
        neg = self.neg[0].to(device), self.neg[1].to(device)
        return EvalEdges(self.pos.to(device), neg, mask)


@dataclass(frozen=True)
class LinkData:
    """A graph split for link prediction.

    Attributes:
        name: What it was loaded as.
        num_nodes: N.
        x: ``[N, F]`` float features, dense or sparse CSR, or None.
        train: ``[2, P]`` long, training positives; one direction of each undirected edge.
        valid: Validation edges.
        test: Test edges.
        undirected: Whether (u, v) and (v, u) are the same edge.
        metric: The figure to select and report by: ``"mrr"``, ``"auc"`` or ``"hits@K"``.
        split: How the split was made.
        history: ``[2, H]`` training edges of earlier times that did not come back in the times of
            validation and test; None where edges have no times.
    """

    name: str
    num_nodes: int
    x: Tensor | None
    train: Tensor
    valid: EvalEdges
    test: EvalEdges
    undirected: bool
    metric: str
    split: str
    history: Tensor | None = None

    @cached_property
    def graph(self) -> Graph:
        """The training edges: all that message passing and samplers may see."""
        return Graph.from_edge_index(self.train, self.num_nodes, undirected=self.undirected)

    @property
    def dense_x(self) -> Tensor | None:
        """The features ``[N, F]`` as a dense tensor, or None."""
        x = self.x
        return x if x is None or x.layout == torch.strided else x.to_dense()

    def known(self, policy: Known = "train") -> KnownEdges:
        """Edges that count as known: the training edges (honest), or more on request.

        Raises:
            ValueError: If ``policy`` is unknown.
        """
        checks.choice("known", policy, ("train", "train+valid", "all"))
        extra = {
            "train": [],
            "train+valid": [self.valid.pos],
            "all": [self.valid.pos, self.test.pos],
        }
        return KnownEdges(self.graph, *extra[policy])

    def __repr__(self) -> str:
        width = "none" if self.x is None else str(self.x.size(1))
        return (
            f"LinkData({self.name}: {self.num_nodes} nodes, {width} features, edges "
            f"{self.train.size(1)} / {self.valid.pos.size(1)} / {self.test.pos.size(1)}, "
            f"{self.metric})"
        )


def sparse_if_it_pays(x: Tensor | None) -> Tensor | None:
    """Return mostly-zero features as sparse CSR: at a tenth of the entries it is faster."""
    if x is None or x.layout != torch.strided:
        return x
    x = x.float()
    if x.numel() and torch.count_nonzero(x) / x.numel() < 0.1:
        return sparse.to_csr(x)
    return x
