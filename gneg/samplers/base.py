"""The contract of every sampler: check, propose, exclude, fill, shape."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, kernels
from gneg.graph import Graph, KnownEdges
from gneg.rng import draw_seed, split_seed
from gneg.samplers.exclude import usable
from gneg.samplers.negatives import Negatives, Side, Vectors
from gneg.samplers.query import FloatArray, IntArray, Part, Query, Score
from gneg.samplers.result import assemble

__all__ = ["Corrupt", "FloatArray", "IntArray", "Need", "Query", "Sampler", "Score", "Vectors"]

Corrupt = Literal["dst", "src", "both"]
#: What a sampler has to be given beside positives: see :attr:`Sampler.needs`.
Need = Literal["score", "keys", "z"]


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
    complete: bool = False
    #: Whether its law depends on the end that is replaced, and not on the query alone.
    targeted: bool = False
    #: Whether ``log_q`` costs much more than the draw, so that it is not asked for unasked.
    slow_log_q: bool = False
    #: The name it goes by on the command line.
    name: ClassVar[str]
    #: Settings that a schedule may change, and how a value is made fit.
    tunable: ClassVar[dict[str, Callable[[float], Any]]] = {}

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
        self._pending: Any = None  # what `step` learns from: the last draw

    @property
    def needs(self) -> frozenset[Need]:
        """What it has to be given.

        ``"score"``: the model, in `sample`. ``"keys"``: embeddings of the encoder, or of its moving
        average if `momentum`, as `sample`'s ``z``. ``"z"``: embeddings, in `end_epoch`.
        """
        return frozenset()

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder that makes the keys; 0: no average."""
        return 0.0

    # -- the hooks -----------------------------------------------------------------------------

    @abstractmethod
    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return targets ``[B, k]``, -1 where there is none; known ones only if not ``exact``."""

    def _log_prob(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the log density ``[B, K]`` of targets, conditioned on non-edges; None if unknown.

        For a known edge: the value that its proposal weight has under the same normaliser.
        """
        return None

    def step(self, *, score: Score | None = None) -> None:
        """Tell an adaptive sampler that the optimiser has stepped on what it drew last.

        Args:
            score: The current model; that of the last `sample` if None.
        """
        return

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Tell an adaptive sampler that a training epoch has passed.

        Args:
            z: ``[N, D]``, current embeddings.
        """
        return

    def report(self) -> dict[str, Any]:
        """What an adaptive sampler wants shown at the end of a run, JSON."""
        return {}

    def settings(self) -> list[str]:
        """Names that :meth:`tune` takes."""
        return list(self.tunable)

    def tune(self, setting: str, value: float) -> None:
        """Change a setting between draws, as schedules do.

        Raises:
            ValueError: If there is no such setting or the value is out of its range.
        """
        if setting not in self.tunable:
            allowed = " or ".join(repr(name) for name in self.settings()) or "left alone here"
            checks.fail("setting", allowed, repr(setting))
        setattr(self, setting, self.tunable[setting](value))
        self._cache = {}

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Add to the result what is not in its ids: stored or mixed embeddings."""
        return negatives

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
        z: Vectors | None = None,
        score: Score | None = None,
        generator: torch.Generator | None = None,
    ) -> Negatives:
        """Draw ``k`` negatives for each positive.

        A query with at least ``k`` non-edges gets ``k``; one with fewer gets each of them once,
        in a masked row.

        Args:
            pos: ``[2, B]`` integer tensor of (source, target).
            k: Number of negatives per positive, K.
            z: ``[N, D]`` embeddings, for samplers that use them; a pair, sources and targets, in a
                bipartite graph.
            score: The current model as ``score(src, dst) -> Tensor``, for samplers that use it.
            generator: Source of randomness; the same state gives the same result.

        Raises:
            ValueError: On a wrong shape, dtype, id or device, or if the sampler needs ``z`` or
                ``score`` and it is missing.
        """
        pos = self._pairs(pos)
        checks.integer("k", k, 1)
        for one in z if isinstance(z, tuple) else [z]:
            if one is not None:
                checks.same_device("z", one, "pos", pos)
        seed, call = draw_seed(generator), object()
        ends = pos.detach().to("cpu", torch.int64).contiguous().numpy()
        parts: list[Part] = []
        for i, (side, which) in enumerate(self._sides(ends.shape[1], seed)):
            query = replace(
                self._query(side, ends, which), z=z, score=score, device=pos.device, call=call
            )
            index = self._draw(query, k, split_seed(seed, i))
            parts.append(Part(query, which, index))
        return self.finish(assemble(self, pos, parts), split_seed(seed, 3))

    def log_prob(self, src: Tensor, dst: Tensor, *, side: Side | None = None) -> Tensor | None:
        """Log density of each pair under this sampler, ``[B]``; None where there is no closed form.

        The density of the replaced end given the kept one, conditioned on being a non-edge; for
        ``corrupt="both"`` the mean over the two ends, or that of one with ``side``. A known edge
        gets the density it would have if it were not known (-inf where the proposal cannot reach
        it).

        Raises:
            ValueError: If ids or shapes do not fit.
        """
        pos = checks.pairs("src, dst", torch.stack([src, dst]))
        checks.node_range("src", src, self.graph.num_src)
        checks.node_range("dst", dst, self.graph.num_dst)
        ends = pos.detach().to("cpu", torch.int64).numpy()
        which = self.corrupt if side is None else side
        sides: list[Side] = ["dst", "src"] if which == "both" else [which]
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

    def _pairs(self, pos: Tensor) -> Tensor:
        """Refuse what are no pairs of this graph's nodes."""
        pos = checks.pairs("pos", pos)
        if self.graph.bipartite:
            checks.node_range("pos[0]", pos[0], self.graph.num_src)
            checks.node_range("pos[1]", pos[1], self.graph.num_dst)
        else:
            checks.node_range("pos", pos, self.graph.num_nodes)
        return pos

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
    ) -> Query:
        kept, replaced = (ends[0], ends[1]) if side == "dst" else (ends[1], ends[0])
        known = self.known if side == "dst" else self.known.reversed()
        rows = kept if len(which) == len(kept) else kept[which]
        return Query(side, rows, replaced, which, self.graph, known, self.unique)

    def _remember(self, query: Query, what: Any) -> None:
        """Keep something of this draw for `step`; what earlier calls left is forgotten."""
        if self._pending is None or self._pending[0] is not query.call:
            self._pending = (query.call, [])
        self._pending[1].append((query, what))

    def _remembered(self) -> list[tuple[Query, Any]]:
        """What the last call left, once."""
        pending, self._pending = self._pending, None
        return [] if pending is None else pending[1]

    def _draw(self, query: Query, k: int, seed: int) -> IntArray:
        """Propose, exclude and fill."""
        index = self._propose(query, k, split_seed(seed, 0))
        if not self.exact or (query.unique and not self.complete):
            index = usable(query, index, k, self._propose, seed)
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
            query.unique,
            split_seed(seed, 1),
        )
        query.counts["filled"] += sum(filled for filled, _ in done)
        query.counts["short"] += sum(short for _, short in done)
        return index

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}, "_pending": None}

    def __repr__(self) -> str:
        own = [name for name in inspect.signature(type(self)).parameters if hasattr(self, name)]
        hidden = {"graph", "known", "z", "view"}
        names = [name for name in dict.fromkeys([*own, "corrupt", "unique"]) if name not in hidden]
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({settings})"
