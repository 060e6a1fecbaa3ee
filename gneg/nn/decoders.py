"""Decoders: a score for a pair of embeddings."""

from __future__ import annotations

from typing import get_args

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph import Graph
from gneg.nn.choices import DecoderKind
from gneg.nn.common_neighbors import CommonNeighbors
from gneg.nn.registration import DECODERS, make

EPSILON = 1e-8  # smallest product of lengths that a cosine is divided by


class Dot(nn.Module):
    """The inner product of embeddings ``src [.., D]`` and ``dst [.., D]``."""

    def factors(self, z: Tensor) -> Tensor:
        """Return vectors ``[N, D]`` whose inner products are the scores of ``z [N, D]``."""
        return z

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        return (src * dst).sum(dim=-1)

    def matrix(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[b, M]`` of all pairs of ``src [b, D]`` and ``dst [M, D]``."""
        return src @ dst.t()


class Cosine(nn.Module):
    """The cosine of embeddings ``src [.., D]`` and ``dst [.., D]``, times a scale.

    Suits contrastive losses: the encoder cannot lower them by making embeddings longer.

    Args:
        scale: Factor of the cosine, > 0: the inverse of a temperature.

    Raises:
        ValueError: If ``scale`` is out of range.
    """

    def __init__(self, scale: float = 10.0) -> None:
        super().__init__()
        self.scale = checks.number("scale", scale, 0, open_low=True)

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``."""
        return self.of_product(src * dst, src, dst)

    def of_product(self, product: Tensor, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[..]``, given the Hadamard ``product [.., D]`` of both.

        The sum is divided by the lengths; ``torch.nn.functional.cosine_similarity`` divides the
        vectors instead, which takes longer, above all in the backward pass.
        """
        lengths = [torch.linalg.vector_norm(ends, dim=-1) for ends in (src, dst)]
        cosine: Tensor = product.sum(dim=-1) / (lengths[0] * lengths[1]).clamp(min=EPSILON)
        return self.scale * cosine

    def factors(self, z: Tensor) -> Tensor:
        """Return vectors ``[N, D]`` whose inner products are the scores of ``z [N, D]``."""
        factors: Tensor = self.scale**0.5 * nn.functional.normalize(z, dim=-1)
        return factors

    def matrix(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[b, M]`` of all pairs of ``src [b, D]`` and ``dst [M, D]``."""
        unit = [nn.functional.normalize(ends, dim=-1) for ends in (src, dst)]
        return self.scale * unit[0] @ unit[1].t()


class MLP(nn.Module):
    """A perceptron on the Hadamard product of two embeddings; symmetric in its arguments.

    Args:
        width: D.
        layers: Number of linear layers, >= 1.
        dropout: Share of hidden values dropped, in [0, 1).
    """

    def __init__(self, width: int, *, layers: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        layers = checks.integer("layers", layers, 1)
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
    """The sum of a cosine and of a perceptron on the Hadamard product.

    The perceptron starts at 0. The cosine alone learns in a few epochs where linked nodes are
    alike; where they are not, the perceptron takes over.

    Args:
        width: D.
        layers: Number of linear layers of the perceptron, >= 1.
        dropout: Share of hidden values dropped, in [0, 1).
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


class NCN(nn.Module):
    """A cosine plus a perceptron on the product of both ends and on their common neighbours.

    After the Neural Common Neighbor of Wang, Yang and Zhang (ICLR 2024, equation 7): the perceptron
    sees the Hadamard product and the sum over common neighbours, here weighted as by Adamic-Adar
    and normalised (Ba et al. 2016). As in :class:`Hybrid` it corrects a cosine and starts at 0.

    ``forward`` takes embeddings as :meth:`extend` returns them; :class:`LinkPredictor` calls it.

    Args:
        width: Width of the embeddings, D.
        graph: The training graph, homogeneous.
        layers: Number of linear layers of the perceptron, >= 1.
        dropout: Share of hidden values dropped, in [0, 1).

    Raises:
        ValueError: If the graph is bipartite.
    """

    def __init__(self, width: int, graph: Graph, *, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.common = CommonNeighbors(graph)
        self.norm = nn.LayerNorm(width)
        self.cosine = Cosine()
        self.correction = MLP(2 * width, layers=layers, dropout=dropout)
        last: nn.Linear = self.correction.stack[-1]  # type: ignore[assignment]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def extend(self, src: Tensor, dst: Tensor, pairs: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return ``src`` and ``dst``, ``[B, 2 D]`` each, whose product holds common neighbours.

        Args:
            src: Embeddings of sources, ``[B, D]``.
            dst: Embeddings of targets, ``[B, D]``.
            pairs: Ids of sources and targets, ``[2, B]``.
            z: Embeddings of all nodes, ``[N, D]``.
        """
        sums = self.norm(self.common(z, pairs))
        return torch.cat([src, sums], dim=1), torch.cat([dst, torch.ones_like(sums)], dim=1)

    def forward(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores ``[B]`` of what :meth:`extend` returned."""
        product, width = src * dst, src.size(-1) // 2
        cosine = self.cosine.of_product(product[..., :width], src[..., :width], dst[..., :width])
        return cosine + self.correction.of_product(product)


def make_decoder(
    kind: DecoderKind | str,
    width: int,
    *,
    layers: int = 3,
    dropout: float = 0.0,
    graph: Graph | None = None,
) -> nn.Module:
    """Return a new decoder by its name.

    Args:
        kind: ``"dot"``, ``"cosine"``, ``"mlp"``, ``"hybrid"``, ``"bilinear"``, ``"ncn"``, or the
            name of a decoder of :func:`gneg.nn.register_decoder`.
        width: Width of the embeddings, D.
        layers: Number of linear layers of ``"mlp"``, ``"hybrid"`` and ``"ncn"``, >= 1.
        dropout: Share of hidden values that ``"mlp"``, ``"hybrid"`` and ``"ncn"`` drop, in [0, 1).
        graph: The training graph, for ``"ncn"``.

    Raises:
        ValueError: If ``kind`` is unknown or ``graph`` is missing.
    """
    checks.choice("decoder", kind, (*get_args(DecoderKind), *DECODERS))
    if kind in DECODERS:
        return make(
            DECODERS[kind], {"in_channels": width, "num_layers": layers, "dropout": dropout}
        )
    if kind in ("mlp", "hybrid"):
        decoder = MLP if kind == "mlp" else Hybrid
        return decoder(width, layers=layers, dropout=dropout)
    if kind == "ncn":
        if graph is None:
            checks.fail("graph", "the training graph, for the decoder ncn", None)
        return NCN(width, graph, layers=layers, dropout=dropout)
    if kind == "bilinear":
        return Bilinear(width)
    return Dot() if kind == "dot" else Cosine()


def decode(decoder: nn.Module, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
    """Return the scores ``[B]`` of a decoder, which gets the ids of the pairs if it needs them.

    Args:
        decoder: The decoder; its attribute ``needs_pairs`` says whether it takes ids.
        src: Embeddings of sources, ``[B, D]``.
        dst: Embeddings of targets, ``[B, D]``.
        pairs: Ids of sources and targets, ``[2, B]``.
    """
    ids = (pairs,) if getattr(decoder, "needs_pairs", False) else ()
    scores: Tensor = decoder(src, dst, *ids)
    return scores
