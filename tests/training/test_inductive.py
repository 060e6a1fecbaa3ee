"""Inductive splits: entities that training lacks are ranked by the relations at them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import gneg
from gneg import TripleConfig, datasets
from gneg.datasets import TripleData, store
from gneg.evaluation.triple import evaluate_triples
from gneg.nn.kge import CompGCN, RelationInputs
from gneg.prediction import TripleModel
from gneg.training.kinds import make_run
from gneg.training.load import load_data, load_run
from gneg.training.triple import TripleRun
from tests.cli.invoke import run
from tests.triple_worlds import sparse_data

Rows = list[tuple[str, str, str]]
SMALL = {"model": "distmult", "encoder": "compgcn", "dim": 16, "loss": "1vsall", "inverse": True}


def composed(prefix: str, size: int, seed: int) -> tuple[Rows, Rows]:
    """Facts, and what follows from them: (x, lives in, z) if (x, works at, y) and (y, is in, z).

    Half of the people have no work, and half of the places no firm.
    """
    random = np.random.default_rng(seed)
    works = [(f"{prefix}p{i}", f"{prefix}f{random.integers(size)}") for i in range(2 * size)]
    place = [f"{prefix}c{random.integers(size // 4)}" for _ in range(size)]
    facts = [(person, "works at", firm) for person, firm in works]
    facts += [(f"{prefix}f{i}", "is in", place[i]) for i in range(size)]
    facts += [
        (f"{prefix}q{i}", "likes", f"{prefix}c{size // 4 + random.integers(size // 4)}")
        for i in range(2 * size)
    ]
    follows = [(person, "lives in", place[int(firm[len(prefix) + 1 :])]) for person, firm in works]
    random.shuffle(follows)
    return facts, [tuple(row) for row in follows]


def write(path, rows: Rows) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join("\t".join(row) + "\n" for row in rows))


@pytest.fixture(params=["grail", "ilpc"])
def folder(request, tmp_path):
    """The files of a split, in both forms."""
    first, second = composed("a", 40, 0), composed("b", 30, 1)
    parts = (first[0] + first[1][10:], first[1][:5], first[1][5:10])
    others = (second[0] + second[1][30:], second[1][:10], second[1][10:30])
    place = tmp_path / "world"
    if request.param == "ilpc":
        write(place / "transductive_train.txt", parts[0])
        for name, rows in zip(("train", "validation", "test"), others, strict=True):
            write(place / f"inductive_{name}.txt", rows)
        return place
    for name, rows, other in zip(("train", "valid", "test"), parts, others, strict=True):
        write(place / f"{name}.txt", rows)
        write(tmp_path / "world_ind" / f"{name}.txt", other)
    return place


def test_both_forms_are_read(folder):
    assert datasets.is_triples(folder)
    data = datasets.load_triples(folder)
    inference = data.ranked
    assert inference is data.inference
    assert list(inference.relations) == list(data.relations)
    assert {name[0] for name in data.entities} == {"a"}
    assert {name[0] for name in inference.entities} == {"b"}
    assert (inference.valid.size(1), inference.test.size(1)) == (10, 20)
    _, expected = composed("b", 30, 1)
    names = [
        (inference.entities[h], data.relations[r], inference.entities[t])
        for h, r, t in inference.test.t().tolist()
    ]
    assert names == expected[10:30]
    assert any("is ranked among the entities of its own graph" in n for n in data.reading.notes)
    assert "ranked: TripleData(world, inference" in repr(data)


def test_the_training_graph_needs_its_training_triples_alone(folder):
    expected = datasets.load_triples(folder).inference
    second = folder.with_name("world_ind")
    for part in ("valid", "test"):
        (folder / f"{part}.txt").unlink(missing_ok=True)
    data = datasets.load_triples(folder)
    assert not data.valid.size(1) + data.test.size(1)
    assert (data.ranked.valid.size(1), data.ranked.test.size(1)) == (10, 20)
    assert data.ranked.fingerprint() == expected.fingerprint()
    if second.exists():
        (second / "valid.txt").unlink()
        with pytest.raises(ValueError, match="world_ind without a file of valid"):
            datasets.load_triples(folder)


def test_other_readings_of_it_are_refused(folder):
    with pytest.raises(ValueError, match="'unseen' must be keep for an inductive split"):
        datasets.load_triples(folder, unseen="drop")
    (train,) = [*folder.parent.glob("*_ind/train.txt"), *folder.glob("inductive_train.txt")]
    rows = train.read_text()
    train.write_text(rows + "b1\tknows\tb2\n")
    with pytest.raises(ValueError, match=r"relations of training \(got 'knows' in world"):
        datasets.load_triples(folder)
    train.unlink()
    if folder.with_name("world_ind").exists():
        with pytest.raises(ValueError, match="world_ind without a file of train"):
            datasets.load_triples(folder)
    else:
        with pytest.raises(ValueError, match=r"a folder with inductive_train.txt"):
            datasets.load_triples(folder)


def test_a_second_graph_is_part_of_the_fingerprint_and_of_what_is_stored(folder, tmp_path):
    data = datasets.load_triples(folder)
    alone = replace(data, inference=None)
    assert alone.fingerprint() != data.fingerprint()
    assert "inference" not in alone.describe()
    bare = replace(data, inference=replace(data.inference, name="another", entities=None))
    for each in (data, bare):
        store.save(each, tmp_path / "store")
        again = store.load(tmp_path / "store")
        assert again.describe() == each.describe()
        assert again.inference.entities == each.inference.entities
        assert torch.equal(again.inference.test, each.inference.test)
    with pytest.raises(ValueError, match="'inference' must be a graph of the 4 relations"):
        replace(data, inference=sparse_data())


def test_inputs_are_means_over_the_relations_at_an_entity():
    triples = torch.tensor([(0, 0, 1), (0, 1, 2), (3, 1, 0)]).t()
    encoder = RelationInputs(CompGCN(triples, 5, 2, 4))
    heads, tails = encoder.of_heads.weight, encoder.of_tails.weight
    inputs = encoder.inputs()
    expected = [(heads[0] + heads[1] + tails[1]) / 3, tails[0], tails[1], heads[1]]
    assert torch.allclose(inputs[:4], torch.stack(expected))
    assert (inputs[4] == 0).all()
    without = encoder.inputs(torch.tensor([1]))
    assert torch.allclose(without[0], (heads[0] + tails[1]) / 2)
    assert (without[2] == 0).all()
    other = encoder.on(triples.flip(0)[:, :2], 6)
    assert other.inputs().shape == (6, 4)
    assert torch.equal(encoder.inputs(), inputs)  # the first is as it was
    assert other.encoder is not encoder.encoder
    assert other.of_heads is encoder.of_heads


@pytest.mark.parametrize("encoder", ["rgcn", "compgcn"])
def test_vectors_do_not_depend_on_ids(encoder):
    """A graph whose entities have other ids gives the same vectors in that order."""
    data = sparse_data()
    order = torch.randperm(30, generator=torch.Generator().manual_seed(1))
    moved = replace(
        data,
        **{
            part: torch.stack([order[rows[0]], rows[1], order[rows[2]]])
            for part in ("train", "valid", "test")
            if (rows := data.positives(part)) is not None
        },
    )
    whole = replace(data, inference=moved)
    config = TripleConfig(**{**SMALL, "encoder": encoder, "epochs": 1})
    trained = make_run(whole, config, 0)
    trained.epoch()
    first, second = trained.final_embeddings(), trained.inference.final_embeddings()
    assert torch.allclose(second[order], first, atol=1e-5)
    assert not torch.allclose(first[0], first[1], atol=1e-3)
    ranked = trained.measure("test")
    same = evaluate_triples(trained.model.scorer().rows, data)
    assert ranked["mrr"] == pytest.approx(same["mrr"], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["grail"], indirect=True)  # the other is the same graph
@pytest.mark.parametrize("encoder", ["rgcn", "compgcn"])
def test_what_follows_is_ranked_high_in_another_graph(folder, encoder):
    """The mean rank is a third of that by chance at most; entities are told by their roles."""
    data = datasets.load_triples(folder)
    config = TripleConfig(
        **{**SMALL, "encoder": encoder}, layers=2, epochs=40, eval_every=5, lr=0.02, batch_size=64
    )
    untrained = make_run(data, config, 0).measure("test")
    result = gneg.train(data, config, seeds=(0,))["runs"][0]
    assert result["test"]["triples"] == 40
    assert result["test"]["amr"] < 0.3
    assert result["test"]["mrr"] > 2 * untrained["mrr"]
    assert set(result["sampled"]) == {"uniform", "typed", "khop(hops=2)"}


def test_the_command_trains_on_one_graph_and_ranks_the_other(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["--encoder", "rgcn", "--dim", "8", "--epochs", "2", "--out", "run"]
    result = run("kg", "train", str(folder), *words)
    assert result.exit_code == 0, result.output
    assert "inductive:" in result.output
    with_risk = folder.with_name("world_ind").exists()
    assert ("triples among the sampler's negatives" in result.output) == with_risk
    data = load_data(tmp_path / "run")
    assert isinstance(data, TripleData)
    trained = load_run(data, tmp_path / "run")
    model = gneg.load(tmp_path / "run")
    assert isinstance(model, TripleModel)
    table = model.predict_target(head="bp3", relation="lives in", k=4)
    assert {name[0] for name in table["tail"]} == {"b"}
    assert table["probability"].between(0, 1).all()
    ids = data.inference.test
    expected = trained.scorer().block(*ids[:2], ids[2:].t(), "tail")[:, 0]
    assert torch.allclose(model.score(*ids), expected)
    assert model.embeddings().shape == (data.inference.num_entities, 8)
    assert model.relation_embeddings().shape == (4, 8)
    again = run("kg", "train", str(folder), *words)
    assert again.exit_code == 0, again.output
    result = run("kg", "predict", "run", "--head", "bp3", "--relation", "lives in")
    assert result.exit_code == 0, result.output
    assert "ranked: TripleData" in run("kg", "describe", str(folder)).output
    audit = run("audit", str(folder), "--negatives", "1000")
    if with_risk:
        assert audit.exit_code == 0, audit.output
    else:  # its training graph has no triples that are held out
        said = " ".join(audit.output.split())
        assert "'data' must be with validation or test" in said
        assert "the held-out triples of an inductive split are of another graph" in said
    result = run("hardset", str(folder), "-k", "4", "--out", "hard.npz")
    assert result.exit_code == 0, result.output
    result = run("evaluate", "run", "--hardset", "hard.npz", "--resamples", "0")
    assert result.exit_code == 0, result.output
    result = run("sample", str(folder), "--part", "test", "-k", "2", "--out", "negatives.npz")
    assert result.exit_code == 0, result.output
    negatives = gneg.samplers.formats.load("negatives.npz", data.inference.triples)
    assert len(negatives.index) == data.inference.test.size(1)
    refused = run("sample", str(folder), "--part", "test", "--model", "run", "--out", "n.npz")
    assert "'score' must be None for the test triples of an" in " ".join(refused.output.split())
    result = run("evaluate", "log_q(typed)", str(folder), "--resamples", "0")
    assert result.exit_code == 0, result.output
    refused = run("kg", "train", str(folder), "--model", "complex")
    assert refused.exit_code == 2
    text = "'encoder' must be rgcn or compgcn for an inductive split (got none under complex)"
    assert text in " ".join(refused.output.split())


def test_negatives_are_compared(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    for part in ("valid", "test"):
        (folder / f"{part}.txt").unlink(missing_ok=True)
    words = ["kg", "compare", str(folder), "--samplers", "uniform,typed", "--dim", "4"]
    words += ["--models", "distmult", "--epochs", "1", "-k", "2", "--seeds", "1", "--out", "run"]
    refused = run(*words)
    assert refused.exit_code == 2
    text = "'encoder' must be rgcn or compgcn for an inductive split (got none under distmult)"
    assert text in " ".join(refused.output.split())
    result = run(*words, "--encoder", "compgcn")
    assert result.exit_code == 0, result.output
    rows = json.loads((folder.parent / "run/compare.json").read_text())["rows"]
    assert [row["sampler"] for row in rows] == ["uniform", "typed"]
    assert all(row["metrics"]["all entities"]["mrr"][0] > 0 for row in rows)
    assert [row["audit"] for row in rows] == [None, None]  # no triple of training is held out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoder": "none"}, "'encoder' must be rgcn or compgcn for an inductive split"),
        ({"n3": 0.1}, "'n3' must be 0 for an inductive split"),
        (
            {"loss": "nssa", "base_measure": "uniform", "inverse": False},
            "'base_measure' must be none for an inductive split",
        ),
    ],
)
def test_other_models_are_refused(settings, message):
    data = replace(sparse_data(), inference=sparse_data(1))
    with pytest.raises(ValueError, match=message):
        make_run(data, TripleConfig(**{**SMALL, **settings}), 0)


def test_a_step_hides_no_more_than_a_part_of_a_small_graph(folder):
    """An encoder that sees none of the triples of its step would see nothing in a step of all."""
    data = datasets.load_triples(folder)
    num = data.train.size(1)
    sizes = [
        TripleRun(data, TripleConfig(batch_size=size, encoder="rgcn"), 0).batch_size
        for size in (8, 1024)
    ]
    assert sizes == [8, num // 4]
    assert TripleRun(sparse_data(), TripleConfig(batch_size=10**6), 0).batch_size == 10**6
