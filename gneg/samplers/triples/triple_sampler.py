"""Negatives of triples: either end, by any sampler, never a known triple."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.graph import KnownTriples, Triples
from gneg.graph.lazy import cached_property
from gneg.graph.triples import End, TripleCorrupt, triple_tensor
from gneg.rng import draw_seed, split_seed
from gneg.samplers.arguments import row_length
from gneg.samplers.assemble import draw_batch
from gneg.samplers.base import Need, Sampler
from gneg.samplers.negatives import Negatives
from gneg.samplers.propose.uniform import Uniform
from gneg.samplers.state import entries, load_all
from gneg.samplers.triples.build import build
from gneg.samplers.triples.ends import ENDS, choose_ends, head_share
from gneg.samplers.triples.join import join
from gneg.samplers.triples.scoring import BlockScore, PairScore, TripleScore
from gneg.samplers.triples.typed import Allowed
from gneg.samplers.triples.views import View

SamplerFactory = Callable[[View], Sampler]
IntArray = npt.NDArray[np.int64]


class TripleSampler:
    """Draws negatives for triples, each with another head or another tail.

    The end is chosen for each row by chance, never by its place in the batch; a row with no
    negative there gets them at its other end, where that may be replaced too. Known triples are
    excluded exactly from both ends, and the positive itself is never returned. A loop, (h, r, h),
    is a negative like any other unless it is known. A query with fewer than K entities left gets
    each of them once, in a masked row.

    Args:
        triples: The training triples, whose structure guides proposals.
        sampler: An expression (see :func:`gneg.samplers.triples.build`), or a function that
            builds a sampler from a :class:`~gneg.samplers.triples.View`, called for each end.
        known: The triples that are never returned; ``triples`` if None.
        corrupt: ``"both"`` (half of the rows each), ``"head"``, ``"tail"``, or ``"bernoulli"``: the
            head with probability tph / (tph + hpt) (Wang, Zhang, Feng and Chen, AAAI 2014), where a
            head has tph tails and a tail hpt heads on average, 1/2 for a relation not in training.
        z: ``[N, D]`` vectors of entities, or a function that returns them, for expressions with
            ``similar`` or ``nearmiss``.
        types: For each entity the numbers of its types, for ``typed(by=types)``.
        allowed: For each end the entities that each relation allows there, for
            ``typed(by=domains)``.
        unique: Whether a row may hold an entity only once.

    Raises:
        ValueError: If arguments do not fit.

    Example:
        >>> triples = Triples(torch.tensor([[0, 0, 1], [0, 0, 0], [1, 2, 2]]), num_entities=5)
        >>> neg = TripleSampler(triples, corrupt="tail").sample(triples.triples, k=2)
        >>> bool(KnownTriples(triples).contains(torch.stack(neg.triples())).any())
        False
    """

    def __init__(
        self,
        triples: Triples,
        sampler: str | SamplerFactory = "uniform",
        *,
        known: KnownTriples | None = None,
        corrupt: TripleCorrupt = "both",
        z: Tensor | Callable[[], Tensor] | None = None,
        types: Sequence[Sequence[int]] | None = None,
        allowed: Allowed | None = None,
        unique: bool = False,
    ) -> None:
        if not isinstance(triples, Triples):
            checks.fail("triples", "a gneg.Triples", type(triples).__name__)
        known = KnownTriples(triples) if known is None else known
        if not isinstance(known, KnownTriples):
            checks.fail("known", "KnownTriples or None", type(known).__name__)
        if (known.num_entities, known.num_relations) != (
            triples.num_entities,
            triples.num_relations,
        ):
            checks.fail("known", f"over the entities and relations of {triples}", known)
        if not isinstance(sampler, str) and not callable(sampler):
            allowed = "an expression, or a function that makes a sampler of a view"
            checks.fail("sampler", allowed, checks.shown(sampler))
        checks.choice("corrupt", corrupt, ("both", "head", "tail", "bernoulli"))
        self.triples, self.known, self.corrupt = triples, known, corrupt
        self.views: dict[End, View] = {}
        self.parts: dict[End, Sampler] = {}
        for end in ENDS if corrupt in ("both", "bernoulli") else (corrupt,):
            queries, edges = known.side(end)  # type: ignore[arg-type]
            graph = known.graph(end, triples)  # type: ignore[arg-type]
            view = View(end, triples, queries, graph, edges)  # type: ignore[arg-type]
            part = (
                build(sampler, view, z=z, types=types, allowed=allowed, unique=unique)
                if isinstance(sampler, str)
                else sampler(view)
            )
            if not isinstance(part, Sampler) or part.graph is not graph:
                checks.fail("sampler", "an expression, or one made of the view's graph", sampler)
            if part.corrupt != "dst":
                checks.fail("sampler", "one with corrupt='dst'", part)
            self.views[view.replaced], self.parts[view.replaced] = view, part

    @property
    def needs(self) -> frozenset[Need]:
        """What the caller has to supply, as for pairs: what either end's sampler needs."""
        return frozenset().union(*(part.needs for part in self.parts.values()))

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder that makes the keys; 0: no average."""
        return max(part.momentum for part in self.parts.values())

    def sample(
        self,
        pos: Tensor,
        k: int,
        *,
        z: Tensor | None = None,
        score: TripleScore | None = None,
        generator: torch.Generator | None = None,
    ) -> Negatives:
        """Draw ``k`` negatives for each positive.

        Args:
            pos: ``[3, B]`` integer tensor of (head, relation, tail).
            k: Number of negatives per positive, K.
            z: ``[N, D]`` embeddings of entities, for samplers that use them.
            score: The current model as ``score(head, relation, tail) -> Tensor``, for samplers
                that use it; faster if it has ``block``, as :class:`gneg.nn.kge.Scorer`. It must be
                able to score the relations of known queries.
            generator: Source of randomness; the same state gives the same result.

        Returns:
            Negatives whose ``pairs()`` are heads and tails, and whose ``triples()`` are triples.

        Raises:
            ValueError: On a wrong shape or id, or if the sampler needs ``z`` or ``score`` and it is
                missing.
        """
        pos = triple_tensor("pos", pos)
        k = row_length(k, pos.size(1))
        for i, kind in enumerate(("entity", "relation", "entity")):
            entities, relations = self.known.num_entities, self.known.num_relations
            size = relations if kind == "relation" else entities
            checks.node_range(f"pos[{i}]", pos[i], size, kind)
        seed = draw_seed(generator)
        triples = pos.detach().cpu().long().numpy()
        swapped = choose_ends(triples[1], self.corrupt, self.head_share, split_seed(seed, 2))
        options = {"z": z, "score": score}
        if self._of_both_ends is not None:
            drawn = self._drawn_at_once(self._of_both_ends, triples, swapped, k, seed)
            parts = [(np.arange(pos.size(1)), drawn)]
        else:
            parts = []
            for end in ENDS:
                positions = np.flatnonzero(swapped == (end == "head"))
                if end in self.parts and (len(positions) or not parts):
                    drawn = self._drawn(triples[:, positions], end, k, options, seed)
                    parts.append((positions, drawn))
        if len(self.parts) == 1:
            joined = join(pos, parts, swapped)
            return replace(joined, side="src" if self.corrupt == "head" else "dst")
        # Rows without any negative get theirs at the other end.
        lacking = np.concatenate([rows[~drawn.mask.cpu().numpy()[:, 0]] for rows, drawn in parts])
        of_head = swapped[lacking]
        for opposite, rows in zip(ENDS, (lacking[of_head], lacking[~of_head]), strict=True):
            if len(rows):
                swapped[rows] = opposite == "head"
                moved = self._drawn(triples[:, rows], opposite, k, options, split_seed(seed, 5))
                parts.append((rows, moved))
        return join(pos, parts, swapped)

    def _drawn(
        self,
        triples: IntArray,
        end: End,
        k: int,
        options: dict[str, Any],
        seed: int,
    ) -> Negatives:
        """Return negatives of one end for ``triples [3, B]``."""
        options = {**options, "score": self._pairwise(end, options["score"])}
        seed = split_seed(seed, ENDS.index(end))
        drawn = _drawn(self.parts[end], *self._pairs(triples, end), k, options, seed)
        if drawn.stored is not None:
            checks.fail("sampler", "one that stores no embeddings", self.parts[end])
        return drawn

    def _drawn_at_once(
        self,
        sampler: Sampler,
        triples: IntArray,
        swapped: npt.NDArray[np.bool_],
        k: int,
        seed: int,
    ) -> Negatives:
        """Return negatives of the end that is replaced in each of ``triples [3, B]``."""
        queries, targets = np.where(
            swapped, self._pairs(triples, "head"), self._pairs(triples, "tail")
        )
        queries += swapped * len(self.views["tail"].queries)  # theirs stand behind the tails'
        return _drawn(sampler, queries, targets, k, {"z": None, "score": None}, split_seed(seed, 0))

    def _pairs(self, triples: IntArray, end: End) -> tuple[IntArray, IntArray]:
        """Return the queries of one end of ``triples [3, B]``, and their targets."""
        head, relation, tail = triples
        entity, target = (head, tail) if end == "tail" else (tail, head)
        return self.views[end].queries.rows(entity, relation), target

    @cached_property
    def _of_both_ends(self) -> Sampler | None:
        """Uniform negatives of both ends by a single call, which takes half of the time of two.

        None if other ones are drawn: those look at the structure that their end is in.
        """
        uniform = [
            part.unique
            for end, part in self.parts.items()
            if type(part) is Uniform and part.known is self.views[end].known
        ]
        if len(uniform) < 2 or uniform[0] != uniform[1]:
            return None
        return Uniform(self.known.both_sides, unique=uniform[0])

    def step(self, *, score: TripleScore | None = None) -> None:
        """Learn from the last draw, after the optimiser's step.

        Args:
            score: The current model; that of the last `sample` if None.
        """
        for end, part in self.parts.items():
            part.step(score=self._pairwise(end, score))

    def end_epoch(self, *, z: Tensor | None = None) -> None:
        """Move on to the next epoch.

        Args:
            z: ``[N, D]``, current embeddings of entities.
        """
        for part in self.parts.values():
            part.end_epoch(z=z)

    def report(self) -> dict[str, Any]:
        """Return the reports of both ends' samplers, by end."""
        reports = {end: part.report() for end, part in self.parts.items()}
        return {end: report for end, report in reports.items() if report}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of both ends' samplers."""
        return {end: part.state_dict() for end, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If it is that of another sampler.
        """
        state = entries(state, list(self.parts))
        load_all(list(self.parts.values()), [state[end] for end in self.parts])

    @cached_property
    def head_share(self) -> npt.NDArray[np.float64]:
        """``[R]``, probability that the head of a triple of each relation is replaced."""
        return head_share(self.triples, self.corrupt)

    def _pairwise(self, end: End, score: TripleScore | None) -> PairScore | None:
        """Return ``score`` as samplers for pairs call it: by query and entity."""
        if score is None:
            return None
        if not callable(score) and not hasattr(score, "block"):
            allowed = "the current model as score(head, relation, tail) -> Tensor"
            checks.fail("score", allowed, checks.shown(score))
        adapter = BlockScore if hasattr(score, "block") else PairScore
        return adapter(self.views[end].queries, end, score)

    def __repr__(self) -> str:
        part = next(iter(self.parts.values()))
        return f"TripleSampler({part!r}, corrupt={self.corrupt!r})"


def _drawn(
    part: Sampler, queries: IntArray, targets: IntArray, k: int, options: dict[str, Any], seed: int
) -> Negatives:
    """Return negatives of queries and their targets, both ``[B]``, as those of pairs."""
    known = part.known.holds(queries, targets)
    avoid = None if known.all() else np.where(known, -1, targets)
    pair = torch.from_numpy(np.stack([queries, targets]))
    return draw_batch(part, pair, k, **options, seed=seed, avoid=avoid)
