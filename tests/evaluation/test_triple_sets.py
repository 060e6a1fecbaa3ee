"""Triples ranked among all entities and against sets of negatives, side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from gneg import HardSet, evaluate
from gneg.evaluation.sampled import evaluate_lists, evaluate_official, evaluate_sampled
from gneg.evaluation.triple import evaluate_triples
from gneg.evaluation.triple_scorers import EachTriple
from gneg.nn.kge import ComplEx
from tests.triple_worlds import sparse_data

ENDS = ("head", "tail")
SHARES = ("mrr", "hits@1", "hits@3", "hits@10")


def model(data):
    torch.manual_seed(0)
    return ComplEx(data.num_entities, data.num_relations, 8).scorer()


def lists(data, part="test", size=6):
    """Random entities, some of them missing."""
    generator = torch.Generator().manual_seed(1)
    shape = data.positives(part).size(1), size
    table = {end: torch.randint(-2, 30, shape, generator=generator) for end in ENDS}
    return {end: index.clamp(min=-1) for end, index in table.items()}


def test_all_entities_samplers_and_sets_stand_side_by_side():
    data = sparse_data()
    scorer, hard = model(data), HardSet.from_lists(data.test, lists(data), {"family": "random"})
    options = {"sets": {"hard": hard}, "samplers": ["typed"], "resamples": 200, "seed": 4}
    results = evaluate(data, scorer, **options)
    among_all = evaluate_triples(scorer.rows, data)
    assert results.items() >= among_all.items()
    typed = evaluate_sampled(scorer, data, samplers=["typed"], seed=4)["typed"]
    expected = {
        "all": among_all,
        "typed": typed,
        "hard": evaluate_lists(scorer, data.test, lists(data)),
    }
    assert list(results["sets"]) == list(expected)
    for name, figures in expected.items():
        record = results["sets"][name]
        for metric in (*SHARES, "mr", "amr"):
            interval = record["metrics"][metric]
            assert interval["value"] == pytest.approx(figures[metric])
            assert interval["low"] <= interval["value"] <= interval["high"]
        for row in record["by"]["end"]:
            assert row["mrr"] == pytest.approx(figures["end"][row["name"]]["mrr"])
        for kind in ("end", "relations", "relation"):
            rows = record["by"][kind]
            assert sum(row["positives"] for row in rows) == 2 * data.test.size(1)
    assert results["sets"]["hard"]["negatives"] == 6
    assert results["sets"]["all"]["negatives"] == 30
    assert evaluate(data, scorer.rows, **options) == results


def test_a_set_of_one_end_is_ranked_from_that_end():
    data = sparse_data()
    scorer, index = model(data), lists(data)
    heads = HardSet(data.test, index["head"], 0)
    record = evaluate(data, scorer, sets={"heads": heads}, resamples=0)["sets"]["heads"]
    figures = evaluate_lists(scorer, data.test, index)["end"]["head"]
    assert [row["name"] for row in record["by"]["end"]] == ["head"]
    for metric in (*SHARES, "mr", "amr"):
        assert record["metrics"][metric] == {"value": pytest.approx(figures[metric])}


def test_functions_and_scores_rank_as_the_model_does():
    data = sparse_data()
    scorer, hard = model(data), HardSet.from_lists(data.test, lists(data), {})
    expected = evaluate(data, scorer, sets={"hard": hard}, resamples=0)["sets"]
    by_function = EachTriple(scorer, data.num_entities)
    results = evaluate(data, by_function, sets={"hard": hard}, resamples=0)["sets"]
    for name in ("all", "hard"):
        for metric in SHARES:
            value = expected[name]["metrics"][metric]["value"]
            assert results[name]["metrics"][metric]["value"] == pytest.approx(value)
    head, relation, tail = (ids[:, None].expand(-1, 6) for ids in data.test)
    index = {end: values.clamp(min=0) for end, values in hard.lists().items()}
    scores = scorer(head, relation, index["tail"]), scorer(index["head"], relation, tail)
    scored = {"hard": (scorer(*data.test), torch.cat(scores, dim=1))}
    by_scores = evaluate(data, scored, sets={"hard": hard}, resamples=0)
    assert list(by_scores["sets"]) == ["hard"]
    for metric in SHARES:
        value = expected["hard"]["metrics"][metric]["value"]
        assert by_scores["sets"]["hard"]["metrics"][metric]["value"] == pytest.approx(value)


def test_official_lists_are_the_datasets_own():
    data = sparse_data()
    data = replace(data, negatives={part: lists(data, part) for part in ("valid", "test")})
    scorer = model(data)
    results = evaluate(data, scorer, part="valid", resamples=0)
    assert list(results["sets"]) == ["official"]
    assert results.items() >= evaluate_official(scorer, data, "valid").items()
    both = evaluate(data, scorer, part="valid", against="all", resamples=0)["sets"]
    assert list(both) == ["all", "official"]
    mrr = evaluate_triples(scorer.rows, data, "valid")["mrr"]
    assert both["all"]["metrics"]["mrr"]["value"] == pytest.approx(mrr)


def test_what_does_not_fit_is_refused():
    data = sparse_data()
    scorer, hard = model(data), HardSet.from_lists(data.test, lists(data), {})
    for options, message in (
        ({"sets": {"hard": hard}, "part": "valid"}, "made for the valid triples"),
        ({"sets": {"all": hard}}, "without the names all"),
        ({"sets": {"typed": hard}, "samplers": ["typed"]}, "without the names typed, all"),
        ({"sets": {"hard": HardSet(data.test, hard.index + 9, 6)}}, "entity"),
        ({"sets": {"hard": "hard.npz"}}, r"HardSet.load\(path\) reads a file"),
        ({"samplers": ["degree"]}, "no sampler 'degree'"),
        ({"budget": 9}, "'budget' must be None"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(data, scorer, **options)
    ones = torch.ones(data.test.size(1))
    for score, message in (
        ({"hard": (ones, ones[:, None])}, r"score\['hard'\]\[1\]"),
        ({"all": (ones, ones[:, None])}, "'score' must be of a set of negatives, hard"),
        ("complex", "'score' must be a model's scorer"),
        (lambda x, y, z: x - z, r"\(entity, relation, end\), where .* raised: .*; EachTriple\("),
        (lambda h, r, t: h + t, r"\(entity, relation, end\) \(got one of tails\); EachTriple\("),
        (EachTriple(lambda head, relation, tail: head[0], 30), "'score' must be of shape"),
        (EachTriple(lambda *ids: ids[0] * torch.nan, 30), "NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(data, score, sets={"hard": hard})
