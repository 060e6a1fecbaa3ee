"""Searches of sorted rows against NumPy's: rows of any length, with others beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gneg.kernels._jit import has
from gneg.kernels.complement import unrank

TARGETS = 60


@st.composite
def rows(draw):
    """A row of distinct sorted targets within an array, its place, and the width of its ids."""
    row = sorted(draw(st.sets(st.integers(0, TARGETS - 1), max_size=TARGETS)))
    before, after = (draw(st.lists(st.integers(0, TARGETS - 1), max_size=9)) for _ in "ab")
    dtype = draw(st.sampled_from([np.int32, np.int64]))
    array = np.array([*before, *row, *after], dtype)
    return array, len(before), len(before) + len(row)


@given(rows())
def test_a_row_holds_its_targets_and_no_others(row):
    array, start, stop = row
    for value in range(-1, TARGETS):
        assert has(array, start, stop, value) == (value in array[start:stop])


@given(rows())
def test_ranks_among_absent_targets(row):
    array, start, stop = row
    absent = np.setdiff1d(np.arange(TARGETS), array[start:stop])
    assert [unrank(array, start, stop, rank) for rank in range(len(absent))] == absent.tolist()


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_ids_up_to_the_last_one_of_their_width(dtype):
    highest = np.iinfo(dtype).max
    array = np.array([0, 5, highest - 2, highest], dtype)
    held = [has(array, 0, 4, value) for value in (highest, highest - 1, highest - 2, -1)]
    assert held == [True, False, True, False]
