"""What weighs a model against heuristics: honest, kept only where it helps, and saved."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gneg import Graph, datasets
from gneg.datasets import make_split
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.nn import Dot, Stack
from gneg.training import load, stack_tables, stacking
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from tests.worlds import toy


@pytest.fixture(scope="module")
def cora(shared):
    return datasets.load("Cora", root=shared)


def test_a_decoder_that_knows_nothing_is_helped(cora):
    """A random score beside heuristics: what is fitted ranks about as well as they do."""
    noise = torch.randn(cora.num_nodes, generator=torch.Generator().manual_seed(0))

    def score(src, dst):
        return noise[src] * noise[dst]

    stack = Stack(Dot(), cora.graph, kinds=["ra", "ppr", "cosine"], x=cora.x)
    found = stacking.fit(stack, score, cora)
    assert found["chosen"] != "decoder alone"
    assert found["positives"] == cora.valid.pos.size(1)
    assert found[found["chosen"]]["both"] > found["decoder alone"]["both"] + 0.1
    # On test pairs, too.
    stack.eval()

    def stacked(src, dst):
        f = score(src, dst)
        pairs = torch.stack([src.reshape(-1), dst.reshape(-1)])
        columns = stack.columns(f.reshape(-1), stack.inputs(pairs))
        return stack.combination(columns).view(src.shape)

    best = evaluate_edges(cora.test, Heuristic(cora.graph, "ppr"))["mrr"]
    assert evaluate_edges(cora.test, stacked)["mrr"] > best - 0.02


def test_what_does_not_help_is_not_used(cora):
    """A decoder that knows the answer."""
    secret = {tuple(pair) for pair in cora.valid.pos.t().tolist()}

    def score(src, dst):
        pairs = zip(src.reshape(-1).tolist(), dst.reshape(-1).tolist(), strict=True)
        return torch.tensor([10.0 * (pair in secret) for pair in pairs]).view(src.shape)

    stack = Stack(Dot(), cora.graph, kinds=["ra"])
    found = stacking.fit(stack, score, cora)
    assert found["chosen"] == "decoder alone"
    assert not stack.used
    z = torch.randn(2, 5, 4)
    assert torch.equal(stack.eval()(*z, torch.zeros(2, 5, dtype=torch.long)), Dot()(*z))


def test_a_run_keeps_it_and_gives_it_back(tmp_path, cora):
    """Two epochs of a small GCN: heuristics help it, so that there is a combination to keep."""
    config = LinkConfig(encoder="gcn", hidden=16, epochs=2, eval_every=1, stack="ra,ppr,degree")
    found = train(cora, config, out=tmp_path)["runs"][0]
    assert found["stack"]["chosen"] in ("linear", "perceptron")
    assert found["seconds"]["stacking"] > 0
    assert found["test"] != found["stack"]["alone"]
    again = load.load_run(cora, tmp_path / "model-0.pt")
    assert again.evaluate("test")["mrr"] == pytest.approx(found["test"]["mrr"], abs=1e-6)
    assert train(cora, config)["runs"][0]["test"] == found["test"]


@pytest.mark.parametrize(("positives", "fitted"), [(2 * stacking.FOLDS - 1, False), (20, True)])
def test_a_small_validation_set_is_left_alone(positives, fitted):
    data = toy(n=120, edges=600)
    valid = data.valid
    few = replace(
        valid,
        pos=valid.pos[:, :positives],
        neg=tuple(end[:positives] for end in valid.neg),
        mask=None if valid.mask is None else valid.mask[:positives],
    )
    config = LinkConfig(hidden=8, epochs=1, eval_every=1, stack="all")
    stack = train(replace(data, valid=few), config)["runs"][0]["stack"]
    assert stack["positives"] == positives
    assert ("linear" in stack) == fitted
    assert fitted or stack["chosen"] == "decoder alone"


def test_a_base_measure_goes_with_it(cora):
    config = LinkConfig(
        encoder="gcn",
        hidden=16,
        epochs=1,
        eval_every=1,
        base_measure="sampler",
        stack="ra",
    )
    found = train(cora, config)["runs"][0]
    assert found["base_weight"] is not None


def test_bad_kinds_are_named(cora):
    with pytest.raises(ValueError, match="'stack' must be"):
        LinkConfig(stack="ra,nothing")
    with pytest.raises(ValueError, match="'kinds' must be one of 'cn', 'aa'"):
        Stack(Dot(), cora.graph, kinds=["ra", "nothing"])


def shared_pool(data, size):
    """The data, judged by Hits@20 against ``size`` pairs for all."""
    generator = torch.Generator().manual_seed(0)
    pool = torch.randint(data.num_nodes, (2, size), generator=generator)
    valid = replace(data.valid, neg=(pool[0], pool[1]), mask=None)
    return replace(data, valid=valid, metric="hits@20"), pool


def test_of_a_large_shared_set_the_head_counts(cora, monkeypatch):
    """Half of what Hits@K is learned from is what some column puts first."""
    monkeypatch.setattr(stack_tables, "SHARED", 500)
    data, pool = shared_pool(cora, 5_000)
    value = torch.arange(5_000.0)

    class Columns:
        def raw(self, pairs):
            assert torch.equal(pairs, pool)
            return torch.stack([value, -value], dim=1)

    generator = torch.Generator().manual_seed(0)
    ends, mask = stack_tables._easy_negatives(data, torch.arange(30), generator, Columns())
    assert ends.shape == (2, 500)
    assert mask is None
    ours = {tuple(pair) for pair in ends[:, :250].t().tolist()}
    wanted = torch.cat([pool[:, :125], pool[:, -125:]], dim=1)
    assert ours == {tuple(pair) for pair in wanted.t().tolist()}
    assert len({tuple(pair) for pair in ends.t().tolist()}) > 490


def test_a_shared_set_is_judged_by_its_own_metric(cora):
    """A score that is right only in the head, where a heuristic would spoil it."""
    data, _ = shared_pool(cora, 3_000)
    secret = {tuple(pair) for pair in cora.valid.pos.t()[::2].tolist()}

    def score(src, dst):
        pairs = zip(src.reshape(-1).tolist(), dst.reshape(-1).tolist(), strict=True)
        return torch.tensor([float(pair in secret) for pair in pairs]).view(src.shape)

    stack = Stack(Dot(), cora.graph, kinds=["ra", "degree"])
    found = stacking.fit(stack, score, data)
    hits = evaluate_edges(data.valid, score)["hits@20"]
    assert found["decoder alone"]["easy"] == pytest.approx(hits)
    assert found[found["chosen"]]["easy"] >= hits - 0.02


def test_a_shared_set_cannot_be_learned_by_heart():
    """Edges without any structure against 60 pairs: by chance the MRR is 0.08."""
    generator = torch.Generator().manual_seed(0)
    pairs = torch.randint(400, (2, 2_000), generator=generator)
    data = make_split("random", Graph.from_edge_index(pairs, 400, undirected=True), None)
    pool = torch.randint(400, (2, 60), generator=generator)
    data = replace(data, valid=replace(data.valid, neg=(pool[0], pool[1]), mask=None))
    noise = torch.randn(400, 400, generator=generator)
    found = stacking.fit(Stack(Dot(), data.graph), lambda src, dst: noise[src, dst], data)
    for name in ("linear", "perceptron"):
        assert found[name]["easy"] < 0.15


@pytest.mark.parametrize("own", [True, False])
def test_the_loss_is_that_of_a_softmax(own):
    """Against a loop over positives."""
    generator = torch.Generator().manual_seed(0)
    pos = torch.randn(4, 3, generator=generator)
    neg = torch.randn(*((4, 5, 3) if own else (5, 3)), generator=generator)
    mask = torch.rand(4, 5, generator=generator) < 0.7 if own else None
    weight = torch.randn(3, 2, generator=generator)
    expected = []
    for i in range(4):
        rows = neg[i][mask[i]] if own else neg
        logits = torch.cat([pos[i][None], rows]) @ weight
        expected.append(-logits.log_softmax(dim=0)[0])
    found = stack_tables.RankingTable(pos, neg, mask).loss(lambda columns: columns @ weight)
    assert found.item() == pytest.approx(torch.stack(expected).mean().item(), abs=1e-6)


def test_an_auc_counts_by_its_odds():
    """From 0.98 to 0.99 is half of what is missing, not a hundredth more."""
    hard = torch.full((10,), 0.6, dtype=torch.double)
    first, second = (
        stacking._figures([torch.full_like(hard, value), hard], metric="auc")["both"]
        for value in (0.98, 0.99)
    )
    assert second / first == pytest.approx((99 / 49) ** 0.5)
    assert stacking._figures([hard, hard], metric="mrr")["both"] == pytest.approx(0.6)
