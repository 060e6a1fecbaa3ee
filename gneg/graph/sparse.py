"""Sparse CSR matrices in torch, without the beta warning and with a fast gradient."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor


def csr(crow: Tensor, col: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    """Return a sparse CSR tensor."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(crow, col, values, shape, check_invariants=False)


def to_csr(dense: Tensor) -> Tensor:
    """Return the non-zero entries of ``dense [N, F]`` as a sparse CSR tensor."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return dense.to_sparse_csr()


def transpose(matrix: Tensor) -> Tensor:
    """Return the transpose of a sparse CSR tensor, again in CSR."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        turned: Tensor = matrix.t().to_sparse_coo().coalesce().to_sparse_csr()
    return turned


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, dense: Tensor, matrix: Tensor, transposed: Tensor) -> Tensor:
        ctx.transposed = transposed
        with torch.autocast(dense.device.type, enabled=False):  # sparse ones have no half precision
            return matrix @ dense.to(matrix.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed @ grads[0].contiguous(), None, None


class _HalfProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h: Tensor, symmetric: Tensor) -> Tensor:
        ctx.symmetric = symmetric
        return symmetric @ h.to(symmetric.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return ctx.symmetric @ grads[0].to(ctx.symmetric.dtype), None


def product(matrix: Tensor, transposed: Tensor, dense: Tensor) -> Tensor:
    """Return ``matrix @ dense``, differentiable in ``dense`` through the given transpose.

    torch transposes a CSR matrix anew in every backward pass, which takes several times as long as
    the product itself.
    """
    return _Product.apply(dense, matrix, transposed)  # type: ignore[no-any-return, no-untyped-call]


def half_product(symmetric: Tensor, h: Tensor) -> Tensor:
    """Return ``symmetric @ h`` for a dense symmetric matrix in half precision, which it returns.

    Args:
        symmetric: ``[N, N]``, equal to its transpose.
        h: ``[N, D]``, in any precision; its gradient has that of the matrix.
    """
    return _HalfProduct.apply(h, symmetric)  # type: ignore[no-any-return, no-untyped-call]


def if_it_pays(x: Tensor | None) -> Tensor | None:
    """Return mostly-zero features as sparse CSR: at a tenth of the entries it is faster."""
    if x is None or x.layout != torch.strided:
        return x
    x = x.float()
    if x.numel() and torch.count_nonzero(x) / x.numel() < 0.1:
        return to_csr(x)
    return x


def content(x: Tensor) -> tuple[Tensor, ...]:
    """Return the dense tensors that a dense or sparse tensor consists of."""
    if x.layout == torch.strided:
        return (x,)
    rows = x.to_sparse_csr()
    return rows.crow_indices(), rows.col_indices(), rows.values()
