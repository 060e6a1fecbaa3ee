"""Self-adversarial weighting of negatives (Sun et al., ICLR 2019, equations 5 and 6)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from gneg import checks
from gneg.losses.base import Loss, masked_mean
from gneg.samplers.negatives import Negatives


def self_adversarial_weights(neg: Tensor, mask: Tensor, temperature: float = 1.0) -> Tensor:
    """Return weights ``[B, K]`` of sum 1 a row: softmax(neg / temperature) where ``mask``.

    Without a gradient; 0 where masked. Any loss over pairs becomes self-adversarial when its
    negatives are weighted by them.
    """
    logits = (neg.detach() / temperature).masked_fill(~mask, -torch.inf)
    return torch.softmax(logits, dim=1).nan_to_num(0.0)


class SelfAdversarial(Loss):
    """Logistic loss in which each row's hardest negatives weigh most.

    ``mean of -log sigma(margin + pos) - sum over K of w log sigma(-neg - margin)``, over 2, with
    w = softmax(neg / temperature) and no gradient through w. For distances as scores (pos = -d);
    for logits leave ``margin`` at 0.

    Args:
        temperature: Scores are divided by it for the weights, > 0; 1 / alpha of the paper.
        margin: Added to scores, the paper's gamma.
    """

    name = "nssa"

    def __init__(self, temperature: float = 1.0, *, margin: float = 0.0) -> None:
        self.temperature = checks.number("temperature", temperature, 0, open_low=True)
        self.margin = checks.number("margin", margin, -1e6)

    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss."""
        mask = negatives.mask
        weight = self_adversarial_weights(neg, mask, self.temperature)
        second = (weight * softplus(neg + self.margin)).sum(dim=1)
        rows = (softplus(-pos - self.margin) + second) / 2
        return masked_mean(rows, mask.any(dim=1))
