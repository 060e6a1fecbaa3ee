"""Decoders: a score for a pair of embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.nn.choices import DecoderKind

EPSILON = 1e-8  # the least that a cosine is divided by


class Dot(nn.Module):
    """Inner product of ``src [.., D]`` and ``dst [.., D]``."""

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        return (src * dst).sum(dim=-1)

    def matrix(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[b, M]`` of all pairs of ``src [b, D]`` and ``dst [M, D]``."""
        return src @ dst.t()


class Cosine(nn.Module):
    """Cosine of ``src`` and ``dst`` times ``scale``, the inverse of a temperature.

    For contrastive losses, whose negatives it keeps the encoder from escaping by mere growth.
    """

    def __init__(self, scale: float = 10.0) -> None:
        super().__init__()
        self.scale = checks.number("scale", scale, 0, open_low=True)

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        return self.of_product(src * dst, src, dst)

    def of_product(self, product: Tensor, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``, where the Hadamard ``product`` of both is known.

        Lengths by themselves: ``torch.nn.functional.cosine_similarity`` divides the vectors, which
        takes longer, above all in the backward pass.
        """
        lengths = [torch.linalg.vector_norm(ends, dim=-1) for ends in (src, dst)]
        cosine: Tensor = product.sum(dim=-1) / (lengths[0] * lengths[1]).clamp(min=EPSILON)
        return self.scale * cosine

    def matrix(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[b, M]`` of all pairs of ``src [b, D]`` and ``dst [M, D]``."""
        unit = [nn.functional.normalize(ends, dim=-1) for ends in (src, dst)]
        return self.scale * unit[0] @ unit[1].t()


class MLP(nn.Module):
    """Perceptron on the Hadamard product; symmetric in its arguments.

    Args:
        width: D.
        layers: Number of linear layers, >= 1.
        dropout: Share of hidden values dropped, in [0, 1].
    """

    def __init__(self, width: int, *, layers: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        checks.integer("layers", layers, 1)
        stack: list[nn.Module] = []
        for _ in range(layers - 1):
            stack += [nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout)]
        self.stack = nn.Sequential(*stack, nn.Linear(width, 1))

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        return self.of_product(src * dst)

    def of_product(self, product: Tensor) -> Tensor:
        """Return scores ``[..]`` of Hadamard products ``[.., D]``."""
        scores: Tensor = self.stack(product)
        return scores.squeeze(-1)


class Hybrid(nn.Module):
    """A cosine, and what a perceptron on the Hadamard product corrects of it.

    Starts as the cosine, which alone learns in a few epochs where neighbours are alike; where they
    are not, as along the relations of a knowledge graph, the perceptron takes over.

    Args:
        width: D.
        layers: Number of linear layers of the perceptron, >= 1.
        dropout: Share of hidden values dropped, in [0, 1].
    """

    def __init__(self, width: int, *, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.cosine = Cosine()
        self.correction = MLP(width, layers=layers, dropout=dropout)
        last: nn.Linear = self.correction.stack[-1]  # type: ignore[assignment]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        product = src * dst
        return self.cosine.of_product(product, src, dst) + self.correction.of_product(product)


class Bilinear(nn.Module):
    """``src^T W dst``; W starts as the identity, so it begins as an inner product.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(width))

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        return ((src @ self.weight) * dst).sum(dim=-1)

    def matrix(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[b, M]`` of all pairs of ``src [b, D]`` and ``dst [M, D]``."""
        return src @ self.weight @ dst.t()


def make_decoder(
    kind: DecoderKind, width: int, *, layers: int = 3, dropout: float = 0.0
) -> nn.Module:
    """Return a decoder by name; ``layers`` and ``dropout`` are for ``"mlp"`` and ``"hybrid"``.

    Raises:
        ValueError: If ``kind`` is unknown.
    """
    checks.choice("decoder", kind, ("dot", "cosine", "mlp", "hybrid", "bilinear"))
    if kind in ("mlp", "hybrid"):
        made = MLP if kind == "mlp" else Hybrid
        return made(width, layers=layers, dropout=dropout)
    if kind == "bilinear":
        return Bilinear(width)
    return Dot() if kind == "dot" else Cosine()
