"""Comparing models that are trained for a few epochs, on validation edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gneg.datasets import LinkData
from gneg.evaluation.full_ranks import PRODUCTS, full_ranks
from gneg.nn.stack import Stack
from gneg.rng import generator_from, split_seed
from gneg.training.link import LinkRun
from gneg.training.stack_tables import HeldOutPairs
from gneg.training.stacking import FOLDS, Folds, first_column, fit_linear

POSITIVES = 500  # validation positives that models are compared on, at most


class Judge:
    """Compares models on the same validation pairs, whose heuristics are computed once.

    Args:
        data: The dataset.
        run: One of the models; all have the same heuristics.
        seed: Seed of the choice of pairs and of folds.
    """

    def __init__(self, data: LinkData, run: LinkRun, seed: int) -> None:
        self.data, self.seed = data, seed
        self.combined = run.config.stack != "none"
        self.pairs: HeldOutPairs | None = None
        generator = generator_from(split_seed(seed, 3))
        order = torch.randperm(data.valid.pos.size(1), generator=generator)[:POSITIVES]
        if data.num_src is None and min(len(order), len(data.valid.neg[0])) >= 2 * FOLDS:
            stack = run.stacked or Stack(nn.Identity(), data.graph, kinds=["ra"])
            self.pairs = HeldOutPairs(stack, run.scorer(), data, order, generator)

    def values(self, run: LinkRun) -> list[Tensor]:
        """Return the metric of each validation positive against each kind of negatives."""
        if self.pairs is None:
            ranks = full_ranks(self.data, run.scorer(), "valid", budget=PRODUCTS, seed=self.seed)
            return [ranks.per_positive()["mrr"][0]]
        folds = Folds.make(self.pairs.tables(run.scorer()), generator_from(self.seed))
        return folds.values(fit_linear if self.combined else lambda tables: first_column)

    def gain(self, values: list[Tensor], baseline: list[Tensor]) -> tuple[float, float]:
        """Return the relative advantage in the geometric mean, and its standard error."""
        total = torch.zeros(len(baseline[0]), dtype=torch.double)
        for i, (value, base) in enumerate(zip(values, baseline, strict=True)):
            mean = float(base.mean())
            # AUC ends at 1: its odds are compared, as a stack's are.
            odds = self.data.metric == "auc" and i == 0
            total += (value - base) / max(mean * (1 - mean) if odds else mean, 1e-6)
        gains = total / len(values)
        return float(gains.mean()), float(gains.std() / len(gains) ** 0.5)
