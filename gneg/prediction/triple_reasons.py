"""Why a triple is predicted: a known triple of both ends, one that is like it, or a path."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from gneg.datasets import TripleData
from gneg.graph.triples import End
from gneg.prediction.model import IntArray
from gneg.prediction.reasons import LEAST_ALIKE, Reasons
from gneg.prediction.triple_ranking import known_relations


class EntityReasons(Reasons):
    """Says what the training triples have between two entities.

    Args:
        data: The knowledge graph.
        z: ``[N, D]`` vectors of entities.
    """

    def __init__(self, data: TripleData, z: Tensor) -> None:
        super().__init__(data.triples.entities, (data.entities, None), data.num_entities, z)
        self.known, self._names = data.known("train"), data.relations

    def relation(self, relation: int) -> str:
        """Return the name of a relation."""
        return str(relation) if self._names is None else self._names[relation]

    def _by_common(self, u: int, v: int, rarest: IntArray) -> str:
        remainder = f", and {len(rarest) - 1:,} more of two steps" if len(rarest) > 1 else ""
        return f"path: {self._chain(u, int(rarest[0]), v)}{remainder}"

    def _linked(self, u: int, v: int) -> str:
        return f"known in training: {self._chain(u, v)}"

    def other(self, head: int, relation: int, tail: int) -> str | None:
        """Return a sentence on other triples of two entities, in either direction; None: none."""
        answer = self.relation(relation)
        source, target = head, tail
        relations = [name for name in self._between(head, tail) if name != answer]
        if not relations and head != tail:
            source, target, relations = tail, head, self._between(tail, head)
        if not relations:
            return None
        return f"known in training: {self.name(source)}{_arrow(relations)}{self.name(target)}"

    def _chain(self, *nodes: int) -> str:
        steps = [self._step(u, v) + self.name(v) for u, v in pairwise(nodes)]
        return self.name(nodes[0]) + "".join(steps)

    def _step(self, u: int, v: int) -> str:
        """Return the relations from one entity to another, or else back."""
        relations = self._between(u, v)
        if relations:
            return _arrow(relations)
        return f" <-{', '.join(self._between(v, u))}- "

    def _between(self, head: int, tail: int) -> list[str]:
        """Return the names of the relations of training triples of two entities."""
        _, ids = known_relations(self.known, np.array([head]), np.array([tail]))
        return list(map(self.relation, ids.tolist()))


def _arrow(relations: list[str]) -> str:
    return f" -{', '.join(relations)}-> "


class TripleReasons:
    """Says which known triple joins an answer to its query, or else is most like it.

    Args:
        data: The knowledge graph.
        z: ``[N, D]`` vectors of entities.
    """

    def __init__(self, data: TripleData, z: Tensor) -> None:
        self._paths = EntityReasons(data, z)

    def of(self, triples: IntArray, part: str) -> list[str]:
        """Return a sentence for each triple ``[3, n]`` whose ``part`` was looked for."""
        return [self._sentence((h, r, t), part) for h, r, t in triples.T.tolist()]

    def _sentence(self, triple: tuple[int, int, int], part: str) -> str:
        head, relation, tail = triple
        if min(head, relation, tail) < 0:
            return "no answer is left"
        reason = self._paths.other(head, relation, tail)
        if reason is None and part != "relation":
            reason = self._most_alike(triple, part)
        return self._paths.sentence(head, tail) if reason is None else reason

    def _most_alike(self, triple: tuple[int, int, int], part: str) -> str | None:
        """Return the known triple of the same answer whose other entity is most like the query's.

        None if the answer is that of no known triple of the relation, or of none that is alike.
        """
        head, relation, tail = triple
        asked, answer = (head, tail) if part == "tail" else (tail, head)
        end: End = "head" if part == "tail" else "tail"
        queries, known = self._paths.known.side(end)
        row = queries.rows(np.array([answer]), np.array([relation]))
        answers = known.listed(row)[1]
        answers = answers[answers != asked]
        if not len(answers):
            return None
        likeness = self._paths.unit[torch.from_numpy(answers)] @ self._paths.unit[asked]
        if float(likeness.max()) < LEAST_ALIKE:
            return None
        best = int(answers[int(likeness.argmax())])
        ends = (best, answer) if part == "tail" else (answer, best)
        name = self._paths.name
        known_triple = f"{name(ends[0])} -{self._paths.relation(relation)}-> {name(ends[1])}"
        alike = f"{name(best)} is like {name(asked)}"
        return f"{known_triple} is known; {alike} (cosine {likeness.max():.2f})"
