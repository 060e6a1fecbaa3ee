"""The contract of every loss: scores in, one differentiable number out, masks respected."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from gneg import checks
from gneg.samplers.negatives import Negatives


class Loss(ABC):
    """Turns scores of positives and of their negatives into a scalar; one method, `forward`.

    Call it with ``pos [B]``, ``neg [B, K]`` and the :class:`~gneg.Negatives` that were scored.
    Masked negatives never count, whatever they scored. Where a loss compares a positive
    with its negatives, rows without any are left out; the loss of an empty batch is 0.

    Raises (all losses):
        ValueError: If shapes do not match, or the loss needs ``log_q`` and the sampler has none.
    """

    #: The name in expressions and on the command line.
    name: ClassVar[str]
    #: Whether it reads ``negatives.log_q``.
    needs_log_q: ClassVar[bool] = False
    #: Whether it reads ``negatives.pos_log_q`` as well.
    needs_pos_log_q: ClassVar[bool] = False
    #: Whether it counts the negatives of all positives of a query together.
    pools_queries: ClassVar[bool] = False

    def __call__(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss, a scalar on the scores' device."""
        checks.instance("negatives", negatives, (Negatives,), hint="those that were scored")
        _check_scores("pos", pos, "[B]")
        _check_scores("neg", neg, str(list(negatives.mask.shape)))
        if pos.dim() != 1:
            checks.fail("pos", "scores of shape [B]", list(pos.shape))
        if neg.shape != negatives.mask.shape:
            checks.fail("neg", f"scores of shape {list(negatives.mask.shape)}", list(neg.shape))
        if neg.size(0) != pos.size(0):
            checks.fail("neg", f"scores of {pos.size(0)} rows, one a positive", neg.size(0))
        checks.same_device("neg", neg, "pos", pos)
        checks.same_device("negatives", negatives.mask, "neg", neg)
        # The score of a masked pair, which may be infinite or NaN, must not reach a gradient.
        loss = self.forward(pos, neg.masked_fill(~negatives.mask, 0.0), negatives)
        if not isinstance(loss, Tensor) or loss.dim():
            returned = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
            checks.fail(
                f"{type(self).__name__}.forward", "a function that returns a scalar", returned
            )
        return loss

    @abstractmethod
    def forward(self, pos: Tensor, neg: Tensor, negatives: Negatives) -> Tensor:
        """Return the loss, a scalar with a gradient.

        Args:
            pos: Scores of the positives, ``[B]``.
            neg: Scores of their negatives, ``[B, K]``; 0 where ``negatives.mask`` is False.
            negatives: The negatives, whose mask says which scores count.
        """

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


def _check_scores(name: str, value: Tensor, shape: str) -> None:
    """Refuse what is no tensor of floats, which a gradient needs."""
    scores = checks.tensor(name, value, f"a float tensor of shape {shape}")
    if not scores.is_floating_point():
        checks.fail(name, f"a float tensor of shape {shape}", f"dtype {scores.dtype}")


def masked_mean(value: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of ``value`` where ``mask``; 0, with a gradient of 0, if nothing is."""
    return torch.where(mask, value, value.new_zeros(())).sum() / mask.sum().clamp(min=1)


def masked_logsumexp(value: Tensor, mask: Tensor) -> Tensor:
    """Return the row-wise log-sum-exp of ``value [B, K]`` where ``mask``, ``[B]``.

    -inf for a row without entries. Such rows take a detour through 0, because the gradient of an
    empty log-sum-exp is NaN.
    """
    nonempty = mask.any(dim=1)
    safe = torch.where(mask | ~nonempty.unsqueeze(1), value, value.new_full((), -torch.inf))
    safe = torch.where(nonempty.unsqueeze(1), safe, value.new_zeros(()))
    total = torch.logsumexp(safe, dim=1) if value.size(1) else value.new_zeros(value.size(0))
    return torch.where(nonempty, total, value.new_full((), -torch.inf))


def needed_log_q(value: Tensor | None, loss: Loss) -> Tensor:
    """Return a density that a loss needs.

    Raises:
        ValueError: If it is None: the sampler cannot be used with this loss.
    """
    if value is None:
        checks.fail(
            "negatives",
            f"drawn with a closed-form log_q for {type(loss).__name__}",
            "log_q=None",
            hint="use Uniform, Degree, KHop, Walk, a Mixture of these, or another loss",
        )
    return value
