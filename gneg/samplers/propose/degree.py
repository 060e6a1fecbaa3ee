"""Popularity negatives: targets in proportion to a power of their degree."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.samplers.base import Corrupt
from gneg.samplers.negatives import Side
from gneg.samplers.propose.weighted import ByWeight


class Degree(ByWeight):
    """Draws non-edges in proportion to degree ** alpha of the target.

    ``alpha=0.75`` is the choice of word2vec (Mikolov et al., NeurIPS 2013), ``alpha=1`` the
    popularity among the positives, ``alpha=0`` uniform. An alias table makes a draw O(1). Nodes
    without edges have weight 0 unless ``alpha`` is 0. ``log_q`` is exact.

    Args:
        graph: The graph whose structure guides the proposals.
        alpha: Exponent, in [-4, 4].
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"`` or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If ``alpha`` is out of range.
    """

    name = "degree"
    tunable: ClassVar = {"alpha": lambda value: checks.number("alpha", value, -4, 4)}

    def __init__(
        self,
        graph: Graph,
        alpha: float = 0.75,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        super().__init__(graph, known=known, corrupt=corrupt, unique=unique)
        self.alpha = checks.number("alpha", alpha, -4, 4)

    def _weight(self, side: Side) -> npt.NDArray[np.float64]:
        def build() -> npt.NDArray[np.float64]:
            degree = self.view(side).reversed().degree().numpy()
            weight = _powers(np.maximum(degree, 1), self.alpha)
            return np.where((degree > 0) | (self.alpha == 0), weight, 0.0)

        return self.cached(("weight", side), build)  # type: ignore[no-any-return]


def _powers(degree: npt.NDArray[np.int64], alpha: float) -> npt.NDArray[np.float64]:
    """Return powers ``[N]`` of degrees, in decimals: NumPy's differ between processors."""
    distinct, where = np.unique(degree, return_inverse=True)
    context, exponent = Context(prec=28), Decimal(alpha)
    powers = [float(context.power(Decimal(size), exponent)) for size in distinct.tolist()]
    return np.array(powers)[where]
