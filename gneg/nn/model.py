"""Encoder and decoder together."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg.negatives import Negatives
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

    def score_both(self, z: Tensor, pos: Tensor, negatives: Negatives) -> tuple[Tensor, Tensor]:
        """Return scores of positives ``[B]`` and negatives ``[B, K]``.

        Of their own embeddings where negatives have such (``Mixup``, ``MemoryBank``).
        """
        if not negatives.synthetic:
            return self.score(z, pos[0], pos[1]), self.score(z, *negatives.pairs())
        positive: Tensor = self.decoder(*negatives.embed_positives(z))
        scores: Tensor = self.decoder(*(end.flatten(0, 1) for end in negatives.embed(z)))
        return positive, scores.view(negatives.index.shape)

    def scorer(self, z: Tensor, *, coarse: bool = False) -> Callable[[Tensor, Tensor], Tensor]:
        """Return ``score(src, dst)`` on fixed embeddings: chunked, without gradients.

        Args:
            z: ``[N, D]``.
            coarse: Score in bfloat16 where the device is faster at it (several times, on a CPU
                with AMX): three digits are enough to choose among candidates.
        """
        half = coarse and _fast_bfloat16(z.device)
        z = z.detach().bfloat16() if half else z.detach()

        def score(src: Tensor, dst: Tensor) -> Tensor:
            with torch.no_grad(), torch.autocast(z.device.type, torch.bfloat16, enabled=half):
                parts = [
                    self.score(z, some_src, some_dst)
                    for some_src, some_dst in zip(
                        src.reshape(-1).split(CHUNK), dst.reshape(-1).split(CHUNK), strict=True
                    )
                ]
            return torch.cat(parts).float().view(src.shape) if parts else src.float()

        return score


@functools.cache
def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and bool(known.get("amx_bf16") or known.get("avx512_bf16"))
