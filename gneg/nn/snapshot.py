"""A copy of a module that training does not change."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def snapshot(module: Module) -> Module:
    """Return a copy with the module's current weights, in evaluation mode and without gradients.

    Weights and buffers are copied; everything else, such as graphs and tables, is shared.
    """
    copied = copy.copy(module)
    weights = module._parameters.items()
    copied._parameters = {
        name: None if value is None else nn.Parameter(value.detach().clone(), requires_grad=False)
        for name, value in weights
    }
    copied._buffers = {
        name: None if value is None else value.detach().clone()
        for name, value in module._buffers.items()
    }
    copied._modules = {
        name: None if child is None else snapshot(child) for name, child in module._modules.items()
    }
    copied.training = False
    return copied
