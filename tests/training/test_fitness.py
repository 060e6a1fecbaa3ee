"""What is left out of a dataset before training, and what is spoken of."""

from __future__ import annotations

import warnings
from dataclasses import replace

import pytest
import torch

from gneg import LinkConfig, TripleConfig
from gneg.training.fitness import fit_for_training, warn_of_no_choice
from tests.triple_worlds import sparse_data
from tests.worlds import toy


def test_training_edges_are_left_out_of_validation_and_kept_in_test():
    data = toy()
    assert fit_for_training(data) is data
    valid = replace(data.valid, pos=data.valid.pos.clone())
    test = replace(data.test, pos=data.test.pos.clone())
    valid.pos[:, :2], test.pos[:, :3] = data.train[:, :2], data.train[:, 4:7]
    size = valid.pos.size(1), test.pos.size(1)
    with pytest.warns(UserWarning, match="are training edges") as warned:
        fitting = fit_for_training(replace(data, valid=valid, test=test))
    assert (fitting.valid.pos.size(1), fitting.test.pos.size(1)) == (size[0] - 2, size[1])
    assert [str(warning.message) for warning in warned] == [
        f"2 of {size[0]} validation edges are training edges and left out",
        f"3 of {size[1]} test edges are training edges and kept",
    ]


def test_repeated_triples_are_kept():
    data = sparse_data()
    repeated = replace(data, test=torch.cat([data.test, data.train[:, :1]], dim=1))
    assert fit_for_training(repeated) is repeated
    assert repeated.repeated == {"test in train": 1}


@pytest.mark.parametrize(
    ("part", "split", "message"),
    [
        (
            "valid",
            "given",
            "a model is selected by.*, which has none.*into valid.txt beside",
        ),
        ("test", "given", "it is measured on.*, which has none.*into test.txt beside"),
        ("test", "random 85/5/10, seed 0", ".*which has none.*96 triples are too few to hold"),
    ],
)
def test_missing_triples_are_asked_for(part, split, message):
    data = replace(sparse_data(), **{part: torch.zeros(3, 0, dtype=torch.long)}, split=split)
    text = f"'data' must be a dataset with {part} triples, which {message}"
    with pytest.raises(ValueError, match=text) as raised:
        fit_for_training(data)
    assert "TripleData(" not in str(raised.value)


@pytest.mark.parametrize(
    ("config", "warns"),
    [
        (LinkConfig(sampler="hardest(uniform, m=8)", k=8), True),
        (LinkConfig(sampler="hardest(uniform, m=9)", k=8), False),
        (LinkConfig(sampler="mixup(uniform)", k=64), False),
        (TripleConfig(sampler="tempered(uniform)", k=64), True),
        (TripleConfig(sampler="tempered(uniform)", k=63), False),
        (TripleConfig(sampler="typed", k=64), False),
    ],
)
def test_a_sampler_that_has_nothing_to_choose_is_spoken_of(config, warns):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_no_choice(config)
    text = f"{config.sampler} keeps all of its candidates, as it is asked for {config.k} negatives"
    assert [str(warning.message).startswith(text) for warning in caught] == [True] * warns
