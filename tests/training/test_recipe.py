"""The profile of a dataset, and the recipe that follows from it."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch

from gneg import Graph, datasets
from gneg.datasets import make_split
from gneg.evaluation.audit.pairs import PairAdapter
from gneg.evaluation.audit.risk import risk
from gneg.samplers import Walk
from gneg.training import recipe
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from tests.worlds import WORLDS, random_graph, toy


@pytest.fixture(scope="module")
def cora(shared):
    return datasets.load("Cora", root=shared)


def test_the_profile_is_what_is_counted(cora):
    profile = recipe.profile(cora)
    assert profile.nodes == 2708
    assert profile.degree == pytest.approx(2 * cora.train.size(1) / 2708)
    assert profile.features
    assert 0.1 < profile.heuristics["ra"] < 0.6
    sampler = Walk(cora.graph, corrupt="both")
    drawn = sampler.sample(cora.train, 20, generator=torch.Generator().manual_seed(0))
    adapter = PairAdapter(cora, sampler, held_out=cora.valid.pos)
    counted = risk(adapter, [drawn])["per_1000"]
    assert profile.walk_risk == pytest.approx(counted, rel=0.2)


def test_the_profile_does_not_use_test_edges(cora):
    changed = replace(cora, test=replace(cora.test, pos=cora.test.pos.flip(0)[:, :7]))
    assert recipe.profile(changed) == recipe.profile(cora)


def test_fixed_settings_are_not_changed(cora):
    chosen = recipe.fast(cora, encoder="gcn", sampler="uniform", lr=0.1)
    assert chosen.config.sampler == "uniform"
    assert chosen.config.lr == 0.1
    assert chosen.config.decoder == "cosine"
    assert "Given, and kept: encoder=gcn, lr=0.1, sampler=uniform." in chosen.reasons
    with pytest.raises(ValueError, match="'fixed' must be one of"):
        recipe.fast(cora, sampelr="uniform")
    with pytest.raises(ValueError, match="'data' must be a LinkData"):
        recipe.fast("Cora")


@pytest.mark.parametrize("world", ["dense", "directed", "hub", "bipartite", "weighted"])
def test_every_kind_of_graph_gets_a_recipe_that_trains(world):
    data = make_split(world, WORLDS[world](), None, seed=0)
    chosen = recipe.fast(data, hidden=8, epochs=1, eval_every=1)
    assert f"{chosen.profile.nodes:,} nodes" in chosen.reasons
    assert train(data, chosen.config)["runs"][0]["complete"]


def test_no_walks_where_they_are_risky():
    """In a clique with holes nearly every walk of two steps ends on an edge that is held out."""
    pairs = torch.combinations(torch.arange(40)).t()
    present = torch.rand(pairs.size(1), generator=torch.Generator().manual_seed(0)) < 0.9
    graph = random_graph(40, 0).from_edge_index(pairs[:, present], 40, undirected=True)
    chosen = recipe.fast(make_split("clique", graph, None, seed=0))
    assert chosen.profile.walk_risk > recipe.RISKY
    assert chosen.config.sampler == "uniform"
    assert "too many (150 are the limit" in chosen.reasons


def test_a_dense_graph_gets_one_negative_each():
    """A complete graph without every tenth edge."""
    pairs = torch.combinations(torch.arange(150)).t()
    present = torch.arange(pairs.size(1)) % 10 > 0
    for size, k in ((150, 1), (60, LinkConfig().k)):
        inside = present & (pairs.max(dim=0).values < size)
        graph = Graph.from_edge_index(pairs[:, inside], size, undirected=True)
        chosen = recipe.fast(make_split("dense", graph, None, seed=0))
        assert (chosen.profile.degree > recipe.DENSE) == (k == 1)
        assert chosen.config.k == k
        assert ("one negative per positive" in chosen.reasons) == (k == 1)


def test_a_cosine_alone_needs_features_alike_among_neighbours(cora):
    data, bare = toy(), replace(cora, x=None)
    assert recipe.fast(cora).config.decoder == "cosine"
    assert recipe.fast(bare).config.decoder == "hybrid"
    assert set(asdict(recipe.fast(bare).config)) == set(asdict(LinkConfig()))
    noise = torch.rand(data.num_nodes, 4, generator=torch.Generator().manual_seed(0))
    edges = torch.randint(data.num_nodes, (2, 300), generator=torch.Generator().manual_seed(1))
    graph = Graph.from_edge_index(edges, data.num_nodes, undirected=True)
    unlike = recipe.fast(make_split("random", graph, noise, seed=0))
    assert max(unlike.profile.heuristics.values()) < recipe.ALIKE
    assert unlike.config.decoder == "hybrid"


def test_features_that_say_nothing_get_embeddings_beside_them(cora):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(cora.num_nodes, 16, generator=generator)
    assert recipe.fast(cora).config.inputs is None
    chosen = recipe.fast(replace(cora, x=noise))
    assert chosen.profile.heuristics["cosine"] == pytest.approx(chosen.profile.chance, rel=0.4)
    assert (chosen.config.inputs, chosen.config.decoder) == ("both", "hybrid")
    assert "do not predict links" in chosen.reasons


def test_a_shared_set_gives_the_same_profile():
    data = toy()
    shared = replace(data.valid, neg=tuple(end.flatten() for end in data.valid.neg), mask=None)
    first, second = (recipe.profile(world) for world in (data, replace(data, valid=shared)))
    for kind, value in first.heuristics.items():
        assert second.heuristics[kind] == pytest.approx(value, abs=0.15)


def test_a_small_graph_without_features_gets_a_small_gcn_unless_told_otherwise():
    data = datasets.load("hyperbolic")
    config = recipe.fast(data).config
    assert (config.encoder, config.hidden, config.decoder) == ("gcn", 64, "hybrid")
    assert recipe.fast(data, encoder="sage").config.encoder == "sage"
    assert recipe.fast(datasets.load("digits")).config.encoder == LinkConfig().encoder


def test_users_and_items_get_lightgcn_unless_they_have_features():
    ends = torch.randint(30, (2, 200), generator=torch.Generator().manual_seed(0))
    graph = Graph.from_edge_index(ends, (30, 40))
    chosen = recipe.fast(make_split("visits", graph, None)).config
    assert (chosen.encoder, chosen.layers, chosen.sampler) == (
        "lightgcn", 3, "dns(uniform, m=16, n=1)",
    )  # fmt: skip
    x = torch.rand(70, 4, generator=torch.Generator().manual_seed(1))
    assert recipe.fast(make_split("visits", graph, x)).config.encoder == LinkConfig().encoder
    assert recipe.fast(make_split("visits", graph, None), encoder="gcn").config.encoder == "gcn"


def test_the_reasons_leave_out_what_was_given_otherwise():
    data = datasets.load("hyperbolic")
    plain = recipe.fast(data).reasons
    for word in ("the loss corrects", "perceptron", "training-free scores"):
        assert word in plain
    reasons = recipe.fast(data, loss="bce", decoder="mlp", stack="none").reasons
    for word in ("the loss corrects", "perceptron", "training-free scores"):
        assert word not in reasons
    assert reasons.endswith("Given, and kept: decoder=mlp, loss=bce, stack=none.")
