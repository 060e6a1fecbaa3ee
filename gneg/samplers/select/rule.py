"""The contract of a selection rule: from a pool of candidates to negatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from gneg.samplers.pool import Pool
from gneg.samplers.protocol import Need
from gneg.samplers.query import IntArray


class SelectionRule(ABC):
    """Decides which K of a row's candidates become its negatives.

    A rule is a frozen dataclass whose fields are its settings, with one method, :meth:`pick`;
    :class:`~gneg.samplers.Select` draws the candidates and applies it.
    """

    #: The name in expressions and reports.
    name: ClassVar[str]
    #: What `pick` looks at beside the candidates.
    needs: ClassVar[frozenset[Need]] = frozenset({"score"})
    #: Whether it compares candidates with the positive.
    of_positives: ClassVar[bool] = False
    #: Whether `pick` takes pools of tensors, too: it uses the functions of ``pool.query.xp``.
    on_device: ClassVar[bool] = False
    #: Fields that a schedule may change, each with the type that a value is converted to.
    tunable: ClassVar[Mapping[str, Callable[[float], float]]] = {}

    def _set(self, name: str, value: float) -> None:
        """Store a checked setting, as a plain number, where the rule is made."""
        object.__setattr__(self, name, value)

    @abstractmethod
    def pick(self, pool: Pool, k: int, seed: int) -> IntArray:
        """Return the negatives ``[B, k]``, of candidates ``pool.index [B, M]``, M >= k.

        A row with fewer than ``k`` candidates gets all of them, then -1.

        Args:
            pool: The candidates, distinct non-edges, and their scores.
            k: Number of negatives per row.
            seed: Seed of all randomness of this call.
        """
