"""No state of another graph, and none that was tampered with, is loaded."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from gneg import KnownEdges, samplers
from gneg.samplers import Sampler
from tests.contract.cases import SAMPLERS, draw, every_sampler, model, same, seeded
from tests.worlds import positives, random_graph

HOSTILE = [
    None,
    "text",
    -7,
    10**9,
    float("nan"),
    [],
    {},
    {"dst": 3},
    torch.full((3,), 10**9),
    torch.zeros(0),
    torch.zeros(3, device="meta"),
    torch.eye(3).to_sparse(),
]


def learned(case: str, size: int, edges: int) -> Sampler:
    """A sampler that has drawn, learned and seen two epochs."""
    sampler = SAMPLERS[case](random_graph(size, edges), corrupt="both")
    z, score = model(sampler.graph)
    for _ in range(2):
        draw(sampler, positives(sampler.graph, 40), 5, generator=seeded())
        sampler.step(score=score)
        sampler.end_epoch(z=z)
    return sampler


def tampered(value: Any) -> Iterator[Any]:
    """Copies of a state with one entry replaced, and tensors with one value or shape changed."""
    yield from (other for other in HOSTILE if not _equal(other, value))
    if isinstance(value, dict | list | tuple):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, part in list(items):
            for other in tampered(part):
                changed = copy.copy(value) if isinstance(value, dict) else list(value)
                changed[key] = other
                yield changed
    if isinstance(value, torch.Tensor) and value.numel():
        yield value[:-1] if value.dim() else value[None]
        for number in (10**9, -9) if not value.is_floating_point() else (float("nan"),):
            changed = value.clone()
            changed.view(-1)[-1] = number
            yield changed


def _equal(a: Any, b: Any) -> bool:
    return type(a) is type(b) and not isinstance(a, torch.Tensor) and bool(a == b)


@every_sampler
def test_state_of_another_graph_is_refused(case):
    large, small = learned(case, 400, 900), learned(case, 60, 150)
    before = draw(small, positives(small.graph, 40), 5, generator=seeded())
    state = large.state_dict()
    if not _depends_on_graph(state):
        small.load_state_dict(state)  # epochs and difficulties fit any graph
        return
    with pytest.raises(ValueError, match=r"'state\['graph'\]' must be '\w{16}', the fingerprint"):
        small.load_state_dict(state)
    if not isinstance(small, samplers.Mixture):
        after = draw(small, positives(small.graph, 40), 5, generator=seeded())
        assert same(before, after)


def _depends_on_graph(state: Any) -> bool:
    inside = any(map(_depends_on_graph, state.values())) if isinstance(state, dict) else False
    return inside or (isinstance(state, dict) and "graph" in state)


@every_sampler
def test_tampered_state_is_refused_or_harmless(case):
    """Whatever is loaded, no draw leaves the graph and none is a known edge."""
    sampler = learned(case, 60, 150)
    state = sampler.state_dict()
    messages = []
    for changed in tampered(state):
        try:
            sampler.load_state_dict(changed)
            neg = draw(sampler, positives(sampler.graph, 8), 5, generator=seeded())
        except ValueError as error:
            messages.append(str(error))
            continue
        pairs = neg.edge_index()
        assert pairs.numel() == 0 or 0 <= int(pairs.min()) <= int(pairs.max()) < 60
        assert not KnownEdges(sampler.graph).contains(*pairs).any()
        sampler.load_state_dict(copy.deepcopy(state))
    assert len(messages) >= len(HOSTILE) - 1
    assert all(message.startswith(("'state", "'z' must be embedd")) for message in messages)


def test_similar_lists_of_another_band_are_refused():
    graph = random_graph(60, 150)
    z = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 4)))
    narrow, wide = (
        samplers.Similar(graph, z, band=(0, high), refresh_share=0.5) for high in (5, 50)
    )
    wide.sample(positives(graph, 40), 5)
    with pytest.raises(ValueError, match=r"'state\['lists'\]' must be .* shape \[60, 5\]"):
        narrow.load_state_dict(wide.state_dict())


def test_a_refused_state_changes_nothing():
    """Neither the wrapper nor the parts before the one that refuses."""
    graph = random_graph(60, 150)
    _, score = model(graph)

    def nested() -> Sampler:
        inner = samplers.Cached(samplers.Uniform(graph), 8, 8)
        paced = samplers.SelfPaced(
            samplers.Select(inner, samplers.Tempered(), 8), "temperature", easy=4.0, hard=0.2
        )
        return samplers.Mixture([samplers.Cached(samplers.Walk(graph), 8, 8), paced])

    trained, fresh = nested(), nested()
    for seed in range(3):
        draw(trained, positives(graph, 40), 6, generator=seeded(seed))
        trained.step(score=score)
    state = trained.state_dict()
    state["1"]["sampler"]["sampler"]["steps"] = -1
    with pytest.raises(ValueError, match=r"'state\['steps'\]' must be an integer >= 0"):
        fresh.load_state_dict(state)
    pos = positives(graph, 40)
    assert same(*(draw(one, pos, 6, generator=seeded(5)) for one in (fresh, nested())))
    assert fresh.samplers[1].violating != trained.samplers[1].violating
