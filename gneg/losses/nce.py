"""Noise-contrastive estimation (Gutmann and Hyvarinen, JMLR 2012; Mnih and Teh, ICML 2012)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gneg.losses.base import Loss, masked_mean, needed_log_q
from gneg.samplers.negatives import Negatives


class NCE(Loss):
    """Tells positives from noise by score - log(K q), so that the score learns log p itself.

    ``mean -log sigma(pos - log(K q(pos))) + sum over K of -log sigma(-(neg - log(K q)))``
    (Mnih and Teh, equation 8). Where the noise cannot produce a positive, the first term is 0:
    there is nothing to tell apart.
    """

    name = "nce"
    needs_log_q = needs_pos_log_q = True

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        log_q = needed_log_q(negatives.log_q, self)
        pos_log_q = needed_log_q(negatives.pos_log_q, self)
        mask = negatives.mask
        log_k = torch.log(mask.sum(dim=1).clamp(min=1).to(pos.dtype))
        reached = mask.any(dim=1) & torch.isfinite(pos_log_q)
        noise = torch.where(reached, pos_log_q, pos_log_q.new_zeros(()))
        first = torch.where(reached, softplus(-(pos - log_k - noise)), pos.new_zeros(()))
        second = softplus(neg - log_k.unsqueeze(1) - log_q)
        second = torch.where(mask, second, second.new_zeros(())).sum(dim=1)
        return masked_mean(first + second, mask.any(dim=1))
