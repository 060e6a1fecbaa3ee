"""Splits by time: of events, where only new pairs count, or by the age of an edge's source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.graph.take import distinct
from gneg.rng import generator_from, split_seed

PARTS = ("train", "valid", "test")


def period_starts(time: npt.NDArray[Any], ratios: tuple[float, float]) -> npt.NDArray[Any]:
    """Return the times ``[2]`` at which the periods of validation and of test begin.

    Args:
        time: ``[E]`` times, of any dtype that sorts.
        ratios: Shares of the times in the periods of validation and test. Equal times fall in one
            period, the later one.
    """
    cuts = [int(len(time) * (1 - sum(ratios[i:]))) for i in range(len(ratios))]
    starts: npt.NDArray[Any] = np.sort(time)[np.minimum(cuts, len(time) - 1)]
    return starts


def split_by_time(
    edges: Tensor,
    time: npt.NDArray[Any],
    *,
    undirected: bool,
    ratios: tuple[float, float] = (0.05, 0.10),
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Split events by time into train, valid, test and history, each ``[2, E]`` long.

    Training edges are those of the earliest events; edges of validation and test are those whose
    pair (in either direction) comes up for the first time then. History are the training edges
    that never come back. Events of one time stay together.

    Args:
        edges: ``[2, E]`` long, an event each; pairs may repeat, loops are left out.
        time: ``[E]`` times of the events, of any dtype that sorts.
        undirected: Whether (u, v) also means (v, u).
        ratios: Shares of events in the periods of validation and test.

    Raises:
        ValueError: If a part has no edge.
    """
    source, target = edges.numpy()
    no_loop = source != target
    source, target, time = source[no_loop], target[no_loop], time[no_loop]
    period = np.searchsorted(period_starts(time, ratios), time, side="right")
    low, high = np.minimum(source, target), np.maximum(source, target)
    pair_of = distinct(torch.from_numpy(np.stack([low, high])))[1].numpy()
    first, last = np.full(pair_of.max() + 1, 9), np.zeros(pair_of.max() + 1, np.int64)
    np.minimum.at(first, pair_of, period)
    np.maximum.at(last, pair_of, period)
    if undirected:
        source, target = low, high
    new = period == first[pair_of]
    selected = [new & (period == i) for i in range(len(PARTS))]
    selected.append(selected[0] & (last[pair_of] == 0))
    pairs = torch.from_numpy(np.stack([source, target]))
    train, valid, test, history = (
        distinct(pairs[:, torch.from_numpy(mask)])[0] for mask in selected
    )
    for name, part in zip(PARTS, (train, valid, test), strict=True):
        if not part.numel():
            checks.fail("time", f"such that there are {name} edges", f"{len(time)} events")
    return train, valid, test, history


def split_by_node_time(
    edges: Tensor, time: Tensor, *, shares: tuple[float, float], held_out: float, seed: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """Hold out edges whose source is among the latest nodes, as ogbl-citation2 does.

    All sources of test edges are later than those of validation edges; nodes of one time stay
    together. The other edges of a late node are training edges.

    Args:
        edges: ``[2, E]`` long, from the node that came with the edge.
        time: ``[N]`` double, when each node came to be.
        shares: Shares of the nodes that are sources of validation and of test edges.
        held_out: Share of such a node's edges that is held out, in [0, 1], drawn at random.
        seed: Seed of the draws.

    Returns:
        Train, valid and test, each ``[2, E]`` long.
    """
    valid_start, test_start = period_starts(time.numpy(), shares)
    source_time = time[edges[0]]
    drawn = torch.rand(edges.size(1), generator=generator_from(split_seed(seed, 0))) < held_out
    test = drawn & (source_time >= test_start)
    valid = drawn & (source_time >= valid_start) & (source_time < test_start)
    return edges[:, ~(test | valid)], edges[:, valid], edges[:, test]
