"""The link predictor: an encoder with a decoder, and its score on fixed embeddings."""

from __future__ import annotations

import functools
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gneg.nn import synthetic
from gneg.nn.adjacency import Adjacency
from gneg.nn.base_measure import BaseMeasure
from gneg.nn.decoders import NCN, Bilinear, Cosine, Dot, decode
from gneg.nn.encoders import Encoder, NoEmbeddings
from gneg.nn.features import SparseFeatures
from gneg.nn.lightgcn import LightGCN
from gneg.nn.stack import Stack
from gneg.samplers.negatives import Negatives, Vectors

CHUNK = 2**13  # pairs scored at once in evaluation


class LinkPredictor(nn.Module):
    """A score of node pairs: a decoder on the embeddings of an encoder.

    Args:
        encoder: The encoder, which returns embeddings ``[N, D]``.
        decoder: The decoder, which scores two tensors ``[B, D]``.
        num_src: Number of sources of a bipartite graph, whose rows of the embeddings precede those
            of the targets; None: the graph is homogeneous.
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

    @property
    def _ncn(self) -> NCN | None:
        """The decoder, or the one that it wraps, if it looks at common neighbours."""
        decoder: nn.Module | None = self.decoder
        while decoder is not None and not isinstance(decoder, NCN):
            decoder = getattr(decoder, "decoder", None)
        return decoder

    def sides(self, z: Tensor) -> Vectors:
        """Return embeddings ``z [N, D]`` as samplers take them: as a pair in a bipartite graph."""
        return z if self.num_src is None else (z[: self.num_src], z[self.num_src :])

    def embed(self, x: Tensor | SparseFeatures | None, adjacency: Adjacency) -> Tensor:
        """Return embeddings ``[N, D]``.

        Args:
            x: Features, ``[N, F]``; None if the encoder takes none.
            adjacency: The message-passing graph.
        """
        z: Tensor = self.encoder(x, adjacency)
        return z

    def score(self, z: Tensor, src: Tensor, dst: Tensor, nodes: Tensor | None = None) -> Tensor:
        """Return the logits of pairs, in the shape of ``src``.

        Args:
            z: Embeddings, ``[N, D]``, or ``[n, D]`` of some nodes.
            src: Ids of sources, of any shape; positions in ``nodes`` where it is given.
            dst: Ids of targets, of the same shape; positions likewise.
            nodes: ``[n]``, the nodes of the rows of ``z``; None: all.
        """
        # Embedding lookups: on a CPU their gradient is much faster than that of indexing.
        rows = src, dst if self.num_src is None or nodes is not None else dst + self.num_src
        h_src, h_dst = (functional.embedding(ids.reshape(-1), z) for ids in rows)
        return self._decode(h_src, h_dst, src, dst, z, nodes).view(src.shape)

    def _decode(
        self,
        h_src: Tensor,
        h_dst: Tensor,
        src: Tensor,
        dst: Tensor,
        z: Tensor,
        nodes: Tensor | None,
    ) -> Tensor:
        """Return the scores ``[B]`` of embeddings ``[B, D]`` of pairs with B ids, of any shape."""
        pairs = torch.stack([src.reshape(-1), dst.reshape(-1)])
        if nodes is not None and getattr(self.decoder, "needs_pairs", False):
            pairs = nodes[pairs]
            if self.num_src is not None:
                pairs = torch.stack([pairs[0], pairs[1] - self.num_src])
        if self._ncn is not None:
            h_src, h_dst = self._ncn.extend(h_src, h_dst, pairs, z)
        return decode(self.decoder, h_src, h_dst, pairs)

    def score_both(
        self, z: Tensor, pos: Tensor, negatives: Negatives, nodes: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the scores of positives ``[B]`` and of their negatives ``[B, K]``.

        Synthetic negatives (``Mixup``, ``MemoryBank``) are scored by the embeddings that they
        bring along, see :mod:`gneg.nn.synthetic`.

        Args:
            z: Embeddings, ``[N, D]``, or ``[n, D]`` of some nodes.
            pos: The positives, ``[2, B]``; positions in ``nodes`` where it is given.
            negatives: Their negatives, likewise.
            nodes: ``[n]``, the nodes of the rows of ``z``, in a bipartite graph sources, then
                targets; None: all.
        """
        decoder = self._deciding()
        if isinstance(decoder, Dot | Cosine) and not negatives.synthetic:
            offset = 0 if nodes is not None else self.num_src or 0
            return self._products(decoder.factors(z), pos, negatives, offset)
        if not negatives.synthetic:
            return (
                self.score(z, pos[0], pos[1], nodes),
                self.score(z, *negatives.pairs(), nodes=nodes),
            )
        vectors = z if nodes is not None else self.sides(z)
        h_src, h_dst = synthetic.embed_positives(negatives, vectors)
        pos_score = self._decode(h_src, h_dst, pos[0], pos[1], z, nodes)
        h_src, h_dst = (h.flatten(0, 1) for h in synthetic.embed(negatives, vectors))
        neg_score = self._decode(h_src, h_dst, *negatives.pairs(), z, nodes)
        return pos_score, neg_score.view(negatives.index.shape)

    def _deciding(self) -> nn.Module:
        """Return the decoder that scores: the one inside those that pass on its scores."""
        decoder = self.decoder
        while isinstance(decoder, Stack | BaseMeasure) and decoder.passes:
            decoder = decoder.decoder
        return decoder

    def _products(
        self, factors: Tensor, pos: Tensor, negatives: Negatives, offset: int
    ) -> tuple[Tensor, Tensor]:
        """Return inner products of ``factors [N, D]`` of positives and of their negatives.

        A query's embedding is looked up once, not for each negative, and one batched product takes
        the place of a product of vectors, two lengths and their gradients: a third of the time.
        Rows of targets begin at ``offset``.
        """
        side, src = negatives.side, negatives.src
        if not isinstance(side, Tensor):
            side = torch.full_like(src, side == "src", dtype=torch.bool)
        queries = src + offset * side
        candidates = negatives.index + offset * (~side).unsqueeze(1)
        # Embedding lookups: on a CPU their gradient is much faster than that of indexing.
        h_src, h_dst, h_queries, h_others = (
            functional.embedding(ids, factors)
            for ids in (pos[0], pos[1] + offset, queries, candidates)
        )
        return (h_src * h_dst).sum(dim=-1), (h_others @ h_queries.unsqueeze(2)).squeeze(2)

    def scorer(self, z: Tensor, *, coarse: bool = False) -> Scorer:
        """Return the model on fixed embeddings ``z [N, D]``; see :class:`Scorer`."""
        return Scorer(self, z, coarse=coarse)


