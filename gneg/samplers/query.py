"""What a sampler is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.samplers.negatives import Side, Vectors

Score = Callable[[Tensor, Tensor], Tensor]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
ScoreArray = npt.NDArray[np.float32]

# Assumed for a pair that is being scored: a few rows of a few hundred floats.
BYTES_PER_PAIR = 4_096
MEMORY_MB = 256


@dataclass(frozen=True)
class Query:
    """What a sampler is asked for, seen from the kept ends: every row replaces the same side.

    Attributes:
        side: The end to replace.
        rows: ``[B]``, the kept end of each positive.
        batch: ``[P]``, the ends to be replaced, of all positives of the call.
        position: ``[B]``, which of ``batch`` belongs to each row.
        whole: The graph, not turned.
        known: The known edges as (kept, replaced) pairs.
        unique: Whether a row may hold a target only once.
        z: Embeddings as given to ``sample``.
        score: The current model as given to ``sample``.
        device: Where ``score`` wants its ids.
        call: Stands for the call of ``sample``: all its queries have the same object.
        counts: To be added to; ends up in ``Negatives.counts``.
    """

    side: Side
    rows: IntArray
    batch: IntArray
    position: IntArray
    whole: Graph
    known: KnownEdges
    unique: bool = False
    z: Vectors | None = None
    score: Score | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    call: object = None
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def others(self) -> IntArray:
        """``[B]``, the end that is to be replaced, row by row."""
        return self.batch[self.position]

    @property
    def graph(self) -> Graph:
        """The graph as (kept, replaced) edges."""
        return self.whole if self.side == "dst" else self.whole.reversed()

    @cached_property
    def num_free(self) -> IntArray:
        """``[B]``, number of non-edges of each row."""
        return self.known.sizes(self.rows)

    @property
    def log_uniform(self) -> FloatArray:
        """``[B, 1]``, log density of a uniform non-edge; 0 for a row without any."""
        log_q: FloatArray = -np.log(np.maximum(self.num_free, 1))[:, None]
        return log_q

    def take(self, which: npt.NDArray[Any]) -> Query:
        """The query for some of the rows."""
        return replace(self, rows=self.rows[which], position=self.position[which])

    def blank(self, k: int) -> IntArray:
        """An index ``[B, k]`` in which nothing is proposed yet: -1 everywhere."""
        return np.full((len(self.rows), k), -1, np.int64)

    def run(self, kernel: Callable[..., Any], out: npt.NDArray[Any], *args: Any) -> list[Any]:
        """Run a row kernel on ``out``; see :func:`gneg.kernels.threads.run_rows`."""
        return kernels.threads.run_rows(kernel, len(out), out.size, out, self.rows, *args)

    def exclude(self, out: IntArray, candidates: IntArray, *, unique: bool) -> int:
        """Copy usable ``candidates [B, M]`` to the -1 slots of ``out [B, K]``; how many stay."""
        size = self.known.num_dst
        stamps = size <= kernels.pools.STAMPED and candidates.shape[1] >= kernels.pools.FEW

        def copied(*args: Any) -> int:
            mark = kernels.threads.scratch(size)[0] if stamps else np.empty(0, np.int32)
            return kernels.pools.exclude(*args, mark)  # type: ignore[no-any-return]

        known = *self.known.arrays, self.known.no_self
        done = kernels.threads.run_rows(
            copied, len(out), candidates.size, out, self.rows, candidates, *known, unique
        )
        return sum(done)

    def scores(self, index: IntArray, memory_mb: int = MEMORY_MB) -> ScoreArray:
        """The current model's scores of candidates ``index [B, M]``; -inf where there is none.

        Scored in chunks of about ``memory_mb`` megabytes, without gradients.

        Raises:
            ValueError: If there is no model, or it returns another shape or NaN.
        """
        if self.score is None:
            checks.fail(
                "score",
                "the current model as score(src, dst) -> Tensor, for a sampler that selects by it",
                None,
            )
        block = getattr(self.score, "block", None)
        if block is not None and self.side == "dst":
            return self._blockwise(block, index)
        held = index >= 0
        ends = np.repeat(self.rows, held.sum(axis=1)), index[held]
        src, dst = ends if self.side == "dst" else ends[::-1]
        found = np.empty(len(src), np.float32)
        chunk = max(1, memory_mb * 2**20 // BYTES_PER_PAIR)
        for lo in range(0, len(src), chunk):
            pair = [torch.from_numpy(end[lo : lo + chunk]).to(self.device) for end in (src, dst)]
            with torch.no_grad():
                some = self.score(*pair)
            if some.shape != pair[0].shape:
                checks.fail("score", f"of shape {list(pair[0].shape)}", list(some.shape))
            found[lo : lo + chunk] = some.detach().to("cpu", torch.float32).numpy()
        if np.isnan(found).any():
            checks.fail("score", "a number", "NaN")
        self.counts["scored"] += len(src)
        scores = np.full(index.shape, -np.inf, np.float32)
        scores[held] = found
        return scores

    def _blockwise(self, block: Callable[..., Tensor], index: IntArray) -> ScoreArray:
        """By a model that scores each row's candidates together: ``block(src [B], dst [B, M])``."""
        rows, held = torch.from_numpy(self.rows).to(self.device), index >= 0
        ids = torch.from_numpy(np.maximum(index, 0)).to(self.device)
        with torch.no_grad():
            found = block(rows, ids).to("cpu", torch.float32).numpy()
        scores: ScoreArray = np.where(held, found, np.float32(-np.inf))
        if np.isnan(scores).any():
            checks.fail("score", "a number", "NaN")
        self.counts["scored"] += int(held.sum())
        return scores


@dataclass(frozen=True)
class Part:
    """The rows of a call whose negatives replace one side.

    Attributes:
        query: What was asked.
        which: ``[b]``, their places among the B positives.
        index: ``[b, K]``, what was drawn; -1 where there is none.
    """

    query: Query
    which: npt.NDArray[Any]
    index: IntArray
