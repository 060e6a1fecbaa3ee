"""A small generator of negatives that is trained against the model."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding

from gneg import checks
from gneg.checks import CollapseWarning
from gneg.graph import KnownEdges
from gneg.rng import generator_from, split_seed
from gneg.samplers.base import Corrupt, FloatArray, IntArray, Need, Query, Sampler, Score
from gneg.samplers.pool import gumbel
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.state import count, finite, floats, refuse, sequence
from gneg.samplers.wrapper import TUNABLE_M, Wrapper

MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam stores of a parameter
MOMENTUM = 0.9  # of the moving averages of the baseline and of the entropy
COLLAPSED = 0.05  # share of the highest possible entropy below which a generator has collapsed
PATIENCE = 20  # steps below it before the warning
ROWS = 8_192  # of a draw, in one step of backpropagation


class Adversarial(Wrapper):
    """Draws candidates that a generator thinks the model will score high.

    The generator gives every pair a logit, ``a[src] . b[dst] + c[src] + d[dst]``, and draws K of
    the M candidates by their softmax. After each step it learns by REINFORCE, the reward being the
    model's score of what was drawn, less a moving baseline (KBGAN, Cai and Wang, NAACL 2018,
    equations 5 to 7; IGAN, Wang et al., AAAI 2018). The K draws of a row are without replacement
    and each counts as a draw of its own.

    A generator that always draws the same candidates is of no use: when the entropy of its softmax
    stays below a twentieth of the highest possible, a :class:`~gneg.checks.CollapseWarning` is
    given once; `report` has the entropy.

    Args:
        sampler: The sampler that proposes candidates.
        m: Number of candidates, M; at least K.
        width: Width of the generator's embeddings.
        lr: Learning rate of the generator's Adam.
        seed: Seed of the generator's initial weights.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given ``score``.
    """

    name = "adversarial"
    proposes = "full rows"
    tunable: ClassVar = TUNABLE_M

    def __init__(
        self,
        sampler: Sampler,
        m: int = 32,
        *,
        width: int = 16,
        lr: float = 0.01,
        seed: int = 0,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        self.width = checks.integer("width", width, 1)
        self.lr = checks.number("lr", lr, 0, open_low=True)
        self.seed = seed
        start = generator_from(split_seed(seed, 0))
        sizes = self.graph.num_src, self.graph.num_dst
        self.factors = [
            nn.Parameter(torch.randn(size, self.width, generator=start) * self.width**-0.5 * 0.1)
            for size in sizes
        ]
        self.bias = [nn.Parameter(torch.zeros(size, 1)) for size in sizes]
        self.optimizer = torch.optim.Adam([*self.factors, *self.bias], lr=self.lr)
        self.baseline, self.entropy = math.nan, 1.0
        self.steps = self.low = 0

    @property
    def needs(self) -> frozenset[Need]:
        """The current model, and what the wrapped sampler needs."""
        return self.sampler.needs | {"score"}

    def _logits(self, query: Query, index: IntArray) -> FloatArray:
        """Return the generator's logits ``[B, M]``; NumPy, because a forked process may draw."""
        of_query, of_target = (0, 1) if query.side == "dst" else (1, 0)
        factors = [parameter.detach().numpy() for parameter in self.factors]
        bias = [parameter.detach().numpy()[:, 0] for parameter in self.bias]
        rows, targets = query.rows, np.maximum(index, 0)
        logits: FloatArray = np.einsum(
            "bd,bmd->bm", factors[of_query][rows], factors[of_target][targets]
        )
        logits += bias[of_query][rows][:, None] + bias[of_target][targets]
        return logits

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw K candidates by the softmax of the generator's logits."""
        pool = self.draw_pool(query, k, seed)
        noise = gumbel(pool.index.shape, split_seed(seed, 1))
        drawn = pool.top(self._logits(query, pool.index) + noise, k)
        self.remember(query, (pool.index, drawn, query.scores(drawn, self.memory_mb)))
        return drawn

    def step(self, *, score: Score | None = None) -> None:
        """Train the generator on the draws of the last call."""
        super().step(score=score)
        drawn = [(query, *record) for query, record in self.recall() if len(query.rows)]
        rewards = [reward[index >= 0] for _, _, index, reward in drawn]
        if not sum(map(len, rewards)):
            return
        observed = np.concatenate(rewards)
        self.baseline = _moved(self.baseline, float(observed.mean()))
        scale = float(observed.std()) + 1e-6
        self.optimizer.zero_grad()
        entropies = []
        for query, pool, index, reward in drawn:
            for lo in range(0, len(index), ROWS):
                part = slice(lo, lo + ROWS)
                gain = np.where(index[part] >= 0, (reward[part] - self.baseline) / scale, 0.0)
                gain /= len(observed)
                chunk = query.take(np.arange(len(index))[part])
                entropies.append(self._learn(chunk, pool[part], index[part], gain))
        self.optimizer.step()
        self._watch(float(np.mean(np.concatenate(entropies))))

    def _learn(self, query: Query, pool: IntArray, drawn: IntArray, gain: FloatArray) -> FloatArray:
        """Add a gradient of -gain * log p(drawn); return each row's entropy in [0, 1]."""
        of_query, of_target = (0, 1) if query.side == "dst" else (1, 0)
        rows = torch.from_numpy(query.rows)

        def logit(index: IntArray) -> Tensor:
            # Looked up as embeddings: the sums of an indexing's gradient come in any order.
            ends = [(rows, of_query), (torch.from_numpy(np.maximum(index, 0)), of_target)]
            a, b = (embedding(ids, self.factors[end]) for ids, end in ends)
            c, d = (embedding(ids, self.bias[end]).squeeze(-1) for ids, end in ends)
            return torch.einsum("bd,bmd->bm", a, b) + c.unsqueeze(1) + d

        present = torch.from_numpy(pool >= 0)
        logits = logit(pool).masked_fill(~present, -torch.inf)
        total = torch.logsumexp(logits, dim=1, keepdim=True)
        weight = torch.from_numpy(gain).float()
        loss = -(weight * torch.where(weight == 0, weight, logit(drawn) - total)).sum()
        loss.backward()
        p = torch.softmax(logits.detach(), dim=1)
        size = present.sum(dim=1).clamp(min=2).float()
        entropy: FloatArray = (torch.special.entr(p).sum(dim=1) / size.log()).numpy()
        return entropy

    def _watch(self, entropy: float) -> None:
        self.steps += 1
        self.entropy = _moved(self.entropy, entropy)
        self.low = self.low + 1 if self.entropy < COLLAPSED else 0
        if self.low == PATIENCE:
            warnings.warn(
                f"the generator of Adversarial has collapsed: the entropy of its draws is "
                f"{100 * self.entropy:.1f} % of the highest; lower its 'lr', raise 'm', or mix it "
                "with uniform negatives",
                CollapseWarning,
                stacklevel=4,
            )

    def report(self) -> dict[str, Any]:
        """Return the generator's entropy in [0, 1] and whether it has collapsed."""
        return {
            **self.sampler.report(),
            "generator_entropy": self.entropy,
            "generator_collapsed": self.low >= PATIENCE,
        }

    def _state(self) -> dict[str, Any]:
        return {
            "graph": self.fingerprint,
            "weights": [parameter.detach().clone() for parameter in (*self.factors, *self.bias)],
            "moments": [
                [moments[name].clone() for name in MOMENTS]
                for moments in self.optimizer.state.values()
            ],
            "watch": [self.baseline, self.entropy, self.steps, self.low],
        }

    def _load(self, state: dict[str, Any]) -> None:
        parameters = [*self.factors, *self.bias]
        weights = sequence("weights", state["weights"], len(parameters))
        for parameter, value in zip(parameters, weights, strict=True):
            floats("weights", value, tuple(parameter.shape))
        baseline, entropy, steps, low = sequence("watch", state["watch"], 4)
        if not (isinstance(baseline, float) and math.isnan(baseline)):  # before the first step
            finite("watch", baseline, -math.inf, math.inf)
        entropy = finite("watch", entropy, 0, 1 + 1e-6)
        steps, low = count("watch", steps), count("watch", low)
        rows = sequence("moments", state["moments"])
        optimizer = torch.optim.Adam(parameters, lr=self.lr)
        if rows:  # none before the first step
            rows = sequence("moments", rows, len(parameters))
        for parameter, row in zip(parameters, rows, strict=False):
            for name, value in zip(MOMENTS, sequence("moments", row, 3), strict=True):
                floats("moments", value, () if name == "step" else tuple(parameter.shape))
                if name == "step" and not 1 <= float(value) <= 2**53:
                    refuse("moments", "with steps in [1, 2**53]", float(value))
                optimizer.state[parameter][name] = value.float().clone()
        with torch.no_grad():
            for parameter, value in zip(parameters, weights, strict=True):
                parameter.copy_(value)
        self.optimizer = optimizer
        self.baseline, self.entropy, self.steps, self.low = baseline, entropy, steps, low


def _moved(average: float, value: float) -> float:
    return value if math.isnan(average) else MOMENTUM * average + (1 - MOMENTUM) * value
