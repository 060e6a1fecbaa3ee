"""A scikit-learn classifier of node pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from gneg import checks
from gneg.graph import Graph, KnownEdges, heuristics
from gneg.rng import generator_from
from gneg.samplers import build

__all__ = ["LinkPredictor"]

Pairs = npt.NDArray[np.int64]


class LinkPredictor(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on heuristics of node pairs that draws its own negatives.

    ``X [n, 2]`` are pairs of node ids and ``y`` is 1 for edges and 0 for non-edges. The graph
    consists of the edges in ``X``. The sampler adds ``k`` negatives per edge to the non-edges in
    ``X``, of which there may be none. Heuristics of a training edge are computed without that edge.

    Args:
        kinds: Heuristics: ``cn``, ``aa``, ``ra``, ``pa``.
        sampler: A sampler expression, see :func:`gneg.samplers.build`.
        k: Negatives drawn for each edge, >= 0.
        num_nodes: N; the largest id passed to ``fit`` + 1 if None.
        undirected: Whether (u, v) also means (v, u).
        C: Inverse strength of regularisation, > 0.
        random_state: Seed or ``RandomState`` for the negatives; None: another draw at each fit.

    Attributes:
        classes_: The labels, 0 and 1.
        graph_: The graph of the edges in ``X``.
        model_: The fitted pipeline of scaler and logistic regression.
        n_features_in_: Number of columns of ``X``, 2.

    Example:
        >>> ring = np.array([[i, (i + step) % 30] for i in range(30) for step in (1, 2)])
        >>> model = LinkPredictor(random_state=0).fit(ring)
        >>> model.predict([[0, 1], [0, 15]])
        array([1, 0])
    """

    def __init__(
        self,
        kinds: Sequence[str] = ("cn", "aa", "ra"),
        sampler: str = "uniform",
        k: int = 4,
        num_nodes: int | None = None,
        undirected: bool = True,
        C: float = 1.0,
        random_state: Any = None,
    ) -> None:
        self.kinds = kinds
        self.sampler = sampler
        self.k = k
        self.num_nodes = num_nodes
        self.undirected = undirected
        self.C = C
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> LinkPredictor:
        """Fit the model.

        Args:
            X: ``[n, 2]`` pairs of node ids.
            y: ``[n]``, 1 for edges and 0 for non-edges; None: all are edges.

        Raises:
            ValueError: If ids, labels or parameters are out of range, or there are no edges or no
                non-edges.
        """
        for kind in self.kinds:
            checks.choice("kinds", kind, ("cn", "aa", "ra", "pa"))
        pairs = self._pairs(X)
        label = np.ones(len(pairs), np.int64) if y is None else np.asarray(y)
        if label.shape != (len(pairs),) or not np.isin(label, (0, 1)).all():
            checks.fail(
                "y", f"0 or 1 for each of {len(pairs)} pairs", np.unique(label)[:5].tolist()
            )
        size = self.num_nodes
        if size is None:
            size = int(pairs.max()) + 1 if len(pairs) else 0
        edges = torch.from_numpy(pairs[label == 1].T.copy())
        self.graph_ = Graph.from_edge_index(edges, size, undirected=self.undirected)
        negative = pairs[label == 0]
        if checks.integer("k", self.k, 0) and edges.size(1):
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            sampler = build(self.sampler, self.graph_, corrupt="both")
            drawn = sampler.sample(edges, self.k, generator=generator_from(seed))
            negative = np.concatenate([negative, drawn.edge_index().numpy().T])
        positive = pairs[label == 1]
        if not len(negative) or not len(positive):
            sizes = f"{len(positive)} edges, {len(negative)} non-edges"
            checks.fail("X, y", "with edges, and with non-edges or k > 0", sizes)
        table = self._features(np.concatenate([positive, negative]))
        target = np.repeat([1, 0], [len(positive), len(negative)])
        self.model_ = make_pipeline(
            StandardScaler(), LogisticRegression(C=self.C, class_weight="balanced")
        )
        self.model_.fit(table, target)
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = 2
        return self

    def decision_function(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the scores of pairs ``X [n, 2]``, ``[n]``; above 0 for likely edges."""
        check_is_fitted(self)
        scores: npt.NDArray[np.float64] = self.model_.decision_function(
            self._features(self._pairs(X))
        )
        return scores

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Return the probabilities ``[n, 2]`` of no edge and of an edge, with balanced classes."""
        check_is_fitted(self)
        table = self._features(self._pairs(X))
        probabilities: npt.NDArray[np.float64] = self.model_.predict_proba(table)
        return probabilities

    def predict(self, X: Any) -> npt.NDArray[np.int64]:
        """Return 1 for pairs with a score above 0, else 0, ``[n]``."""
        return (self.decision_function(X) > 0).astype(np.int64)

    def _pairs(self, X: Any) -> Pairs:
        array = np.asarray(X)
        if array.ndim != 2 or array.shape[1] != 2:
            checks.fail("X", "pairs of node ids, shape [n, 2]", f"shape {list(array.shape)}")
        if not np.issubdtype(array.dtype, np.number) or not np.array_equal(array, np.floor(array)):
            checks.fail("X", "pairs of integer node ids", array.dtype)
        pairs: Pairs = array.astype(np.int64)
        top = np.inf if self.num_nodes is None else self.num_nodes
        if len(pairs) and (pairs.min() < 0 or pairs.max() >= top):
            checks.fail("X", f"node ids in [0, {top})", [int(pairs.min()), int(pairs.max())])
        return pairs

    def _features(self, pairs: Pairs) -> npt.NDArray[np.float64]:
        """Return ``log(1 + value)`` of heuristics, those of an edge computed without that edge.

        Nodes that ``fit`` did not see have no neighbours. Common neighbours do not depend on an
        edge between the two nodes; degrees do.
        """
        graph = self.graph_.to_undirected()
        seen_in_fit: npt.NDArray[np.bool_] = np.all(pairs < graph.num_nodes, axis=1)
        src, dst = np.where(seen_in_fit[:, None], pairs, 0).T
        is_edge = KnownEdges(graph).contains(torch.from_numpy(src), torch.from_numpy(dst)).numpy()
        degree = graph.degree().numpy()
        columns = []
        for kind in self.kinds:
            if kind == "pa":
                column = 1.0 * (degree[src] - is_edge) * (degree[dst] - is_edge)
            else:
                column = heuristics.scores(graph, kind, src, dst[:, None])[:, 0]  # type: ignore[arg-type]
            columns.append(np.log1p(np.where(seen_in_fit, column, 0.0)))
        return np.stack(columns, axis=1)
