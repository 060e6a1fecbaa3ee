"""Splits of edges in an order, random or by time, in which copies of an edge stay together."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from gneg.graph.take import distinct

IntArray = npt.NDArray[np.int64]


def one_direction(src: IntArray, dst: IntArray) -> IntArray:
    """Return the positions of edges of which each pair of nodes has one direction.

    That from the smaller to the larger node, or the only one in which the pair is stored. Copies of
    an edge stay.

    Args:
        src: ``[E]`` sources.
        dst: ``[E]`` targets.
    """
    size = int(max(src.max(initial=0), dst.max(initial=0))) + 1
    ascending = src <= dst
    stored = np.unique(src[ascending].astype(np.int64) * size + dst[ascending])
    back = np.isin(dst.astype(np.int64) * size + src, stored)
    return np.flatnonzero(ascending | ~back)


def edge_order(
    positions: IntArray, random: np.random.Generator, time: npt.NDArray[Any] | None = None
) -> IntArray:
    """Return ``positions [E]`` in random order or, if there are times, the latest first.

    Args:
        positions: ``[E]`` positions of edges.
        random: Source of randomness; with times it orders edges of equal time.
        time: Time of every edge, by its position; None: no times.
    """
    order = random.permutation(positions)
    return order if time is None else order[np.argsort(-time[order], kind="stable")]


def split_in_order(
    order: IntArray, src: IntArray, dst: IntArray, num_valid: int, num_test: int
) -> tuple[IntArray, IntArray, IntArray]:
    """Split edges in an order: the first to test, the next to valid, the others to train.

    Copies of an edge follow its first copy, and a part takes all of them or none: a part in which
    they do not fit is filled with later edges.

    Args:
        order: ``[E]`` positions of edges, those of the test first.
        src: Source of every edge, by its position.
        dst: Target of every edge, by its position.
        num_valid: Number of validation edges at the most.
        num_test: Number of test edges at the most.

    Returns:
        Positions of train, valid and test, in the order given.
    """
    pair = distinct(torch.from_numpy(np.stack([src[order], dst[order]])))[1].numpy()
    copies = np.bincount(pair)
    train, valid, test = 0, 1, 2
    part = np.full(len(copies), -1)
    room = {test: num_test, valid: num_valid}
    for i in pair:
        if part[i] >= 0:
            continue
        fitting = [name for name, size in room.items() if copies[i] <= size]
        part[i] = fitting[0] if fitting else train
        if fitting:
            room[fitting[0]] -= copies[i]
    part_of = part[pair]
    return order[part_of == train], order[part_of == valid], order[part_of == test]
