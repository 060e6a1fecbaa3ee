"""Triples that stand twice in a split: within a part, or in two of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def keys(triples: Mapping[str, IntArray]) -> dict[str, IntArray]:
    """Return an integer for each triple, the same for the same triple in all parts.

    Args:
        triples: ``[3, E]`` triples by part.
    """
    head, relation, tail = np.concatenate(list(triples.values()), axis=1)
    if not len(head):
        return {part: np.zeros(0, np.int64) for part in triples}
    pairs = head * (int(tail.max()) + 1) + tail
    num_relations = int(relation.max()) + 1
    if int(pairs.max()) >= 2**63 // num_relations - 1:
        _, pairs = np.unique(pairs, return_inverse=True)
    numbers = pairs * num_relations + relation
    bounds = np.cumsum([part.shape[1] for part in triples.values()])[:-1]
    return dict(zip(triples, np.split(numbers, bounds), strict=True))


def overlaps(numbers: Mapping[str, IntArray]) -> list[tuple[str, str, int]]:
    """Return part, earlier part and number of triples in both, where there are any.

    Args:
        numbers: The :func:`keys` of train, valid and test.
    """
    pairs = (("valid", "train"), ("test", "train"), ("test", "valid"))
    counts = [(part, earlier, int(np.isin(numbers[part], numbers[earlier]).sum()))
              for part, earlier in pairs]  # fmt: skip
    return [overlap for overlap in counts if overlap[2]]


def count(triples: Mapping[str, IntArray]) -> dict[str, int]:
    """Return how many triples are repeated: ``{"test in train": 3, "twice in test": 1}``.

    Args:
        triples: ``[3, E]`` triples of train, valid and test.

    Returns:
        The triples of a part that an earlier one has, and those of a part that it has already;
        without zeros.
    """
    numbers = keys(triples)
    counts = {f"{part} in {earlier}": size for part, earlier, size in overlaps(numbers)}
    for part, of_part in numbers.items():
        repeats = len(of_part) - len(np.unique(of_part))
        if repeats:
            counts[f"twice in {part}"] = repeats
    return counts
