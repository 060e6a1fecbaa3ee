"""The scikit-learn estimator: scikit-learn's own checks, searches, and a world it must solve."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score
from sklearn.utils import estimator_checks

from gneg import datasets
from gneg.integrations.sklearn import LinkPredictor

# Those that bring no tables of another width: an estimator of node pairs takes two columns.
CHECKS = [
    "check_complex_data",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimator_sparse_tag",
    "check_estimators_empty_data_messages",
    "check_estimators_fit_returns_self",
    "check_estimators_overwrite_params",
    "check_estimators_unfitted",
    "check_fit1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_n_features_in",
    "check_supervised_y_no_nan",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
]


@pytest.mark.parametrize("name", CHECKS)
def test_scikit_learns_checks(name):
    getattr(estimator_checks, name)("LinkPredictor", LinkPredictor(random_state=0))


@pytest.fixture(scope="module")
def world():
    """Training pairs, and test pairs with labels, of a real graph."""
    data = datasets.load("digits")
    easy = np.stack([data.test.neg[0][:, 0], data.test.neg[1][:, 0]], axis=1)
    pairs = np.concatenate([data.test.pos.numpy().T, easy])
    return data.train.numpy().T, pairs, np.repeat([1, 0], [data.test.pos.size(1), len(easy)])


def test_it_learns_from_edges_alone(world):
    train, pairs, label = world
    model = LinkPredictor(random_state=0)
    with pytest.raises(Exception, match="not fitted"):
        model.predict(pairs)
    probability = model.fit(train).predict_proba(pairs)
    assert probability.sum(axis=1) == pytest.approx(1)
    assert roc_auc_score(label, probability[:, 1]) > 0.87
    assert (model.predict(pairs) == (probability[:, 1] > 0.5)).all()
    assert model.score(pairs, label) > 0.75
    refitted = clone(model).fit(train).predict_proba(pairs)
    assert (refitted == probability).all()
    other_seed = LinkPredictor(random_state=1).fit(train).predict_proba(pairs)
    assert (other_seed != probability).any()


def test_it_works_in_searches(world):
    train, pairs, label = world
    X = np.concatenate([train, pairs[label == 0]])
    y = np.repeat([1, 0], [len(train), (label == 0).sum()])
    grid = {"sampler": ["uniform", "walk"], "k": [0, 2]}
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    model = LinkPredictor(num_nodes=1797, random_state=0)
    search = GridSearchCV(model, grid, scoring="roc_auc", cv=folds)
    search.fit(X, y)
    assert search.best_score_ > 0.7  # heuristics see two thirds of the edges
    assert search.best_params_ != {"sampler": "walk", "k": 2}  # walk negatives make it unlearn RA
    assert len(search.cv_results_["params"]) == 4
    scores = cross_val_score(search.best_estimator_, X, y, cv=folds, scoring="roc_auc")
    assert scores.mean() == pytest.approx(search.best_score_)


def test_heuristics_of_an_edge_leave_it_out():
    """In a random graph nothing tells an edge; a model that sees it in its ends' degrees would."""
    random = np.random.default_rng(0)
    edges = np.unique(np.sort(random.integers(300, size=(900, 2)), axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    model = LinkPredictor(kinds=("pa",), sampler="degree(alpha=1)", k=5, random_state=0).fit(edges)
    assert model.predict_proba(edges)[:, 1].mean() == pytest.approx(0.5, abs=0.05)


def test_nodes_that_fit_did_not_see_have_no_neighbours(world):
    train, _, _ = world
    model = LinkPredictor(random_state=0).fit(train)
    assert model.predict([[0, 10**6]]).tolist() == [0]


@pytest.mark.parametrize(
    ("options", "pairs", "labels", "message"),
    [
        ({}, [[0, 1, 2]], None, r"'X' must be pairs of node ids, shape \[n, 2\]"),
        ({}, [[np.nan, 1]], None, "Input X contains NaN"),
        ({}, [[0, 1e30]], None, r"'X' must be node ids in \[0, 9223372036854775807\)"),
        ({}, [[0.5, 1]], None, "'X' must be pairs of integer node ids"),
        ({}, [[0, -1]], None, "'X' must be node ids in"),
        ({"num_nodes": 2}, [[0, 3]], None, "'X' must be node ids in"),
        ({}, [[0, 1]], [2], "'y' must be 0 or 1"),
        ({}, [[0, 1]], ["edge"], r"'y' must be 0 or 1 .*got \['edge'\]"),
        ({}, [[0, 1]], [[1]], r"'y' must be of shape \[1\]"),
        ({}, [[0, 1]], [0.5], "Unknown label type: continuous"),
        ({}, [[0, 1]], [0], "'X, y' must be with edges"),
        ({"k": 0}, [[0, 1]], None, "'X, y' must be with edges"),
        ({"k": -1}, [[0, 1]], None, "'k' must be an integer >= 0"),
        ({"kinds": ["ppr"]}, [[0, 1]], None, "'kinds' must be one of"),
        ({"sampler": "wlak"}, [[0, 1], [1, 2]], None, "no sampler 'wlak'"),
    ],
)
def test_bad_input_is_named(options, pairs, labels, message):
    with pytest.raises(ValueError, match=message):
        LinkPredictor(**options).fit(pairs, labels)


def test_names_of_columns_are_remembered(world):
    train, _, _ = world
    table = pd.DataFrame(train, columns=["citing", "cited"])
    model = LinkPredictor(random_state=0).fit(table)
    assert model.feature_names_in_.tolist() == ["citing", "cited"]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(table.rename(columns={"cited": "from"}))


def test_a_weight_is_a_number_of_copies(world):
    """Of non-edges, and of an edge's negatives; an edge's own copies would change the graph."""
    train, pairs, label = world
    other = pairs[label == 0][:200]
    X, y = np.concatenate([train, other]), np.repeat([1, 0], [len(train), len(other)])
    copies = np.random.default_rng(0).integers(3, size=len(X))
    copies[y == 1] = 1
    weighted = LinkPredictor(k=0).fit(X, y, sample_weight=copies)
    repeated = LinkPredictor(k=0).fit(np.repeat(X, copies, axis=0), np.repeat(y, copies))
    score = weighted.decision_function(pairs)
    assert score == pytest.approx(repeated.decision_function(pairs), abs=1e-3)
    unweighted = LinkPredictor(random_state=0).fit(X, y)
    twice = LinkPredictor(random_state=0, C=0.5).fit(X, y, sample_weight=np.full(len(X), 2.0))
    score = unweighted.decision_function(pairs)
    assert score == pytest.approx(twice.decision_function(pairs), abs=1e-3)
    for weight in (np.zeros(len(X)), np.full(len(X), -1.0)):
        with pytest.raises(ValueError, match="'sample_weight' must be at least zero, and not all"):
            LinkPredictor().fit(X, y, sample_weight=weight)
