"""Different columns, as torch finds them in its own way."""

from __future__ import annotations

import hypothesis
import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
import torch

from gneg.graph.take import distinct

LARGEST = 2**63 - 1


def check(ids: torch.Tensor) -> None:
    columns, which = distinct(ids)
    expected = torch.unique(ids, dim=1, return_inverse=True)
    assert torch.equal(columns, expected[0])
    assert torch.equal(which, expected[1])


@hypothesis.given(
    st.tuples(st.integers(1, 3), st.integers(1, 30)).flatmap(
        lambda shape: arrays.arrays(np.int64, shape, elements=st.integers(-3, 3))
    )
)
def test_columns_are_those_of_torch(ids):
    check(torch.from_numpy(ids))


@hypothesis.given(
    arrays.arrays(np.int64, (3, 20), elements=st.sampled_from([0, 1, 2**40, 2**62, LARGEST]))
)
def test_numbers_of_which_no_product_fits_are_ranked(ids):
    check(torch.from_numpy(ids))
    check(torch.from_numpy(-ids))
    check(torch.from_numpy(ids)[:, ids[0] < 2])


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_keys_are_wider_than_ids(dtype):
    most = torch.iinfo(dtype).max
    ids = torch.randint(most + 1, (3, 4000), generator=torch.Generator().manual_seed(0))
    check(ids.to(dtype))
    check((ids[:2] % 90 * (most // 90)).to(dtype))


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_no_column(rows):
    columns, which = distinct(torch.empty(rows, 0, dtype=torch.long))
    assert columns.shape == (rows, 0)
    assert which.shape == (0,)
    assert which.dtype == torch.long
