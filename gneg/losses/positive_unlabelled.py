"""Positive-unlabelled risk (Kiryo et al., NeurIPS 2017)."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import softplus

from gneg import checks
from gneg.losses.base import Loss, masked_mean
from gneg.samplers.negatives import Negatives


class PositiveUnlabelled(Loss):
    """Logistic loss that takes non-edges as unlabelled: a share of them are unknown edges.

    ``prior E_pos[l(+)] + max(0, E_unlabelled[l(-)] - prior E_pos[l(-)])``, l the logistic loss
    (equation 6, non-negative estimator). Negatives are to be drawn uniformly: the prior is the
    share of edges among *them*.

    Args:
        prior: Share of edges among the unlabelled pairs, in (0, 1).
    """

    name = "nnpu"

    def __init__(self, prior: float = 0.01) -> None:
        self.prior = checks.number("prior", prior, 0, 1, open_low=True)
        if prior == 1:
            checks.fail("prior", "a number in (0, 1)", prior)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        nonempty = negatives.mask.any(dim=1)
        of_negatives = masked_mean(softplus(neg), negatives.mask)
        of_negatives = of_negatives - self.prior * masked_mean(softplus(pos), nonempty)
        return self.prior * masked_mean(softplus(-pos), nonempty) + of_negatives.clamp(min=0)
