"""Tests of differences between runs with the same seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gneg import TripleConfig, compare
from gneg.experiments.grid import grid
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


def test_a_row_is_compared_with_the_baseline_of_its_own_group():
    """Two widths: the wide baseline is 0.4 better than the narrow one."""

    def row(sampler, mrr):
        return {"sampler": sampler, "metrics": {"test": {"mrr": [mrr, mrr + 0.02]}}}

    rows = [row("uniform", 0.1), row("walk", 0.2), row("uniform", 0.5), row("walk", 0.6)]
    tested = add_tests(rows, ["narrow", "narrow", "wide", "wide"], "uniform")
    differences = [row["against"]["test"].get("mrr", {}).get("difference") for row in tested]
    assert differences == [None, pytest.approx(0.1), None, pytest.approx(0.1)]


@pytest.mark.slow
def test_configs_that_differ_in_width_do_not_share_a_baseline(tmp_path):
    data = sparse_data()
    base = TripleConfig(epochs=2, eval_every=1, batch_size=64, k=2)
    configs = grid(base, dim=(4, 16), sampler=("uniform", "typed"))
    rows = compare(data, configs, seeds=2, out=tmp_path)["rows"]
    mrr = [np.mean(row["metrics"]["all entities"]["mrr"]) for row in rows]
    for place in (1, 3):
        test = rows[place]["against"]["all entities"]["mrr"]
        assert test["difference"] == pytest.approx(mrr[place] - mrr[place - 1])
    assert rows[0]["against"]["all entities"] == rows[2]["against"]["all entities"] == {}


@pytest.mark.slow
def test_a_config_without_a_counterpart_is_not_tested(tmp_path):
    data = sparse_data()
    base = TripleConfig(epochs=1, eval_every=1, batch_size=64, k=2, dim=4)
    rows = compare(data, [base, replace(base, sampler="typed", dim=8)], seeds=2, out=tmp_path)[
        "rows"
    ]
    assert rows[1]["against"]["all entities"] == {}
