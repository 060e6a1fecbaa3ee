"""The best answers to queries of a knowledge graph, among all entities or all relations."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.graph import KnownTriples
from gneg.graph.lazy import cached_property
from gneg.nn.kge.base_measure import BlockScorer
from gneg.prediction.model import IntArray, as_tensors
from gneg.prediction.ranking import BYTES, FloatArray, ordered
from gneg.prediction.top import top

#: The part of a triple that is looked for.
Part = Literal["head", "relation", "tail"]
PARTS: tuple[Part, Part, Part] = ("head", "relation", "tail")
#: Ids ``[B]`` of the two parts of each query.
Query = dict[str, IntArray]


class TripleRanker:
    """Ranks the answers to queries.

    Args:
        data: The knowledge graph, of which the triples of all parts are known.
        scorer: The model.
        device: Its device.
    """

    def __init__(self, data: TripleData, scorer: BlockScorer, device: torch.device) -> None:
        self.data, self.scorer, self.device = data, scorer, device
        self.known = data.known("all")

    def best(
        self, query: Query, part: Part, k: int, *, keep_known: bool, memory_mb: int
    ) -> tuple[IntArray, FloatArray]:
        """Return the ids and scores ``[B, k]`` of the best answers, best first; -1, NaN if fewer.

        Args:
            query: Ids ``[B]`` of the two parts that are given.
            part: The part that is looked for.
            k: Number of answers, >= 1.
            keep_known: Whether known triples are answers.
            memory_mb: Memory for scores, in megabytes.
        """
        size = len(next(iter(query.values())))
        width = self.data.num_relations if part == "relation" else self.data.num_entities
        k = min(k, width)
        memory = checks.integer("memory_mb", memory_mb, 1) * 2**20
        step = max(1, memory // (BYTES * max(width, 1)))
        nodes = np.empty((size, k), np.int64)
        scores = np.empty((size, k), np.float32)
        for low in range(0, size, step):
            rows = slice(low, low + step)
            chunk = {name: ids[rows] for name, ids in query.items()}
            values = self._scores(chunk, part)
            if part != "relation":
                values[self._loops(chunk, part)] = -torch.inf
            if not keep_known:
                line, known = self._known_answers(chunk, part)
                values[torch.from_numpy(line), torch.from_numpy(known)] = -torch.inf
            best, ids = top(values, min(k, values.size(1)))
            nodes[rows], scores[rows] = ordered(ids.numpy(), best.numpy(), k)
        return nodes, scores

    def _scores(self, query: Query, part: Part) -> Tensor:
        """Return the scores of all answers, ``[B, N]`` or ``[B, R]``."""
        if part == "relation":
            head, tail = as_tensors((query["head"], query["tail"]), self.device)
            relations = torch.arange(self.data.num_relations, device=self.device)
            shape = len(head), len(relations)
            ends = [end[:, None].expand(shape).flatten() for end in (head, tail)]
            all_relations = relations.expand(shape).flatten()
            scores = self.scorer.block(ends[0], all_relations, ends[1][:, None], "tail")
            return scores.view(shape).float().cpu()
        entity = query["head" if part == "tail" else "tail"]
        ids = as_tensors((entity, query["relation"]), self.device)
        return self.scorer.rows(ids[0], ids[1], part).float().cpu()

    def _loops(self, query: Query, part: Part) -> tuple[Tensor, Tensor]:
        """Return where an answer is the query's own entity, of relations that have no such triple.

        A model that never sees such a triple as a negative would rank it first.
        """
        rows = np.flatnonzero(~self._reflexive[query["relation"]])
        entity = query["head" if part == "tail" else "tail"][rows]
        return torch.from_numpy(rows), torch.from_numpy(entity)

    @cached_property
    def _reflexive(self) -> npt.NDArray[np.bool_]:
        """Whether a known triple of a relation joins an entity with itself, ``[R]``."""
        head, relation, tail = self.known.triples.numpy()
        reflexive = np.zeros(self.data.num_relations, bool)
        reflexive[relation[head == tail]] = True
        return reflexive

    def _known_answers(self, query: Query, part: Part) -> tuple[IntArray, IntArray]:
        """Return the known answers: positions of their queries, and ids."""
        if part != "relation":
            queries, edges = self.known.side(part)
            entity = query["head" if part == "tail" else "tail"]
            line, answers = edges.listed(queries.rows(entity, query["relation"]))
            return line, answers
        return known_relations(self.known, query["head"], query["tail"])

    def are_known(self, triples: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return whether triples ``[3, n]`` are known, ``[n]``; False where a part is -1."""
        present = (triples >= 0).all(axis=0)
        contains = self.known.contains(torch.from_numpy(np.maximum(triples, 0))).numpy()
        result: npt.NDArray[np.bool_] = contains & present
        return result


def known_relations(
    known: KnownTriples, head: IntArray, tail: IntArray
) -> tuple[IntArray, IntArray]:
    """Return the relations of the known triples of pairs of entities.

    Args:
        known: The known triples.
        head: ``[B]``, their heads.
        tail: ``[B]``, their tails.

    Returns:
        The positions of the pairs, and ids of relations.
    """
    size = known.num_relations
    relations = np.tile(np.arange(size), len(head))
    triples = np.stack([np.repeat(head, size), relations, np.repeat(tail, size)])
    line, relation = np.nonzero(known.contains(torch.from_numpy(triples)).numpy().reshape(-1, size))
    return line, relation
