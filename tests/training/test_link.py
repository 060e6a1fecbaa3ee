"""Training link predictors end to end: losses, samplers, options, seeds, the record."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from gneg import datasets, losses, samplers
from gneg.checks import CollapseWarning
from gneg.training.config import LinkConfig
from gneg.training.driver import run_folder, train
from gneg.training.link import LinkRun
from gneg.training.shared_settings import BASE_WEIGHTS
from tests.training.runs import small, stable
from tests.worlds import first_validation_edges, toy


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.mark.parametrize("encoder", ["sage", "gcn"])
@pytest.mark.slow
def test_encoders_learn(digits, encoder):
    result = train(digits, small(encoder=encoder, epochs=20, lr=0.01))
    assert result["summary"]["test"]["auc"]["mean"] > 0.9
    curve = result["runs"][0]["curve"]
    assert curve[-1]["loss"] < curve[0]["loss"]


@pytest.mark.slow
@pytest.mark.parametrize("shared", [True, False])
def test_validation_edges_that_are_training_edges_are_left_out(digits, shared):
    digits = first_validation_edges(digits, 100)
    valid = digits.valid
    pos = torch.cat([digits.train[:, :50], valid.pos], dim=1)
    if shared:
        neg = valid.neg[0][0], valid.neg[1][0]
        clean = replace(valid, neg=neg, mask=None)
        leaky = replace(clean, pos=pos)
    else:
        neg = tuple(torch.cat([end[:50], end]) for end in valid.neg)
        clean, leaky = replace(valid, mask=None), replace(valid, pos=pos, neg=neg, mask=None)
    config = small(stack="ra,degree", epochs=2)
    expected = train(replace(digits, valid=clean), config)["runs"][0]
    with pytest.warns(UserWarning, match=f"50 of {pos.size(1):,} validation edges are training"):
        result = train(replace(digits, valid=leaky), config)
    assert result["dataset"]["edges"]["valid"] == valid.pos.size(1)
    for part in ("valid", "test", "stack"):
        assert result["runs"][0][part] == expected[part]
    run = LinkRun(replace(digits, valid=leaky), config, 0)
    assert torch.equal(run.valid.pos, valid.pos)


@pytest.fixture(scope="module")
def small_graph():
    return toy(n=150, edges=900)


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_every_loss_trains(small_graph, loss):
    result = train(small_graph, small(loss=loss, epochs=2))
    assert all(torch.isfinite(torch.tensor(row["loss"])) for row in result["runs"][0]["curve"])


#: Expressions of samplers that need more than a name.
EXPRESSIONS = {
    "mixture": "mixture(uniform:0.5, hardest(walk, m=16):0.5)",
    "curriculum": "curriculum(hardest(uniform, m=16), setting=quantile, epochs=2)",
    "selfpaced": "selfpaced(hardest(uniform, m=16))",
    "guarded": "guarded(hardest(walk, m=16), relative_margin=0.1, percentile=cosine|90)",
}


@pytest.mark.parametrize("name", samplers.SAMPLERS)
def test_every_sampler_trains(small_graph, name):
    wrapper = issubclass(samplers.SAMPLERS[name], samplers.Wrapper | samplers.SelectionRule)
    sampler = EXPRESSIONS.get(name, f"{name}(walk)" if wrapper else name)
    negatives = small_graph.sampler("uniform", known="all").sample(small_graph.train, 1)
    data = replace(small_graph, negatives=negatives.edge_index())
    run = train(data, small(sampler=sampler, loss="bce", epochs=2))["runs"][0]
    assert run["sampler_counts"]["short"] == 0
    assert run["seconds"]["scoring"] > 0 or "scored" not in run["sampler_counts"]
    assert run["collapse"] is None


def losses_by_epoch(run: dict) -> list[float]:
    return [point["loss"] for point in run["curve"]]


@pytest.fixture(scope="module")
def trained(small_graph):
    """A function that trains on a small graph with some options, once for each config."""
    runs = {}

    def run(**options) -> dict:
        config = small(epochs=2, **options)
        if config not in runs:
            runs[config] = train(small_graph, config)["runs"][0]
        return runs[config]

    return run


@pytest.mark.parametrize(
    ("base", "option"),
    [
        ({}, {"decoder": "dot"}),
        ({}, {"decoder": "bilinear"}),
        ({}, {"decoder": "mlp"}),
        ({}, {"decoder": "hybrid"}),
        ({}, {"decoder": "ncn"}),
        ({"decoder": "mlp"}, {"decoder_layers": 3}),
        ({"decoder": "mlp"}, {"decoder_dropout": 0.5}),
        ({}, {"loss": "infonce"}),
        ({"loss": "infonce"}, {"sampler": "memorybank"}),
        ({"loss": "bce"}, {"sampler": "similar(refresh_every=1)"}),
        ({}, {"inputs": "both"}),
        ({}, {"inputs": "embedding"}),
        ({}, {"norm": "batch"}),
        ({}, {"jk": "max"}),
        ({}, {"layers": 1}),
        ({}, {"hidden": 16}),
        ({}, {"dropout": 0.0}),
        ({}, {"mask_targets": False}),
        ({}, {"corrupt": "src"}),
        ({}, {"known": "all"}),
        ({}, {"k": 5}),
        ({}, {"pair_features": "ra"}),
        ({"base_measure": "sampler", "base_weight": 0.25}, {"base_form": "nce"}),
        ({}, {"batch_size": 256}),
        ({}, {"lr": 0.02}),
        ({}, {"weight_decay": 0.1}),
        ({}, {"grad_clip": 0.01}),
    ],
    ids=lambda options: "-".join(map(str, options.values())) or "default",
)
def test_each_option_changes_training(trained, base, option):
    changed = trained(**base, **option)
    assert all(map(math.isfinite, losses_by_epoch(changed)))
    assert losses_by_epoch(changed) != losses_by_epoch(trained(**base))


def test_a_plain_base_measure_changes_the_evaluation_alone(trained):
    plain = trained()
    fixed, chosen = (trained(base_measure="sampler", base_weight=w) for w in (0.25, None))
    assert losses_by_epoch(fixed) == losses_by_epoch(chosen) == losses_by_epoch(plain)
    assert fixed["base_weight"] == 0.25
    assert fixed["test"] != plain["test"]
    assert chosen["base_weight"] in [pytest.approx(weight) for weight in BASE_WEIGHTS]
    assert chosen["valid"]["mrr"] >= max(run["valid"]["mrr"] for run in (plain, fixed))


def test_same_seed_same_result_and_global_state_untouched(small_graph):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = train(small_graph, small(), seeds=(3,))
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert stable(first) == stable(train(small_graph, small(), seeds=(3,)))
    assert stable(first) != stable(train(small_graph, small(), seeds=(4,)))


def test_defaults_of_loss_and_decoder_depend_on_sampler_and_inputs(small_graph):
    defaults = {}
    for name, options in {
        "default": {},
        "selected": {"sampler": "hardest(uniform, m=8)"},
        "embedded": {"inputs": "embedding"},
        "fixed": {"loss": "bce", "decoder": "dot"},
    }.items():
        run = train(small_graph, small(epochs=1, **options))["runs"][0]
        defaults[name] = run["loss"], run["decoder"]
    assert defaults == {
        "default": ("softmax", "cosine"),
        "selected": ("infonce", "cosine"),
        "embedded": ("softmax", "mlp"),
        "fixed": ("bce", "dot"),
    }


@pytest.mark.slow
def test_collapse_is_in_the_record(digits):
    with pytest.warns(CollapseWarning, match="mix hard negatives with uniform ones"):
        run = train(digits, small(sampler="hardest(walk, m=64)", lr=0.3, epochs=30))["runs"][0]
    assert run["collapse"] in ("inverted", "spread", "margin")


def test_patience_stops_the_run_and_the_best_weights_are_used(digits, tmp_path):
    result = train(digits, small(epochs=60, patience=2, lr=0.3, eval_every=1), out=tmp_path)
    run = result["runs"][0]
    assert run["epochs"] < 60
    assert run["epochs"] == run["best_epoch"] + 2
    best = max(row["valid"] for row in run["curve"])
    assert run["valid"]["mrr"] == pytest.approx(best)


def test_the_record_holds_command_protocol_and_versions(digits):
    result = train(digits, small(epochs=1), command="gneg train digits")
    assert result["command"] == "gneg train digits"
    assert result["protocol"]["negatives_per_positive"] == 500
    assert result["protocol"]["known"] == "train"
    assert {"gneg", "torch", "torch-geometric"} <= set(result["versions"])
    assert set(result["runs"][0]["seconds"]) == {"sampling", "scoring", "model", "evaluation"}


def test_target_edges_are_hidden_from_message_passing(digits, monkeypatch):
    """The batch's own edges have the value 0 in the matrix that embeds it."""
    run = LinkRun(digits, small(epochs=1), 0)
    degrees = []
    embed = run.model.embed

    def watch(x, adjacency):
        degrees.append(adjacency.degree.sum().item())
        return embed(x, adjacency)

    monkeypatch.setattr(run.model, "embed", watch)
    run.epoch()
    whole = digits.graph.num_edges
    assert [whole - degree for degree in degrees] == [4096, 4096, whole - 8192]


@pytest.mark.slow
def test_heuristics_reproduce_ogb(shared):
    """Published Hits@20 on ogbl-ddi: CN 17.73, AA 18.61 (OGB leaderboard)."""
    data = datasets.load("ogbl-ddi", root=shared)
    for encoder, published in (("cn", 17.73), ("aa", 18.61)):
        result = train(data, LinkConfig(encoder=encoder))
        assert round(100 * result["summary"]["test"]["hits@20"]["mean"], 2) == published


def test_folder_names_follow_the_config(digits):
    assert run_folder(digits, small()) == run_folder(digits, small())
    assert run_folder(digits, small()) != run_folder(digits, small(lr=0.1))
    assert run_folder(digits, small(sampler="walk(kind=ppr)")).startswith(
        "digits-sage-walk-kind-ppr-"
    )
