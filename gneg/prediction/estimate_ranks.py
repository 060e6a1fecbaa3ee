"""An estimate of ranks among all nodes where scoring all of them takes too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.evaluation import metrics
from gneg.evaluation.full_ranks import queries
from gneg.graph.known import KnownPolicy
from gneg.graph.sizes import with_sizes
from gneg.nn.model import Scorer
from gneg.prediction.ranking import score_candidates
from gneg.prediction.retrieve import IntArray, Retriever, Side
from gneg.rng import generator_from, split_seed
from gneg.samplers.text.build import check as check_expression
from gneg.samplers.text.density import part_without_density

GROUPS = 10  # parts of the draws, each left out once for the error of the tail
ROWS = 1024  # queries at once
MEMORY_MB = 1024
SURE = 10  # Hits@K is estimated where the head holds so many times K nodes
#: Standard errors on either side of a 95 % interval, by Student's t with GROUPS - 1 degrees.
NORMAL, STUDENT = 1.96, 2.262


@dataclass(frozen=True)
class RankEstimate:
    """Estimated ranks of positives among all nodes but known ones, from both ends.

    Attributes:
        chosen: ``[n]`` long, the positives that were ranked, ascending: all, or a random sample.
        ranks: ``[ends, n]`` double, their estimated filtered ranks, >= 1.
        without: ``[G, ends, n]``, the same without one of G parts of the draws.
        beyond: ``[ends, n]``, the estimated number of better candidates that are not in the head.
        total: The number of positives that there are.
        candidates: The number of nodes that a positive is ranked among, known ones included.
        head: The number of nodes that retrieval proposed for each query.
        pairs: The number of pairs that the model scored, those for retrieval included.
    """

    chosen: Tensor
    ranks: Tensor
    without: Tensor
    beyond: Tensor
    total: int
    candidates: int
    head: int
    pairs: int

    __repr__ = with_sizes

    def describe(self) -> dict[str, int]:
        """Return what was ranked, as :meth:`gneg.evaluation.full_ranks.FullRanks.describe`."""
        return {
            "ranked": len(self.chosen),
            "positives": self.total,
            "ends": len(self.ranks),
            "candidates": self.candidates,
            "pairs": self.pairs,
        }

    def metrics(self, *, of_chosen: bool = False) -> dict[str, dict[str, float]]:
        """Return MRR and Hits@K as ``value``, ``low`` and ``high``, a 95 % interval.

        K is at most a tenth of the head: whether a rank beyond it is among the K best is decided by
        few draws, if any.

        Args:
            of_chosen: Whether the interval is for the exact value of the chosen positives, which
                the draws alone miss, and not for positives like them, as bootstrap intervals are.
        """
        ks = [k for k in metrics.HITS if k <= max(1, self.head // SURE)]
        values = {k: v.mean(dim=0) for k, v in metrics.rank_metrics(self.ranks, ks).items()}
        parts = metrics.rank_metrics(self.without, ks)
        count = len(self.chosen)
        results = {}
        for name, value in values.items():
            means = parts[name].mean(dim=(1, 2))
            if of_chosen:  # the jackknife over parts of the draws
                error = STUDENT * ((len(means) - 1) * float(means.var(correction=0))) ** 0.5
            else:  # draws are independent: their error is part of the spread
                error = NORMAL * (float(value.var()) / count) ** 0.5 if count > 1 else 1.0
            mean = float(value.mean())
            if name == "mrr":  # smooth, so that the jackknife takes most of its bias away
                mean -= (len(means) - 1) * (float(means.mean()) - mean)
            low, high = max(0.0, mean - error), min(1.0, mean + error)
            results[name] = {"value": mean, "low": low, "high": high}
        return results


def estimate_ranks(
    data: LinkData,
    scorer: Scorer,
    part: str = "test",
    *,
    positives: int = 1000,
    head: int = 1000,
    tail: int = 1000,
    sampler: str = "walk",
    seed: int = 0,
) -> RankEstimate:
    """Estimate the filtered ranks of :func:`gneg.evaluation.full_ranks.full_ranks`.

    The better candidates of a query are counted exactly in its head, the nodes that retrieval
    proposes for answers, and estimated outside of it: draws of a sampler that score higher count
    by the inverse of their expected number, 1 / (K q). Half of the draws are uniform, so that no
    node is out of reach. The estimate of each rank is unbiased; that of the MRR, of which a mean of
    1 / rank would be too high, is corrected by a jackknife over parts of the draws. Ties count
    half.

    Args:
        data: The dataset.
        scorer: The model on its embeddings.
        part: The positives to rank: ``valid`` or ``test``.
        positives: Positives that are ranked, >= 1: a random sample, or all if there are fewer.
        head: Nodes that retrieval proposes for each query, >= 1.
        tail: Draws for each query and positive, K >= 10.
        sampler: Expression of the sampler of the other half of the draws, with a density in
            closed form.
        seed: Seed for positives and draws.

    Raises:
        ValueError: If an argument is out of range, the sampler has no density or a score is NaN.
    """
    checks.choice("part", part, ("valid", "test"))
    counts = {"positives": (positives, 1), "head": (head, 1), "tail": (tail, GROUPS)}
    for name, (value, low) in counts.items():
        checks.integer(name, value, low)
    without_density = part_without_density(check_expression(sampler, argument="sampler"))
    if without_density is not None:
        allowed = "an expression with a density in closed form"
        checks.fail("sampler", allowed, sampler, hint=f"{without_density} has none")
    total = data.positives(part).size(1)
    generator = generator_from(split_seed(seed, 0))
    chosen = torch.randperm(total, generator=generator)[:positives].sort().values
    counted, pairs = [], 0
    for i, ends in enumerate(queries(data, part)):
        at = torch.cat([chosen + low for low in range(0, ends.pairs.size(1), total)])
        counter = _Counter(data, scorer, part, ends.side, sampler, head, -(-tail // GROUPS))
        for low, rows in enumerate(at.split(ROWS)):
            draws_seed = split_seed(split_seed(seed, 1 + i), low)
            counted.append(counter.count(ends.pairs[:, rows], draws_seed))
        pairs += counter.pairs
    better = torch.from_numpy(np.concatenate(counted, axis=1)).view(1 + GROUPS, -1, len(chosen))
    in_head, parts = better[0], better[1:]
    beyond = parts.mean(dim=0)
    without = (parts.sum(dim=0) - parts) / (GROUPS - 1)
    ranks = 1 + in_head
    return RankEstimate(
        chosen, ranks + beyond, ranks + without, beyond, total, counter.num_candidates, head, pairs
    )


class _Counter:
    """Counts the better candidates of queries, in the head and by draws outside of it.

    Args:
        data: The dataset.
        scorer: The model on its embeddings.
        part: The part that the positives are of.
        end: The end that is ranked.
        sampler: Expression of the sampler of the tail.
        head: Nodes that retrieval proposes for each query.
        draws: Draws for each query and positive in each of the parts.
    """

    def __init__(
        self,
        data: LinkData,
        scorer: Scorer,
        part: str,
        end: Literal["dst", "src"],
        sampler: str,
        head: int,
        draws: int,
    ) -> None:
        policy: KnownPolicy = "all" if part == "test" else "train+valid"
        known = data.known(policy)
        self.scorer, self.head, self.draws = scorer, head, draws
        self.side: Side = "target" if end == "dst" else "source"
        known = known if end == "dst" else known.reversed()
        self.retriever = Retriever(data, scorer, self.side, known)
        text = "uniform" if sampler == "uniform" else f"mixture({sampler}:0.5, uniform:0.5)"
        self.sampler = data.sampler(text, known=policy, corrupt=end, z=scorer.z.float().cpu())
        self.bipartite, self.num_candidates = known.bipartite, known.num_dst
        self.pairs = self.retriever.scored

    def count(self, pairs: Tensor, seed: int) -> npt.NDArray[np.float64]:
        """Return the better candidates in the head and, by each part of the draws, outside of it.

        Args:
            pairs: ``[2, b]``, queries and targets.
            seed: Seed for the draws.

        Returns:
            ``[1 + G, b]``.
        """
        rows, targets = pairs.numpy()
        level = self._scores(rows, targets[:, None])
        queries, place = np.unique(rows, return_inverse=True)
        heads = self.retriever.candidates(queries, self.head, MEMORY_MB)
        if not self.bipartite:
            heads[heads == queries[:, None]] = -1
        in_head = _better(self._scores(queries, heads)[place], level).sum(axis=1)
        return np.concatenate([in_head[None], self._beyond(pairs, heads[place], level, seed)])

    def _beyond(
        self, pairs: Tensor, heads: IntArray, level: npt.NDArray[np.float32], seed: int
    ) -> npt.NDArray[np.float64]:
        """Return estimates ``[G, b]`` of the number of better candidates outside of the heads."""
        pos = pairs if self.side == "target" else pairs.flip(0)
        drawn = self.sampler.sample(pos, GROUPS * self.draws, generator=generator_from(seed))
        assert drawn.log_q is not None
        ids = np.where(drawn.mask.numpy(), drawn.index.numpy(), -1)
        number = (ids >= 0).sum(axis=1, keepdims=True)
        line = np.arange(len(ids))[:, None] * self.num_candidates
        counted = np.isin(ids + line, (heads + line)[heads >= 0])
        ids = np.where(counted, -1, ids)
        better = _better(self._scores(pairs[0].numpy(), ids), level)
        weighted = better * np.exp(-drawn.log_q.double().numpy())
        parts = weighted.reshape(len(ids), self.draws, GROUPS).mean(axis=1)
        # A row with fewer candidates than draws lists each of them once.
        listed = number < ids.shape[1]
        exact = weighted.sum(axis=1, keepdims=True) / np.maximum(number, 1)
        estimates: npt.NDArray[np.float64] = np.where(listed, exact, parts).T
        return estimates

    def _scores(self, rows: IntArray, ids: IntArray) -> npt.NDArray[np.float32]:
        self.pairs += int((ids >= 0).sum())
        scores = score_candidates(self.scorer, self.side, rows, ids)
        metrics.check_no_nan("scorer", torch.from_numpy(scores))
        return scores


def _better(
    scores: npt.NDArray[np.float32], level: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """Return 1 where scores are above their row's level ``[b, 1]``, 1/2 where they equal it."""
    better: npt.NDArray[np.float64] = (scores > level) + 0.5 * (scores == level)
    return better
