"""The stack of a model and heuristics: fitted out of fold, used only where it helps, and saved."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gneg import Graph, datasets
from gneg.datasets import make_split
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph.heuristics import Heuristic
from gneg.nn import Dot, Stack
from gneg.training import crossfit, load, stack_tables, stacking
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from gneg.training.link import LinkRun
from gneg.training.stacking import Source
from tests.worlds import first_validation_edges, toy


@pytest.fixture(scope="module")
def cora(shared):
    return first_validation_edges(datasets.load("Cora", root=shared), 100)


@pytest.mark.slow
def test_heuristics_help_a_random_decoder(cora):
    """A random score beside heuristics: the combination ranks about as well as they do."""
    noise = torch.randn(cora.num_nodes, generator=torch.Generator().manual_seed(0))

    def score(src, dst):
        return noise[src] * noise[dst]

    stack = Stack(Dot(), cora.graph, kinds=["ra", "ppr", "cosine"], x=cora.x)
    result = stacking.fit(stack, score, [Source(stack, score, cora)])
    assert result["chosen"] != "decoder alone"
    assert result["positives"] == cora.valid.pos.size(1)
    chosen = result[result["chosen"]]
    assert chosen["both"] > result["decoder alone"]["both"] + 0.1
    assert 0 < chosen["error"] < chosen["gain"] / 2
    # On test pairs, too.
    stack.eval()

    def stacked(src, dst):
        f = score(src, dst)
        pairs = torch.stack([src.reshape(-1), dst.reshape(-1)])
        columns = stack.columns(f.reshape(-1), stack.inputs(pairs))
        return stack.combination(columns).view(src.shape)

    best = evaluate_edges(cora.test, Heuristic(cora.graph, "ppr"))["mrr"]
    assert evaluate_edges(cora.test, stacked)["mrr"] > best - 0.02


@pytest.mark.slow
def test_heuristics_that_do_not_help_are_not_used(cora):
    """A decoder that knows the validation edges."""
    secret = {tuple(pair) for pair in cora.valid.pos.t().tolist()}

    def score(src, dst):
        pairs = zip(src.reshape(-1).tolist(), dst.reshape(-1).tolist(), strict=True)
        return torch.tensor([10.0 * (pair in secret) for pair in pairs]).view(src.shape)

    stack = Stack(Dot(), cora.graph, kinds=["ra"])
    result = stacking.fit(stack, score, [Source(stack, score, cora)])
    assert result["chosen"] == "decoder alone"
    assert not stack.used
    z = torch.randn(2, 5, 4)
    assert torch.equal(stack.eval()(*z, torch.zeros(2, 5, dtype=torch.long)), Dot()(*z))


def test_the_perceptron_is_not_tried_where_the_linear_combination_is_worse(monkeypatch):
    data = toy(n=300, edges=1_200)
    secret = torch.zeros(300, 300)
    secret[tuple(data.valid.pos)] = 1.0  # a decoder that knows the validation edges
    fit_linear, tried = stacking.fit_linear, []

    def against_it(tables):
        combination = fit_linear(tables)
        combination.linear.weight.neg_()
        return combination

    monkeypatch.setattr(stacking, "fit_perceptron", lambda *_, **__: tried.append(1))
    monkeypatch.setattr(stacking, "fit_linear", against_it)
    stack = Stack(Dot(), data.graph, kinds=["degree"])
    score = lambda src, dst: secret[src, dst]  # noqa: E731
    result = stacking.fit(stack, score, [Source(stack, score, data)])
    assert result["linear"]["gain"] < -result["linear"]["error"]
    assert "perceptron" not in result
    assert not tried
    assert result["chosen"] == "decoder alone"


@pytest.mark.slow
def test_the_stack_is_saved_and_loaded_with_the_model(tmp_path, cora):
    """Two epochs of a small GCN: heuristics help it, so that there is a combination to save."""
    config = LinkConfig(encoder="gcn", hidden=16, epochs=2, eval_every=1, stack="ra,ppr,degree")
    run = train(cora, config, out=tmp_path)["runs"][0]
    assert run["stack"]["chosen"] in ("linear", "perceptron")
    assert run["seconds"]["stacking"] > 0
    assert run["test"] != run["stack"]["alone"]
    loaded = load.load_run(cora, tmp_path / "model-0.pt")
    assert loaded.evaluate("test")["mrr"] == pytest.approx(run["test"]["mrr"], abs=1e-6)
    assert train(cora, config)["runs"][0]["test"] == run["test"]


@pytest.mark.parametrize(("positives", "fitted"), [(2 * stacking.FOLDS - 1, False), (20, True)])
def test_nothing_is_fitted_on_a_small_validation_set(positives, fitted):
    data = first_validation_edges(toy(n=120, edges=600), positives)
    config = LinkConfig(hidden=8, epochs=1, eval_every=1, stack="all")
    stack = train(data, config)["runs"][0]["stack"]
    assert stack["positives"] == positives
    assert ("linear" in stack) == fitted
    assert fitted or stack["chosen"] == "decoder alone"


def test_folds_are_disjoint_and_hold_training_edges_only():
    data = toy(n=120, edges=600)
    folds = list(crossfit.folds(data, 0))
    edges = [{tuple(pair) for pair in fold.valid.pos.t().tolist()} for fold in folds]
    train_edges = {tuple(pair) for pair in data.train.t().tolist()}
    assert len(folds) == crossfit.FOLDS
    assert not edges[0] & edges[1]
    for fold, held_out in zip(folds, edges, strict=True):
        assert len(held_out) == int(crossfit.SHARE * len(train_edges))
        assert {tuple(pair) for pair in fold.train.t().tolist()} == train_edges - held_out
    few = replace(data, train=data.train[:, : 10 * crossfit.LEAST - 1])
    assert not list(crossfit.folds(few, 0))


@pytest.mark.slow
def test_a_stack_on_training_edges_does_not_see_validation_labels():
    """Other validation edges and other test edges, the same stack."""
    data = toy(n=120, edges=600)
    other = replace(data, valid=replace(data.valid, pos=data.valid.pos[:, :5]))
    config = LinkConfig(hidden=8, epochs=1, eval_every=1, stack="ra,degree", stack_on="train")
    stacks = [LinkRun(part, config, 0).stack() for part in (data, other)]
    assert stacks[0] == stacks[1]
    folded = crossfit.FOLDS * int(crossfit.SHARE * data.train.size(1))
    assert stacks[0]["positives"] == folded
    both = LinkRun(data, replace(config, stack_on="both"), 0).stack()
    assert both["positives"] == folded + data.valid.pos.size(1)


@pytest.mark.slow
def test_a_stack_has_a_base_measure_inside(cora):
    config = LinkConfig(
        encoder="gcn",
        hidden=16,
        epochs=1,
        eval_every=1,
        base_measure="sampler",
        stack="ra",
    )
    assert train(cora, config)["runs"][0]["base_weight"] is not None


def test_bad_kinds_are_named(cora):
    with pytest.raises(ValueError, match="'stack' must be"):
        LinkConfig(stack="ra,nothing")
    with pytest.raises(ValueError, match="'kinds' must be one of 'cn', 'aa'"):
        Stack(Dot(), cora.graph, kinds=["ra", "nothing"])


def shared_pool(data, size):
    """Return the data with ``size`` negatives that all positives share, and Hits@20 as metric."""
    generator = torch.Generator().manual_seed(0)
    pool = torch.randint(data.num_nodes, (2, size), generator=generator)
    valid = replace(data.valid, neg=(pool[0], pool[1]), mask=None)
    return replace(data, valid=valid, metric="hits@20"), pool


def test_a_large_shared_set_is_cut_to_its_top_and_a_sample(cora, monkeypatch):
    """Half of the negatives are those that some column ranks first, which decide Hits@K."""
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
    top = {tuple(pair) for pair in ends[:, :250].t().tolist()}
    expected = torch.cat([pool[:, :125], pool[:, -125:]], dim=1)
    assert top == {tuple(pair) for pair in expected.t().tolist()}
    assert len({tuple(pair) for pair in ends.t().tolist()}) > 490


@pytest.mark.slow
def test_a_shared_set_is_compared_by_the_metric_of_the_data(cora):
    """A score that is right only at the top, where a heuristic would make it worse."""
    data, _ = shared_pool(cora, 3_000)
    secret = {tuple(pair) for pair in cora.valid.pos.t()[::2].tolist()}

    def score(src, dst):
        pairs = zip(src.reshape(-1).tolist(), dst.reshape(-1).tolist(), strict=True)
        return torch.tensor([float(pair in secret) for pair in pairs]).view(src.shape)

    stack = Stack(Dot(), cora.graph, kinds=["ra", "degree"])
    result = stacking.fit(stack, score, [Source(stack, score, data)])
    hits = evaluate_edges(data.valid, score)["hits@20"]
    assert result["decoder alone"]["easy"] == pytest.approx(hits)
    assert result[result["chosen"]]["easy"] >= hits - 0.02


@pytest.mark.slow
def test_a_shared_set_is_not_memorised():
    """Edges without any structure against 60 pairs: by chance the MRR is 0.08."""
    generator = torch.Generator().manual_seed(0)
    pairs = torch.randint(400, (2, 2_000), generator=generator)
    data = make_split("random", Graph.from_edge_index(pairs, 400, undirected=True), None)
    pool = torch.randint(400, (2, 60), generator=generator)
    data = replace(data, valid=replace(data.valid, neg=(pool[0], pool[1]), mask=None))
    noise = torch.randn(400, 400, generator=generator)
    stack = Stack(Dot(), data.graph)

    def score(src, dst):
        return noise[src, dst]

    result = stacking.fit(stack, score, [Source(stack, score, data)])
    for name in ("linear", "perceptron"):
        assert result[name]["easy"] < 0.15


@pytest.mark.parametrize("shared", [False, True])
def test_derivatives_are_those_of_a_softmax(shared):
    """Against a loop over positives and autograd."""
    generator = torch.Generator().manual_seed(0)
    pos = torch.randn(4, 3, generator=generator)
    neg = torch.randn(*((5, 3) if shared else (4, 5, 3)), generator=generator)
    mask = None if shared else torch.rand(4, 5, generator=generator) < 0.7
    weight = torch.randn(3, generator=generator)

    def expected(weight):
        rows = [neg if mask is None else neg[i][mask[i]] for i in range(4)]
        logits = [torch.cat([pos[i][None], rows[i]]) @ weight for i in range(4)]
        return -torch.stack([values.log_softmax(dim=0)[0] for values in logits]).mean()

    loss, gradient, hessian = stack_tables.RankingTable(pos, neg, mask).derivatives(weight)
    torch.testing.assert_close(loss, expected(weight))
    torch.testing.assert_close(gradient, torch.func.grad(expected)(weight))
    torch.testing.assert_close(hessian, torch.func.hessian(expected)(weight))


def test_auc_is_compared_by_its_odds():
    """From 0.98 to 0.99 is half of what is missing, not a hundredth more."""
    hard = torch.full((10,), 0.6, dtype=torch.double)
    first, second = (
        stacking.figures([torch.full_like(hard, value), hard], metric="auc")["both"]
        for value in (0.98, 0.99)
    )
    assert second / first == pytest.approx((99 / 49) ** 0.5)
    assert stacking.figures([hard, hard], metric="mrr")["both"] == pytest.approx(0.6)


@pytest.mark.parametrize("name", ["stack", "pair_features"])
def test_heuristics_that_the_data_do_not_have_are_refused(name):
    config = LinkConfig(sampler="uniform", epochs=1, **{name: "ra,cosine"})
    with pytest.raises(ValueError, match=f"'{name}' must be without cosine, .*no features .got ra"):
        train(replace(toy(), x=None), config)
