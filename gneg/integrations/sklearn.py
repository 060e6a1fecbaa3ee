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
from sklearn.utils import check_array, check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

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
        feature_names_in_: The names of the columns, if ``X`` was a table with names.

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

    def __sklearn_tags__(self) -> Any:
        """Return what the estimator takes: ids, of which all may be edges, and two classes."""
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = tags.input_tags.positive_only = True
        tags.classifier_tags.multi_class = False
        tags.target_tags.required = False
        return tags

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> LinkPredictor:
        """Fit the model.

        Args:
            X: ``[n, 2]`` pairs of node ids.
            y: ``[n]``, 1 for edges and 0 for non-edges; None: all are edges.
            sample_weight: ``[n]`` weights of pairs in the regression, >= 0; negatives drawn for an
                edge have its weight. None: all are 1. The graph has the edges of any weight.

        Raises:
            ValueError: If ids, labels, weights or parameters are out of range, or there are no
                edges or no non-edges.
            TypeError: If ``X`` is sparse.
        """
        for kind in self.kinds:
            checks.choice("kinds", kind, ("cn", "aa", "ra", "pa"))
        pairs = self._pairs(X, reset=True)
        label = _labels(y, len(pairs))
        weight = _weights(sample_weight, len(pairs))
        size = int(pairs.max()) + 1 if self.num_nodes is None else self.num_nodes
        edge = label == 1
        edges = torch.from_numpy(pairs[edge].T.copy())
        self.graph_ = Graph.from_edge_index(edges, size, undirected=self.undirected)
        parts, weights = [pairs[edge], pairs[~edge]], [weight[edge], weight[~edge]]
        if checks.integer("k", self.k, 0) and edge.any():
            seed = int(check_random_state(self.random_state).randint(2**31 - 1))
            sampler = build(self.sampler, self.graph_, corrupt="both")
            drawn = sampler.sample(edges, self.k, generator=generator_from(seed))
            parts.append(drawn.edge_index().numpy().T)
            weights.append(np.repeat(weight[edge], drawn.mask.sum(dim=1).numpy()))
        rows = np.concatenate(parts)
        target = np.repeat([1, 0], [edge.sum(), len(rows) - edge.sum()])
        if target.all() or not target.any():
            sizes = f"{target.sum()} edges, {len(rows) - target.sum()} non-edges"
            checks.fail("X, y", "with edges, and with non-edges or k > 0", sizes)
        regression = LogisticRegression(C=self.C, class_weight="balanced")
        self.model_ = make_pipeline(StandardScaler(), regression)
        options = {}
        if sample_weight is not None:
            steps, of_rows = self.model_.named_steps, np.concatenate(weights)
            options = {f"{step}__sample_weight": of_rows for step in steps}
        self.model_.fit(self._features(rows), target, **options)
        self.classes_ = np.array([0, 1])
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

    def _pairs(self, X: Any, *, reset: bool = False) -> Pairs:
        """Return the pairs, checked; with ``reset``, also the names of columns are remembered."""
        array = validate_data(self, X, dtype="numeric", reset=reset)
        if array.shape[1] != 2:
            checks.fail("X", "pairs of node ids, shape [n, 2]", f"shape {list(array.shape)}")
        if not np.array_equal(array, np.floor(array)):
            checks.fail("X", "pairs of integer node ids", array.dtype)
        top = np.iinfo(np.int64).max if self.num_nodes is None else self.num_nodes
        if array.min() < 0 or array.max() >= top:
            checks.fail("X", f"node ids in [0, {top})", [array.min().item(), array.max().item()])
        pairs: Pairs = array.astype(np.int64)
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


def _labels(y: Any, size: int) -> npt.NDArray[np.int64]:
    """Return labels ``[n]``, 0 or 1; all of them 1 if ``y`` is None."""
    if y is None:
        return np.ones(size, np.int64)
    label = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    if label.shape != (size,):
        checks.fail("y", f"of shape [{size}], a label for each pair", f"shape {list(label.shape)}")
    check_classification_targets(label)
    if not np.isin(label, (0, 1)).all():
        allowed = f"0 or 1 for each of {size} pairs, no edge or an edge"
        checks.fail("y", allowed, np.unique(label)[:5].tolist())
    return label.astype(np.int64)  # type: ignore[no-any-return]


def _weights(sample_weight: Any, size: int) -> npt.NDArray[np.float64]:
    """Return the weights ``[n]`` of pairs."""
    if sample_weight is None:
        return np.ones(size)
    name = "sample_weight"
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, input_name=name)
    if weight.shape != (size,):
        checks.fail(name, f"of shape [{size}], a weight for each pair", list(weight.shape))
    if (weight < 0).any() or not weight.any():
        checks.fail(name, "at least zero, and not all of them zero", weight.min())
    return weight  # type: ignore[no-any-return]
