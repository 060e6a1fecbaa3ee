"""Equal to ogb.linkproppred.Evaluator, ties included; its silent failures are refused."""

from __future__ import annotations

import os

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from gneg.evaluation import metrics


@pytest.fixture(scope="module")
def evaluator():
    os.environ.setdefault("OUTDATED_IGNORE", "1")
    from ogb.linkproppred import Evaluator

    return Evaluator


def scores(seed: int, levels: int, shape: tuple[int, ...]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(levels, shape, generator=generator).float() / levels


@pytest.mark.parametrize("levels", [3, 50, 10**6])
@pytest.mark.parametrize("seed", range(4))
def test_hits_equal_ogb(evaluator, seed, levels):
    pos, neg = scores(seed, levels, (300,)), scores(seed + 99, levels, (200,))
    for name, k in (("ogbl-ddi", 20), ("ogbl-collab", 50), ("ogbl-ppa", 100)):
        theirs = evaluator(name).eval({"y_pred_pos": pos, "y_pred_neg": neg})
        assert metrics.hits(pos, neg, k) == pytest.approx(theirs[f"hits@{k}"], abs=1e-9)
    theirs = evaluator("ogbl-vessel").eval({"y_pred_pos": pos, "y_pred_neg": neg})
    assert metrics.auc(pos, neg) == pytest.approx(theirs["rocauc"], abs=1e-9)


@pytest.mark.parametrize("levels", [3, 50, 10**6])
@pytest.mark.parametrize("seed", range(4))
def test_mrr_and_its_hits_equal_ogb(evaluator, seed, levels, monkeypatch):
    pos, neg = scores(seed, levels, (300,)), scores(seed + 99, levels, (300, 40))
    theirs = evaluator("ogbl-citation2").eval({"y_pred_pos": pos, "y_pred_neg": neg})
    monkeypatch.setattr(metrics, "CHUNK", 1000)
    assert metrics.mrr(pos, neg) == pytest.approx(float(theirs["mrr_list"].mean()), abs=1e-6)
    for k in (1, 3, 10):
        assert metrics.hits(pos, neg, k) == pytest.approx(
            float(theirs[f"hits@{k}_list"].mean()), abs=1e-6
        )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=20),
    st.lists(st.integers(-3, 3), min_size=1, max_size=20),
)
def test_shared_set_equals_the_set_repeated(pos, neg):
    pos, neg = torch.tensor(pos).float(), torch.tensor(neg).float()
    repeated = neg.expand(len(pos), -1)
    assert torch.equal(metrics.ranks(pos, neg), metrics.ranks(pos, repeated))
    label = torch.cat([torch.ones(len(pos)), torch.zeros(len(neg))])
    assert metrics.auc(pos, neg) == pytest.approx(roc_auc_score(label, torch.cat([pos, neg])))
    assert metrics.summary(pos, neg)["auc"] == pytest.approx(metrics.summary(pos, repeated)["auc"])


def test_masks_of_a_shared_set():
    pos, neg = torch.tensor([0.5, 0.2]), torch.tensor([0.9, 0.4, 0.3])
    mask = torch.tensor([False, True, True])
    assert metrics.summary(pos, neg, mask) == metrics.summary(pos, neg[1:])
    # Each positive's own part of the set: the first has one negative above it, the second none.
    rows = torch.tensor([[True, True, False], [False, False, False]])
    values = metrics.per_positive(pos, neg, rows)
    assert values["mrr"].tolist() == [0.5, 1.0]
    assert values["auc"].tolist() == [0.5, 1.0]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16, torch.int64, torch.bfloat16])
def test_scores_are_numbers_of_any_width(dtype):
    pos, neg = torch.tensor([1, 0]).to(dtype), torch.tensor([[0], [1]]).to(dtype)
    assert metrics.mrr(pos, neg) == 0.75


def test_infinite_scores_are_ranked():
    pos = torch.tensor([float("inf"), -float("inf")])
    assert metrics.ranks(pos, torch.tensor([0.0, 1.0])).tolist() == [1, 3]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.hits(torch.ones(3), torch.ones(19), 20), "'neg' must be at least k = 20"),
        (
            lambda: metrics.mrr(torch.tensor([float("nan")]), torch.ones(1, 2)),
            r"'pos' must be free of NaN \(got 1 NaN of 1\)",
        ),
        (
            lambda: metrics.hits(torch.ones(1), torch.tensor([float("nan"), 1.0]), 1),
            "'neg' must be free",
        ),
        (lambda: metrics.mrr(torch.ones(3), torch.ones(2, 5)), r"'neg' must be \[3, K\]"),
        (lambda: metrics.mrr(torch.ones(0), torch.ones(2)), "'pos' must be at least one score"),
        (lambda: metrics.auc(torch.ones(2), torch.ones(0)), "'neg' must be at least one score"),
        (
            lambda: metrics.summary(torch.ones(2), torch.ones(5), torch.ones(4) > 0),
            r"'mask' must be a bool tensor of shape \[5\] or \[2, 5\] \(got \[4\]\)",
        ),
        (
            lambda: metrics.summary(torch.ones(2), torch.ones(5), torch.zeros(5) > 0),
            "'mask' must be True for at least one negative",
        ),
        (lambda: metrics.auc([1.0], torch.ones(2)), "'pos' must be a float tensor"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
