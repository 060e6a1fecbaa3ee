"""Own samplers, losses and networks by name: registration, import, training, loading."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch_geometric.nn import GAT, GCNConv

import gneg
from gneg import LinkConfig, TripleConfig, losses, nn, registry, samplers
from gneg.graph import sparse
from gneg.nn import kge
from gneg.samplers import build
from gneg.training.options import settings
from tests.cli.invoke import run
from tests.triple_worlds import sparse_data
from tests.worlds import random_graph, toy

pytestmark = pytest.mark.usefixtures("registries")
TINY = {"hidden": 8, "epochs": 1, "eval_every": 1, "k": 2}


class Near(samplers.Sampler):
    """Proposes ids near the query's."""

    def __init__(self, graph, reach: int = 5, share: float | None = None, **options) -> None:
        super().__init__(graph, **options)
        self.reach, self.share = reach, share

    def propose(self, query, k, seed):
        return torch.from_numpy((query.rows[:, None] + np.arange(k)) % query.known.num_dst).int()


@dataclass(frozen=True)
class First(samplers.SelectionRule):
    """Keeps the first candidates."""

    stride: int = 1

    def pick(self, pool, k, seed):
        return torch.from_numpy(pool.index[:, :k])


class Even(samplers.Guard):
    """Drops ids that ``by`` divides."""

    def __init__(self, by: int) -> None:
        self.by = by

    def drops(self, pool):
        return pool.index % self.by == 0


class Square(losses.Loss):
    """Squared errors."""

    def forward(self, pos, neg, negatives):
        return ((1 - pos) ** 2).mean() + (neg**2)[negatives.mask].mean()


class Conv(torch.nn.Module):
    """A layer on an edge list."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = GCNConv(in_channels, out_channels)

    def forward(self, x, edge_index):
        return self.layer(x, edge_index)


class Distance(torch.nn.Module):
    """Minus a distance."""

    def forward(self, src, dst):
        return -(src - dst).norm(dim=-1)


class Sum(kge.KGE):
    """A product with the sum of entity and relation."""

    def query(self, entity, relation, end):
        return entity + relation

    def compare(self, query, entity):
        return (query * entity).sum(-1)


class OnView(samplers.Sampler):
    """Proposes the query's entity."""

    def __init__(self, view, shift: int = 0) -> None:
        super().__init__(view.graph, known=view.known)
        self.queries, self.shift = view.queries, shift

    def propose(self, query, k, seed):
        entity = self.queries.entity(query.rows) + self.shift
        return np.repeat(entity[:, None] % query.known.num_dst, k, axis=1)


def test_a_registered_sampler_is_one_of_the_samplers():
    assert samplers.register("near")(Near) is Near
    graph = random_graph(30, 60)
    sampler = build("mixture(near(reach=7, share=1):0.5, uniform:0.5)", graph, corrupt="both")
    near = sampler.samplers[0]
    assert (near.reach, near.share, near.name, near.corrupt) == (7, 1.0, "near", "both")
    assert sampler.sample(graph.edge_index[:, :4], 6).mask.all()
    samplers.register("first")(First)
    samplers.register("even")(Even)
    score = {"score": lambda src, dst: dst.float()}
    guarded = build("guarded(first(near, m=8, stride=2), even=2)", graph)
    assert (guarded.sampler.rule, guarded.sampler.m) == (First(2), 8)
    assert (guarded.sample(graph.edge_index[:, :4], 3, **score).index % 2 == 1).all()
    assert build("hardest(near, m=8)", graph).sample(graph.edge_index[:, :4], 3, **score).mask.all()
    # As a module that is imported twice does, or a notebook.
    samplers.register("near")(type("Near", (Near,), {"__module__": __name__}))
    assert "near" in run("samplers").output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("near(reach=x)", "'reach' must be an integer"),
        ("near(reach=1.5)", "'reach' must be an integer"),
        ("near(share=x)", "'share' must be a number"),
        ("near(rech=2)", "'near' has no option 'rech' .only reach, share.; did you mean 'reach'"),
        ("near(uniform)", "'near' takes no samplers"),
        ("neer", "no sampler 'neer' .did you mean 'near'"),
        ("first", "'first' takes one sampler"),
        ("first(near, stride=a)", "'stride' must be an integer"),
        ("guarded(near, even=a)", "'by' must be an integer"),
    ],
)
def test_options_are_those_of_the_constructor(text, message):
    samplers.register("near")(Near)
    samplers.register("first")(First)
    samplers.register("even")(Even)
    with pytest.raises(ValueError, match=message):
        build(text, random_graph(30, 60))


class NoHook(samplers.Sampler):
    """Proposes nothing."""


class NoOptions(Near):
    """Takes no known edges."""

    def __init__(self, graph) -> None:
        super().__init__(graph)


