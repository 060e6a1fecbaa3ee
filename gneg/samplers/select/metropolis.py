"""Markov chain negatives: the model's own distribution, sub-linearly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import ClassVar

import numpy as np

from gneg import checks
from gneg.graph import KnownEdges
from gneg.rng import split_seed
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Need, Query, Sampler
from gneg.samplers.pool import Pool, gumbel
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.wrapper import Wrapper


class Metropolis(Wrapper):
    """Draws by a Metropolis-Hastings chain towards exp(alpha * score) over the non-edges.

    MCNS (Yang et al., KDD 2020): negatives should follow the positive distribution sub-linearly,
    p_n ~ p_d ** alpha, and p_d is taken from the model itself (self-contrast), exp(score). The
    wrapped sampler proposes, each proposal independent of the chain; its ``log_q`` enters the
    acceptance, where it has none the proposal counts as symmetric. Each row runs a chain of its
    own (the paper walks one chain along a traversal of the graph): ``burn_in`` proposals are passed
    over, then every ``thin``-th state is a draw, so a row may hold repeats. A row with fewer
    non-edges than proposals is drawn from the target distribution directly.

    Args:
        sampler: The sampler that proposes.
        alpha: Exponent, in (0, 10]; below 1 is sub-linear.
        burn_in: Proposals before the first draw.
        thin: Proposals between draws.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "metropolis"
    tunable: ClassVar = {"alpha": lambda value: checks.number("alpha", value, 0, 10)}

    def __init__(
        self,
        sampler: Sampler,
        alpha: float = 0.5,
        *,
        burn_in: int = 16,
        thin: int = 2,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(sampler, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique)
        self.alpha = checks.number("alpha", alpha, 0, 10, open_low=True)
        self.burn_in = checks.integer("burn_in", burn_in, 0)
        self.thin = checks.integer("thin", thin, 1)

    @property
    def needs(self) -> frozenset[Need]:
        """The current model, and what the wrapped sampler needs."""
        return self.sampler.needs | {"score"}

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Run a chain for each row and return every ``thin``-th state."""
        length = self.burn_in + k * self.thin
        value = f"{self.burn_in}, {self.thin} for {len(query.rows)} positives"
        checks.memory("burn_in, thin", 5 * 8 * length * max(len(query.rows), 1), value)
        independent = replace(query, unique=False, counts=Counter())
        proposed = self.sampler.draw(independent, length, split_seed(seed, 0))
        pool = Pool(query, proposed, self.memory_mb)
        wanted = self.alpha * pool.scores.astype(np.float64)
        log_q = self.sampler.checked_density(query, pool.index)
        weight = wanted
        if log_q is not None:
            # Targets that the proposal cannot reach were drawn uniformly.
            weight = wanted - np.where(np.isneginf(log_q), query.log_uniform, log_q)
        index = self._chain(pool.index, weight, k, split_seed(seed, 1))
        listed = np.flatnonzero(query.num_free < length)
        if len(listed):
            part = Pool(query.take(listed), pool.index[listed])
            index[listed] = _draws(part, wanted[listed], k, split_seed(seed, 2))
        return index

    def _chain(self, proposed: IntArray, weight: FloatArray, k: int, seed: int) -> IntArray:
        """Accept or reject the proposals one after the other, all rows at once."""
        random = np.random.Generator(np.random.Philox(seed))
        log_u = np.log1p(-random.random(proposed.shape))
        state, state_weight = proposed[:, 0].copy(), weight[:, 0].copy()
        index = np.empty((len(proposed), k), np.int64)
        for t in range(proposed.shape[1]):
            if t:
                with np.errstate(invalid="ignore"):  # -inf - -inf: two empty slots
                    accepted = log_u[:, t] < weight[:, t] - state_weight
                state[accepted] = proposed[accepted, t]
                state_weight[accepted] = weight[accepted, t]
            draw, between = divmod(t - self.burn_in + 1, self.thin)
            if between == 0 and draw > 0:
                index[:, draw - 1] = state
        return index


def _draws(pool: Pool, log_weight: FloatArray, k: int, seed: int) -> IntArray:
    """Return ``k`` independent draws from listed targets, or each once where there are fewer."""
    out = pool.query.blank(k)
    for j in range(k):
        noise = gumbel(pool.index.shape, split_seed(seed, j))
        out[:, j] = pool.top(log_weight + noise, 1)[:, 0]
    short = pool.query.num_free < k
    out[short] = pool.top(log_weight, k)[short] if short.any() else -1
    return out
