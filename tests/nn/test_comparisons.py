"""Comparisons by kernels, and their gradients, against torch's."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gneg import kernels
from gneg.nn.kge import MODELS, TransE, comparisons

NAMES = ["transe", "transe-l2", "distmult", "complex", "rotate"]


def model_of(name, **options):
    torch.manual_seed(0)
    if name == "transe-l2":
        return TransE(30, 3, 6, p=2, **options)
    return MODELS[name](30, 3, 6, **options)


def inputs(model, queries, width, seed):
    """Return queries, entities and ids; the first query is an entity that it is compared with."""
    generator = torch.Generator().manual_seed(seed)
    dim = model.entity.embedding_dim
    query = torch.randn(queries, dim, generator=generator)
    entities = torch.randn(30, dim, generator=generator)
    index = torch.randint(30, (queries, width), generator=generator)
    if index.numel():
        query[0] = entities[index[0, 0]]
    return query, entities, index


def shares(index, high, seed):
    """Return the shares of the first entity in all: none, up to ``high``, and all of it."""
    mix = high * torch.rand(index.shape, generator=torch.Generator().manual_seed(seed))
    mix[:, :1], mix[:, -1:] = 0, high
    return mix


@settings(max_examples=20, deadline=None)
@given(
    queries=st.integers(0, 5),
    width=st.integers(0, 7),
    high=st.sampled_from([None, 0.5, 1.0]),
    seed=st.integers(0, 99),
)
@pytest.mark.parametrize("name", NAMES)
def test_scores_and_gradients_are_those_of_torch_in_double_precision(
    name, queries, width, high, seed
):
    model = model_of(name)
    query, entities, index = inputs(model, queries, width, seed)
    mix = None if high is None else shares(index, high, seed)
    weights = torch.randn(index.shape, generator=torch.Generator().manual_seed(seed))
    results = []
    for dtype in (torch.float32, torch.float64):  # kernels, then torch
        leaves = [rows.to(dtype, copy=True).requires_grad_() for rows in (query, entities)]
        scores = model.compare_block(*leaves, index, mix)
        (scores * weights.to(dtype)).sum().backward()
        results.append([scores.detach(), *(rows.grad for rows in leaves)])
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast.double(), slow, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("high", [None, 0.5])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_the_same_on_any_number_of_threads(name, high, monkeypatch):
    monkeypatch.setattr(kernels.threads, "MIN_WORK", 1)
    model, gradients = model_of(name), []
    for threads in (1, 3):
        kernels.threads.set_num_threads(threads)
        query, entities, index = inputs(model, 40, 20, 0)
        leaves = [rows.requires_grad_() for rows in (query, entities)]
        mix = None if high is None else shares(index, high, 0)
        model.compare_block(*leaves, index, mix).square().sum().backward()
        gradients.append([rows.grad for rows in leaves])
    kernels.threads.set_num_threads(None)
    for one, three in zip(*gradients, strict=True):
        assert torch.equal(one, three)


@pytest.mark.parametrize("name", NAMES)
def test_sparse_gradients_stay_sparse(name):
    model = model_of(name, sparse=True)
    scores = model.compare_block(
        torch.randn(2, 6 * (1 + model.complex)), model.entity.weight, torch.tensor([[1, 2], [2, 3]])
    )
    scores.sum().backward()
    assert model.entity.weight.grad.is_sparse
    assert set(model.entity.weight.grad.coalesce().indices()[0].tolist()) == {1, 2, 3}


def test_unknown_entities_are_refused():
    query, entities = torch.randn(1, 4), torch.randn(5, 4)
    for entity in (5, -1):
        with pytest.raises(ValueError, match="'index'"):
            comparisons.compare_some("dots", query, entities, torch.tensor([[entity]]))
