"""Contrastive losses that expect false negatives, and weigh the hard ones.

Chuang et al., NeurIPS 2020; Robinson et al., ICLR 2021.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from gneg import checks
from gneg.losses.base import Loss, masked_logsumexp, masked_mean
from gneg.samplers.negatives import Negatives


class DebiasedInfoNCE(Loss):
    """InfoNCE less the share of negatives that are expected to be unknown positives.

    ``-log(e^p / (e^p + N g))`` with ``g = max((mean e^n - tau_plus e^p) / (1 - tau_plus), floor)``,
    p and n scores over the temperature (Chuang et al., equations 7 and 8, one positive a row).

    Args:
        tau_plus: Share of false negatives among the negatives, in [0, 1).
        temperature: Scores are divided by it, > 0.
        lowest: Lowest score there can be: -1 for cosines. The floor is e^(lowest / temperature).
    """

    name = "debiased"

    def __init__(
        self, tau_plus: float = 0.1, temperature: float = 1.0, *, lowest: float = -1.0
    ) -> None:
        self.tau_plus = _share(tau_plus)
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)
        self.lowest = checks.number("lowest", lowest, -math.inf)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        return _debiased(
            pos / self.temperature,
            neg / self.temperature,
            negatives.mask,
            self.tau_plus,
            0.0,
            self.lowest / self.temperature,
        )


class HardInfoNCE(Loss):
    """Debiased InfoNCE whose negatives weigh in proportion to e^(beta * score).

    ``mean e^n`` becomes ``mean e^((1 + beta) n) / mean e^(beta n)`` (Robinson et al., equation 4):
    the harder a negative, the more it counts. ``beta = 0`` is :class:`DebiasedInfoNCE`.

    Args:
        beta: Exponent of the weights: the larger, the more hard negatives count; >= 0.
        tau_plus: Share of false negatives among the negatives, in [0, 1).
        temperature: Scores are divided by it, > 0.
        lowest: Lowest score there can be: -1 for cosines.
    """

    name = "hard"

    def __init__(
        self,
        beta: float = 1.0,
        tau_plus: float = 0.1,
        temperature: float = 1.0,
        *,
        lowest: float = -1.0,
    ) -> None:
        self.beta = checks.number("beta", beta, 0)
        self.tau_plus = _share(tau_plus)
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)
        self.lowest = checks.number("lowest", lowest, -math.inf)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        return _debiased(
            pos / self.temperature,
            neg / self.temperature,
            negatives.mask,
            self.tau_plus,
            self.beta,
            self.lowest / self.temperature,
        )


def _share(value: float) -> float:
    tau_plus = checks.number("tau_plus", value, 0, 1)
    if tau_plus == 1:
        checks.fail("tau_plus", "a number in [0, 1)", value)
    return tau_plus


def _debiased(
    pos: Tensor, neg: Tensor, mask: Tensor, tau_plus: float, beta: float, lowest: float
) -> Tensor:
    """Return the mean over rows; exponentials are relative to each row's peak: none overflows."""
    nonempty = mask.any(dim=1)
    size = mask.sum(dim=1).clamp(min=1).to(pos.dtype)
    log_mean = masked_logsumexp((1 + beta) * neg, mask)
    log_mean = log_mean - masked_logsumexp(beta * neg, mask)  # of e^n, weighted
    log_mean = torch.where(nonempty, log_mean, pos.detach())
    peak = torch.maximum(pos, log_mean).detach()
    mean = (torch.exp(log_mean - peak) - tau_plus * torch.exp(pos - peak)) / (1 - tau_plus)
    floor = torch.exp((lowest - peak).clamp(max=60.0))
    g = torch.maximum(mean, floor)
    total = peak + torch.log(torch.exp(pos - peak) + size * g)
    return masked_mean(total - pos, nonempty)
