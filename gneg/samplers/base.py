"""The contract of every sampler: check, propose, exclude, fill, shape."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.negatives import Negatives, Side
from gneg.rng import draw_seed, split_seed
from gneg.samplers.query import FloatArray, IntArray, Query, Score

__all__ = ["Corrupt", "FloatArray", "IntArray", "Query", "Sampler", "Score"]

Corrupt = Literal["dst", "src", "both"]

# How often to propose again for rows that lack usable targets, before filling them.
ROUNDS = 4


class Sampler(ABC):
    """Draws negatives for positives; subclasses say only how targets are proposed.

    Every sampler takes these arguments beside its own:

    Args:
        graph: The graph whose structure guides the proposals.
        known: The edges never to return; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"``, or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once. Otherwise draws are independent.
    """

    #: Whether `_propose` returns usable targets only, so that nothing needs to be excluded.
    exact: bool = False
    #: Whether it also fills every row, and lists the short ones, by itself.
    complete: ClassVar[bool] = False
    #: The name it goes by on the command line.
    name: ClassVar[str]

    def __init__(
        self,
        graph: Graph,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        if not isinstance(graph, Graph):
            checks.fail(
                "graph",
                "a gneg.Graph",
                type(graph).__name__,
                hint="build one with gneg.Graph.from_edge_index or from_data",
            )
        if known is None:
            known = KnownEdges(graph)
        elif not isinstance(known, KnownEdges):
            checks.fail("known", "a gneg.KnownEdges or None", type(known).__name__)
        elif (known.num_src, known.num_dst, known.bipartite) != (
            graph.num_src,
            graph.num_dst,
            graph.bipartite,
        ):
            checks.fail("known", f"KnownEdges over the nodes of {graph}", known)
        self.graph = graph
        self.known = known
        self.corrupt: Corrupt = checks.choice("corrupt", corrupt, ("dst", "src", "both"))
        self.unique = unique
        self._cache: dict[Any, Any] = {}

    # -- the hooks -----------------------------------------------------------------------------

    @abstractmethod
    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return targets ``[B, k]``, -1 where there is none; known ones only if not ``exact``."""

    def _log_prob(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the log density ``[B, K]`` of targets, conditioned on non-edges; None if unknown.

        For a known edge: the value that its proposal weight has under the same normaliser.
        """
        return None

    def step(self, *, z: Tensor | None = None, score: Score | None = None) -> None:
        """Tell the sampler that a training epoch has passed; samplers without state ignore it."""
        return

    def state_dict(self) -> dict[str, Any]:
        """Return what ``load_state_dict`` needs to go on; empty without state."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If ``state`` holds keys this sampler does not know.
        """
        if state:
            checks.fail("state", "empty for a sampler without state", sorted(state))

    # -- what users call -----------------------------------------------------------------------

    def sample(
        self,
        pos: Tensor,
        k: int,
        *,
        z: Tensor | None = None,
        score: Score | None = None,
        generator: torch.Generator | None = None,
    ) -> Negatives:
        """Draw ``k`` negatives for each positive.

        A query with at least ``k`` non-edges gets ``k``; one with fewer gets each of them once,
        in a masked row.

        Args:
            pos: ``[2, B]`` integer tensor of (source, target).
            k: Number of negatives per positive, K.
            z: ``[N, D]`` embeddings, for samplers that use them.
            score: The current model as ``score(src, dst) -> Tensor``, for samplers that use it.
            generator: Source of randomness; the same state gives the same result.

        Raises:
            ValueError: On a wrong shape, dtype, id or device, or if the sampler needs ``z`` or
                ``score`` and it is missing.
        """
        pos = checks.pairs("pos", pos)
        checks.integer("k", k, 1)
        if self.graph.bipartite:
            checks.node_range("pos[0]", pos[0], self.graph.num_src)
            checks.node_range("pos[1]", pos[1], self.graph.num_dst)
        else:
            checks.node_range("pos", pos, self.graph.num_nodes)
        if z is not None:
            checks.same_device("z", z, "pos", pos)
        seed = draw_seed(generator)
        ends = pos.detach().to("cpu", torch.int64).contiguous().numpy()
        swap = self._sides(ends.shape[1], seed)
        queries = [self._query(side, ends, which, z, score) for side, which in swap]
        parts = [self._draw(query, k, split_seed(seed, i)) for i, query in enumerate(queries)]
        return self._assemble(pos, swap, queries, parts)

    def log_prob(self, src: Tensor, dst: Tensor) -> Tensor | None:
        """Log density of each pair under this sampler, ``[B]``; None where there is no closed form.

        The density of the replaced end given the kept one, conditioned on being a non-edge; for
        ``corrupt="both"`` the mean over the two ends. A known edge gets the density it would have
        if it were not known (-inf where the proposal cannot reach it).

        Raises:
            ValueError: If ids or shapes do not fit.
        """
        pos = checks.pairs("src, dst", torch.stack([src, dst]))
        checks.node_range("src", src, self.graph.num_src)
        checks.node_range("dst", dst, self.graph.num_dst)
        ends = pos.detach().to("cpu", torch.int64).numpy()
        sides: list[Side] = ["dst", "src"] if self.corrupt == "both" else [self.corrupt]
        every = np.arange(ends.shape[1])
        found = []
        for side in sides:
            query = self._query(side, ends, every)
            log_q = self._log_prob(query, query.others[:, None])
            if log_q is None:
                return None
            found.append(log_q[:, 0])
        mean = found[0] if len(found) == 1 else np.logaddexp(*found) - np.log(2.0)
        return torch.from_numpy(mean.astype(np.float32)).to(src.device)

    # -- what subclasses use -------------------------------------------------------------------

    def view(self, side: Side) -> Graph:
        """The graph as (kept, replaced) edges."""
        return self.graph if side == "dst" else self.graph.reversed()

    def cached(self, key: Any, build: Callable[[], Any]) -> Any:
        """Build once what can be rebuilt; left out of pickles."""
        if key not in self._cache:
            self._cache[key] = build()
        return self._cache[key]

    # -- the base's own work -------------------------------------------------------------------

    def _sides(self, size: int, seed: int) -> list[tuple[Side, npt.NDArray[Any]]]:
        if self.corrupt != "both":
            return [(self.corrupt, np.arange(size))]
        coin = np.random.Generator(np.random.Philox(split_seed(seed, 2))).random(size) < 0.5
        return [("dst", np.flatnonzero(~coin)), ("src", np.flatnonzero(coin))]

    def _query(
        self,
        side: Side,
        ends: npt.NDArray[np.int64],
        which: npt.NDArray[Any],
        z: Tensor | None = None,
        score: Score | None = None,
    ) -> Query:
        kept, replaced = (ends[0], ends[1]) if side == "dst" else (ends[1], ends[0])
        known = self.known if side == "dst" else self.known.reversed()
        rows = kept if len(which) == len(kept) else kept[which]
        return Query(side, rows, replaced, which, known, z, score)

    def _draw(self, query: Query, k: int, seed: int) -> IntArray:
        """Propose, exclude and fill."""
        index = self._propose(query, k, split_seed(seed, 0))
        if not self.exact or (self.unique and not self.complete):
            index = self._exclude(query, index, k, seed)
        if self.complete:
            query.counts.update(filled=0, short=int((index[:, -1] < 0).sum()))
            return index
        known = query.known
        done = query.run(
            kernels.pools.fill,
            index,
            *known.arrays,
            known.num_dst,
            known.no_self,
            self.unique,
            split_seed(seed, 1),
        )
        query.counts["filled"] += sum(filled for filled, _ in done)
        query.counts["short"] += sum(short for _, short in done)
        return index

    def _exclude(self, query: Query, proposed: IntArray, k: int, seed: int) -> IntArray:
        """Keep the first ``k`` usable proposals, and propose again for rows that lack some."""
        index = query.blank(k)
        arrays = *query.known.arrays, query.known.no_self, self.unique
        missing = sum(query.run(kernels.pools.exclude, index, proposed, *arrays))
        for attempt in range(ROUNDS):
            if not missing:
                break
            lacking = np.flatnonzero((index < 0).any(axis=1))
            part = query.take(lacking)
            proposed = self._propose(part, k, split_seed(seed, 3 + attempt))
            some = index[lacking]
            missing = sum(part.run(kernels.pools.exclude, some, proposed, *arrays))
            index[lacking] = some
        return index

    def _assemble(
        self,
        pos: Tensor,
        swap: list[tuple[Side, npt.NDArray[Any]]],
        queries: list[Query],
        parts: list[IntArray],
    ) -> Negatives:
        # NumPy, not torch, until all is done: torch's thread pool hangs in a forked process.
        def joined(values: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
            if len(values) == 1:
                return values[0]
            out = np.empty((pos.size(1), *values[0].shape[1:]), values[0].dtype)
            for (_, which), value in zip(swap, values, strict=True):
                out[which] = value
            return out

        def moved(value: npt.NDArray[Any]) -> Tensor:
            return torch.from_numpy(value).to(pos.device)

        def lazily(of_positives: bool) -> Callable[[], Tensor | None]:
            def read() -> Tensor | None:
                found = [
                    self._log_q(query, part, of_positives)
                    for query, part in zip(queries, parts, strict=True)
                ]
                some = [value for value in found if value is not None]
                if len(some) < len(found):
                    return None
                return moved(joined(some).astype(np.float32))

            return read

        index = joined(parts)
        side: Side | Tensor = swap[0][0]
        if len(swap) > 1:
            swapped = np.zeros(pos.size(1), bool)
            swapped[swap[1][1]] = True
            side = moved(swapped)
        counts: Counter[str] = Counter()
        for query in queries:
            counts.update(query.counts)
        return Negatives(
            moved(joined([query.rows for query in queries]).copy()),
            moved(np.maximum(index, 0)),
            moved(index >= 0),
            lazily(False),  # type: ignore[arg-type]
            side,
            lazily(True),  # type: ignore[arg-type]
            dict(counts),
        )

    def _log_q(self, query: Query, index: IntArray, of_positives: bool) -> FloatArray | None:
        """Density of the negatives, or of the positives.

        Rows that were listed, and targets that only the uniform fallback can have drawn, get the
        uniform density.
        """
        targets = query.others[:, None] if of_positives else index
        found = self._log_prob(query, targets)
        if found is None:
            return None
        uniform = query.log_uniform
        log_q = np.where(query.num_free[:, None] < index.shape[1], uniform, found)
        if of_positives:
            return log_q[:, 0]
        return np.where(index < 0, 0.0, np.where(np.isneginf(log_q), uniform, log_q))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}

    def __repr__(self) -> str:
        own = [name for name in inspect.signature(type(self)).parameters if hasattr(self, name)]
        hidden = {"graph", "known", "z"}
        names = [name for name in dict.fromkeys([*own, "corrupt", "unique"]) if name not in hidden]
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({settings})"
