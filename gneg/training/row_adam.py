"""Adam for gradients of which some are sparse: rows of an embedding table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class RowAdam(torch.optim.Adam):
    """Adam that, where a gradient is sparse, changes only the rows that have one.

    As ``torch.optim.SparseAdam`` does for these; other parameters are trained as by Adam. Weight
    decay reaches the rows that have a gradient.
    """

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take one step."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None and parameter.grad.is_sparse:
                    self._step_rows(parameter, group)
                    parameter.grad = None
        return super().step(closure)

    def _step_rows(self, parameter: Tensor, group: dict[str, Any]) -> None:
        """Change the rows of a parameter that have a gradient."""
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        gradient = parameter.grad
        assert gradient is not None
        rows, values = gradient.coalesce().indices()[0], gradient.coalesce().values()
        if group["weight_decay"]:
            values = values.add(parameter[rows], alpha=group["weight_decay"])
        (first, second), steps = group["betas"], float(state["step"])
        mean = state["exp_avg"].index_select(0, rows).lerp_(values, 1 - first)
        state["exp_avg"].index_copy_(0, rows, mean)
        square = state["exp_avg_sq"].index_select(0, rows).mul_(second)
        square.addcmul_(values, values, value=1 - second)
        state["exp_avg_sq"].index_copy_(0, rows, square)
        scale = square.div_(1 - second**steps).sqrt_().add_(group["eps"])
        change = mean.div_(scale).mul_(-group["lr"] / (1 - first**steps))
        parameter.index_add_(0, rows, change)


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Scale gradients, dense or coalesced sparse ones, so that their norm is at most ``limit``."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    values = [grad._values() if grad.is_sparse else grad for grad in gradients]
    scale = (limit / (nn.utils.get_total_norm(values) + 1e-6)).clamp(max=1.0)
    torch._foreach_mul_(values, scale)
