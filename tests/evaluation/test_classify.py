"""Classification of triples against verified negatives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from gneg import datasets
from gneg.evaluation.classify import classify, threshold
from tests.triple_worlds import sparse_data


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=20))
def test_no_threshold_is_more_accurate(rows):
    values = np.array([float(value) for value, _ in rows])
    label = np.array([true for _, true in rows])
    best = max(accuracy_score(label, values >= cut) for cut in [*(values - 0.5), 99.0])
    assert accuracy_score(label, values >= threshold(values, label)) == pytest.approx(best)


def test_triples_are_classified_against_verified_negatives(shared):
    data = datasets.load_triples("codex-s", root=shared)
    true = data.known("all")
    perfect = classify(lambda h, r, t: true.contains(torch.stack([h, r, t])).float(), data)
    assert perfect["accuracy"] == perfect["f1"] == perfect["valid"]["accuracy"] == 1.0
    chance = classify(lambda h, r, t: torch.zeros(len(h)), data)
    assert chance["one_threshold"]["accuracy"] == pytest.approx(0.5, abs=0.01)
    labels = [(data.positives(part)[1], data.verified[part][1]) for part in ("valid", "test")]
    correct = 0
    for r in range(data.num_relations):
        counts = [[int((end == r).sum()) for end in part] for part in labels]
        correct += counts[1][0 if counts[0][0] >= counts[0][1] else 1]
    assert chance["accuracy"] == pytest.approx(correct / chance["triples"], abs=0.01)
    with pytest.raises(ValueError, match="'data' must be a TripleData with verified negatives"):
        classify(lambda h, r, t: torch.zeros(len(h)), sparse_data())
