"""One seed's training run on a knowledge graph."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gneg.datasets import TripleData
from gneg.evaluation.audit import held_out_hits
from gneg.evaluation.sampled import evaluate_official, evaluate_sampled
from gneg.evaluation.triple import evaluate_triples, ranks
from gneg.graph import KnownTriples
from gneg.nn.base_weight import replayed
from gneg.nn.kge import Tables
from gneg.nn.kge.measured import Blocks, Measured
from gneg.rng import generator_from, split_seed
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler
from gneg.training.config import BASE_WEIGHTS
from gneg.training.run import Run
from gneg.training.triple_config import KGConfig

CHOOSE = 1_000  # validation triples that the weight of a base measure is chosen on


class KGTrainer(Run):
    """One seed's model, sampler and progress.

    The global random state is set from ``seed``; wrap this in ``torch.random.fork_rng()`` (as
    :func:`gneg.train` does) to leave yours alone.

    Args:
        data: What to train on.
        config: How.
        seed: Where all randomness comes from.
        filtered: What ranks leave out; all triples of all parts if None.
    """

    sampler: TripleSampler

    def __init__(
        self,
        data: TripleData,
        config: KGConfig,
        seed: int,
        filtered: KnownTriples | None = None,
    ) -> None:
        self.data, self.config, self.seed = data, config, seed
        torch.manual_seed(split_seed(seed, 0))
        self.generator = generator_from(split_seed(seed, 1))
        self.model = config.make_model(data).to(config.device)
        parameters = list(self.model.parameters())
        self.optimizer: torch.optim.Optimizer = (
            torch.optim.SparseAdam(parameters, lr=config.lr)
            if config.sparse
            else torch.optim.Adam(parameters, lr=config.lr, fused=True)
        )
        self.loss = config.make_loss()
        self.filtered = data.known("all") if filtered is None else filtered
        self.sampler = TripleSampler(
            data.triples,
            config.sampler,
            known=data.known(config.known),
            corrupt=config.corrupt,
            z=lambda: self.model.scorer().tables[0],
            types=data.types,
        )
        self._measured: Measured | None = None
        if config.base_measure != "none":
            self._measured = self._make_measure(
                1.0 if config.base_weight is None else config.base_weight
            )
        self.train_triples = data.train.to(config.device)
        super().__init__(self.model, config, "mrr", device=config.device)

    def _make_measure(self, weight: float) -> Measured:
        """The model on its base measure; the weight is saved with the model."""
        config = self.config
        sampler = self.sampler
        if config.base_measure != "sampler":
            sampler = TripleSampler(
                self.data.triples,
                config.base_measure,
                known=self.data.known(config.known),
                corrupt=config.corrupt,
                types=self.data.types,
            )
        self._weight = torch.tensor(weight, device=config.device)
        self.model.register_buffer("base_weight", self._weight)
        return Measured(self.model.scorer(), sampler, weight)

    def epoch(self) -> float:
        """Train on every triple once; return the mean loss."""
        total, counts = 0.0, Counter(self.progress.counts)
        size = self.train_triples.size(1)
        order = torch.randperm(size, generator=self.generator)
        self.model.train()
        for which in order.split(self.config.batch_size):
            pos = self.train_triples[:, which.to(self.train_triples.device)]
            start = time.perf_counter()
            tables = self.model.tables(which)
            embedded = time.perf_counter()
            negatives = self._draw(pos, tables)
            drawn = time.perf_counter()
            loss = self._update(pos, negatives, tables)
            self.progress.seconds["sampling"] += drawn - embedded
            self.progress.seconds["model"] += time.perf_counter() - drawn + embedded - start
            total += loss * len(which)
            if negatives is not None:
                start = time.perf_counter()
                counts.update(negatives.counts)
                self.sampler.step()
                self.progress.seconds["sampling"] += time.perf_counter() - start
        self.progress.counts = dict(counts)
        self.progress.epoch += 1
        self.model.eval()
        self.sampler.end_epoch(z=self.model.scorer().tables[0])
        return total / max(size, 1)

    def _draw(self, pos: Tensor, tables: Tables) -> Negatives | None:
        if self.loss is None:
            return None
        negatives = self.sampler.sample(
            pos, self.config.k, score=self.model.scorer(tables), generator=self.generator
        )
        if self.loss.needs_log_q:
            _ = negatives.log_q  # computed when read: this time belongs to the sampler
        return negatives

    def _update(self, pos: Tensor, negatives: Negatives | None, tables: Tables) -> float:
        """One step of the optimiser."""
        if negatives is None or self.loss is None:
            loss = self._over_all(pos, tables)
        else:
            loss = self.loss(*self.model.score_both(pos, negatives, tables), negatives)
        whole = loss
        for weight, power in ((self.config.l2, 2), (self.config.n3, 3)):
            if weight:
                whole = whole + weight * self.model.norms(pos, power)
        self.optimizer.zero_grad()
        whole.backward()
        self.optimizer.step()
        if self.config.loss == "margin":
            self.model.constrain()
        return float(loss.detach())

    def _over_all(self, pos: Tensor, tables: Tables) -> Tensor:
        """Cross-entropy over all entities, as the tail and as the head: 1-vs-all."""
        head, relation, tail = pos
        rows = self.model.rows
        tails = functional.cross_entropy(rows(head, relation, "tail", tables), tail)
        heads = functional.cross_entropy(rows(tail, relation, "head", tables), head)
        return (tails + heads) / 2

    def scorer(self) -> Blocks:
        """The model by its current weights, on its base measure if it has one."""
        self.model.eval()
        scorer = self.model.scorer()
        if self._measured is None:
            return scorer
        self._measured.scorer, self._measured.c = scorer, float(self._weight)
        return self._measured

    def _choose_weight(self, measured: Measured) -> None:
        """Take the weight of the base measure that ranks some validation triples best."""
        self.scorer()
        pos = self.data.valid
        order = torch.randperm(pos.size(1), generator=generator_from(split_seed(self.seed, 2)))
        found: dict[float, float] = {}
        parts: list[tuple[Tensor, Tensor]] = []
        for weight in BASE_WEIGHTS:
            rows = replayed(measured.parts, parts, weight)
            ranked = ranks(rows, pos[:, order[:CHOOSE]], self.filtered)
            every = torch.cat([rank for rank, _ in ranked.values()])
            found[weight] = float(every.reciprocal().mean())
        self._weight.fill_(max(BASE_WEIGHTS, key=lambda one: found[one]))

    def evaluate(self, part: str) -> dict[str, Any]:
        """Filtered ranks of ``valid`` or ``test`` by the current weights.

        Where the data brings lists of negatives (OGB), among those.
        """
        start = time.perf_counter()
        if self._measured is not None and self.config.base_weight is None and part == "valid":
            self._choose_weight(self._measured)
        scorer = self.scorer()
        if self.data.negatives is not None:
            found = evaluate_official(scorer, self.data, part)
        else:
            found = evaluate_triples(scorer.rows, self.data, part, known=self.filtered)
        self.progress.seconds["evaluation"] += time.perf_counter() - start
        return found

    def result(self, *, complete: bool) -> dict[str, Any]:
        """Evaluate the best weights on both parts."""
        self.model.load_state_dict(self.best_state)
        progress, scorer = self.progress, self.scorer()
        return {
            "seed": self.seed,
            "complete": complete,
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "valid": self.evaluate("valid"),
            "test": self.evaluate("test"),
            "sampled": evaluate_sampled(scorer, self.data),
            "false_negatives_per_1000": held_out_hits(self.sampler, self.data, self.model.scorer()),
            "curve": progress.curve,
            "seconds": progress.seconds,
            "base_weight": None if self._measured is None else float(self._weight),
            "sampler_counts": progress.counts,
            "parameters": sum(one.numel() for one in self.model.parameters()),
        }
