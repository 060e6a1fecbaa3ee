"""The base measure: its density, its logits, its weight, and what it repairs."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gneg import samplers
from gneg.evaluation.ranking import evaluate_edges
from gneg.graph import Graph
from gneg.nn import BaseMeasure, Dot
from gneg.nn.base_measure import best_weight
from gneg.training.config import LinkConfig
from gneg.training.driver import train
from gneg.training.link import LinkRun
from tests.worlds import random_graph, toy

EXPRESSIONS = (
    "uniform",
    "degree",
    "walk",
    "walk(kind=cn)",
    "walk(kind=ppr)",
    "mixture(uniform:0.5, walk:0.5)",
)


@pytest.mark.parametrize("corrupt", ["dst", "src", "both"])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_density_is_that_of_negatives_of_training_pairs(expression, corrupt):
    """By frequencies: queries as often as in the training pairs, targets by the sampler."""
    graph = random_graph(14, 40)
    sampler = samplers.build(expression, graph, corrupt=corrupt)
    measure = BaseMeasure(Dot(), sampler, smoothing=1e-9)
    pos = graph.edge_index.repeat(1, 3_000)  # both directions of every edge
    drawn = sampler.sample(pos, 1, generator=torch.Generator().manual_seed(0))
    src, dst = drawn.edge_index()
    count = np.bincount((src * 14 + dst).numpy(), minlength=14 * 14).reshape(14, 14)
    nodes = torch.arange(14)
    pairs = torch.cartesian_prod(nodes, nodes).t()
    q = measure.log_measure(pairs[0], pairs[1]).exp().view(14, 14).numpy() / 14**2
    free = ~sampler.known.contains(pairs[0], pairs[1]).view(14, 14).numpy()
    free &= ~np.eye(14, dtype=bool)
    assert q[free].sum() == pytest.approx(1.0, abs=1e-3)
    share = count / count.sum()
    assert np.abs(q - share)[free].max() < 5 * np.sqrt(share.max() / count.sum())


def test_uniform_negatives_of_a_regular_graph_have_no_measure():
    ring = torch.stack([torch.arange(30), (torch.arange(30) + 1) % 30])
    graph = Graph.from_edge_index(ring, 30, undirected=True)
    measure = BaseMeasure(Dot(), samplers.Uniform(graph, corrupt="both"))
    src, dst = torch.tensor([0, 3, 9]), torch.tensor([5, 4, 20])
    assert measure.log_measure(src, dst).abs().max() < 0.15  # 30 of 27 targets


def test_logits_and_scores():
    graph = random_graph(20, 50)
    sampler = samplers.build("mixture(uniform, walk)", graph, corrupt="both")
    z = torch.randn(2, 40, 4)
    pairs = torch.randint(20, (2, 40))
    f = Dot()(z[0], z[1])
    for form in ("plain", "nce"):
        for c in (0.0, 0.5, 1.0):
            measure = BaseMeasure(Dot(), sampler, c, form=form)
            log_q = measure.log_measure(*pairs)
            score = measure.eval()(z[0], z[1], pairs)
            torch.testing.assert_close(score, f + c * log_q)
            logits = measure.train()(z[0], z[1], pairs)
            torch.testing.assert_close(logits, f if form == "plain" else score - log_q)
    learned = BaseMeasure(Dot(), sampler, "learned", form="nce")
    learned(z[0], z[1], pairs).sum().backward()
    assert learned.c.grad is not None
    assert "c" in measure.state_dict()


def test_the_log_density_restores_what_hard_negatives_unlearn():
    """A free score of every pair, trained against q, is log p only with log q added."""
    generator = torch.Generator().manual_seed(0)
    graph = random_graph(12, 30)
    sampler = samplers.build("mixture(uniform:0.3, walk:0.7)", graph, corrupt="both")
    measure = BaseMeasure(Dot(), sampler, smoothing=1e-6)
    pairs = torch.cartesian_prod(torch.arange(12), torch.arange(12)).t()
    pairs = pairs[:, ~sampler.known.contains(*pairs) & (pairs[0] != pairs[1])]
    log_q = measure.log_measure(*pairs)
    # Real pairs follow q to the power of 1.5: what proposes negatives also makes a pair likely.
    p, q = (1.5 * log_q).softmax(0), log_q.softmax(0)
    f = nn.Parameter(0.01 * torch.randn(len(p), generator=generator))
    optimizer = torch.optim.Adam([f], lr=0.05)
    for _ in range(600):
        optimizer.zero_grad()
        loss = -(p * functional.logsigmoid(f)).sum() - (q * functional.logsigmoid(-f)).sum()
        loss.backward()
        optimizer.step()
    expected = p.log() - p.log().mean()
    added = (f + log_q).detach()
    torch.testing.assert_close(added - added.mean(), expected, atol=0.02, rtol=0)
    assert f.detach().std() < 0.5 * expected.std()  # the model alone has learned little of it


def test_the_weight_is_the_best_on_validation():
    data = toy()
    config = LinkConfig(
        sampler="mixture(uniform, walk)", base_measure="sampler", hidden=8, epochs=2, eval_every=1
    )
    run = LinkRun(data, config, 0)
    run.epoch()
    measure = run.model.decoder
    assert isinstance(measure, BaseMeasure)
    weights = (0.0, 0.5, 1.0, 3.0)
    parts = partial(measure.parts, run.scorer())
    evaluate = partial(evaluate_edges, data.valid)
    weight, metrics = best_weight(parts, evaluate, data.metric, weights)
    results = []
    for c in weights:
        measure.c.fill_(c)
        results.append(evaluate_edges(data.valid, run.scorer()))
    best = max(range(4), key=lambda i: (results[i][data.metric], -i))
    assert weight == weights[best]
    assert metrics == pytest.approx(results[best], abs=1e-6)


def test_the_weight_is_saved_with_the_model(tmp_path):
    data = toy()
    config = LinkConfig(
        sampler="mixture(uniform, walk)", base_measure="walk(kind=aa)", hidden=8, epochs=3
    )
    result = train(data, config, out=tmp_path)["runs"][0]
    state = torch.load(tmp_path / "model-0.pt", weights_only=True)
    assert float(state["decoder.c"]) == pytest.approx(result["base_weight"])
    fixed = train(data, LinkConfig(**{**vars(config), "base_weight": 0.3}))["runs"][0]
    assert fixed["base_weight"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampler": "walk"}, "'sampler' must be a gneg sampler"),
        ({"c": -1.0}, "'c' must be a number in"),
        ({"c": "learned"}, "'form' must be 'nce' for a learned c"),
        ({"form": "logit"}, "'form' must be one of 'plain', 'nce'"),
        ({"smoothing": 0}, "'smoothing' must be a number in"),
    ],
)
def test_bad_arguments_are_named(options, message):
    graph = random_graph(10, 20)
    with pytest.raises(ValueError, match=message):
        BaseMeasure(Dot(), **{"sampler": samplers.Uniform(graph), **options})
    with pytest.raises(ValueError, match="'sampler' must be one with a closed-form density"):
        BaseMeasure(Dot(), samplers.build("hardest(uniform)", graph))