class Scorer:
    """A score of pairs by a model on fixed embeddings, in chunks and without gradients.

    Args:
        model: The model whose decoder scores.
        z: Embeddings, ``[N, D]``.
        coarse: Whether to score in bfloat16 where the device is faster with it (on a CPU with AMX
            several times): three digits are enough to choose among candidates.
    """

    def __init__(self, model: LinkPredictor, z: Tensor, *, coarse: bool = False) -> None:
        self.model = model
        self.half = coarse and _fast_bfloat16(z.device)
        self.z = z.detach().bfloat16() if self.half else z.detach()

    @property
    def device(self) -> torch.device:
        """The device of the embeddings."""
        return self.z.device

    @property
    def is_product(self) -> bool:
        """Whether the scores of :meth:`matrix` are one product of matrices."""
        return isinstance(self.model.decoder, Dot | Cosine | Bilinear)

    def __call__(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return scores of pairs ``src``, ``dst`` of one shape, in that shape, on their device."""
        rows = [ids.to(self.device).reshape(-1).split(CHUNK) for ids in (src, dst)]
        with torch.no_grad(), torch.autocast(self.z.device.type, torch.bfloat16, enabled=self.half):
            parts = [self.model.score(self.z, *chunk) for chunk in zip(*rows, strict=True)]
        return torch.cat(parts).float().view(src.shape).to(src.device) if parts else src.float()

    def matrix(self, ids: Tensor, *, side: Literal["dst", "src"] = "dst") -> Tensor:
        """Return the scores ``[b, M]`` of nodes with all M nodes that may be their other end.

        Args:
            ids: ``[b]``, sources, or targets where their sources are ranked.
            side: The end that is ranked.
        """
        sides = self.model.sides(self.z)
        sources, targets = sides if isinstance(sides, tuple) else (sides, sides)
        decoder, forward = self.model.decoder, side == "dst"
        if isinstance(decoder, Dot | Cosine | Bilinear):
            with torch.no_grad():
                if forward:
                    return decoder.matrix(sources[ids], targets).float()
                return decoder.matrix(sources, targets[ids]).float().t()
        candidates = torch.arange(len(targets if forward else sources), device=ids.device)
        shape = len(ids), len(candidates)
        pairs = ids[:, None].expand(shape), candidates.expand(shape)
        return self(*pairs) if forward else self(*pairs[::-1])


@functools.cache
def _fast_bfloat16(device: torch.device) -> bool:
    """Return whether a device computes faster in bfloat16 than in single precision."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    cpu: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return device.type == "cpu" and bool(cpu.get("amx_bf16") or cpu.get("avx512_bf16"))
