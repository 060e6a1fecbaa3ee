"""Adam for gradients of which some are sparse: rows of an embedding table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from gneg import kernels


class RowAdam(torch.optim.Adam):
    """Adam that, where a gradient is sparse, changes only the rows that have one.

    As ``torch.optim.SparseAdam`` does for these, but in one pass; other parameters are trained as
    by Adam. Weight decay reaches the rows that have a gradient. It resumes from the state of a
    ``SparseAdam`` too.
    """

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a state, that of ``SparseAdam`` with Adam's other defaults."""
        for group in state["param_groups"]:
            group.setdefault("weight_decay", 0.0)
        super().__setstate__(state)  # type: ignore[no-untyped-call]

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
        assert parameter.grad is not None
        gradient = parameter.grad.coalesce()  # nothing to do for that of gneg.nn.messages.rows_of
        rows, values = gradient._indices()[0], gradient._values()
        betas, steps, decay = group["betas"], float(state["step"]), group["weight_decay"]
        corrections = tuple(1 - beta**steps for beta in betas)
        arguments = group["lr"], betas, corrections, group["eps"], decay
        tensors = [parameter, state["exp_avg"], state["exp_avg_sq"], rows, values]
        if parameter.device.type == "cpu" and parameter.dtype == torch.float32:
            arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
            run = kernels.threads.run_rows
            run(kernels.row_adam.update, len(rows), values.numel(), *arrays, *arguments)
        else:
            _update(tensors, arguments)


def _update(tensors: list[Tensor], arguments: tuple[Any, ...]) -> None:
    """Do what :func:`gneg.kernels.row_adam.update` does, on any device."""
    table, mean, square, rows, gradient = tensors
    rate, betas, corrections, eps, decay = arguments
    gradient = gradient + decay * table[rows]
    m = mean[rows].lerp(gradient, 1 - betas[0])
    v = betas[1] * square[rows] + (1 - betas[1]) * gradient**2
    mean[rows], square[rows] = m, v
    table[rows] -= rate / corrections[0] * m / ((v / corrections[1]).sqrt() + eps)


def clip_gradients(parameters: Iterable[nn.Parameter], limit: float) -> None:
    """Scale gradients, dense or coalesced sparse ones, so that their norm is at most ``limit``."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    values = [grad._values() if grad.is_sparse else grad for grad in gradients]
    scale = (limit / (nn.utils.get_total_norm(values) + 1e-6)).clamp(max=1.0)
    torch._foreach_mul_(values, scale)
