"""How often a call of a sampler waits for the device of its graph, counted on a simulated one."""

from __future__ import annotations

import functools

import pytest
import torch

from gneg import Graph
from tests.accelerator import KIND
from tests.contract.cases import SAMPLERS
from tests.contract.test_devices import ON_DEVICE, score
from tests.worlds import random_graph

K, FEW, MANY = 8, 64, 4_096
#: Waits of a call for 4,096 rows, at most: on a graph where 1.3 % of uniform draws are known edges;
#: of several shells on a sparser one, where none is empty.
MOST = {
    "Uniform": 32,
    "Degree": 12,
    "Degree-inverse": 12,
    "Weighted": 12,
    "KHop": 44,
    "KHop-shells": 124,
    "Walk": 16,
    "Walk-cn": 16,
    "Walk-aa": 16,
    "Walk-ppr": 12,
    "Mixture": 48,
    "Select-Hardest": 48,
    "Select-Hardest-middle": 21,
    "Select-DNS": 21,
    "Select-SemiHard": 51,
    "Select-SemiHard-band": 24,
    "Select-Tempered": 21,
    "Mixup": 16,
    "Mixup-selected": 21,
    "Curriculum": 20,
    "SelfPaced": 53,
    "Mixture-selected": 40,
}
QUICK = ("Uniform", "Degree", "Walk", "Select-Hardest")
CASES = [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in ON_DEVICE]


@functools.cache
def random(edges: int) -> Graph:
    return random_graph(3_000, edges)


def graph_of(name):
    return random(9_000 if name == "KHop-shells" else 60_000)


def waits_of(sampler, pos, accelerator) -> int:
    """Return the waits of a call that is not the first: what is made once is there."""
    generator = torch.Generator().manual_seed(1)
    sampler.sample(pos, K, score=score, generator=generator)
    with accelerator.waiting() as counts:
        sampler.sample(pos, K, score=score, generator=generator)
    return counts.total()


@pytest.mark.parametrize("name", CASES)
def test_waits_are_few_and_grow_with_rounds_not_with_rows(name, accelerator):
    """64 times as many rows take some more rounds until the last of them is full."""
    graph = graph_of(name)
    sampler = SAMPLERS[name](graph.to(KIND))
    order = torch.randperm(graph.num_edges, generator=torch.Generator().manual_seed(0))
    few, many = (
        waits_of(sampler, graph.edge_index[:, order[:size]].to(KIND), accelerator)
        for size in (FEW, MANY)
    )
    assert many <= MOST[name]
    assert many <= 2 * few


def test_a_look_at_ids_waits_once(accelerator):
    """In front of every call, and no less: an id out of range would end the device's context."""
    graph = graph_of("Uniform")
    sampler = SAMPLERS["Uniform"](graph.to(KIND))
    pos = graph.edge_index[:, :9].clone()
    pos[1, 4] = 3_000
    with (
        accelerator.waiting() as counts,
        pytest.raises(ValueError, match=r"'pos' must be node ids in \[0, 3000\) \(got 3000\)"),
    ):
        sampler.sample(pos.to(KIND), K)
    assert counts == {"copy to the CPU": 1}
