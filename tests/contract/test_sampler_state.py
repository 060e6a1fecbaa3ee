"""What a sampler's draws depend on: its generator and its state, and nothing else."""

from __future__ import annotations

import io
import multiprocessing
import pickle
import random

import numpy as np
import pytest
import torch

from gneg import kernels, samplers
from gneg.samplers import Sampler
from tests.contract.cases import SAMPLERS, draw, every_sampler, model, same, seeded
from tests.worlds import positives, random_graph


@every_sampler
def test_same_state_same_result_for_any_threads(case):
    graph = random_graph(500, 3000)
    pos = graph.edge_index[:, :1000]
    sampler = SAMPLERS[case](graph, corrupt="both")
    kernels.threads.set_num_threads(1)
    single = draw(sampler, pos, 40, generator=seeded())
    kernels.threads.set_num_threads(3)
    three = draw(sampler, pos, 40, generator=seeded())
    assert same(single, three)
    assert not same(single, draw(sampler, pos, 40, generator=seeded(8)))


def _in_child(sampler: Sampler, pos: torch.Tensor, queue) -> None:
    queue.put(draw(sampler, pos, 40, generator=seeded()).index.numpy())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@every_sampler
def test_same_result_after_fork(case):
    """Loader workers are forked from a process whose kernels and pool are warm."""
    graph = random_graph(500, 3000)
    pos = graph.edge_index[:, :1000]
    sampler = SAMPLERS[case](graph)
    kernels.threads.set_num_threads(2)
    here = draw(sampler, pos, 40, generator=seeded()).index.numpy()
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(sampler, pos, queue))
    child.start()
    in_child = queue.get(timeout=30)
    child.join()
    assert np.array_equal(here, in_child)


class _Draws(torch.utils.data.IterableDataset):
    def __init__(self, sampler: Sampler, pos: torch.Tensor) -> None:
        self.sampler, self.pos = sampler, pos

    def __iter__(self):
        yield draw(self.sampler, self.pos, 40, generator=seeded()).index


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_same_result_in_a_loader_worker():
    graph = random_graph(500, 3000)
    sampler = samplers.Mixture([samplers.Uniform(graph), samplers.Walk(graph)])
    pos = graph.edge_index[:, :1000]
    loader = torch.utils.data.DataLoader(_Draws(sampler, pos), batch_size=None, num_workers=1)
    assert torch.equal(next(iter(loader)), draw(sampler, pos, 40, generator=seeded()).index)


@every_sampler
def test_global_random_state_is_untouched(case):
    graph = random_graph(60, 150)
    sampler = SAMPLERS[case](graph, corrupt="both")
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    neg = draw(sampler, positives(graph), 5)
    assert neg.log_q is None or neg.log_q.numel()
    assert torch.equal(states[0], torch.get_rng_state())
    assert np.array_equal(states[1], np.random.get_state()[1])
    assert states[2] == random.getstate()
    torch.manual_seed(0)
    first = draw(sampler, positives(graph, 50), 20)
    torch.manual_seed(0)
    assert not same(first, draw(sampler, positives(graph, 50), 20))


@every_sampler
def test_generator_advances(case):
    graph = random_graph(60, 150)
    generator = seeded()
    sampler = SAMPLERS[case](graph)
    first = draw(sampler, positives(graph, 50), 20, generator=generator)
    assert not same(first, draw(sampler, positives(graph, 50), 20, generator=generator))


@every_sampler
def test_inputs_are_untouched(case):
    graph = random_graph(60, 150)
    before = graph.indptr.copy(), graph.indices.copy()
    pos = positives(graph)
    copy = pos.clone()
    sampler = SAMPLERS[case](graph, corrupt="both")
    neg = draw(sampler, pos, 5, generator=seeded())
    neg.src.zero_()
    assert torch.equal(pos, copy)
    assert np.array_equal(before[0], graph.indptr)
    assert np.array_equal(before[1], graph.indices)


@every_sampler
def test_pickle_draws_the_same(case):
    graph = random_graph(60, 150)
    sampler = SAMPLERS[case](graph, corrupt="both")
    neg = draw(sampler, positives(graph), 5, generator=seeded())
    copy = pickle.loads(pickle.dumps(sampler))
    assert same(neg, draw(copy, positives(graph), 5, generator=seeded()))
    unpickled = pickle.loads(pickle.dumps(neg))
    assert same(neg, unpickled)
    assert (neg.log_q is None) == (unpickled.log_q is None)
    assert neg.log_q is None or torch.equal(neg.log_q, unpickled.log_q)


def _train(sampler: Sampler, pos: torch.Tensor, epochs: int) -> None:
    """Draw and step as training does."""
    z, score = model(sampler.graph)
    for epoch in range(epochs):
        for batch in range(2):
            draw(sampler, pos, 5, generator=seeded(epoch * 2 + batch))
            sampler.step(score=score)
        sampler.end_epoch(z=z)


@every_sampler
def test_state_dict_goes_on_where_it_was(case):
    graph = random_graph(60, 150)
    pos = positives(graph, 30)
    sampler, restored = (SAMPLERS[case](graph, corrupt="both") for _ in range(2))
    _train(sampler, pos, 3)
    state = io.BytesIO()
    torch.save(sampler.state_dict(), state)
    state.seek(0)
    restored.load_state_dict(torch.load(state, weights_only=True))
    for copy in (sampler, restored):
        _train(copy, pos, 2)
    neg = [draw(copy, pos, 5, generator=seeded()) for copy in (sampler, restored)]
    assert same(*neg)
    assert sampler.report() == restored.report()
    with pytest.raises(ValueError, match="'state' must be"):
        restored.load_state_dict({"foreign": 1})


@every_sampler
def test_drawing_changes_nothing_until_the_step(case):
    graph = random_graph(60, 150)
    sampler = SAMPLERS[case](graph, corrupt="both")
    _train(sampler, positives(graph, 30), 2)
    first, second = (draw(sampler, positives(graph), 5, generator=seeded()) for _ in range(2))
    assert same(first, second)
