"""Every way to train runs on an accelerator as on the CPU: nothing mixes devices."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from gneg import Graph, LinkConfig, TripleConfig, datasets, train
from gneg.datasets import TripleData
from gneg.nn import model as link_model
from gneg.nn.kge import comparisons
from gneg.training import checkpoint, minibatch
from gneg.training.device import forked_random
from gneg.training.driver import TrainingInterrupted
from gneg.training.kinds import make_run
from gneg.training.link import LinkRun
from tests.accelerator import KIND
from tests.training.runs import stable
from tests.triple_worlds import sparse_data
from tests.worlds import toy

LINKS = {"hidden": 8, "epochs": 2, "eval_every": 1, "batch_size": 128, "k": 3, "dropout": 0.0}
TRIPLES = {"dim": 8, "epochs": 2, "eval_every": 1, "batch_size": 128}


@pytest.fixture(autouse=True)
def _same_arithmetic(accelerator, monkeypatch):
    """Leave out what is faster on the CPU but rounds otherwise."""
    monkeypatch.setattr(comparisons, "can_compare", lambda *_: False)
    monkeypatch.setattr(link_model, "_fast_bfloat16", lambda _: False)


def bipartite():
    generator = torch.Generator().manual_seed(1)
    ends = [torch.randint(size, (200,), generator=generator) for size in (30, 40)]
    return datasets.make_split(
        "bipartite", Graph.from_edge_index(torch.stack(ends), (30, 40)), None
    )


def labelled() -> TripleData:
    """Triples with verified negatives and with lists to rank against."""
    data = sparse_data()
    generator = torch.Generator().manual_seed(2)
    verified, lists = {}, {}
    for part in ("valid", "test"):
        pos = data.positives(part)
        verified[part] = torch.stack([pos[0], pos[1], pos[2].roll(1)])
        size = pos.size(1), 5
        lists[part] = {
            end: torch.randint(data.num_entities, size, generator=generator)
            for end in ("head", "tail")
        }
    return replace(data, verified=verified, negatives=lists)


def inductive() -> TripleData:
    """Triples whose entities training has, and others that are ranked."""
    return replace(sparse_data(), inference=sparse_data(seed=1))


DATA = {
    "toy": toy,
    "directed": lambda: toy(undirected=False),
    "bipartite": bipartite,
    "digits": lambda: datasets.load("digits"),
    "triples": sparse_data,
    "labelled": labelled,
    "inductive": inductive,
}


def check_same(data, config) -> None:
    """Check that a run on the accelerator has the losses and metrics of one on the CPU."""
    host, there = (
        json.loads(stable(train(data, replace(config, device=device)))) for device in ("cpu", KIND)
    )
    for first, second in zip(host, there, strict=True):
        curves = [run.pop("curve") for run in (first, second)]
        losses = [[point["loss"] for point in curve] for curve in curves]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
        assert first == second


def slow(*cases: tuple[str, dict]) -> list[Any]:
    return [pytest.param(*case, marks=pytest.mark.slow) for case in cases]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("toy", {"encoder": "gcn", "decoder": "mlp", "loss": "bce"}),
        ("toy", {"base_measure": "sampler", "sampler": "walk", "loss": "nce", "rank": "all"}),
        ("toy", {"fanout": "3,2", "inputs": "both", "sampler": "mixup(memorybank)"}),
        *slow(
            ("toy", {"sampler": "hardest(walk)", "corrupt": "dst", "decoder": "cosine"}),
            ("bipartite", {"encoder": "lightgcn", "sampler": "similar", "corrupt": "src"}),
            ("toy", {"pair_features": "all", "stack": "all", "stack_on": "both"}),
            ("digits", {"batch_size": 2048}),
            ("digits", {"batch_size": 2048, "fanout": "10,5", "pair_features": "ra"}),
            ("directed", {"sampler": "degree", "encoder": "gcn", "jk": "cat", "norm": "batch"}),
            ("toy", {"encoder": "lightgcn", "loss": "bpr"}),
            ("toy", {"encoder": "heuristics", "loss": "margin"}),
            ("toy", {"inputs": "embedding", "decoder": "hybrid", "loss": "auc"}),
            ("toy", {"decoder": "dot", "loss": "infonce", "mask_targets": False}),
            ("toy", {"decoder": "bilinear", "loss": "softmax", "norm": "layer"}),
            ("toy", {"decoder": "ncn", "pair_features": "cn,ra", "loss": "nssa"}),
            ("toy", {"base_measure": "walk", "base_form": "nce", "stack": "ra"}),
            ("toy", {"stack": "all", "stack_on": "train", "sampler": "tempered(uniform)"}),
            ("toy", {"fanout": "3,2", "sampler": "hardest(uniform)", "stack": "ra"}),
            ("toy", {"fanout": "3,2", "encoder": "gcn", "sampler": "memorybank"}),
            ("toy", {"fanout": "3,2", "sampler": "semihard(uniform)", "refresh_every": 1}),
            ("bipartite", {"fanout": "3,2"}),
            ("bipartite", {"encoder": "lightgcn", "sampler": "mixup(memorybank)"}),
            # A loss does not depend on what has drawn its negatives.
            ("toy", {"sampler": "dns(uniform)", "loss": "auc-hinge"}),
            ("toy", {"sampler": "semihard(uniform)", "loss": "ntxent"}),
            ("toy", {"sampler": "metropolis(uniform)", "loss": "hard"}),
            ("toy", {"sampler": "ahns(uniform)", "loss": "debiased"}),
            ("toy", {"sampler": "cached(uniform)", "loss": "nnpu"}),
            ("toy", {"sampler": "mixup(uniform)"}),
            ("toy", {"sampler": "khop"}),
            ("toy", {"sampler": "similar"}),
            ("toy", {"sampler": "inbatch"}),
            ("toy", {"sampler": "selfpaced(hardest(uniform))"}),
        ),
    ],
)
def test_links_train_there_as_on_the_cpu(name, options):
    check_same(DATA[name](), LinkConfig(**{**LINKS, **options}))


def test_an_adversarial_sampler_learns_there_as_on_the_cpu():
    run = make_run(toy(), LinkConfig(**LINKS, sampler="adversarial(uniform)", device=KIND), 0)
    assert run.epoch() > 0


#: For each model a loss of negatives with a sampler, and a loss over all entities.
LOSSES = {
    "transe": ("margin", "hardest(uniform)", "1vsall"),
    "rotate": ("nssa", "tempered(typed)", "kvsall"),
    "distmult": ("nssa", "nearmiss", "1vsrest"),
    "complex": ("margin", "relwalk", "kvsall"),
    "tucker": ("nssa", "uniform", "1vsall"),
    "conve": ("margin", "uniform", "1vsrest"),
}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("triples", {"model": "rotate"}),
        ("triples", {"model": "distmult", "encoder": "rgcn", "loss": "1vsall"}),
        *slow(
            ("triples", {"model": "transe", "p": 2, "loss": "margin", "sampler": "similar"}),
            (
                "labelled",
                {"model": "complex", "base_measure": "walk", "loss": "softmax", "n3": 0.1},
            ),
            ("triples", {"model": "conve", "inverse": True, "loss": "kvsall"}),
            ("inductive", {"model": "distmult", "encoder": "compgcn", "loss": "nssa"}),
            ("inductive", {"model": "distmult", "encoder": "rgcn", "loss": "1vsall"}),
            ("inductive", {"model": "rotate", "encoder": "rgcn", "sampler": "hardest(uniform)"}),
            ("inductive", {"model": "transe", "encoder": "compgcn", "layers": 2}),
            *(
                ("triples", {"model": model, "inverse": model == "conve", **options})
                for model, (of_negatives, sampler, over_all) in LOSSES.items()
                for options in ({"loss": of_negatives, "sampler": sampler}, {"loss": over_all})
            ),
            *(
                ("labelled", {"model": model, "encoder": encoder, "inverse": inverse})
                for model, encoder, inverse in (
                    ("distmult", "rgcn", False),
                    ("distmult", "compgcn", True),
                    ("tucker", "rgcn", True),
                    ("tucker", "compgcn", False),
                )
            ),
            *(
                ("triples", {"model": model, "inverse": True, "sparse": True, "l2": 0.1})
                for model in ("transe", "complex")
            ),
            ("triples", {"optimizer": "adagrad", "base_measure": "frequency"}),
            ("triples", {"loss": "kvsall", "label_smoothing": 0.1, "dropout": 0.0}),
        ),
    ],
)
def test_triples_train_there_as_on_the_cpu(name, options):
    check_same(DATA[name](), TripleConfig(**{**TRIPLES, **options}))


def test_a_wrong_device_in_training_is_noticed(monkeypatch):
    monkeypatch.setattr(LinkRun, "penalty", lambda run, pos: torch.zeros(1).expand(2) * run.weight)
    monkeypatch.setattr(LinkRun, "weight", torch.ones(2, device=KIND), raising=False)
    with pytest.raises(RuntimeError, match="expected all tensors to be on"):
        make_run(toy(), LinkConfig(**LINKS, device=KIND), 0).epoch()


# -- interrupted runs ------------------------------------------------------------------------------


def config_of(kind: str, device: str):
    """A config with dropout and, of links, a sampler and an optimiser with tensors of their own."""
    if kind == "triples":
        options = {**TRIPLES, "epochs": 4, "dropout": 0.3, "model": "tucker"}
        return TripleConfig(**options, device=device)
    more = {"fanout": "3,2", "inputs": "both"} if kind == "batches" else {}
    options = {**LINKS, "epochs": 4, "dropout": 0.3, "sampler": "memorybank", **more}
    return LinkConfig(**options, device=device)


def interrupted(data, config, out) -> None:
    """Train until the second epoch is evaluated, with Ctrl-C in the third."""
    epochs = iter(range(10))

    def stop(done: int, total: int) -> None:
        if next(epochs) == 2:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(data, config, out=out, report=stop)


@pytest.mark.parametrize(
    "kind",
    ["links", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("batches", "triples"))],
)
def test_an_interrupted_run_goes_on_there(kind, tmp_path):
    data, config = sparse_data() if kind == "triples" else toy(), config_of(kind, KIND)
    whole = train(data, config)
    interrupted(data, config, tmp_path)
    assert checkpoint.checkpoint_path(tmp_path, 0).exists()
    torch.rand(5, device=KIND)  # what the process did in between
    assert stable(train(data, config, out=tmp_path)) == stable(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [(KIND, "cpu"), ("cpu", KIND)])
def test_an_interrupted_run_goes_on_on_another_device(first, second, tmp_path):
    data = toy()
    interrupted(data, replace(config_of("links", first), dropout=0.0), tmp_path)
    config = replace(config_of("links", second), dropout=0.0)
    result = train(data, config, out=tmp_path)
    whole = train(data, config)
    assert result["runs"][0]["epochs"] == 4
    assert stable(result) == stable(whole)
    with pytest.raises(ValueError, match=r"same config \(got .*: lr 0.005 \(here 0.5\)"):
        train(data, replace(config, lr=0.5), out=tmp_path)


def test_steps_of_a_resumed_optimiser_are_where_it_reads_them(tmp_path):
    data, config = toy(), config_of("links", KIND)
    interrupted(data, config, tmp_path)
    run = make_run(data, config, 0)
    checkpoint.load(run, checkpoint.checkpoint_path(tmp_path, 0))
    for moments in run.optimizer.state.values():
        assert moments["step"].device.type == "cpu"
        assert moments["exp_avg"].device.type == KIND


def test_training_leaves_the_random_generators_as_they_were():
    torch.manual_seed(5)
    draws = torch.rand(3), torch.rand(3, device=KIND).cpu()
    torch.manual_seed(5)
    train(toy(), LinkConfig(**{**LINKS, "epochs": 1, "dropout": 0.5}, device=KIND))
    assert torch.equal(draws[0], torch.rand(3))
    assert torch.equal(draws[1], torch.rand(3, device=KIND).cpu())
    with forked_random("cpu"):
        torch.rand(3, device=KIND)
    assert len(torch.rand(1)) == 1


def test_mini_batches_are_made_on_the_cpu(monkeypatch):
    batches = []
    original = minibatch.MiniBatches.embed_batch

    def embed(self, batch):
        batches.append(batch)
        return original(self, batch)

    monkeypatch.setattr(minibatch.MiniBatches, "embed_batch", embed)
    options = {**LINKS, "fanout": "3,2", "sampler": "hardest(uniform)"}
    make_run(toy(), LinkConfig(**options, device=KIND), 0).epoch()
    assert {batch.sample.negatives.index.device.type for batch in batches} == {"cpu"}
    assert {batch.negatives.index.device.type for batch in batches} == {KIND}
