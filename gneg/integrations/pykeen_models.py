"""PyKEEN's models with gneg's evaluation, audits and answers, and gneg's data as its factories."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from pykeen.models import Model
from pykeen.triples import CoreTriplesFactory, TriplesFactory
from torch import Tensor, nn

from gneg import checks
from gneg.datasets import Names, TripleData
from gneg.graph import KnownTriples, Triples
from gneg.graph.triples import End
from gneg.prediction import TripleModel

__all__ = ["Factories", "PykeenScorer", "factories", "trained_model"]

CHUNK = 2**25  # entries of the differences between queries and entities held at once


class Factories(NamedTuple):
    """The triples factories of a dataset, by the names that ``pykeen.pipeline.pipeline`` has.

    Attributes:
        training: The training triples.
        validation: The validation triples; None: there are none.
        testing: The test triples; None: there are none.
    """

    training: CoreTriplesFactory
    validation: CoreTriplesFactory | None
    testing: CoreTriplesFactory | None


def factories(data: TripleData, *, create_inverse_triples: bool = False) -> Factories:
    """Return the parts of a knowledge graph as PyKEEN's factories, with the same ids and names.

    Args:
        data: The knowledge graph.
        create_inverse_triples: Whether models train on inverse relations, too.

    Example:
        ``pipeline(model="TransE", **factories(data)._asdict())``
    """

    def factory(part: str, inverse: bool) -> CoreTriplesFactory | None:
        triples = data.positives(part).t().cpu()
        if not len(triples):
            return None
        if data.entities is None and data.relations is None:
            sizes = data.num_entities, data.num_relations
            return CoreTriplesFactory(triples, *sizes, create_inverse_triples=inverse)
        return TriplesFactory(triples, *labels, create_inverse_triples=inverse)

    labels = (
        _labels(data.entities, data.num_entities),
        _labels(data.relations, data.num_relations),
    )
    training = factory("train", create_inverse_triples)
    if training is None:
        checks.fail("data", "with training triples", repr(data))
    return Factories(training, factory("valid", False), factory("test", False))


def _labels(names: Names | None, size: int) -> dict[str, int]:
    """Return the ids of labels; those without names are called by their ids."""
    return {name: i for i, name in enumerate(map(str, range(size)) if names is None else names)}


class PykeenScorer:
    """A trained model of PyKEEN as a score of triples, like :class:`gneg.nn.kge.Scorer`.

    Scores are those of the model's ``predict_hrt``, ``predict_h`` and ``predict_t``, which PyKEEN's
    evaluators use: a model that was trained with inverse relations scores heads by these. As there,
    the model is put into evaluation mode. Ids are those of ``data``; scores are on their device.

    Args:
        model: The model.
        data: The knowledge graph whose ids are scored.
        factory: The factory of the model's training triples. Where it has labels and ``data`` has
            names, ids are translated by them; else ids are taken to be the same. None: they are.
            A warning says how many held-out triples of ``data`` it holds, of another split.

    Raises:
        ValueError: If an entity or relation of ``data`` has no label in ``factory``, or without
            labels the numbers of entities or relations differ.

    Example:
        >>> import gneg
        >>> scorer = PykeenScorer(result.model, data, result.training)  # doctest: +SKIP
        >>> gneg.evaluation.triple.evaluate_triples(scorer.rows, data)  # doctest: +SKIP
        >>> gneg.audit(data, "hardest(uniform, m=32)", score=scorer)  # doctest: +SKIP
    """

    def __init__(
        self, model: Model, data: TripleData, factory: CoreTriplesFactory | None = None
    ) -> None:
        checks.instance("model", model, (Model,))
        checks.instance("data", data, (TripleData,))
        self.model, self.num_entities = model, data.num_entities
        labels: tuple[Any, Any] = (None, None)
        if isinstance(factory, TriplesFactory):
            labels = factory.entity_to_id, factory.relation_to_id
        sizes = model.num_entities, model.num_real_relations
        self._entities = _ids("entities", data.entities, data.num_entities, labels[0], sizes[0])
        self._relations = _ids("relations", data.relations, data.num_relations, labels[1], sizes[1])
        if factory is not None:
            self._warn_of_leaks(data, factory)

    def _warn_of_leaks(self, data: TripleData, factory: CoreTriplesFactory) -> None:
        """Warn of validation and test triples that the model was trained on: of another split."""
        sizes = self.model.num_entities, self.model.num_real_relations
        trained = KnownTriples(Triples(factory.mapped_triples.t(), *sizes))
        for part in ("valid", "test"):
            head, relation, tail = data.positives(part)
            ids = torch.stack([self._entity(head), self._relation(relation), self._entity(tail)])
            leaked = int(trained.contains(ids).sum())
            if leaked:
                text = f"{leaked:,} of {ids.size(1):,} {part} triples of {data.name} are training "
                text += "triples of the model; gneg.integrations.pykeen_models.factories(data) "
                text += "has the split of the data"
                warnings.warn(text, stacklevel=3)

    @torch.no_grad()
    def __call__(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the scores of triples, given as ids of one shape, in that shape.

        Scores are those of the triples themselves, also by models with inverse relations.
        """
        parts = self._entity(head), self._relation(relation), self._entity(tail)
        triples = torch.stack(parts, dim=-1).view(-1, 3)
        step = max(1, CHUNK // self._width)
        scores = torch.cat([self.model.predict_hrt(rows) for rows in triples.split(step)])
        return scores.view(head.shape).to(head.device)

    @torch.no_grad()
    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the answers of queries.

        Args:
            entity: Ids of the queries' entities, ``[b]``.
            relation: Ids of their relations, ``[b]``.
            index: Ids of the entities to score for each query, ``[b, M]``.
            end: The end of the triple that is predicted.
        """
        answers = self._entity(index).to(self.model.device)
        return self._answers(entity, relation, answers, end)

    @torch.no_grad()
    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the answers of queries; see ``block``."""
        scores = self._answers(entity, relation, None, end)
        return scores if self._entities is None else scores[:, self._entities.to(scores.device)]

    def _answers(self, entity: Tensor, relation: Tensor, index: Tensor | None, end: End) -> Tensor:
        """Return the scores of entities in the model's ids ``[b, M]``; None: of all of them."""
        ids = self._entity(entity), self._relation(relation)
        queries = torch.stack(ids if end == "tail" else ids[::-1], dim=-1)
        width = self.model.num_entities if index is None else index.size(1)
        step = max(1, CHUNK // max(width * self._width, 1))
        scores = []
        for low in range(0, len(queries), step):
            rows = slice(low, low + step)
            answers = None if index is None else index[rows]
            if end == "tail":
                scores.append(self.model.predict_t(queries[rows], tails=answers))
            else:
                scores.append(self.model.predict_h(queries[rows], heads=answers))
        return torch.cat(scores).to(entity.device) if scores else torch.empty(0, width)

    @property
    def _width(self) -> int:
        """Number of entries of an entity's vector, 1 for models without such vectors."""
        representations = getattr(self.model, "entity_representations", None)
        return max(math.prod(representations[0].shape), 1) if representations else 1

    def _entity(self, ids: Tensor) -> Tensor:
        return ids if self._entities is None else self._entities.to(ids.device)[ids]

    def _relation(self, ids: Tensor) -> Tensor:
        return ids if self._relations is None else self._relations.to(ids.device)[ids]


def _ids(
    kind: str, names: Names | None, size: int, labels: Mapping[str, int] | None, model_size: int
) -> Tensor | None:
    """Return the model's ids ``[size]`` of entities or relations; None: they are the same."""
    if labels is None or names is None:
        if size != model_size:
            hint = "with names in data and labels in factory, ids are translated"
            allowed = f"a model of {size:,} {kind}, as many as data has"
            checks.fail("model", allowed, f"{model_size:,}", hint=hint)
        return None
    unknown = [name for name in names if name not in labels]
    if unknown:
        remainder = f" and {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
        hint = checks.closest(unknown[0], labels)
        allowed = f"a factory with labels of all {kind} of data"
        checks.fail("factory", allowed, f"none of {unknown[0]!r}{remainder}", hint=hint)
    ids = torch.tensor([labels[name] for name in names], dtype=torch.long)
    return None if size == model_size and torch.equal(ids, torch.arange(size)) else ids


@dataclass(frozen=True)
class _PykeenRun:
    """A trained model of PyKEEN in the place of a run of gneg.

    Attributes:
        data: The knowledge graph.
        model: The model.
        name: Its name.
        score: The model as a score of triples.
    """

    data: TripleData
    model: nn.Module
    name: str
    score: PykeenScorer

    def scorer(self) -> PykeenScorer:
        """Return the model as a score of triples."""
        return self.score

    def final_embeddings(self) -> Tensor:
        """Return the vectors ``[N, D]`` of entities; real parts and imaginary parts in turn."""
        z = _vectors(self.model.entity_representations)
        ids = self.score._entities
        return z if ids is None else z[ids]

    def final_relations(self) -> Tensor:
        """Return the vectors of relations, and of their inverses after them, ``[R or 2 R, D]``."""
        z = _vectors(self.model.relation_representations)
        directions = len(z) // self.score.model.num_real_relations
        z = torch.cat([z[i::directions] for i in range(directions)])
        ids = self.score._relations
        if ids is None:
            return z
        size = self.score.model.num_real_relations
        return torch.cat([z[ids + i * size] for i in range(directions)])


@torch.no_grad()
def _vectors(representations: Any) -> Tensor:
    """Return the first vectors of all entities or relations, as real numbers, ``[.., D]``."""
    z: Tensor = representations[0]().detach().cpu()
    return (torch.view_as_real(z) if z.is_complex() else z).flatten(1)


def trained_model(
    model: Model, data: TripleData, factory: CoreTriplesFactory | None = None
) -> TripleModel:
    """Return a trained model of PyKEEN that answers in the names of ``data``.

    Its probabilities are calibrated on the validation triples of ``data``, which the model must not
    have been trained on.

    Args:
        model: The model.
        data: The knowledge graph.
        factory: The factory of the model's training triples, see :class:`PykeenScorer`.

    Raises:
        ValueError: As for :class:`PykeenScorer`.

    Example:
        >>> answers = trained_model(result.model, data, result.training)  # doctest: +SKIP
        >>> answers.predict_target(head="brazil", relation="embassy", k=5)  # doctest: +SKIP
    """
    scorer = PykeenScorer(model, data, factory)
    return TripleModel(_PykeenRun(data, model, type(model).__name__, scorer))
