"""Encoder and decoder together."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg.nn import synthetic
from gneg.nn.adjacency import Adjacency
from gneg.nn.decoders import Bilinear, Cosine, Dot
from gneg.nn.encoders import Encoder, NoEmbeddings, SparseFeatures
from gneg.nn.lightgcn import LightGCN
from gneg.samplers.negatives import Negatives, Vectors

# Pairs scored at once in evaluation.
CHUNK = 2**13


class LinkPredictor(nn.Module):
    """Scores node pairs: a decoder over the embeddings of an encoder.

    Args:
        encoder: Makes embeddings ``[N, D]``.
        decoder: Makes scores of two tensors ``[B, D]``.
        num_src: Number of sources of a bipartite graph, after which targets begin in embeddings;
            None: it is homogeneous.
    """

    def __init__(
        self,
        encoder: Encoder | LightGCN | NoEmbeddings,
        decoder: nn.Module,
        num_src: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.num_src = num_src

    def sides(self, z: Tensor) -> Vectors:
        """Embeddings as samplers want them: a pair, sources and targets, if bipartite."""
        return z if self.num_src is None else (z[: self.num_src], z[self.num_src :])

    def embed(self, x: Tensor | SparseFeatures | None, adjacency: Adjacency) -> Tensor:
        """Return embeddings ``[N, D]``."""
        z: Tensor = self.encoder(x, adjacency)
        return z

    def score(self, z: Tensor, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores of the pairs ``src``, ``dst`` (one shape), in that shape; logits."""
        # Looked up like an embedding, whose gradient is much faster on a CPU than indexing's.
        nodes = src, dst if self.num_src is None else dst + self.num_src
        ends = [functional.embedding(one.reshape(-1), z) for one in nodes]
        return self._decode(ends[0], ends[1], src, dst).view(src.shape)

    def _decode(self, one: Tensor, other: Tensor, src: Tensor, dst: Tensor) -> Tensor:
        """Scores of embeddings; a decoder that looks at the graph is told whose they are."""
        pairs = [torch.stack([src.reshape(-1), dst.reshape(-1)])]
        scores: Tensor = self.decoder(
            one, other, *(pairs if getattr(self.decoder, "needs_pairs", False) else ())
        )
        return scores

    def score_both(self, z: Tensor, pos: Tensor, negatives: Negatives) -> tuple[Tensor, Tensor]:
        """Return scores of positives ``[B]`` and negatives ``[B, K]``.

        Of their own embeddings where negatives have such (``Mixup``, ``MemoryBank``).
        """
        if not negatives.synthetic:
            return self.score(z, pos[0], pos[1]), self.score(z, *negatives.pairs())
        vectors = self.sides(z)
        one, other = synthetic.embed_positives(negatives, vectors)
        positive = self._decode(one, other, pos[0], pos[1])
        one, other = (end.flatten(0, 1) for end in synthetic.embed(negatives, vectors))
        scores = self._decode(one, other, *negatives.pairs())
        return positive, scores.view(negatives.index.shape)

    def scorer(self, z: Tensor, *, coarse: bool = False) -> Scorer:
        """The model on fixed embeddings.

        Args:
            z: ``[N, D]``.
            coarse: Score in bfloat16 where the device is faster at it (several times, on a CPU
                with AMX): three digits are enough to choose among candidates.
        """
        return Scorer(self, z, coarse=coarse)


class Scorer:
    """Scores by a model on fixed embeddings ``z [N, D]``: chunked, without gradients.

    Args:
        model: Whose decoder scores.
        z: ``[N, D]``.
        coarse: See :meth:`LinkPredictor.scorer`.
    """

    def __init__(self, model: LinkPredictor, z: Tensor, *, coarse: bool = False) -> None:
        self.model = model
        self.half = coarse and _fast_bfloat16(z.device)
        self.z = z.detach().bfloat16() if self.half else z.detach()

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores of pairs ``src``, ``dst`` of one shape, in that shape."""
        with torch.no_grad(), torch.autocast(self.z.device.type, torch.bfloat16, enabled=self.half):
            parts = [
                self.model.score(self.z, *some)
                for some in zip(
                    src.reshape(-1).split(CHUNK), dst.reshape(-1).split(CHUNK), strict=True
                )
            ]
        return torch.cat(parts).float().view(src.shape) if parts else src.float()

    def matrix(self, src: Tensor) -> Tensor:
        """Return the scores of ``src [b]`` with all targets, ``[b, M]``."""
        targets = self.z[self.model.num_src or 0 :]
        decoder = self.model.decoder
        if isinstance(decoder, Dot | Cosine | Bilinear):
            with torch.no_grad():
                return decoder.matrix(self.z[src], targets).float()
        shape = len(src), len(targets)
        every = torch.arange(len(targets), device=src.device)
        return self(src[:, None].expand(shape), every.expand(shape))


@functools.cache
def _fast_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and bool(known.get("amx_bf16") or known.get("avx512_bf16"))
