"""How the drawn targets spread over the nodes: coverage, repeats, degrees."""

from __future__ import annotations

import numpy as np
import torch

from gneg.evaluation.audit.adapter import Adapter, IntArray
from gneg.samplers.negatives import Negatives


def spread(adapter: Adapter, drawn: list[Negatives]) -> dict[str, float]:
    """Return the coverage of nodes, the repeats in rows and the divergence of degrees.

    Args:
        adapter: The pairs or triples that are audited.
        drawn: The negatives, with the ends that they replace.

    Returns:
        ``coverage``, the share of nodes that are drawn at least once; ``duplicates``, the share of
        negatives that repeat one of their row; ``degree_divergence``, that of the degrees of drawn
        and replaced nodes, in bits. All in [0, 1].
    """
    targets, replaced, repeats = [], [], 0
    for negatives in drawn:
        assert negatives.replaced is not None
        targets.append(adapter.nodes(negatives, negatives.index)[negatives.mask].numpy())
        replaced.append(adapter.nodes(negatives, negatives.replaced).numpy())
        unused = -1 - torch.arange(negatives.index.size(1))
        ordered = torch.where(negatives.mask, negatives.index, unused).sort(dim=1).values
        repeats += int((ordered[:, 1:] == ordered[:, :-1]).sum())
    nodes, degree = np.concatenate(targets), adapter.graph.degree().numpy()
    return {
        "coverage": np.count_nonzero(np.bincount(nodes)) / max(adapter.num_nodes, 1),
        "duplicates": repeats / max(len(nodes), 1),
        "degree_divergence": divergence(degree[nodes], degree[np.concatenate(replaced)]),
    }


def divergence(left: IntArray, right: IntArray) -> float:
    """Return the Jensen-Shannon divergence of degrees ``[n]`` and ``[m]``, in bits, in [0, 1].

    Degrees are counted in powers of two.
    """
    size = int(np.log2(max(left.max(initial=0), right.max(initial=0)) + 1)) + 1
    p, q = (
        np.bincount(np.log2(degree + 1).astype(np.int64), minlength=size) / max(len(degree), 1)
        for degree in (left, right)
    )
    mean = (p + q) / 2
    terms = [(p[p > 0] * np.log2(p[p > 0] / mean[p > 0])).sum() for p in (p, q)]
    return float(sum(terms) / 2)
