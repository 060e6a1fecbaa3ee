"""Signs of collapse in training on hard negatives, and one warning of them."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gneg import checks, records
from gneg.checks import CollapseWarning

ADVICE = (
    "mix hard negatives with uniform ones, as in mixture(uniform:0.75, hardest(walk):0.25), "
    "or lower the learning rate"
)
MEANING = {
    "spread": "the embeddings have collapsed: those of all nodes are nearly the same",
    "margin": "the loss does not decrease: positives and negatives score the same",
    "inverted": "most negatives score above their positives: they are too hard to learn from",
}


class CollapseWatch:
    """Watches embeddings and scores while a model trains, and warns once.

    It warns of three signs, each of which must last for ``patience`` updates:

    * *spread*: normalised embeddings differ by less than ``spread``. The figure is the mean
      standard deviation of their coordinates times sqrt(D): 1 for random directions, 0 when all
      nodes have the same (Chen and He, CVPR 2021, section 4.1).
    * *margin*: positives score no higher than their negatives and all scores are nearly equal, so
      that a ranking loss stays at its margin.
    * *inverted*: most negatives score above their positives: they are too hard to learn from.

    Args:
        spread: Smallest spread that is not a collapse, in [0, 1].
        patience: Updates that a sign has to last, >= 1.

    Example:
        >>> watch = CollapseWatch(patience=1)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     watch.update(torch.ones(4, 3), torch.zeros(2), torch.zeros(2, 5))
        >>> watch.sign, len(caught)
        ('spread', 1)
    """

    def __init__(self, *, spread: float = 0.02, patience: int = 30) -> None:
        self.spread = checks.number("spread", spread, 0, 1)
        self.patience = checks.integer("patience", patience, 1)
        #: The sign that was warned of; None: no warning so far.
        self.sign: str | None = None
        self._lasted = {"spread": 0, "margin": 0, "inverted": 0}

    def update(self, z: Tensor, pos: Tensor, neg: Tensor) -> None:
        """Check one step for signs of collapse, and warn if one has lasted.

        Args:
            z: Embeddings, ``[N, D]``.
            pos: Scores of positives, ``[B]``.
            neg: Scores of negatives, ``[B, K]``.
        """
        if self.sign is not None or not neg.numel():
            return
        with torch.no_grad():
            # In one tensor: a device is waited for once.
            spread, scale, gap, deviation, inverted = torch.stack(_figures(z, pos, neg)).tolist()
            limit = 1e-3 * (scale + 1e-3)
            present = {
                "spread": spread < self.spread,
                "margin": deviation < limit and gap < limit,
                "inverted": inverted > 0.6,
            }
        for sign, now in present.items():
            self._lasted[sign] = self._lasted[sign] + 1 if now else 0
            if self._lasted[sign] >= self.patience:
                self.sign = sign
                warnings.warn(f"{MEANING[sign]}; {ADVICE}", CollapseWarning, stacklevel=2)
                return

    def state_dict(self) -> dict[str, Any]:
        """Return how long each sign has lasted."""
        return {"sign": self.sign, "lasted": dict(self._lasted)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned.

        Raises:
            ValueError: If it is anything else.
        """
        form = {"sign": (str, None), "lasted": dict.fromkeys(self._lasted, int)}
        fault = records.mismatch(state, form)
        if fault is not None:
            checks.fail("watch", "the state of a collapse watch", fault)
        self.sign, self._lasted = state["sign"], dict(state["lasted"])


def embedding_spread(z: Tensor, rows: int = 1024) -> Tensor:
    """Return the mean standard deviation of normalised embeddings times sqrt(D), a scalar.

    About 1 for random directions, 0 when all are the same.

    Args:
        z: Embeddings, ``[N, D]``.
        rows: Largest number of nodes to compute it from.
    """
    if len(z) > rows:
        z = z[:: len(z) // rows]
    unit = functional.normalize(z.detach().float())
    # Tensor.std over columns takes longer than a small model's forward pass.
    variance = (unit - unit.mean(dim=0)).square().mean(dim=0)
    spread: Tensor = variance.sqrt().mean() * unit.size(1) ** 0.5
    return spread


def _figures(z: Tensor, pos: Tensor, neg: Tensor) -> list[Tensor]:
    """Return scalars of one type: the spread of embeddings, and what scores say of collapse.

    These are their mean modulus, how much higher those of positives are, their standard deviation,
    and the share of negatives that are above their positive.
    """
    scores = torch.cat([pos.flatten(), neg.flatten()])
    above = (neg > pos.unsqueeze(1)).to(scores.dtype).mean()
    gap = pos.mean() - neg.mean()
    spread = embedding_spread(z).to(scores.dtype)
    return [spread, scores.abs().mean(), gap, scores.std(correction=0), above]
