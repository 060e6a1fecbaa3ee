"""Functions of triples as scores of all entities, or of lists of them, for each query."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from gneg import checks
from gneg.evaluation import ranking
from gneg.evaluation.triple import Rows
from gneg.graph.triples import End

__all__ = ["EachTriple", "TripleScorer", "as_scorer"]


class TripleScorer(Protocol):
    """A score of some or all entities for each query, such as :class:`gneg.nn.kge.Scorer`."""

    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries."""

    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries ``[b]``."""


class EachTriple:
    """A function of triples as a score of entities.

    It scores missing heads as it scores tails. A model with inverse relations answers
    ``(?, r, t)`` as ``(t, inverse of r, ?)``: its own scorer does, a function of triples does not.

    Args:
        score: ``score(head, relation, tail) -> Tensor`` of ids of one shape.
        num_entities: N.
    """

    def __init__(self, score: Callable[..., Any], num_entities: int) -> None:
        if not callable(score):
            checks.fail("score", "a function of (head, relation, tail)", checks.shown(score))
        self.score, self.num_entities = score, num_entities

    @torch.no_grad()
    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, M]`` of entities ``index [b, M]`` as the ``end`` of queries.

        Raises:
            ValueError: If the function returns something else than a score for each triple.
        """
        parts = []
        chunk = max(1, ranking.PAIRS // max(index.size(1), 1))
        columns = (ids.split(chunk) for ids in (entity, relation, index))
        for entities, relations, answers in zip(*columns, strict=True):
            query, middle = (ids[:, None].expand_as(answers) for ids in (entities, relations))
            head, tail = (query, answers) if end == "tail" else (answers, query)
            output = self.score(head, middle, tail)
            parts.append(checks.scores("score", output, answers.shape).cpu())
        return torch.cat(parts)

    def rows(self, entity: Tensor, relation: Tensor, end: End) -> Tensor:
        """Return the scores ``[b, N]`` of all entities as the ``end`` of queries; see ``block``."""
        everyone = torch.arange(self.num_entities).expand(len(entity), -1)
        return self.block(entity, relation, everyone, end)


class _OfRows:
    """The scores of all entities, of which lists are taken."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def block(self, entity: Tensor, relation: Tensor, index: Tensor, end: End) -> Tensor:
        return self.rows(entity, relation, end).cpu().gather(1, index)


def as_scorer(score: Any) -> TripleScorer:
    """Return a score of triples with ``rows`` and ``block``.

    Args:
        score: An object with these methods, or ``rows(entity, relation, end) -> [b, N]``.

    Raises:
        ValueError: If it is neither.
    """
    if hasattr(score, "rows") and hasattr(score, "block"):
        scorer: TripleScorer = score
        return scorer
    hint = "EachTriple(function, num_entities) of gneg.evaluation.triple_scorers makes one"
    hint += " of a function of (head, relation, tail)"
    if not callable(score):
        allowed = "a model's scorer, or a function of (entity, relation, end), for triples"
        checks.fail("score", allowed, checks.shown(score), hint=hint)
    if _takes_tails(score):
        checks.fail("score", "a function of (entity, relation, end)", "one of tails", hint=hint)
    return _OfRows(_telling(score, hint))


def _telling(score: Rows, hint: str) -> Rows:
    """Return a function whose failure over what it is called with is explained."""

    def rows(entity: Tensor, relation: Tensor, end: End) -> Tensor:
        try:
            return score(entity, relation, end)
        except TypeError as error:
            allowed = "a function of (entity, relation, end), where end is 'head' or 'tail'"
            raise ValueError(f"'score' must be {allowed} (it raised: {error}); {hint}") from error

    return rows


def _takes_tails(function: Callable[..., Any]) -> bool:
    """Return whether the third argument of a function is called as tails are."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # of a function that is not written in Python
        return False
    return len(names) > 2 and names[2].lower().rstrip("s") in ("t", "tail", "dst", "object")
