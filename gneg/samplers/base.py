"""The contract of every sampler: check, propose, exclude, fill, shape."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import Graph, KnownEdges
from gneg.graph.lazy import cached_property
from gneg.rng import draw_seed, split_seed
from gneg.samplers.arguments import check_vectors, known_edges, pairs_of, row_length, stacked
from gneg.samplers.assemble import draw_batch, log_prob
from gneg.samplers.device.contract import OnDevice
from gneg.samplers.device.query import DeviceQuery
from gneg.samplers.exclude import checked, checked_density, fill, first_usable
from gneg.samplers.negatives import Negatives, Side, Vectors
from gneg.samplers.protocol import Need
from gneg.samplers.query import Corrupt, FloatArray, IntArray, Query, Score, num_short
from gneg.samplers.state import entries

__all__ = ["Corrupt", "FloatArray", "IntArray", "Need", "Query", "Sampler", "Score", "Vectors"]

#: What :meth:`Sampler.propose` may return: see :attr:`Sampler.proposes`.
Proposes = Literal["anything", "non-edges", "full rows"]
#: What a log density depends on and costs, the worst last: see :attr:`Sampler.density`.
DensityKind = Literal["cheap", "costly", "per positive"]
DENSITY_KINDS: tuple[DensityKind, ...] = ("cheap", "costly", "per positive")


class Sampler(OnDevice, ABC):
    """Draws negatives for positives; subclasses say only how targets are proposed.

    Every sampler takes these arguments beside its own:

    Args:
        graph: The graph whose structure guides the proposals.
        known: The edges that are never returned; those of ``graph`` if None.
        corrupt: The end to replace: ``"dst"``, ``"src"``, or ``"both"`` (a fair coin per row).
        unique: Whether a row may hold a target only once. Otherwise draws are independent.
    """

    #: What `propose` returns: anything, which the base filters; non-edges only; or full rows, as
    #: many non-edges as there are, up to K, and distinct if the query says so.
    proposes: Proposes = "anything"
    #: Whether the log density costs about as much as a draw, much more (then it is computed only
    #: on request), or depends on the replaced end of the positive and not on the query alone.
    density: DensityKind = "cheap"
    #: Whether draws depend on the positive itself, its target or score, not on the query alone.
    of_positives: ClassVar[bool] = False
    #: The name in expressions, counts and reports.
    name: str
    #: Settings that a schedule may change, each with a function that checks and converts a value.
    tunable: ClassVar[Mapping[str, Callable[[float], Any]]] = {}

    def __init__(
        self,
        graph: Graph,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt = "dst",
        unique: bool = False,
    ) -> None:
        self.known = known_edges(graph, known)
        self.check_engine(graph)
        self.graph = graph
        self.corrupt: Corrupt = checks.choice("corrupt", corrupt, ("dst", "src", "both"))
        self.unique = checks.flag("unique", unique)
        self._cache: dict[Any, Any] = {}
        self._pending: Any = None  # what `step` learns from: the last draw

    @cached_property
    def fingerprint(self) -> str:
        """The graph's fingerprint, part of the states that depend on the graph."""
        return self.graph.fingerprint()

    @property
    def needs(self) -> frozenset[Need]:
        """What the caller has to supply.

        ``"score"``: the model, in `sample`. ``"keys"``: embeddings of the encoder, or of its moving
        average if `momentum` is not 0, as `sample`'s ``z``. ``"z"``: embeddings, in `end_epoch`.
        """
        return frozenset()

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder that makes the keys; 0: no average."""
        return 0.0

    @abstractmethod
    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Return candidates ``[B, k]``, -1 where there is none; see :attr:`proposes`.

        Integers of any kind: an array, a tensor or a list of rows.

        Args:
            query: The query of each row, with the graph, the known edges and the model.
            k: Number of candidates per row.
            seed: Seed of all randomness of this call.
        """

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the log density ``[B, K]`` of targets, conditioned on non-edges; None if unknown.

        For a known edge: the value that its proposal weight has under the same normaliser. Floats,
        as an array or a tensor.

        Args:
            query: The query of each row.
            index: ``[B, K]``, targets; -1 entries may get any value.
        """
        return None

    def step(self, *, score: Score | None = None) -> None:
        """Learn from the last draw, after the optimiser's step.

        Args:
            score: The current model; that of the last `sample` if None.
        """
        return

    def end_epoch(self, *, z: Vectors | None = None) -> None:
        """Move on to the next epoch.

        Args:
            z: ``[N, D]``, current embeddings.
        """
        return

    def report(self) -> dict[str, Any]:
        """Return what an adaptive sampler adds to the results of a run, JSON-serialisable."""
        return {}

    def settings(self) -> list[str]:
        """Return the names that :meth:`tune` takes."""
        return list(self.tunable)

    def tune(self, setting: str, value: float) -> None:
        """Change a setting between draws, as schedules do.

        Args:
            setting: One of :meth:`settings`.
            value: The new value; rounded where the setting is an integer.

        Raises:
            ValueError: If there is no such setting or the value is out of its range.
        """
        if setting not in self.tunable:
            none = f"a setting of {self.name}, which has none; did you mean hardest({self.name})?"
            checks.fail("setting", " or ".join(map(repr, self.settings())) or none, repr(setting))
        setattr(self, setting, self.tunable[setting](value))
        self._cache = {}

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Add what is not in the ids to the result: stored or mixed embeddings."""
        return negatives

    def state_dict(self) -> dict[str, Any]:
        """Return the state that ``load_state_dict`` restores; empty for a stateless sampler."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If it is that of another sampler or graph, or an entry is out of range.
        """
        entries(state, ())

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
        pos = pairs_of(self.graph, pos)
        k = row_length(k, pos.size(1))
        check_vectors(z, pos)
        return draw_batch(self, pos, k, z=z, score=score, seed=draw_seed(generator))

    def log_prob(self, src: Tensor, dst: Tensor, *, side: Side | None = None) -> Tensor | None:
        """Return the log density ``[B]`` of each pair under this sampler; None if unknown.

        The density of the replaced end given the query, conditioned on being a non-edge; for
        ``corrupt="both"`` the mean over the two ends, or that of a single one with ``side``. A
        known edge gets the density it would have if it were not known (-inf where the proposal
        cannot reach it).

        Args:
            src: ``[B]``, source ids.
            dst: ``[B]``, target ids.
            side: The end that is replaced; as the sampler's ``corrupt`` says if None.

        Raises:
            ValueError: If ids or shapes do not fit.
        """
        replaced = self.corrupt if side is None else checks.choice("side", side, ("dst", "src"))
        return log_prob(self, stacked(self.graph, src, dst), replaced)

    def draw(self, query: Query, k: int, seed: int) -> IntArray:
        """Propose, exclude and fill; return targets ``[B, k]``, -1 after the last of a row."""
        index = self.candidates(query, k, split_seed(seed, 0))
        if self.proposes == "full rows" and not query.is_limited(index):
            query.counts.update(filled=0, short=num_short(index))
            return index
        if self.proposes != "non-edges" or query.unique or query.avoid is not None:
            index = first_usable(query, index, k, self.candidates, seed)
        fill(query, index, split_seed(seed, 1))
        return index

    def candidates(self, query: Query, k: int, seed: int) -> IntArray:
        """Return what :meth:`propose` returns, checked; to draw through a sampler, call this."""
        if isinstance(query, DeviceQuery) and not self.combines:
            return self.propose_on_device(query, k, seed)  # type: ignore[return-value]
        return checked(f"{type(self).__name__}.propose", self.propose(query, k, seed), query, k)

    def checked_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return what :meth:`log_density` returns, checked; to get it of a sampler, call this."""
        if isinstance(query, DeviceQuery):
            density = self.log_density if self.combines else self.log_density_on_device
            return density(query, index)  # type: ignore[arg-type, return-value]
        name = f"{type(self).__name__}.log_density"
        return checked_density(name, self.log_density(query, index), index)

    def make_query(
        self, side: Side, ends: IntArray, positions: npt.NDArray[Any], **context: Any
    ) -> Query:
        """Return the query for some positives.

        Args:
            side: The end to replace.
            ends: ``[2, P]``, (source, target) of all positives.
            positions: ``[B]``, which of the positives are rows of the query.
            context: Further attributes of the query, such as the model.
        """
        sources, targets = (ends[0], ends[1]) if side == "dst" else (ends[1], ends[0])
        known = self.known if side == "dst" else self.known.reversed()
        rows = sources if len(positions) == len(sources) else sources[positions]
        kind = DeviceQuery if self.graph.engine == "torch" else Query
        return kind(side, rows, targets, positions, self.graph, known, self.unique, **context)

    def view(self, side: Side) -> Graph:
        """Return the graph as (query, target) edges."""
        return self.graph if side == "dst" else self.graph.reversed()

    def cached(self, key: Any, build: Callable[[], Any]) -> Any:
        """Return ``build()``, called once; for what can be rebuilt, so left out of pickles."""
        if key not in self._cache:
            self._cache[key] = build()
        return self._cache[key]

    def remember(self, query: Query, record: Any) -> None:
        """Store a record of this draw for `step`; records of earlier calls are dropped."""
        if self._pending is None or self._pending[0] is not query.call:
            self._pending = (query.call, [])
        self._pending[1].append((query, record))

    def recall(self) -> list[tuple[Query, Any]]:
        """Return the records of the last call, and drop them."""
        pending, self._pending = self._pending, None
        return [] if pending is None else pending[1]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}, "_pending": None}

    def __repr__(self) -> str:
        names = dict.fromkeys([*inspect.signature(type(self)).parameters, "corrupt", "unique"])
        settings = ", ".join(
            f"{name}={getattr(self, name)!r}"
            for name in names
            if hasattr(self, name) and name not in {"graph", "known", "z", "view"}
        )
        return f"{type(self).__name__}({settings})"
