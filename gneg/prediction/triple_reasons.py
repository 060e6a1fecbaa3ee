"""Why a triple is predicted: a known triple that is like it, or a path between both ends."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gneg.datasets import TripleData
from gneg.graph.triples import End
from gneg.prediction.model import IntArray
from gneg.prediction.reasons import Reasons


class TripleReasons:
    """Says which known triple is most like an answer.

    Args:
        data: The knowledge graph.
        z: ``[N, D]`` vectors of entities.
    """

    def __init__(self, data: TripleData, z: Tensor) -> None:
        self.data = data
        self._paths = Reasons(data.triples.entities, (data.entities, None), data.num_entities, z)

    def of(self, triples: IntArray, part: str) -> list[str]:
        """Return a sentence for each triple ``[3, n]`` whose ``part`` was looked for."""
        return [self._sentence((h, r, t), part) for h, r, t in triples.T.tolist()]

    def _sentence(self, triple: tuple[int, int, int], part: str) -> str:
        head, relation, tail = triple
        if min(head, relation, tail) < 0:
            return "no answer is left"
        alike = None if part == "relation" else self._most_alike(triple, part)
        return self._paths.sentence(head, tail) if alike is None else alike

    def _most_alike(self, triple: tuple[int, int, int], part: str) -> str | None:
        """Return the known triple of the same answer whose other entity is most like the query's.

        None if the answer is that of no known triple of the relation.
        """
        head, relation, tail = triple
        asked, answer = (head, tail) if part == "tail" else (tail, head)
        end: End = "head" if part == "tail" else "tail"
        queries, known = self.data.known("train").side(end)
        row = queries.rows(np.array([answer]), np.array([relation]))
        answers = known.listed(row)[1]
        answers = answers[answers != asked]
        if not len(answers):
            return None
        likeness = self._paths.unit[torch.from_numpy(answers)] @ self._paths.unit[asked]
        best = int(answers[int(likeness.argmax())])
        ends = (best, answer) if part == "tail" else (answer, best)
        known_triple = (self._entity(ends[0]), self._relation(relation), self._entity(ends[1]))
        alike = f"{self._entity(best)} is like {self._entity(asked)}"
        return f"{' - '.join(known_triple)} is known; {alike} (cosine {likeness.max():.2f})"

    def _entity(self, entity: int) -> str:
        return str(entity) if self.data.entities is None else self.data.entities[entity]

    def _relation(self, relation: int) -> str:
        return str(relation) if self.data.relations is None else self.data.relations[relation]
