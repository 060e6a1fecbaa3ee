"""Generators that go to other processes."""

from __future__ import annotations

import pickle

import pytest
import torch

from gneg.loader import LinkLoader
from gneg.rng import generator_from
from tests.loader.pyg_data import graph_data


def test_a_pickled_generator_goes_on_where_it_was():
    generator = generator_from(3)
    torch.rand(5, generator=generator)
    data = pickle.dumps(generator)
    assert b"torch._utils" not in data  # no tensor, which needs memory shared with the sender
    copy = pickle.loads(pickle.dumps(pickle.loads(data)))
    assert torch.equal(torch.rand(9, generator=copy), torch.rand(9, generator=generator))
    drawn = torch.rand(9, generator=generator_from(3))
    assert torch.equal(drawn, torch.rand(9, generator=torch.Generator().manual_seed(3)))


@pytest.mark.slow
def test_batches_of_workers_that_are_not_forked_are_the_same():
    batches = []
    for options in ({}, {"num_workers": 1, "multiprocessing_context": "forkserver"}):
        loader = LinkLoader(
            graph_data(),
            [4, 3],
            neg_sampling="binary",
            sampler="walk",
            batch_size=100,
            shuffle=True,
            generator=generator_from(0),
            **options,
        )
        batches.append([batch.n_id[batch.edge_label_index] for batch in loader])
    assert all(torch.equal(*pair) for pair in zip(*batches, strict=True))
