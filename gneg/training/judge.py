"""Comparing models that are trained for a few epochs, on validation edges."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from gneg.datasets import EvalEdges, LinkData, TripleData
from gneg.evaluation.full_ranks import PRODUCTS, full_ranks
from gneg.evaluation.triple import ranks
from gneg.nn.stack import Stack
from gneg.rng import generator_from, split_seed
from gneg.training.link import LinkRun
from gneg.training.stack_tables import HeldOutPairs
from gneg.training.stacking import LEAST, Folds, first_column, fit_linear, relative_gain
from gneg.training.triple import TripleRun

POSITIVES = 500  # validation positives that models are compared on, at most


class Judge:
    """Compares models on the same validation pairs, whose heuristics are computed once.

    Args:
        data: The dataset.
        run: One of the models; all have the same heuristics.
        seed: Seed of the choice of pairs and of folds.
        share: Share of the pairs that there are at most, in (0, 1].
    """

    def __init__(self, data: LinkData, run: LinkRun, seed: int, share: float) -> None:
        self.data, self.seed = data, seed
        self.budget = round(share * PRODUCTS)
        self.combined = run.config.stack != "none"
        self.pairs: HeldOutPairs | None = None
        generator = generator_from(split_seed(seed, 3))
        count = round(share * POSITIVES)
        order = torch.randperm(data.valid.pos.size(1), generator=generator)[:count]
        if data.valid.shared:
            data = replace(data, valid=_thinned(data.valid, share, generator))
        if data.num_src is None and min(len(order), len(data.valid.neg[0])) >= LEAST:
            stack = run.stacked or Stack(nn.Identity(), data.graph, kinds=["ra"])
            self.pairs = HeldOutPairs(stack, run.scorer(), data, order, generator)

    def values(self, run: LinkRun) -> list[Tensor]:
        """Return the metric of each validation positive against each kind of negatives."""
        if self.pairs is None:
            ranks = full_ranks(self.data, run.scorer(), "valid", budget=self.budget, seed=self.seed)
            return [ranks.per_positive()["mrr"][0]]
        folds = Folds.make(self.pairs.tables(run.scorer()), generator_from(self.seed))
        return folds.values(fit_linear if self.combined else lambda tables: first_column)

    def gain(self, values: list[Tensor], baseline: list[Tensor]) -> tuple[float, float]:
        """Return the relative advantage in the geometric mean, and its standard error."""
        # AUC ends at 1: its odds are compared, as a stack's are.
        return relative_gain(values, baseline, odds=self.data.metric == "auc")


def _thinned(valid: EvalEdges, share: float, generator: torch.Generator) -> EvalEdges:
    """Return the edges with a random share of the negatives that all positives share."""
    if share == 1:
        return valid
    src, dst = valid.neg
    kept = torch.randperm(len(src), generator=generator)[: max(LEAST, round(share * len(src)))]
    return replace(valid, neg=(src[kept], dst[kept]))


class TripleJudge:
    """Compares knowledge-graph models by the reciprocal ranks of the same validation triples.

    Args:
        data: The knowledge graph.
        run: One of the models.
        seed: Seed of the choice of triples.
        share: Share of the triples that there are at most, in (0, 1].
    """

    def __init__(self, data: TripleData, run: TripleRun, seed: int, share: float) -> None:
        generator = generator_from(split_seed(seed, 3))
        valid = data.ranked.valid
        order = torch.randperm(valid.size(1), generator=generator)[: round(share * POSITIVES)]
        self.pos, self.known = valid[:, order], run.filtered

    def values(self, run: TripleRun) -> list[Tensor]:
        """Return the mean reciprocal rank of both ends of each triple, among all entities."""
        ranked = ranks(run.scorer().rows, self.pos, self.known)
        return [torch.stack([rank.reciprocal() for rank, _ in ranked.values()]).mean(dim=0)]

    def gain(self, values: list[Tensor], baseline: list[Tensor]) -> tuple[float, float]:
        """Return the relative advantage in MRR, and its standard error."""
        return relative_gain(values, baseline)
