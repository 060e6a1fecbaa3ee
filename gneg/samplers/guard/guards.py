"""Rules that drop candidates which are probably false negatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.samplers.pool import Pool

BoolArray = npt.NDArray[np.bool_]


class Guard(ABC):
    """Decides which candidates of a pool to drop; one method."""

    #: The name in counts and expressions.
    name: ClassVar[str]
    #: Whether `drops` takes pools of tensors, too: it uses the functions of ``pool.query.xp``.
    on_device: ClassVar[bool] = False
    #: Whether it compares candidates with the positive.
    of_positives: ClassVar[bool] = False
    #: Whether it needs the current model.
    needs_score: ClassVar[bool] = False
    #: Whether a row is left short rather than filled with candidates that it drops.
    strict: ClassVar[bool] = False

    @abstractmethod
    def drops(self, pool: Pool) -> BoolArray:
        """Return which candidates of ``pool.index [B, M]`` to drop; -1 entries do not matter."""

    def __repr__(self) -> str:
        settings = ", ".join(
            f"{name}={_short(value)}"
            for name, value in vars(self).items()
            if not name.startswith("_")
        )
        return f"{type(self).__name__}({settings})"


class RankRange(Guard):
    """Keeps ranks low to high - 1 of a row's candidates by score; 0 is the hardest.

    The ``range_min`` and ``range_max`` of sentence-transformers' ``mine_hard_negatives``.

    Args:
        low: First rank to keep, >= 0.
        high: First rank to drop again, > low; None: no end.
    """

    name = "rank"
    needs_score = on_device = True

    def __init__(self, low: int = 0, high: int | None = None) -> None:
        self.low = checks.integer("low", low, 0)
        self.high = None if high is None else checks.integer("high", high, low + 1)

    def drops(self, pool: Pool) -> BoolArray:
        """Return the candidates outside the ranks."""
        rank = pool.query.ranks(pool.scores)
        outside: BoolArray = rank < self.low
        return outside if self.high is None else outside | (rank >= self.high)


class ScoreRange(Guard):
    """Keeps scores in [low, high].

    Args:
        low: Lowest score to keep.
        high: Highest score to keep.
    """

    name = "score"
    needs_score = on_device = True

    def __init__(self, low: float = -np.inf, high: float = np.inf) -> None:
        self.low = checks.number("low", low, -np.inf, infinite=True)
        self.high = checks.number("high", high, self.low, infinite=True)

    def drops(self, pool: Pool) -> BoolArray:
        """Return the candidates outside the range."""
        return (pool.scores < self.low) | (pool.scores > self.high)


class AbsoluteMargin(Guard):
    """Drops candidates that score higher than the positive less ``margin``.

    Args:
        margin: Distance to keep, >= 0.
    """

    name = "absolute_margin"
    of_positives = True
    needs_score = on_device = True

    def __init__(self, margin: float) -> None:
        self.margin = checks.number("margin", margin, 0)

    def drops(self, pool: Pool) -> BoolArray:
        """Return the candidates whose scores come too close to the positive's."""
        return pool.scores > pool.positive - self.margin


class RelativeMargin(Guard):
    """Drops candidates that score above the positive less ``margin`` times its magnitude.

    For positive scores that is ``score > positive * (1 - margin)``, as in sentence-transformers.

    Args:
        margin: Share of the positive's score to keep as distance, >= 0.
    """

    name = "relative_margin"
    of_positives = True
    needs_score = on_device = True

    def __init__(self, margin: float) -> None:
        self.margin = checks.number("margin", margin, 0)

    def drops(self, pool: Pool) -> BoolArray:
        """Return the candidates whose scores come too close to the positive's."""
        return pool.scores > pool.positive - self.margin * abs(pool.positive)


class Rule(Guard):
    """Drops the candidates for which a function returns True.

    Args:
        function: Called with candidate pairs ``(src [n], dst [n])``, returns a bool tensor ``[n]``,
            True where the pair is to be dropped.
    """

    name = "rule"

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        self.function = function

    def drops(self, pool: Pool) -> BoolArray:
        """Return the values of the function."""
        queries = np.repeat(pool.query.rows, pool.index.shape[1])
        targets = np.maximum(pool.index, 0).ravel()
        pair = [torch.from_numpy(ids) for ids in (queries, targets)]
        src, dst = pair if pool.query.side == "dst" else pair[::-1]
        dropped = self.function(src, dst)
        if dropped.shape != src.shape or dropped.dtype != torch.bool:
            returned = f"{dropped.dtype} of shape {list(dropped.shape)}"
            checks.fail("function", f"one that returns bool of shape {list(src.shape)}", returned)
        return dropped.cpu().numpy().reshape(pool.index.shape)


def _short(value: object) -> str:
    return f"<{type(value).__name__}>" if callable(value) else repr(value)
