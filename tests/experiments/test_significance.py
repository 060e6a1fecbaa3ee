"""Tests of differences between runs with the same seeds."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gneg import TripleConfig, compare
from gneg.experiments.grid import grid
from gneg.experiments.parts import apart, change
from gneg.experiments.significance import add_tests, holm, mark, paired_p
from tests.triple_worlds import sparse_data


def test_paired_t_and_holm():
    random = np.random.default_rng(0)
    values, baseline = random.random(5).tolist(), random.random(5).tolist()
    assert paired_p(values, baseline) == pytest.approx(stats.ttest_rel(values, baseline).pvalue)
    assert paired_p([1.0], [2.0]) is None
    assert paired_p([1.0, 2.0], [2.0, 3.5]) is None  # two differences are too few
    assert paired_p([1.0, 2.0, 3.0], [2.0, 3.0, 4.0]) is None  # all the same
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert [mark(p) for p in (None, 0.2, 0.04, 0.004, 0.0004)] == ["", "", "*", "**", "***"]


def rows_of(settings, values):
    used = {"encoder": "sage", "loss": "softmax", "decoder": "cosine"}
    rows = [
        {**used, **setting, "metrics": {"hard": {"mrr": list(seeds)}}}
        for setting, seeds in zip(settings, values, strict=True)
    ]
    return rows, add_tests(rows, settings)


def test_a_row_is_compared_with_those_that_differ_in_one_part_alone():
    """Two widths, samplers and stacks; a width is no part, and never compared."""
    settings = [
        {"hidden": width, "sampler": sampler, "stack": stack}
        for width in (8, 16)
        for sampler in ("uniform", "walk")
        for stack in ("none", "all")
    ]
    random = np.random.default_rng(0)
    values = random.random((8, 4))
    rows, effects = rows_of(settings, values)
    places = [{part: test["row"] for part, test in row["against"].items()} for row in rows]
    assert places[:4] == [{}, {"stack": 0}, {"negatives": 0}, {"negatives": 1, "stack": 2}]
    assert places[4:] == [{part: row + 4 for part, row in each.items()} for each in places[:4]]
    test = rows[3]["against"]["stack"]["tests"]["hard"]["mrr"]
    difference = values[3] - values[2]
    expected = stats.ttest_1samp(difference, 0)
    assert test["difference"] == pytest.approx(difference.mean())
    assert test["p"] == pytest.approx(expected.pvalue)
    assert (test["low"], test["high"]) == pytest.approx(expected.confidence_interval(0.95))
    assert [(e["part"], e["value"], e["among"], e["pairs"]) for e in effects] == [
        ("negatives", "walk", {"stack": "none"}, 2),
        ("negatives", "walk", {"stack": "all"}, 2),
        ("stack", "all", {}, 4),
    ]
    for effect, stack in zip(effects[:2], (0, 1), strict=True):
        negatives = values[[2 + stack, 6 + stack]] - values[[stack, 4 + stack]]
        worth = effect["tests"]["hard"]["mrr"]["difference"]
        assert worth == pytest.approx(negatives.mean())
    stacked = values[1::2].mean(axis=0) - values[::2].mean(axis=0)
    worth = effects[2]["tests"]["hard"]["mrr"]
    assert worth["difference"] == pytest.approx(stacked.mean())
    assert worth["p"] == pytest.approx(stats.ttest_1samp(stacked, 0).pvalue)
    p_values = [effect["tests"]["hard"]["mrr"]["p"] for effect in effects]
    assert worth["corrected_p"] == pytest.approx(holm(p_values)[2])


def test_stack_and_pair_features_are_measured_apart():
    settings = [
        {"sampler": sampler, "pair_features": features, "stack": stack}
        for sampler, features, stack in itertools.product(
            ("uniform", "walk"), ("none", "all"), ("none", "all")
        )
    ]
    _, effects = rows_of(settings, np.random.default_rng(0).random((8, 3)))
    lines = [(effect["part"], change(effect)) for effect in effects]
    assert lines[:2] == [
        ("negatives", "walk instead of uniform, pair features none, stack none"),
        ("negatives", "walk instead of uniform, pair features none, stack all"),
    ]
    assert lines[4:] == [
        ("pair features", "all instead of none, stack none"),
        ("pair features", "all instead of none, stack all"),
        ("stack", "all instead of none, pair features none"),
        ("stack", "all instead of none, pair features all"),
    ]
    p_values = [effect["tests"]["hard"]["mrr"]["p"] for effect in effects]
    corrected = [effect["tests"]["hard"]["mrr"]["corrected_p"] for effect in effects]
    assert corrected == pytest.approx(holm(p_values))
    assert apart(effects) == "choice of pair features and stack"


def test_two_seeds_give_differences_alone():
    settings = [{"sampler": "uniform", "loss": None}, {"sampler": "hardest", "loss": None}]
    _, effects = rows_of(settings, [[0.1, 0.2], [0.2, 0.4]])
    assert effects[0]["tests"]["hard"]["mrr"] == {
        "difference": pytest.approx(0.15),
        **dict.fromkeys(("low", "high", "p", "corrected_p")),
        "mark": "",
    }


def test_what_auto_stands_for_is_said():
    names = itertools.product(("uniform", "hardest"), (None, "bce"))
    settings = [{"sampler": sampler, "loss": loss} for sampler, loss in names]
    used = ["softmax", "bce", "infonce", "bce"]
    rows = [
        {**setting, "loss": loss, "metrics": {"hard": {"mrr": [0.1, 0.3, 0.2]}}}
        for setting, loss in zip(settings, used, strict=True)
    ]
    negatives, loss = add_tests(rows, settings)
    assert (loss["value"], loss["baseline"], loss["also"]) == ("bce", "auto", [])
    assert negatives["also"] == ["infonce instead of softmax"]
    assert negatives["tests"]["hard"]["mrr"]["p"] is None  # no difference at all
    assert negatives["tests"]["hard"]["mrr"]["low"] == 0.0


@pytest.mark.slow
def test_configs_that_differ_in_width_do_not_share_a_baseline(tmp_path):
    data = sparse_data()
    base = TripleConfig(epochs=2, eval_every=1, batch_size=64, k=2)
    configs = grid(base, dim=(4, 16), sampler=("uniform", "typed"))
    rows = compare(data, configs, seeds=2, out=tmp_path)["rows"]
    mrr = [np.mean(row["metrics"]["all entities"]["mrr"]) for row in rows]
    for place in (1, 3):
        test = rows[place]["against"]["negatives"]["tests"]["all entities"]["mrr"]
        assert test["difference"] == pytest.approx(mrr[place] - mrr[place - 1])
    assert rows[0]["against"] == rows[2]["against"] == {}


@pytest.mark.slow
def test_a_config_without_a_counterpart_is_not_tested(tmp_path):
    data = sparse_data()
    base = TripleConfig(epochs=1, eval_every=1, batch_size=64, k=2, dim=4)
    rows = compare(data, [base, replace(base, sampler="typed", dim=8)], seeds=2, out=tmp_path)[
        "rows"
    ]
    assert rows[1]["against"] == {}
