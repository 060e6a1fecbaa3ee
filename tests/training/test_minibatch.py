"""Mini-batches: the same messages, scores and results as on the whole graph, made ahead."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gneg import datasets, files, train
from gneg.cli import progress
from gneg.graph import sparse
from gneg.loader.blocks import MessageGraph, sample
from gneg.nn import inference
from gneg.nn.messages import rows_of
from gneg.training import minibatch, recipe
from gneg.training.batches import Batch
from gneg.training.driver import TrainingInterrupted
from gneg.training.link import LinkRun
from gneg.training.load import load_run
from gneg.training.resources import Resources
from gneg.training.row_adam import RowAdam
from tests.cli.invoke import run
from tests.training.runs import small, stable
from tests.worlds import WORLDS, toy

WHOLE = {"dropout": 0.0, "batch_size": 100, "hidden": 8}


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


def world(name):
    if name == "toy":
        return toy(n=150, edges=900)
    data = datasets.make_split(name, WORLDS[name](), None, seed=0)
    x = torch.randn(data.num_nodes, 5, generator=torch.Generator().manual_seed(0)).relu()
    return replace(data, x=sparse.to_csr(x) if name == "weighted" else x)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("toy", {"encoder": "sage", "inputs": "features"}),
        ("toy", {"encoder": "gcn", "inputs": "both", "decoder": "hybrid", "jk": "max"}),
        ("toy", {"encoder": "sage", "inputs": "embedding", "pair_features": "ra", "norm": "batch"}),
        ("toy", {"encoder": "gcn", "base_measure": "sampler", "base_form": "nce"}),
        ("weighted", {"encoder": "gcn", "inputs": "features"}),
        ("weighted", {"encoder": "sage", "inputs": "features", "mask_targets": False}),
        ("directed", {"encoder": "gcn", "inputs": "embedding"}),
        ("bipartite", {"encoder": "sage", "inputs": "both", "sampler": "mixup(uniform)"}),
        ("bipartite", {"encoder": "gcn", "base_measure": "uniform", "base_form": "nce"}),
    ],
)
def test_all_neighbours_give_the_messages_of_the_whole_graph(name, options):
    """With a fanout above all degrees loss, gradients and embeddings are those of the graph."""
    data = world(name)
    whole = LinkRun(data, small(**WHOLE, **options), 0)
    mini = LinkRun(data, small(**WHOLE, **options, fanout="-1,9999"), 0, Resources(0))
    assert torch.allclose(mini.embed(), whole.embed(), atol=1e-6)
    whole.model.train()
    mini.model.train()
    batch = next(iter(mini.batches(torch.arange(data.train.size(1) - 1))))
    loss = mini.batch_loss(batch, batch.negatives, mini.embed_batch(batch))
    embedded = whole.embed_batch(Batch(batch.edges, batch.pos))
    expected = whole.batch_loss(batch, batch.negatives, embedded)
    if options.get("norm") != "batch":  # whose statistics are those of the nodes in the batch
        assert float(loss.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
        loss.backward()
        expected.backward()
        for weight, other in zip(mini.model.parameters(), whole.model.parameters(), strict=True):
            if other.grad is not None:
                assert torch.allclose(weight.grad.to_dense(), other.grad, atol=1e-6)


def test_sampled_neighbours_are_drawn_once_and_without_the_targets():
    data = toy(n=150, edges=900)
    graph = MessageGraph(data.graph)
    pos = data.train[:, :40].reshape(-1).numpy()
    counts = np.zeros((150, 150))
    for seed in range(400):
        blocks, local = sample(graph, pos, [3, 2], seed, hidden=pos.reshape(2, 40))
        assert np.array_equal(blocks.nodes[local], pos)
        assert blocks.sizes[0] == len(np.unique(pos))
        rows = np.repeat(np.arange(blocks.sizes[1]), np.diff(blocks.indptr))
        pairs = blocks.nodes[rows], blocks.nodes[blocks.indices]
        assert np.diff(blocks.indptr)[: blocks.sizes[0]].max() <= 3
        assert len(set(zip(*pairs, strict=True))) == len(rows)
        seeds = rows < blocks.sizes[0]
        counts[pairs[0][seeds], pairs[1][seeds]] += 1
    hidden = np.zeros((150, 150), bool)
    hidden[pos[:40], pos[40:]] = hidden[pos[40:], pos[:40]] = True
    edges = np.zeros((150, 150), bool)
    edges[tuple(data.graph.edge_index.numpy())] = True
    free = edges & ~hidden
    assert not counts[~free].any()
    for node in np.unique(pos):  # uniform among the neighbours that are not hidden
        expected = 400 * min(3, free[node].sum()) / max(free[node].sum(), 1)
        assert np.abs(counts[node][free[node]] - expected).max(initial=0) < 6 * expected**0.5 + 1


@pytest.mark.parametrize(
    ("sampler", "inputs"),
    [
        ("mixture(uniform:0.75, walk:0.25)", "features"),
        pytest.param("hardest(uniform, m=8)", "embedding", marks=pytest.mark.slow),
        pytest.param("similar(refresh_every=1)", "embedding", marks=pytest.mark.slow),
        ("memorybank", "features"),
        pytest.param(
            "mixture(cached(uniform, size=4, m=4), selfpaced(hardest(uniform, m=8)))",
            "features",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_any_number_of_workers_and_a_resumed_run_give_the_same_result(tmp_path, sampler, inputs):
    data = toy(n=150, edges=900)
    options = {"sampler": sampler, "inputs": inputs, "batch_size": 200, "loss": "bce", "hidden": 8}
    config = small(**options, epochs=4, fanout="3,2", refresh_every=2)
    expected = train(data, config, resources=Resources(0))

    def stop(seed, state):
        if state["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(data, config, out=tmp_path, report=stop, resources=Resources(2, 1))
    resumed = train(data, config, out=tmp_path, resources=Resources(3, 2000))
    shares = [result["runs"][0].pop("waiting_share") for result in (expected, resumed)]
    assert all(0 <= share <= 1 for share in shares)
    assert stable(resumed) == stable(expected)
    assert load_run(data, tmp_path).evaluate("test") == expected["runs"][0]["test"]


def test_stale_embeddings_are_refreshed_on_a_budget(digits, monkeypatch):
    refreshed = []
    original = minibatch.MiniBatches._refresh
    monkeypatch.setattr(
        minibatch.MiniBatches, "_refresh", lambda self: (refreshed.append(1), original(self))
    )
    batches = -(-digits.train.size(1) // 2048)
    for every, times in ((None, 1), (2, -(-batches // 2))):
        options = {"sampler": "hardest(uniform, m=4)", "refresh_every": every, "layers": 1}
        LinkRun(digits, small(**options, fanout="3"), 0, Resources(0)).epoch()
        assert len(refreshed) == times
        refreshed.clear()


def test_inference_in_chunks_and_on_disk_is_that_of_the_whole(digits, monkeypatch):
    trained = LinkRun(digits, small(jk="cat", fanout="5,5"), 0)
    expected, chunks = trained.embed(), []
    original = inference._chunks

    def tiny(graph, width, least, memory):
        chunks.extend(original(graph, width, least, 2**16))
        return original(graph, width, least, 2**16)

    monkeypatch.setattr(inference, "_chunks", tiny)
    monkeypatch.setattr(inference, "_table", lambda *a: inference.mapped_table(*a[:2]))
    assert torch.allclose(trained.embed(), expected, atol=1e-6)
    assert len(chunks) > 30


def test_adam_of_rows_is_sparse_adam():
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(50, 8, generator=generator)
    tables = [torch.nn.Parameter(table.clone()) for _ in range(2)]
    tables.append(torch.nn.Parameter(table.double()))  # not by the kernel
    optimizers = [
        kind([weight], lr=0.1)
        for kind, weight in zip((RowAdam, torch.optim.SparseAdam, RowAdam), tables, strict=True)
    ]
    for _ in range(4):
        rows = torch.randperm(50, generator=generator)[:20]
        factor = torch.randn(20, 8, generator=generator)
        for weight, optimizer in zip(tables, optimizers, strict=True):
            (rows_of(weight, rows) * factor).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    for weight in tables[1:]:
        assert torch.allclose(tables[0].double(), weight.double(), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fanout": "15"}, "'fanout' must be 2 numbers, one for each layer"),
        ({"fanout": "a,b"}, "'fanout' must be none, or a number of neighbours for each layer"),
        ({"fanout": "5,0"}, "'fanout' must be none, or a number of neighbours for each layer"),
        ({"fanout": "5,5", "encoder": "lightgcn"}, "none but for the encoders sage and gcn"),
        ({"fanout": "5,5", "decoder": "ncn"}, "'decoder' must be another than ncn"),
        ({"fanout": "5,5", "norm": "layer"}, "'norm' must be batch or None"),
        ({"refresh_every": 5}, "'refresh_every' must be given with a fanout only"),
    ],
)
def test_what_needs_the_whole_graph_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_a_limit_that_the_weights_exceed_is_refused(digits):
    config = small(inputs="embedding", hidden=2048, fanout="5,5")
    with pytest.raises(ValueError, match=r"'memory' must be at least \d+ MB, for the graph"):
        LinkRun(digits, config, 0, Resources(0, 10))


def test_the_recipe_takes_mini_batches_where_the_graph_is_large(digits, monkeypatch):
    assert recipe.fast(digits).config.fanout == "none"
    assert recipe.fast(digits, fanout="5,4,3").config.layers == 3
    monkeypatch.setattr(recipe, "LARGE", 1000)
    chosen = recipe.fast(digits)
    assert chosen.config.fanout == "15"
    assert "The graph is large: mini-batches, in which a layer samples at most 15" in chosen.reasons
    assert recipe.fast(digits, fanout="none", layers=2).config.fanout == "none"
    assert recipe.fast(digits, layers=2).config.fanout == "15,10"


def test_large_features_stay_in_their_file(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAPPED", 1)
    pairs = toy(n=150, edges=900).graph.edge_index.t().numpy()
    np.savetxt(tmp_path / "edges.csv", pairs, fmt="%d", delimiter=",", header="a,b", comments="")
    x = np.random.default_rng(0).normal(size=(150, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    data = datasets.load(tmp_path / "edges.csv", features=tmp_path / "x.npy")
    maps = Path("/proc/self/maps")
    assert not maps.exists() or "x.npy" in maps.read_text()
    result = train(data, small(fanout="3,2", epochs=1), out=tmp_path / "run")
    assert load_run(datasets.store.load(tmp_path / "run" / "data"), tmp_path / "run")
    assert result["resources"] == {"workers": None, "memory_mb": None}
    assert np.array_equal(np.load(tmp_path / "x.npy"), x)


def test_the_command_says_how_long_the_model_waits(tmp_path):
    pairs = [f"{u},{(7 * u + j) % 40}" for u in range(40) for j in (1, 5)]
    (tmp_path / "e.csv").write_text("source,target\n" + "\n".join(pairs))
    words = ["train", str(tmp_path / "e.csv"), "--recipe", "none", "--epochs", "1", "--hidden", "4"]
    words += ["--fanout", "3,2", "--workers", "1", "--out", str(tmp_path / "run")]
    result = run(*words, "--memory", "1GiB")
    assert result.exit_code == 0, result.output
    assert "the model waits for batches" in result.output
    record = json.loads((tmp_path / "run" / "results.json").read_text())
    assert record["resources"] == {"workers": 1, "memory_mb": 1024}
    assert 0 <= record["runs"][0]["waiting_share"] <= 1
    assert "'memory' must be an amount" in run(*words, "--memory", "much").output


def test_steps_of_a_long_epoch_are_shown(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LONG", 0.0)
    data = toy(n=150, edges=900)
    with progress.ProgressDisplay() as display:
        bars = display.training(1, "mrr")
        train(data, small(epochs=1, batch_size=50, fanout="3,2"), callbacks=[bars])
    assert re.search(r"seed 0: epoch 1, step \d+/\d+", capsys.readouterr().err)