class OddForward(torch.nn.Module):
    """Takes no edges."""

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("register", "name", "part", "message"),
    [
        (samplers.register, "walk", Near, "'name' must be one that no other sampler has"),
        (samplers.register, "WALK", Near, "'name' must be an identifier in lower case"),
        (samplers.register, "none", Near, "means nothing else"),
        (samplers.register, "m", Even, "means nothing else"),
        (samplers.register, "typed", OnView, "means nothing else"),
        (samplers.register, "two words", Near, "'name' must be an identifier"),
        (samplers.register, Near, Near, "'name' must be an identifier.*; write @register"),
        (samplers.register, "mine", int, "'mine' must be a class derived from Sampler or Sel"),
        (samplers.register, "mine", NoHook, "'mine' must be a class with a method propose"),
        (samplers.register, "mine", NoOptions, "takes known, corrupt and unique"),
        (losses.register, "bce", Square, "no other loss has"),
        (losses.register, "mine", torch.nn.BCELoss, "'mine' must be a class derived from Loss"),
        (nn.register_encoder, "gcn", Conv, "means nothing else"),
        (nn.register_encoder, "ra", Conv, "means nothing else"),
        (nn.register_encoder, "mine", Square, "'mine' must be a class derived from Module"),
        (nn.register_encoder, "mine", OddForward, r"forward\(x, edge_index\)"),
        (nn.register_encoder, "mine", GCNConv, None),
        (nn.register_encoder, "mine", torch.nn.GRU, "forward"),
        (nn.register_encoder, "mine", torch.nn.Conv1d, "must be a class that is made of"),
        (nn.register_decoder, "dot", Distance, "means nothing else"),
        (kge.register, "transe", Sum, "means nothing else"),
        (kge.register, "mine", Distance, "derived from KGE or RelationalEncoder"),
    ],
)
def test_what_cannot_be_registered(register, name, part, message):
    before = [dict(content) for content in registry.every()]
    if message is None:
        register(name)(part)
        return
    with pytest.raises(ValueError, match=message):
        register(name)(part)
    assert before == [dict(content) for content in registry.every()]


def test_parts_are_trained_recorded_and_loaded(tmp_path):
    samplers.register("near")(Near)
    losses.register("square")(Square)
    nn.register_decoder("distance")(Distance)
    nn.register_encoder("conv")(Conv)
    config = LinkConfig(
        **TINY, encoder="Conv", decoder="distance", loss="square", sampler="mixture(near, uniform)"
    )
    assert config.encoder == "conv"
    assert "conv" in settings(LinkConfig)["encoder"].help
    data = toy()
    results = gneg.train(data, config, out=tmp_path)
    parts = {(part["kind"], part["name"]) for part in results["registered"]}
    assert parts == {
        *(("sampler", "near"), ("loss", "square"), ("decoder", "distance"), ("encoder", "conv")),
    }
    assert {part["source"] for part in results["registered"]} == {__name__}
    model = gneg.load(tmp_path)
    assert len(model.recommend(0, k=3)) == 3
    content = json.loads((tmp_path / "results.json").read_text())
    content["registered"][0]["sha256"] = "0"
    (tmp_path / "results.json").write_text(json.dumps(content))
    with pytest.warns(UserWarning, match="the code of the loss 'square' has changed"):
        gneg.load(tmp_path)
    with pytest.raises(ValueError, match=r"'out' must be a new folder, .* their code has changed"):
        gneg.train(data, config, out=tmp_path)
    del losses.LOSSES["square"]
    message = rf"'loss' must be registered, as in training .got 'square'.; import {__name__}"
    with pytest.raises(ValueError, match=message):
        gneg.load(tmp_path)
    result = run("train", "--config", str(tmp_path / "results.json"))
    assert result.exit_code == 2
    assert "--import" in result.output


def test_models_of_pyg_are_encoders():
    nn.register_encoder("gat")(GAT)
    graph = random_graph(20, 40)
    adjacency, x = nn.Adjacency(graph), torch.randn(20, 6)
    encoder = nn.Encoder("gat", 20, 6, hidden=8, norm="layer")
    theirs = GAT(6, 8, 2, 8, norm="layer_norm")
    theirs.load_state_dict(encoder.gnn.module.state_dict())
    torch.testing.assert_close(encoder(x, adjacency), theirs(x, adjacency.edge_index))
    assert encoder.inductive
    nn.register_encoder("conv")(Conv)
    with pytest.raises(ValueError, match="'norm' must be None for the encoder conv"):
        nn.Encoder("conv", 20, 6, hidden=8, norm="layer")
    features = nn.SparseFeatures(sparse.to_csr(x.relu()))
    conv = nn.Encoder("conv", 20, 6, hidden=8, inputs="both")
    assert conv(features, adjacency).shape == (20, 8)


def test_parts_of_knowledge_graphs(tmp_path):
    kge.register("sum")(Sum)
    samplers.register("onview")(OnView)
    samplers.register("first")(First)
    config = TripleConfig(
        dim=4, epochs=1, k=1, model="sum", sampler="mixture(first(onview(shift=1), m=4), uniform)"
    )
    results = gneg.train(sparse_data(), config, out=tmp_path)
    kinds = {part["kind"] for part in results["registered"]}
    assert kinds == {"model", "sampler of triples", "sampler"}
    assert gneg.load(tmp_path).data.num_entities == 30
    samplers.register("near")(Near)
    for text, message in (("near", "no sampler 'near'"), ("onview(shift=a)", "an integer")):
        with pytest.raises(ValueError, match=message):
            sparse_data().sampler(text)
