"""Synthetic negatives between a real one and the positive."""

from __future__ import annotations

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
    each negative. ``Mixup(Hardest(Uniform(graph)))`` is MixGCF but for its mixing over layers. The
    ids stay real non-edges; the shares are ``Negatives.mix``, and ``Negatives.embed(z)`` gives the
    mixed embeddings: score those.

    Args:
        sampler: What draws the negatives.
        high: Largest share of the positive, in (0, 1].
        known: See :class:`~gneg.samplers.wrapper.Wrapper`.
        corrupt: See there.
        unique: See there.

    Raises:
        ValueError: If ``high`` is out of range.
    """

    name = "mixup"
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
        self.exact, self.complete = sampler.exact, sampler.complete

    def _propose(self, query: Query, k: int, seed: int) -> IntArray:
        return self.sampler._propose(query, k, seed)

    def _log_prob(self, query: Query, index: IntArray) -> FloatArray | None:
        return self.sampler._log_prob(query, index)

    def finish(self, negatives: Negatives, seed: int) -> Negatives:
        """Draw the shares."""
        negatives = self.sampler.finish(negatives, split_seed(seed, 0))
        random = np.random.Generator(np.random.Philox(split_seed(seed, 1)))
        mix: Any = random.random(tuple(negatives.index.shape), np.float32) * np.float32(self.high)
        return negatives.changed(mix=torch.from_numpy(mix).to(negatives.index.device))
