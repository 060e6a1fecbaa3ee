"""Densities of several targets of each query."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gneg.samplers.base import Sampler
from gneg.samplers.negatives import Side


def log_q_of(
    sampler: Sampler, rows: Tensor, targets: Tensor, *, side: Side = "dst"
) -> Tensor | None:
    """Return the log density ``[B, M]`` of ``targets`` for each query; None if unknown.

    As :meth:`gneg.samplers.Sampler.log_prob`, but what a query needs is computed once for all of
    its targets.

    Args:
        sampler: The sampler whose density is computed.
        rows: ``[B]`` long, queries.
        targets: ``[B, M]`` long, ends that ``side`` may be replaced by.
        side: The end that is replaced.
    """
    if sampler.density == "per positive":
        return None
    queries, index = (ids.detach().cpu().long().numpy() for ids in (rows, targets))
    query = sampler.make_query(side, np.stack([queries, queries]), np.arange(len(queries)))
    log_q = sampler.checked_density(query, index)
    return None if log_q is None else torch.from_numpy(log_q.astype(np.float32))
