"""The names of rows in tables: what differs stands in columns, what is the same is said once."""

from __future__ import annotations

import pytest

from gneg.experiments import parts
from gneg.experiments.parts import columns, row_name, shared_parts

FIRST = {"encoder": "sage", "sampler": "uniform", "loss": "bce", "stack": "none"}


@pytest.mark.parametrize(
    ("second", "heads", "names", "shared"),
    [
        (
            {"loss": "softmax"},
            ["loss"],
            ["bce", "softmax"],
            "model sage, sampler uniform, stack none",
        ),
        (
            {"stack": "all"},
            ["sampler", "stack"],
            ["uniform", "uniform · + stack"],
            "model sage, loss bce",
        ),
        ({}, ["sampler"], ["uniform", "uniform"], "model sage, loss bce, stack none"),
    ],
)
def test_columns_are_what_differs(second, heads, names, shared):
    rows = [FIRST, {**FIRST, **second}]
    assert list(columns(rows).values()) == heads
    assert [row_name(row, rows) for row in rows] == names
    assert shared_parts(rows) == shared


def test_negatives_that_change_the_loss_too_are_called_so():
    changed = {"part": "negatives", "also": ["infonce instead of softmax"]}
    alone = {"part": "negatives", "also": []}
    assert parts.measured(changed) == "negatives and loss"
    assert parts.measured(alone) == "negatives"
    assert "one loss for all" in parts.mixed([alone, changed])
    assert not parts.mixed([alone])
