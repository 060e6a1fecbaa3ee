"""The query that a sampler answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.graph.lazy import cached_property
from gneg.graph.sizes import with_sizes
from gneg.rng import split_seed
from gneg.samplers.negatives import Side, Vectors

Corrupt = Literal["dst", "src", "both"]
Score = Callable[[Tensor, Tensor], Tensor]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
ScoreArray = npt.NDArray[np.float32]

# Assumed for a pair that is being scored: a few rows of a few hundred floats.
BYTES_PER_PAIR = 4_096
MEMORY_MB = 256
HIGHEST = np.float32(1e15)  # of a score; its square is still a number in single precision


@dataclass(frozen=True)
class Query:
    """The rows of a call that replace the same side, with all that a proposal may look at.

    Attributes:
        side: The end to replace.
        rows: ``[B]``, the query of each row: the end of its positive that stays.
        batch: ``[P]``, the ends to be replaced, of all positives of the call.
        position: ``[B]``, the position of each row's positive in ``batch``.
        whole: The graph as (source, target) edges.
        known: The known edges as (query, target) pairs.
        unique: Whether a row may hold a target only once.
        z: The embeddings that ``sample`` was called with.
        score: The model that ``sample`` was called with.
        device: The device of the ids that ``score`` is called with.
        call: An object that all queries of a call of ``sample`` share.
        avoid: ``[B]``, a target that each row avoids beside its known ones, -1 where there is none:
            a positive that is not known; None: none in any row.
        counts: Events while drawing, which samplers add to; becomes ``Negatives.counts``.
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
    avoid: IntArray | None = None
    counts: Counter[str] = field(default_factory=Counter)

    __repr__ = with_sizes

    @property
    def targets(self) -> IntArray:
        """``[B]``, the end of each row's positive that is to be replaced."""
        return self.batch.take(self.position)  # in half of the time that an index takes

    @property
    def graph(self) -> Graph:
        """The graph as (query, target) edges."""
        return self.whole if self.side == "dst" else self.whole.reversed()

    @cached_property
    def num_free(self) -> IntArray:
        """``[B]``, number of targets that each row may hold."""
        sizes = self.known.sizes(self.rows)
        return sizes if self.avoid is None else sizes - (self.avoid >= 0)

    @property
    def log_uniform(self) -> FloatArray:
        """``[B, 1]``, log density of a uniform non-edge; 0 for a row without any."""
        log_q: FloatArray = -np.log(np.maximum(self.num_free, 1))[:, None]
        return log_q

    def take(self, positions: npt.NDArray[Any]) -> Query:
        """Return the query for some of the rows."""
        avoid = None if self.avoid is None else self.avoid[positions]
        rows, position = self.rows[positions], self.position[positions]
        return replace(self, rows=rows, position=position, avoid=avoid)

    def blank(self, k: int) -> IntArray:
        """Return an index ``[B, k]`` without any target: -1 everywhere."""
        return np.full((len(self.rows), k), -1, np.int64)

    @property
    def xp(self) -> Any:
        """The module whose functions take this query's arrays: NumPy here, torch on a device."""
        return np

    def array(self, values: npt.NDArray[Any]) -> Any:
        """Return an array as one of this query's: the same, or a tensor on its device."""
        return values

    def gather(self, values: IntArray, columns: npt.NDArray[Any]) -> IntArray:
        """Return the entries of each row of ``values [B, M]`` at ``columns [B, K]``, integers."""
        return np.take_along_axis(values, columns.astype(np.int64), axis=1)

    def where(self, condition: npt.NDArray[np.bool_]) -> npt.NDArray[Any]:
        """Return the positions at which ``condition [B]`` holds."""
        return np.flatnonzero(condition)

    def reversed(self, values: IntArray) -> IntArray:
        """Return each row of ``values [B, M]`` from its end."""
        return values[:, ::-1]

    def packed(self, index: IntArray) -> IntArray:
        """Return the rows of ``index [B, K]`` with their -1 entries at the end."""
        return _packed(index)

    def front(self, index: IntArray, k: int) -> IntArray:
        """Return the first ``k`` columns of ``index``, by themselves."""
        return np.ascontiguousarray(index[:, :k])

    def lacking(self, index: IntArray) -> npt.NDArray[Any]:
        """Return the rows of ``index [B, K]`` that hold a -1."""
        return np.flatnonzero((index < 0).any(axis=1))

    def shuffle(self, index: IntArray, seed: int) -> None:
        """Put the entries of each row of ``index [B, K]`` into random order."""
        self.run(kernels.pools.shuffle, index, seed)

    def ranks(self, key: npt.NDArray[Any]) -> IntArray:
        """Return the rank of each entry in its row of ``key [B, M]``, 0 the highest."""
        return np.argsort(np.argsort(-key, axis=1, kind="stable"), axis=1)

    def top(self, index: IntArray, key: npt.NDArray[Any], k: int) -> IntArray:
        """Return the ``k`` entries of each row of ``index [B, M]`` with the highest ``key [B, M]``.

        Highest first, ties in their order; -1 where a row has fewer.
        """
        if 8 * k > key.shape[1] > 64:  # insertion would be slow
            order = np.argsort(np.where(index < 0, np.inf, -key), axis=1, kind="stable")
            return np.take_along_axis(index, order[:, :k], axis=1)
        best = self.blank(k)
        self.run(kernels.pools.top, best, index, key)
        return best

    def run(self, kernel: Callable[..., Any], out: npt.NDArray[Any], *args: Any) -> list[Any]:
        """Run a row kernel on ``out``; see :func:`gneg.kernels.threads.run_rows`."""
        return kernels.threads.run_rows(kernel, len(out), out.size, out, self.rows, *args)

    def exclude(self, out: IntArray, candidates: IntArray, *, unique: bool) -> int:
        """Copy usable candidates to the -1 entries of ``out``; see :func:`exclude`."""
        if self.avoid is not None:
            candidates = np.where(candidates == self.avoid[:, None], -1, candidates)
        return exclude(self.known, self.rows, out, candidates, unique=unique)

    def is_limited(self, index: IntArray) -> bool:
        """Return whether what rows avoid changes ``index [B, K]``, drawn without a look at it.

        A row holds that target, or has fewer than K others.
        """
        if self.avoid is None:
            return False
        held = (index == self.avoid[:, None]) & (index >= 0)
        return bool(held.any() or (self.num_free < index.shape[1]).any())

    def fill(self, index: IntArray, seed: int, *, unique: bool) -> tuple[int, int]:
        """Replace the -1 entries of ``index [B, K]`` by uniform non-edges, as many as there are.

        A row with fewer than K non-edges becomes all of them, ascending, and -1 after them.

        Args:
            index: ``[B, K]``, targets so far; changed in place.
            seed: Seed of the draws.
            unique: Whether a row may hold a target only once.

        Returns:
            The number of entries that were filled, and of rows with fewer than K non-edges.
        """
        known = *self.known.arrays, self.known.num_dst, self.known.no_self
        if self.avoid is None:
            counts = self.run(kernels.pools.fill, index, *known, unique, seed)
            return sum(filled for filled, _ in counts), sum(short for _, short in counts)
        filled = short = 0
        for lane, avoids in enumerate([False, True]):
            rows = np.flatnonzero((self.avoid >= 0) == avoids)
            part, avoid = self.take(rows), self.avoid[rows]
            # A target that already stands in its row is not drawn again: so neither is this one.
            columns = [index[rows], avoid[:, None]] if avoids else [index[rows]]
            wide = np.ascontiguousarray(np.concatenate(columns, axis=1))
            counts = part.run(
                kernels.pools.fill, wide, *known, unique or avoids, split_seed(seed, lane)
            )
            index[rows] = _without(wide, avoid)[:, : index.shape[1]]
            filled += sum(number for number, _ in counts)
            short += sum(number for _, number in counts)
        return filled, short

    def scores(self, index: IntArray, memory_mb: int = MEMORY_MB) -> ScoreArray:
        """Return the current model's scores of candidates; -inf where there is none.

        Scored in chunks of about ``memory_mb`` megabytes, without gradients.

        Args:
            index: ``[B, M]``, candidates, -1 where there is none.
            memory_mb: Memory for scoring at once, in megabytes.

        Raises:
            ValueError: If there is no model, or it returns another shape or NaN.
        """
        if not callable(self.score):
            allowed = "the current model as score(src, dst) -> Tensor"
            checks.fail("score", f"{allowed}, for a sampler that selects by it", self.score)
        block = getattr(self.score, "block", None)
        if block is not None and self.side == "dst":
            return self._blockwise(block, index)
        present = index >= 0
        ends = np.repeat(self.rows, present.sum(axis=1)), index[present]
        src, dst = ends if self.side == "dst" else ends[::-1]
        values = np.empty(len(src), np.float32)
        chunk = max(1, memory_mb * 2**20 // BYTES_PER_PAIR)
        for lo in range(0, len(src), chunk):
            pair = [torch.from_numpy(end[lo : lo + chunk]).to(self.device) for end in (src, dst)]
            with torch.no_grad():
                output = self.score(*pair)
            output = checks.scores("score", output, pair[0].shape)
            values[lo : lo + chunk] = output.detach().to("cpu", torch.float32).numpy()
        self.counts["scored"] += len(src)
        scores = np.full(index.shape, -np.inf, np.float32)
        scores[present] = _finite(values)
        return scores

    def _blockwise(self, block: Callable[..., Tensor], index: IntArray) -> ScoreArray:
        """Score by a model that takes each row's candidates together: ``block([B], [B, M])``."""
        rows, present = torch.from_numpy(self.rows).to(self.device), index >= 0
        ids = torch.from_numpy(np.maximum(index, 0)).to(self.device)
        with torch.no_grad():
            output = checks.scores("score", block(rows, ids), ids.shape)
        values = output.detach().to("cpu", torch.float32).numpy()
        scores = np.full(index.shape, -np.inf, np.float32)
        scores[present] = _finite(values[present])
        self.counts["scored"] += int(present.sum())
        return scores


def num_short(index: IntArray) -> int:
    """Return the number of rows of ``index [B, K]`` that end with -1."""
    last = index[:, -1]  # nearly always without a -1, which takes half of the time of counting
    none = isinstance(last, np.ndarray) and len(last) and last.min() >= 0
    return 0 if none else int((last < 0).sum())


def _without(index: IntArray, avoid: IntArray) -> IntArray:
    """Return the rows of ``index [B, K]`` without ``avoid [B]``, -1 at their ends instead."""
    return _packed(np.where(index == avoid[:, None], -1, index))


def _packed(index: IntArray) -> IntArray:
    """Return the rows of ``index [B, K]`` with their -1 entries at the end."""
    return np.take_along_axis(index, np.argsort(index < 0, axis=1, kind="stable"), axis=1)


def _finite(values: ScoreArray) -> ScoreArray:
    """Return scores with infinite ones as very high and low numbers: rules subtract scores.

    Raises:
        ValueError: If a score is NaN.
    """
    if np.isnan(values).any():
        checks.fail("score", "a number", "NaN")
    return np.clip(values, -HIGHEST, HIGHEST)


def exclude(
    known: KnownEdges, rows: IntArray, out: IntArray, candidates: IntArray, *, unique: bool
) -> int:
    """Copy candidates that are no known edges to the -1 entries of ``out``, in order.

    Args:
        known: The known edges as (query, target) pairs.
        rows: ``[B]``, the query of each row.
        out: ``[B, K]``, targets so far; changed in place.
        candidates: ``[B, M]``, -1 where there is none.
        unique: Whether to leave out what a row of ``out`` holds already.

    Returns:
        The number of entries that stay -1.
    """
    arguments = out, rows, candidates, *known.arrays, known.no_self, unique
    kernel = kernels.threads.with_bits(kernels.pools.exclude, known.num_dst)
    return sum(kernels.threads.run_rows(kernel, len(out), candidates.size, *arguments))
