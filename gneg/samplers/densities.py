"""Densities of several targets of each kept end."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gneg.samplers.base import Sampler
from gneg.samplers.negatives import Side


def log_q_of(
    sampler: Sampler, rows: Tensor, targets: Tensor, *, side: Side = "dst"
) -> Tensor | None:
    """Log density ``[B, M]`` of ``targets [B, M]`` of each kept end ``rows [B]``; None if unknown.

    As :meth:`gneg.samplers.Sampler.log_prob`, but what a kept end needs is computed once for all.

    Args:
        sampler: Whose density.
        rows: Kept ends.
        targets: Ends that ``side`` may be replaced by.
        side: The end that is replaced.
    """
    if sampler.targeted:
        return None
    asked, index = (one.detach().cpu().long().numpy() for one in (rows, targets))
    query = sampler._query(side, np.stack([asked, asked]), np.arange(len(asked)))
    log_q = sampler._log_prob(query, index)
    return None if log_q is None else torch.from_numpy(log_q.astype(np.float32))
