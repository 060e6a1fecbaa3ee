"""The race between negatives: who takes part, what decides, and that a training goes on from it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest
import torch

from gneg import Graph
from gneg.datasets import from_triples, make_split
from gneg.evaluation.full_ranks import PRODUCTS
from gneg.training import contest as races
from gneg.training import judge, race_plan
from gneg.training.driver import train
from gneg.training.judge import Judge
from gneg.training.link import LinkRun
from gneg.training.race import race
from gneg.training.race_choice import chosen
from gneg.training.race_choice import result as in_words
from tests.triple_worlds import sparse_data
from tests.worlds import first_validation_edges, random_graph, toy

SMALL = {"hidden": 8, "epochs": 40, "eval_every": 2, "stack": "ra,degree"}


@pytest.fixture(scope="module")
def data():
    return toy(n=300, edges=1_200)


def test_uniform_negatives_take_part_and_need_no_gain_to_win(data):
    result = race(data, **SMALL)
    names = [entrant.name for entrant in result.entrants]
    assert names[0] == "uniform negatives"
    assert set(names[1:]) == {"a quarter of walks", "the hardest of 32 uniform ones"}
    winner = next(e for e in result.entrants if e.config == result.recipe.config)
    gain, error = winner.gain
    assert gain > error or winner is result.entrants[0]
    assert result.entrants[0].gain == (0.0, 0.0)
    others = {replace(entrant.config, sampler="uniform") for entrant in result.entrants}
    assert len(others) == 1  # the negatives alone differ
    assert "validation" in result.recipe.reasons


def test_a_setting_that_is_given_does_not_race(data):
    assert not race(data, sampler="walk", **SMALL).entrants
    short = race(data, **{**SMALL, "epochs": races.SHORTEST * races.LAST - 1})
    few = race(first_validation_edges(data, races.FEWEST - 1), **SMALL)
    for result in (short, few):
        assert not result.entrants
        assert "too few for a race" in result.recipe.reasons
    assert all(e.config.loss == "bce" for e in race(data, loss="bce", **SMALL).entrants)


@pytest.mark.slow
def test_the_training_goes_on_as_if_there_had_been_no_race(data, tmp_path):
    result = race(data, **SMALL)
    result.save(tmp_path / "run")
    assert (tmp_path / "run" / "checkpoint-0.pt").exists()
    record = train(data, result.recipe.config, out=tmp_path / "run")
    expected = train(data, result.recipe.config)
    assert record["runs"][0]["test"] == expected["runs"][0]["test"]
    assert record["runs"][0]["epochs"] == expected["runs"][0]["epochs"]
    result.save(tmp_path / "run")
    assert not (tmp_path / "run" / "checkpoint-0.pt").exists()  # the folder holds a result


def test_uniform_negatives_go_on_where_epochs_are_too_long_for_a_race(data, tmp_path):
    result = race(data, folder=tmp_path, seconds=1e-3, **SMALL)
    assert "half of 0.001 s is too short for one with each of 3 kinds" in result.recipe.reasons
    assert not result.entrants
    assert "s or more: half of" in result.recipe.reasons  # one step of it
    assert result.run.progress.epoch == 1
    assert result.recipe.config.sampler == "uniform"
    assert race(data, folder=tmp_path, seconds=1e-3, **SMALL).recipe == result.recipe


@pytest.mark.slow
def test_with_time_enough_the_race_is_the_one_without_a_limit(data):
    options = {**SMALL, "eval_every": 1}
    expected, result = race(data, **options), race(data, seconds=3_600.0, **options)
    for entrant, of_expected in zip(result.entrants, expected.entrants, strict=True):
        assert entrant.name == of_expected.name
        assert entrant.gain == of_expected.gain


@pytest.mark.parametrize(
    ("epochs", "words"), [((6, 6), "6 epochs"), ((1, 1), "1 epoch"), ((8, 3), "3 to 8 epochs")]
)
def test_the_reason_says_that_slower_models_were_trained_for_fewer_epochs(data, epochs, words):
    contest = races.of_links(data, **SMALL)
    uniform, walks, _ = contest.entrants
    uniform.values = [torch.ones(98)]
    trained = dict(zip((uniform.name, walks.name), epochs, strict=True))
    assert f"Trained for {words} and" in in_words(contest, trained, uniform)


@pytest.mark.parametrize("cold", [0.0, 30.0])
def test_in_little_time_models_are_compared_on_fewer_positives(data, monkeypatch, cold):
    """By a watch that work moves on: 2 s an epoch, 40 s to build a whole judge, 4 s to use it.

    The first epoch of a process may take longer, which does not count.
    """
    now, positives, epochs = [0.0], 100, itertools.count()

    def costing(method, cost):
        def call(self, *args, **kwargs):
            result = method(self, *args, **kwargs)
            now[0] += cost(self)
            return result

        return call

    def part(judge):
        return judge.budget / PRODUCTS

    def seconds(_):
        return 2.0 if next(epochs) else 2.0 + cold

    monkeypatch.setattr(race_plan.Watch, "_now", staticmethod(lambda: now[0]))
    monkeypatch.setattr(judge, "POSITIVES", positives)
    monkeypatch.setattr(Judge, "__init__", costing(Judge.__init__, lambda it: 40 * part(it)))
    monkeypatch.setattr(Judge, "values", costing(Judge.values, lambda it: 4 * part(it)))
    monkeypatch.setattr(LinkRun, "epoch", costing(LinkRun.epoch, seconds))
    result = race(data, seconds=120.0, **{**SMALL, "eval_every": 1})
    # Of the 51.6 s after two epochs and a pilot of a tenth, a third: (4 + 5 * 0.4) s a tenth.
    share = 0.1 * 51.6 / 3 / 6
    assert len(result.entrants[0].values[0]) == round(share * positives)
    assert 30 <= now[0] - cold <= 60
    assert "comparing its model 4.4 s" in race(data, seconds=20.0, **SMALL).recipe.reasons


def test_the_same_race_is_read_and_another_is_run(data, tmp_path):
    first = race(data, folder=tmp_path, **SMALL)
    again = race(data, folder=tmp_path, **SMALL)
    assert again.recipe == first.recipe
    assert not again.entrants
    assert race(data, folder=tmp_path, **{**SMALL, "lr": 0.1}).entrants


@pytest.mark.parametrize(
    "content", ["{", '{"negatives": "walks"}', '{"negatives": "x", "text": ""}']
)
def test_a_damaged_choice_is_refused_and_a_fresh_one_replaces_it(data, tmp_path, content):
    options = {**SMALL, "seconds": 1e-3}
    race(data, folder=tmp_path, **options)
    (path,) = tmp_path.iterdir()
    path.write_text(content)
    with pytest.raises(ValueError, match=r"'out' must be .*race-.*; --fresh, or without the file"):
        race(data, folder=tmp_path, **options)
    again = race(data, folder=tmp_path, fresh=True, **options)
    assert race(data, folder=tmp_path, **options).recipe == again.recipe


def test_thin_advantages_are_called_so():
    contest = races.of_links(toy(n=300, edges=1_200), **SMALL)
    uniform, walks, hardest = contest.entrants
    uniform.values = [torch.ones(98), torch.ones(98)]
    uniform.loss = walks.loss = hardest.loss = "softmax"
    walks.gain, hardest.gain = (0.049, 0.034), (0.013, 0.006)
    text = in_words(contest, {uniform.name: 6, walks.name: 6}, walks, ahead=0.021)
    assert text == (
        "Trained for 6 epochs and combined with training-free scores, on 98 validation edges the "
        "geometric mean of MRR against easy and hard negatives relative to that of uniform "
        "negatives (± standard error): a quarter of walks +4.9 % (± 3.4); dropped earlier, "
        "when a quarter of walks had +2.1 %: the hardest of 32 uniform ones +1.3 % (± 0.6). The "
        "negatives are a quarter of walks, on weak evidence, the loss is softmax."
    )
    assert text in chosen(contest.recipe, walks, text).reasons
    walks.gain, hardest.loss = (0.07, 0.034), "infonce"
    told = in_words(contest, {uniform.name: 6, walks.name: 6}, walks)
    assert "of uniform negatives with softmax (±" in told  # not the negatives alone differ
    assert "the hardest of 32 uniform ones with infonce +1.3 %" in told
    assert "weak" not in in_words(contest, {uniform.name: 6, walks.name: 6}, walks)


def test_rungs_are_whole_evaluations(data):
    """Four epochs between evaluations: rungs at 4 and 8, and at least 40 epochs."""
    options = {**SMALL, "eval_every": 4}
    assert not race(data, **{**options, "epochs": 39}).entrants
    reported: list[tuple[int, int]] = []
    report = lambda done, total: reported.append((done, total))  # noqa: E731
    assert race(data, report=report, **{**options, "epochs": 40}).run.progress.epoch == 8
    total = reported[0][1]
    assert reported == [(done, total) for done in range(total + 1)]


def test_the_gain_is_that_of_the_geometric_mean(data):
    judge = object.__new__(Judge)
    judge.data = data
    base = [torch.tensor([0.4, 0.6], dtype=torch.double), torch.tensor([0.1, 0.3]).double()]
    gain, error = judge.gain([1.01 * value for value in base], base)
    assert gain == pytest.approx(0.01)
    # of 0.4 / 0.5 and 0.1 / 0.2 of the gain, and of 0.6 / 0.5 and 0.3 / 0.2
    assert error == pytest.approx(0.01 * torch.tensor([0.65, 1.35]).std().item() / 2**0.5)


def test_targets_of_a_bipartite_graph_are_ranked_among_all():
    index = torch.randint(80, (2, 1_500), generator=torch.Generator().manual_seed(0))
    graph = Graph.from_edge_index(index, (80, 80))
    small = race(make_split("users and items", graph, None), epochs=50, hidden=8)
    names = [entrant.name for entrant in small.entrants]
    assert names == ["uniform negatives", "the hardest of 16"]
    assert all(len(entrant.values) == 1 for entrant in small.entrants)


@pytest.mark.parametrize("k", [1, 16, 256])
def test_selectors_in_a_race_have_more_candidates_than_they_keep(k):
    for text in (*races.negatives_of_triples(k), *map(str, hardest_of_pairs(k))):
        for number in re.findall(r"m=(\d+)", text):
            assert int(number) >= 2 * k


def hardest_of_pairs(k):
    """The samplers that race on a graph of links."""
    data = make_split("ring", random_graph(200, 600), torch.rand(200, 8), seed=0)
    return [entrant.config.sampler for entrant in races.of_links(data, k=k).entrants]


def test_negatives_of_triples_race_by_reciprocal_ranks_and_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(races, "FEWEST", 5)
    data = sparse_data()
    options = {"dim": 8, "k": 2, "epochs": 30, "eval_every": 1, "batch_size": 64}
    result = race(data, folder=tmp_path, **options)
    samplers = {entrant.config.sampler for entrant in result.entrants}
    assert samplers == {"uniform", *races.negatives_of_triples(2)}
    others = {replace(entrant.config, sampler="uniform") for entrant in result.entrants}
    assert len(others) == 1
    values = result.entrants[0].values[0]
    assert len(values) == min(data.valid.size(1), 500)
    run = result.run
    assert run.progress.epoch == 6
    again = race(data, folder=tmp_path, **options)
    assert again.recipe.config == result.recipe.config
    assert again.recipe.sentences == result.recipe.sentences
    result.save(tmp_path / "run")
    record = train(data, result.recipe.config, out=tmp_path / "run")
    expected = train(data, result.recipe.config)
    assert record["runs"][0]["test"] == expected["runs"][0]["test"]


def test_triples_without_negatives_or_with_given_ones_do_not_race():
    data = sparse_data()
    over_all = race(data, model="distmult", loss="1vsall", epochs=30)
    assert "no negatives to choose" in over_all.recipe.reasons
    given = race(data, sampler="typed", epochs=30)
    assert "typed, as was given" in given.recipe.reasons
    assert not over_all.entrants + given.entrants


def full_graph(kind: str):
    """A graph in which each query has at most 6 negatives."""
    n = 15
    if kind == "links":
        pairs = [(i, j) for i in range(n) for j in range(i) if (i + j) % 4]
        graph = Graph.from_edge_index(torch.tensor(pairs).t(), n, undirected=True)
        return make_split("full", graph, None, ratios=(0.05, 0.05))
    rows = [(i, 0, j) for i in range(n) for j in range(n) if (i + j) % 4]
    return from_triples(torch.tensor(rows).t(), shares=(0.05, 0.05))


@pytest.mark.parametrize("kind", ["links", "triples"])
def test_samplers_that_return_all_negatives_there_are_do_not_race(kind, monkeypatch):
    monkeypatch.setattr(races, "FEWEST", 2)
    data = full_graph(kind)
    options = {"epochs": 30, "eval_every": 1}
    result = race(data, k=9, **options)
    assert not result.entrants
    assert result.recipe.config.sampler == race(data, k=9, epochs=1).recipe.config.sampler
    text = (
        "for 100 % of the positives there are no more than 9 negatives, which all samplers return"
    )
    assert text in result.recipe.reasons
    assert "as was given" not in result.recipe.reasons
    small = {"dim": 4} if kind == "triples" else {"hidden": 4, "stack": "none"}
    assert race(data, k=1, **small, **options).entrants


@pytest.mark.parametrize(
    ("data", "fixed", "message"),
    [
        (3, {}, "'data' must be a LinkData or TripleData"),
        (sparse_data(), {"foo": 1}, "'fixed' must be one of"),
        (sparse_data(), {"seed": "x"}, "'seed' must be an integer >= 0"),
    ],
)
def test_what_cannot_race_is_refused(data, fixed, message):
    with pytest.raises(ValueError, match=message):
        race(data, **fixed)
