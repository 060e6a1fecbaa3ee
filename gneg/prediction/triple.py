"""A trained model of triples: completions of queries in the user's own names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.graph.lazy import cached_property
from gneg.nn.kge.base_measure import BlockScorer
from gneg.prediction import export
from gneg.prediction.calibrate import Calibration, Sample
from gneg.prediction.model import (
    MEMORY_MB,
    IntArray,
    Nodes,
    Trained,
    TrainedModel,
    as_tensors,
    ids_of,
    named,
    of_one_size,
    score_columns,
)
from gneg.prediction.triple_ranking import PARTS, Part, TripleRanker
from gneg.prediction.triple_reasons import TripleReasons
from gneg.prediction.triple_sample import score_relation_sample, score_sample

if TYPE_CHECKING:
    import pandas as pd
    from torch_geometric.data import Data

OF_RELATIONS = "calibration-relations.json"


class TrainedTriples(Trained, Protocol):
    """A trained model of triples, such as :class:`gneg.training.triple.TripleRun`."""

    def scorer(self) -> BlockScorer:
        """Return the model as a score of triples."""

    def final_embeddings(self) -> Tensor:
        """Return the vectors of entities, ``[N, D]``."""

    def final_relations(self) -> Tensor:
        """Return the vectors of relations and of their inverses after them, ``[R or 2 R, D]``."""


class TripleModel(TrainedModel[TrainedTriples]):
    """A trained knowledge-graph model that answers in the user's own names.

    Entities and relations are given by name, or as a tensor of ids. Triples of all parts of the
    data are known.

    Args:
        run: The run, with its best weights.
        folder: Its folder, where the calibration is stored; None: it is not stored.

    Example:
        >>> import gneg
        >>> model = gneg.load("runs/facts-complex-...")  # doctest: +SKIP
        >>> model.predict_target(head="aspirin", relation="treats", k=5)  # doctest: +SKIP
    """

    def __init__(self, run: TrainedTriples, folder: Path | None = None) -> None:
        super().__init__(run, folder)
        self.data: TripleData = run.data

    def __repr__(self) -> str:
        return f"TripleModel({type(self.run.model).__name__}, {self.data!r})"

    def scorer(self) -> BlockScorer:
        """Return the model as ``score(head, relation, tail)`` of ids, with its ``rows``."""
        return self._scorer

    @cached_property
    def _scorer(self) -> BlockScorer:
        return self.run.scorer()

    @cached_property
    def _device(self) -> torch.device:
        return next(self.run.model.parameters()).device

    def score(self, head: Nodes, relation: Nodes, tail: Nodes) -> Any:
        """Return the model's scores of tails as answers to (head, relation, ?), higher is likelier.

        A model with inverse relations scores heads by another query, as :meth:`predict_target`
        does where the head is looked for.

        Args:
            head: Heads, names or a tensor of ids.
            relation: As many relations, or one for all.
            tail: As many tails, or one for all.

        Returns:
            A tensor of the shape of ``head`` for tensors, else an array ``[n]``.

        Raises:
            ValueError: If a name is unknown, or there are not as many of each.
        """
        if all(isinstance(part, Tensor) for part in (head, relation, tail)):
            return self._of_tensors(head, relation, tail)  # type: ignore[arg-type]
        ends = zip(PARTS, (head, relation, tail), strict=True)
        parts = of_one_size({part: self.ids(value, part) for part, value in ends})
        return self._of_tensors(*as_tensors(parts.values(), self._device)).cpu().numpy()

    def _of_tensors(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        for name, ids in zip(PARTS, (head, relation, tail), strict=True):
            size = self.data.num_relations if name == "relation" else self.data.num_entities
            kind = "relation" if name == "relation" else "entity"
            checks.node_range(name, checks.index_tensor(name, ids, "[...]"), size, kind)
            checks.same_shape(name, ids, "head", head)
        flat = head.reshape(-1), relation.reshape(-1), tail.reshape(-1, 1)
        return self._scorer.block(*flat, "tail").view(head.shape)

    def predict_proba(self, head: Nodes, relation: Nodes, tail: Nodes) -> npt.NDArray[np.float64]:
        """Return the probabilities of tails as answers to (head, relation, ?).

        See :class:`gneg.prediction.Calibration`. Of relations as answers to (head, ?, tail)
        :meth:`predict_target` has them.

        Args:
            head: Heads, names or a tensor of ids.
            relation: As many relations, or one for all.
            tail: As many tails, or one for all.

        Raises:
            ValueError: As for :meth:`score`.
        """
        return self._probabilities(self.score(head, relation, tail))

    def sample(self, part: str, seed: int) -> Sample:
        """Return scores of held-out triples and of other answers to known queries."""
        return score_sample(self.data, self._scorer, part, seed)

    def calibration_of(self, part: Part) -> Calibration:
        """Return the calibration of answers: of relations their own, of heads and tails another.

        As few relations join two entities, most of those that are left are none of theirs.

        Args:
            part: The part of triples that is looked for.
        """
        return self._of_relations if part == "relation" else self.calibration

    @cached_property
    def _of_relations(self) -> Calibration:
        sample = partial(score_relation_sample, self.data, self._scorer)
        return self._calibrated(sample, OF_RELATIONS)

    def predict_target(
        self,
        *,
        head: str | int | None = None,
        relation: str | int | None = None,
        tail: str | int | None = None,
        k: int = 20,
        keep_known: bool = False,
        why: bool = False,
    ) -> pd.DataFrame:
        """Return the likeliest completions of a triple of which one part is not given.

        An entity is no answer to a query about itself, unless the relation has such triples.

        Args:
            head: The head, None if it is looked for.
            relation: The relation, None if it is looked for.
            tail: The tail, None if it is looked for.
            k: Number of answers, >= 1; fewer if there are no more.
            keep_known: Whether known triples are listed too, marked in the column ``known``.
            why: Whether to say what is known that is like each answer, in a column ``why``.

        Returns:
            A table with the columns ``head``, ``relation``, ``tail``, ``score``, ``probability``
            and ``known``, best first.

        Raises:
            ValueError: If not exactly one part is None, a name is unknown or ``k`` out of range.
        """
        ends = {"head": head, "relation": relation, "tail": tail}
        missing = [part for part, value in ends.items() if value is None]
        if len(missing) != 1:
            allowed = "given, all but the one that is looked for"
            checks.fail("head, relation, tail", allowed, f"{3 - len(missing)} of them")
        query = {part: self.ids(value, part) for part, value in ends.items() if value is not None}
        table = self.answers(query, missing[0], k, keep_known=keep_known, why=why)  # type: ignore[arg-type]
        return table.to_pandas()

    def answers(
        self,
        query: dict[str, IntArray],
        part: Part,
        k: int,
        *,
        keep_known: bool = False,
        why: bool = False,
        memory_mb: int = MEMORY_MB,
    ) -> pa.Table:
        """Return the answers to queries as an Arrow table.

        Args:
            query: Ids ``[B]`` of the two parts that are given.
            part: The part that is looked for.
            k: Number of answers to each, >= 1.
            keep_known: As for :meth:`predict_target`.
            why: As for :meth:`predict_target`.
            memory_mb: Memory for scores, in megabytes.
        """
        k = checks.integer("k", k, 1)
        query = of_one_size(query)
        keep_known = checks.flag("keep_known", keep_known)
        answers, scores = self._ranker.best(
            query, part, k, keep_known=keep_known, memory_mb=memory_mb
        )
        present = answers >= 0
        present[:, 0] |= ~present.any(axis=1)  # a row without an answer
        counts = present.sum(axis=1)
        triples = {name: np.repeat(ids, counts) for name, ids in query.items()}
        triples[part], score = answers[present], scores[present]
        ids = np.stack([triples[name] for name in PARTS])
        known = self._ranker.are_known(ids)
        columns: dict[str, pa.Array] = {
            name: named(triples[name], names)
            for name, names in zip(PARTS, self.data.end_names, strict=True)
        }
        probability = self.calibration_of(part).probability(score)
        columns |= score_columns(score, probability, known)
        if why:
            columns["why"] = pa.array(self._reasons.of(ids, part), pa.string())
        return pa.table(columns)

    @cached_property
    def _ranker(self) -> TripleRanker:
        return TripleRanker(self.data, self._scorer, self._device)

    @cached_property
    def _reasons(self) -> TripleReasons:
        return TripleReasons(self.data, self.run.final_embeddings())

    def ids(self, nodes: Nodes | None, part: str) -> IntArray:
        """Return the ids ``[n]`` of entities or relations given by name, or as a tensor.

        Args:
            nodes: The names, or a tensor of ids; None: all.
            part: ``head``, ``relation`` or ``tail``.

        Raises:
            ValueError: If there is no such name.
        """
        is_relation = part == "relation"
        size = self.data.num_relations if is_relation else self.data.num_entities
        names = self.data.relations if is_relation else self.data.entities
        return ids_of(nodes, names, size, part)

    def embeddings(self, path: str | Path | None = None) -> Tensor:
        """Return the vectors ``[N, D]`` of all entities.

        Args:
            path: File for them, ``.npy``, or ``.parquet`` or ``.csv`` with the names; None: none.

        Raises:
            ValueError: If the suffix is another.
        """
        z = self.run.final_embeddings().detach().float().cpu()
        if path is not None:
            export.write_embeddings(path, z, export.names_of_entities(self.data))
        return z

    def relation_embeddings(self, path: str | Path | None = None) -> Tensor:
        """Return the vectors ``[R, D]`` of all relations; ``[2 R, D]`` with inverses after them.

        Args:
            path: File for them, ``.npy``, or ``.parquet`` or ``.csv`` with the names and whether
                each is an inverse; None: none.

        Raises:
            ValueError: If the suffix is another.
        """
        z = self.run.final_relations().detach().float().cpu()
        if path is not None:
            export.write_embeddings(path, z, export.names_of_relations(self.data, len(z)))
        return z

    def to_pyg(self) -> Data:
        """Return the training triples with vectors ``z`` of entities and their ``names``."""
        from torch_geometric.data import Data

        head, relation, tail = self.data.train
        graph = Data(edge_index=torch.stack([head, tail]), edge_type=relation)
        graph.num_nodes, graph.z = self.data.num_entities, self.embeddings()
        graph.names = export.names_of_entities(self.data)["name"].to_pylist()
        return graph
