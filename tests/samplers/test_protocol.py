"""Samplers of pairs and of triples satisfy one protocol, whose parameters mean the same."""

from __future__ import annotations

import inspect
from dataclasses import FrozenInstanceError, dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch

from gneg import checks, samplers
from gneg.samplers import NegativeSampler, Sampler, SelectionRule
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.build import NAMES
from tests.contract.cases import SAMPLERS, model
from tests.triple_worlds import random
from tests.worlds import positives, random_graph

METHODS = ("sample", "step", "end_epoch", "report", "state_dict", "load_state_dict")


def triple_sampler(text: str = "uniform", **options) -> TripleSampler:
    return TripleSampler(random(), text, z=torch.randn(30, 3), **options)


def parameters(function) -> dict[str, tuple]:
    """Kind and default of each parameter by its name."""
    items = inspect.signature(function).parameters.items()
    return {name: (parameter.kind, parameter.default) for name, parameter in items}


def check(sampler: NegativeSampler) -> None:
    assert isinstance(sampler, NegativeSampler)
    for name in METHODS:
        expected = parameters(getattr(NegativeSampler, name))
        assert parameters(getattr(type(sampler), name)) == expected, name
    assert sampler.needs <= {"score", "keys", "z"}
    assert 0 <= sampler.momentum < 1
    assert isinstance(sampler.corrupt, str)
    assert isinstance(sampler.report(), dict)
    sampler.load_state_dict(sampler.state_dict())


def test_the_methods_are_those_of_the_protocol():
    members = {name for name in vars(NegativeSampler) if not name.startswith("_")}
    assert members == {*METHODS, "known", "corrupt", "needs", "momentum"}


@pytest.mark.parametrize("case", SAMPLERS)
def test_samplers_of_pairs_satisfy_it(case):
    check(SAMPLERS[case](random_graph(60, 150)))


@pytest.mark.parametrize("name", NAMES)
def test_samplers_of_triples_satisfy_it(name):
    check(triple_sampler(name))


def test_samplers_of_triples_report_by_end():
    sampler = triple_sampler("curriculum(hardest(uniform), setting=quantile, start=0.5)")
    assert sampler.report() == {"tail": {"quantile": 0.5}, "head": {"quantile": 0.5}}
    assert triple_sampler().report() == {}
    assert triple_sampler().momentum == 0


@dataclass(frozen=True)
class Easiest(SelectionRule):
    """Keeps the candidates with the lowest scores, from place ``skip`` on."""

    skip: int = 0

    name = "easiest"
    tunable: ClassVar = {"skip": round}

    def __post_init__(self) -> None:
        checks.integer("skip", self.skip, 0)

    def pick(self, pool, k, seed):
        return pool.top(-pool.scores, self.skip + k)[:, self.skip :]


@dataclass(frozen=True)
class First(SelectionRule):
    """Keeps the first candidates: no model is needed."""

    name = "first"
    needs = frozenset()

    def pick(self, pool, k, seed):
        return pool.top(np.zeros(pool.index.shape), k)


def test_a_rule_of_your_own_is_one_method():
    graph = random_graph(60, 150)
    pos, (_, score) = positives(graph, 30), model(graph)
    sampler = samplers.Select(samplers.Uniform(graph), Easiest(), m=60, corrupt="both")
    assert isinstance(sampler, Sampler)
    assert sampler.settings() == ["skip", "m"]
    generator = torch.Generator().manual_seed(0)
    lowest = sampler.sample(pos, 3, score=score, generator=generator)
    src, dst = lowest.pairs()
    uniform_scores = score(*samplers.Uniform(graph, unique=True).sample(pos, 40).edge_index())
    assert score(src.flatten(), dst.flatten()).max() < uniform_scores.median()
    sampler.tune("skip", 2.0)
    assert sampler.rule == Easiest(2)
    generator.manual_seed(0)
    second = sampler.sample(pos, 1, score=score, generator=generator)
    assert torch.equal(second.index[:, 0], lowest.index[:, 2])
    with pytest.raises(ValueError, match="'skip' must be an integer >= 0"):
        sampler.tune("skip", -1.0)
    with pytest.raises(FrozenInstanceError):
        sampler.rule.skip = 3


def test_a_rule_says_what_it_needs():
    graph = random_graph(60, 150)
    sampler = samplers.Select(samplers.Walk(graph), First(), m=9)
    assert sampler.needs == frozenset()
    assert sampler.sample(positives(graph), 4).mask.all()
    with pytest.raises(ValueError, match="'rule' must be a gneg selection rule"):
        samplers.Select(samplers.Walk(graph), 0.5)
