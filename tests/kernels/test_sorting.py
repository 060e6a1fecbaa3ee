"""Sorting and selection inside kernels, against numpy's."""

import numpy as np
import pytest

from gneg.kernels.sorting import nth_largest, sort_rows


@pytest.mark.parametrize("size", [0, 1, 2, 15, 16, 17, 33, 500])
@pytest.mark.parametrize("levels", [1, 3, 10_000])
def test_rows_are_sorted_by_values_then_keys_then_places(size: int, levels: int) -> None:
    rng = np.random.default_rng(size)
    values = rng.integers(levels, size=size).astype(float)
    values[rng.random(size) < 0.1] = np.inf
    keys = rng.integers(max(levels // 2, 1), size=size, dtype=np.uint64)
    items = rng.permutation(size)
    order = np.lexsort((keys, values))  # stable
    expected = values[order], keys[order], items[order]
    sort_rows(values, keys, items)
    for result, right in zip((values, keys, items), expected, strict=True):
        np.testing.assert_array_equal(result, right)


@pytest.mark.parametrize("size", [1, 2, 3, 40, 301, 5_000])
@pytest.mark.parametrize("levels", [1, 4, 1_000_000])
def test_nth_largest_is_that_of_a_sorted_array(size: int, levels: int) -> None:
    values = np.random.default_rng(size).integers(-2, levels, size=size).astype(np.float32)
    descending = np.sort(values)[::-1]
    for n in {1, (size + 9) // 10, (size + 1) // 2, size}:
        assert nth_largest(values.copy(), n) == descending[n - 1]
