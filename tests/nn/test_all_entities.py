"""Losses over all entities against torch's, on whole matrices of scores."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from gneg.nn.kge import MODELS, all_entities
from gneg.nn.kge.all_entities import Answers, loss_over_all

N = 30
#: Answers of four queries; the last has all entities.
ANSWERS = [[3], [0, 7, 29], [5, 6], list(range(N))]
FLAT = torch.tensor([entity for row in ANSWERS for entity in row])
ROWS = torch.tensor([i for i, row in enumerate(ANSWERS) for _ in row])


def answers():
    sizes = torch.tensor([0, *(len(row) for row in ANSWERS)])
    return Answers(sizes.cumsum(0), ROWS, FLAT)


def slow(kind, scores, smoothing):
    """Return the loss from its definition, one answer at a time."""
    if kind == "1vsall":
        return functional.cross_entropy(scores[ROWS], FLAT, label_smoothing=smoothing)
    if kind == "1vsrest":
        losses = []
        for query, row in enumerate(ANSWERS):
            rest = [entity for entity in range(N) if entity not in row]
            for entity in row:
                among = scores[query, [entity, *rest]]
                losses.append(functional.cross_entropy(among, torch.tensor(0)))
        return torch.stack(losses).mean()
    labels = torch.zeros_like(scores)
    labels[ROWS, FLAT] = 1
    labels = (1 - smoothing) * labels + smoothing / N
    sums = functional.binary_cross_entropy_with_logits(scores, labels, reduction="none").sum(1)
    return sums.mean()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("kind", all_entities.KINDS)
@pytest.mark.parametrize("name", ["transe", "complex", "rotate"])
def test_losses_and_gradients_are_those_of_whole_matrices(name, kind, smoothing, monkeypatch):
    if kind == "1vsrest" and smoothing:
        pytest.skip("its labels are not smoothed")
    monkeypatch.setattr(all_entities, "BLOCK", 1)
    monkeypatch.setattr(all_entities, "ENOUGH_ROWS", 3)  # two blocks
    monkeypatch.setattr(all_entities, "MIN_ROWS", 3)
    torch.manual_seed(0)
    model = MODELS[name](N, 3, 6).double()
    width = model.entity.embedding_dim
    vectors = torch.randn(len(ANSWERS), width).double(), torch.randn(N, width).double()
    results = []
    for fast in (True, False):
        query, entities = (rows.clone().requires_grad_() for rows in vectors)
        if fast:
            compare_all = None if model.inner_products else model.compare_all
            loss = loss_over_all(kind, compare_all, query, entities, answers(), smoothing=smoothing)
        else:
            loss = slow(kind, model.compare_all(query, entities), smoothing)
        (3 * loss).backward()
        results.append([loss.detach(), query.grad, entities.grad])
    for ours, expected in zip(*results, strict=True):
        torch.testing.assert_close(ours, expected)


def test_bad_arguments_are_refused():
    query, entities = torch.randn(4, 2), torch.randn(N, 2)
    for kind, smoothing, message in (("all", 0.0, "'kind'"), ("1vsall", 1.5, "'smoothing'")):
        with pytest.raises(ValueError, match=message):
            loss_over_all(
                kind,
                MODELS["distmult"](N, 1, 2).compare_all,
                query,
                entities,
                answers(),
                smoothing=smoothing,
            )
