"""Models trained without some training edges, so that a stack can be fitted on those edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from gneg.datasets import LinkData, make_split
from gneg.rng import generator_from, split_seed

FOLDS = 2  # models, each trained without a fold of its own
SHARE = 0.1  # of the training edges that a fold holds, at most
LEAST = 8  # edges of a fold; of smaller graphs there are no folds
MAX_EDGES = 5_000  # edges of a fold, at most
NEGATIVES = 500  # uniform negatives of each held-out edge


def folds(data: LinkData, seed: int) -> Iterator[LinkData]:
    """Yield the dataset without a fold of its training edges, which are the validation edges of it.

    The folds are disjoint, and hold neither validation nor test edges of the dataset.

    Args:
        data: The dataset, homogeneous.
        seed: Seed of the folds and of their negatives.
    """
    edges = data.train.size(1)
    size = min(int(SHARE * edges), MAX_EDGES)
    if size < LEAST:
        return
    order = torch.randperm(edges, generator=generator_from(seed))
    for fold in range(FOLDS):
        held_out = torch.zeros(edges, dtype=torch.bool)
        held_out[order[fold * size : (fold + 1) * size]] = True
        yield _without(data, held_out, split_seed(seed, fold))


def _without(data: LinkData, held_out: Tensor, seed: int) -> LinkData:
    """Return the dataset whose validation edges are the training edges at ``held_out [P]``."""
    fold = data.train[:, held_out]
    split = make_split(
        data.name,
        data.graph,
        None,
        seed=seed,
        num_negatives=NEGATIVES,
        metric=data.metric,
        parts=(data.train[:, ~held_out], fold, fold[:, :1]),
        split="without a fold of the training edges",
    )
    return replace(
        data,
        train=split.train,
        valid=split.valid,
        test=split.test,
        split=split.split,
        weight=None if data.weight is None else data.weight[~held_out],
    )
