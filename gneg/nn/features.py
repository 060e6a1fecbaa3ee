"""What layers read: dense features, or sparse ones with their transpose."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor

from gneg import checks
from gneg.graph import sparse
from gneg.graph.lazy import cached_property
from gneg.nn.messages import Gathered


class SparseFeatures:
    """Sparse node features together with their transpose, which gradients need.

    Args:
        x: ``[N, F]`` features, sparse CSR.
    """

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self.transposed = sparse.transpose(x)

    @cached_property
    def dense(self) -> Tensor:
        """The features as a dense tensor, for layers that take no other."""
        rows, columns = self.x.shape
        checks.memory("x", 4 * rows * columns, f"sparse features {[rows, columns]}")
        return self.x.to_dense()

    def linear(self, weight: Tensor) -> Tensor:
        """Return ``x @ weight.t()``, dense ``[N, D]``, for ``weight [D, F]``."""
        return sparse.product(self.x, self.transposed, weight.t().contiguous())


def linear(x: Tensor | SparseFeatures, weight: Tensor) -> Tensor:
    """Return ``x @ weight.t()`` of dense or sparse features."""
    return x.linear(weight) if isinstance(x, SparseFeatures) else x @ weight.t()


#: What a layer reads.
Features: TypeAlias = Tensor | SparseFeatures | Gathered
