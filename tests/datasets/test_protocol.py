"""Pairs and triples answer the same questions in the same words."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import torch

from gneg import datasets
from gneg.samplers.triples import TripleSampler
from tests.triple_worlds import random as random_triples

PARTS = ("train", "valid", "test")


@pytest.fixture(params=["pairs", "triples"])
def data(request):
    if request.param == "pairs":
        return datasets.load("digits")
    return datasets.from_triples(random_triples(), seed=1)


def test_both_are_datasets(data):
    assert isinstance(data, datasets.Dataset)
    rows = {part: data.positives(part) for part in PARTS}
    assert len({len(edges) for edges in rows.values()}) == 1
    assert torch.equal(rows["train"], data.train)
    assert (data.metric, data.split[:6]) == ("mrr", "random")
    with pytest.raises(ValueError, match="'part' must be one of 'train', 'valid', 'test'"):
        data.positives("all")


def test_known_positives_grow_with_the_policy(data):
    for policy, parts in {"train": 1, "train+valid": 2, "all": 3}.items():
        known = data.known(policy)
        for i, part in enumerate(PARTS):
            pos = data.positives(part)
            contains = known.contains(*pos) if len(pos) == 2 else known.contains(pos)
            assert contains.all() if i < parts else not contains.any()
    with pytest.raises(ValueError, match="'known' must be one of"):
        data.known("valid")


def test_samplers_avoid_what_is_known(data):
    pos = data.positives("valid")
    generator = torch.Generator().manual_seed(0)
    for policy in ("train", "all"):
        sampler = data.sampler("uniform", known=policy, unique=True)
        negatives = sampler.sample(pos, 3, generator=generator)
        assert negatives.index.shape == (pos.size(1), 3)
        assert (negatives.index.sort(dim=1).values.diff(dim=1) > 0).all()
        known = data.known(policy)
        if len(pos) == 3:
            assert not known.contains(torch.stack(negatives.triples())).any()
        else:
            assert not known.contains(*negatives.edge_index()).any()


def test_the_description_names_sizes_and_hash(data):
    description = data.describe()
    assert description["name"] == data.name
    assert description["hash"] == data.fingerprint()
    sizes = description["edges" if "edges" in description else "triples"]
    assert sizes == {part: data.positives(part).size(1) for part in PARTS}


def test_the_fingerprint_is_of_the_positives(data):
    assert replace(data, name="another").fingerprint() == data.fingerprint()
    assert replace(data, train=data.train[:, 1:]).fingerprint() != data.fingerprint()


def test_the_fingerprint_of_pairs_is_what_hard_sets_hold():
    data = datasets.load("digits")
    digest = hashlib.sha256(b"(1797, True)")
    for edges in (data.train, data.valid.pos, data.test.pos):
        digest.update(edges.contiguous().numpy().tobytes())
    assert data.fingerprint() == digest.hexdigest()[:16]


def test_samplers_of_triples_know_types_and_embeddings():
    data = datasets.from_triples(random_triples(), seed=1)
    assert data.known("all") is data.known("all")
    z = torch.randn(data.num_entities, 4, generator=torch.Generator().manual_seed(0))
    sampler = data.sampler("similar", z=z, corrupt="tail")
    assert isinstance(sampler, TripleSampler)
    assert (sampler.corrupt, sampler.known) == ("tail", data.known("train"))
