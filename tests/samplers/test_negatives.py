"""The result type: pairs in the graph's direction, and densities that are computed when read."""

from __future__ import annotations

import pickle
import threading
from dataclasses import replace

import pytest
import torch

from gneg import Negatives, samplers
from gneg.samplers.negatives import Density
from tests.worlds import positives, random_graph


class Counted:
    """A density that counts how often it is computed."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> torch.Tensor:
        self.calls += 1
        return torch.zeros(2, 3)


def small(density: Density) -> Negatives:
    index = torch.arange(6).view(2, 3)
    return Negatives(torch.tensor([7, 8]), index, index != 0, density)


def test_a_density_is_computed_once_when_it_is_read():
    log_q = Counted()
    negatives = small(Density(log_q))
    copies = [
        negatives,
        replace(negatives, side="src"),
        negatives.to("cpu"),
        replace(negatives, mix=torch.ones(2, 3)).to("cpu"),
    ]
    assert repr(negatives) == "Negatives(B=2, K=3, side='dst', usable=5)"
    assert log_q.calls == 0
    for copy in copies:
        assert torch.equal(copy.log_q, torch.zeros(2, 3))
        assert copy.pos_log_q is None
    assert log_q.calls == 1


def test_pickling_computes_the_density():
    log_q = Counted()
    copy = pickle.loads(pickle.dumps(small(Density(log_q, torch.ones(2)))))
    assert log_q.calls == 1
    assert torch.equal(copy.log_q, torch.zeros(2, 3))
    assert torch.equal(copy.pos_log_q, torch.ones(2))
    assert log_q.calls == 1


def test_tensors_are_a_density_too():
    values = torch.rand(2, 3)
    assert small(Density(values)).log_q is values
    assert small(Density()).log_q is None


@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
def test_pairs_and_positives_are_in_the_direction_of_the_graph(corrupt):
    graph = random_graph(40, 90, undirected=False)
    pos = positives(graph, 20)
    negatives = samplers.Uniform(graph, corrupt=corrupt).sample(pos, 3)
    assert torch.equal(negatives.positives(), pos)
    src, dst = negatives.pairs()
    unchanged = (src == pos[0][:, None]) | (dst == pos[1][:, None])
    assert unchanged.all()
    assert torch.equal(negatives.edge_index(), torch.stack([src.flatten(), dst.flatten()]))
    with pytest.raises(ValueError, match="'negatives' must be those of triples"):
        negatives.triples()
    with pytest.raises(ValueError, match="'negatives' must be drawn by a sampler"):
        small(Density()).positives()


def test_a_density_does_not_wait_for_that_of_other_negatives():
    """Before Python 3.12 functools' cached properties share a lock, which a fork takes along."""
    begun, other = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert other.wait(10)

    thread = threading.Thread(target=lambda: Density(slow).log_q)
    thread.start()
    begun.wait()
    reader = threading.Thread(target=lambda: Density(lambda: other.set()).log_q)
    reader.start()
    reader.join(5)
    waited = reader.is_alive()
    other.set()
    thread.join()
    reader.join()
    assert not waited
