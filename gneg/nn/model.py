"""Encoder and decoder together."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg.nn.adjacency import Adjacency
from gneg.nn.encoders import Encoder, SparseFeatures

# Pairs scored at once in evaluation.
CHUNK = 2**13


class LinkPredictor(nn.Module):
    """Scores node pairs: a decoder over the embeddings of an encoder.

    Args:
        encoder: Makes embeddings ``[N, D]``.
        decoder: Makes scores of two tensors ``[B, D]``.
    """

    def __init__(self, encoder: Encoder, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def embed(self, x: Tensor | SparseFeatures | None, adjacency: Adjacency) -> Tensor:
        """Return embeddings ``[N, D]``."""
        z: Tensor = self.encoder(x, adjacency)
        return z

    def score(self, z: Tensor, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores of the pairs ``src``, ``dst`` (one shape), in that shape; logits."""
        # Looked up like an embedding, whose gradient is much faster on a CPU than indexing's.
        ends = [functional.embedding(nodes.reshape(-1), z) for nodes in (src, dst)]
        scores: Tensor = self.decoder(*ends)
        return scores.view(src.shape)

    def scorer(self, z: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """Return ``score(src, dst)`` on fixed embeddings: chunked, without gradients."""

        def score(src: Tensor, dst: Tensor) -> Tensor:
            with torch.no_grad():
                parts = [
                    self.score(z, some_src, some_dst)
                    for some_src, some_dst in zip(
                        src.reshape(-1).split(CHUNK), dst.reshape(-1).split(CHUNK), strict=True
                    )
                ]
            return torch.cat(parts).view(src.shape) if parts else src.float()

        return score
