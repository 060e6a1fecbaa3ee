"""Synthetic negatives between a real one and the positive."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Query, Sampler
from gneg.samplers.negatives import Negatives
from gneg.samplers.wrapper import Wrapper


class Mixup(Wrapper):
    """Mixes a share of the positive into the embedding of each negative.

    Positive mixing of MixGCF (Huang et al., KDD 2021, equation 4): instead of ``z[v]`` the model
    scores ``share * z[positive] + (1 - share) * z[v]``, the share uniform in [0, ``high``) for
    each negative. ``Mixup(Select(Uniform(graph), Hardest()))`` is MixGCF but for its mixing over
    layers. The ids stay real non-edges; the shares are ``Negatives.mix``, and
    :func:`gneg.nn.synthetic.embed` returns the mixed embeddings: score those.

    Args:
        sampler: The sampler that draws the negatives.
        high: Largest share of the positive, in (0, 1].
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If ``high`` is out of range.
    """

    name = "mixup"
    of_positives = True
    combines = True
    tunable: ClassVar = {"high": lambda value: checks.number("high", value, 0, 1)}

    def __init__(
        self,
        sampler: Sampler,
        high: float = 1.0,
        *,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(sampler, known=known, corrupt=corrupt, unique=unique)
        self.high = checks.number("high", high, 0, 1, open_low=True)
        self.proposes = sampler.proposes

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw by the wrapped sampler."""
        return self.sampler.candidates(query, k, seed)

    def log_density(self, query: Query, index: IntArray) -> FloatArray | None:
        """Return the wrapped sampler's log density."""
        return self.sampler.checked_density(query, index)

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Draw the shares of the positives."""
        negatives = self.sampler.finish(negatives, split_seed(seed, 0))
        random = np.random.Generator(np.random.Philox(split_seed(seed, 1)))
        mix: Any = random.random(tuple(negatives.index.shape), np.float32) * np.float32(self.high)
        return replace(negatives, mix=torch.from_numpy(mix).to(negatives.index.device))
