"""The training run of a knowledge-graph model."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor

from gneg.datasets import TripleData
from gneg.evaluation.audit import has_held_out, held_out_hits
from gneg.evaluation.classify import classify
from gneg.evaluation.sampled import default_negatives, evaluate_official, evaluate_sampled
from gneg.evaluation.triple import evaluate_triples, ranks
from gneg.graph import KnownTriples
from gneg.losses import Loss
from gneg.nn.base_measure import best_weight
from gneg.nn.kge import KGE, Scorer, Tables
from gneg.nn.kge.all_entities import loss_over_all
from gneg.nn.kge.base_measure import BlockScorer, TripleBaseMeasure
from gneg.rng import generator_from, split_seed
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler
from gneg.training.batches import Batch
from gneg.training.config import TripleConfig
from gneg.training.inductive import InferenceModel
from gneg.training.queries import Queries
from gneg.training.row_adam import RowAdam
from gneg.training.run import Run
from gneg.training.shared_settings import BASE_WEIGHTS
from gneg.training.triple_config import OVER_ALL
from gneg.training.triple_models import make_triple_loss, make_triple_model

MOST_HIDDEN = 0.25  # of the training triples, in a step of a model with an encoder
WEIGHT_TRIPLES = 1_000  # validation triples that the weight of a base measure is chosen on


class TripleRun(Run[TripleData, TripleConfig]):
    """The training of a knowledge-graph model with one seed.

    Args:
        data: The knowledge graph.
        config: The config.
        seed: The seed of all randomness.
    """

    metric = "mrr"
    sampler: TripleSampler
    model: KGE

    def __init__(self, data: TripleData, config: TripleConfig, seed: int) -> None:
        #: Known triples that are left out when entities are ranked.
        self.filtered: KnownTriples = data.ranked.known("all")
        self._measure: TripleBaseMeasure | None = None
        super().__init__(data, config, seed)
        #: Of an inductive split the model on the graph that is ranked.
        self.inference: InferenceModel | None = None
        if data.inference is not None:
            self.inference = InferenceModel(self.model, data.inference)

    @staticmethod
    def protocol(data: TripleData, config: TripleConfig) -> dict[str, Any]:
        """Return how such runs are evaluated, for the record."""
        lists = (
            "among all entities, other known triples filtered"
            if data.negatives is None
            else "among the negatives that came with the data"
        )
        if data.inference is not None:
            lists = "among all entities of the inference graph, other known triples of it filtered"
        sampled = default_negatives(data.ranked)
        return {
            "ranked": f"both ends, {lists}",
            "sampled": f"test, both ends, each among {sampled} sampled negatives",
            "ties": "mean of optimistic and pessimistic rank",
            "known": config.known,
            "select_by": "valid mrr",
        }

    # -- model, sampler, loss ------------------------------------------------------------------

    def make_model(self) -> KGE:
        """Return the model; the weight of a base measure is saved with it."""
        model = make_triple_model(self.config, self.data)
        if self.config.base_measure != "none":
            weight = 1.0 if self.config.base_weight is None else self.config.base_weight
            model.register_buffer("base_weight", torch.tensor(weight))
        return model

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Return Adagrad or Adam, for sparse gradients that of the rows that have one."""
        parameters, lr = list(self.model.parameters()), self.config.lr
        if self.config.optimizer == "adagrad":
            return torch.optim.Adagrad(parameters, lr=lr)
        if self.config.sparse:
            return RowAdam(parameters, lr=lr)
        return torch.optim.Adam(parameters, lr=lr, fused=True)

    def prepare(self) -> None:
        """Group the triples by what they answer, where all entities are scored."""
        over_all = self.config.loss in OVER_ALL
        self.queries = Queries(self.positives, self.data.num_relations) if over_all else None

    def make_sampler(self) -> TripleSampler:
        """Return the sampler of the config, and set up the base measure if there is one."""
        config = self.config
        sampler = self._triple_sampler(config.sampler)
        if config.base_measure != "none":
            density = sampler
            if config.base_measure != "sampler":
                density = self._triple_sampler(config.base_measure)
            weight = float(self.model.base_weight)  # type: ignore[arg-type]
            self._measure = TripleBaseMeasure(self.model.scorer(), density, weight)
        return sampler

    def _triple_sampler(self, text: str) -> TripleSampler:
        config = self.config
        return self.data.sampler(
            text, known=config.known, corrupt=config.corrupt, z=self.final_embeddings
        )

    def make_loss(self) -> Loss | None:
        """Return the loss of the config; None for those over all entities."""
        return make_triple_loss(self.config)

    @property
    def batch_size(self) -> int:
        """Positives per step; a part of all where an encoder sees none of them."""
        size = self.config.batch_size
        if self.config.encoder == "none":
            return size
        return min(size, max(1, int(MOST_HIDDEN * self.data.train.size(1))))

    # -- one batch -----------------------------------------------------------------------------

    @property
    def num_items(self) -> int:
        """Number of what an epoch brings into a random order: triples, or queries."""
        return super().num_items if self.queries is None else len(self.queries)

    @property
    def items_per_step(self) -> int:
        """Number of them per step; queries have ``batch_size`` triples in the mean."""
        steps = -(-super().num_items // self.batch_size)
        return self.batch_size if self.queries is None else -(-len(self.queries) // max(steps, 1))

    def batches(self, order: Tensor) -> Generator[Batch, None, None]:
        """Yield batches of triples, or of queries with all their answers."""
        if self.queries is None:
            yield from super().batches(order)
            return
        for ids in order.split(self.items_per_step):
            edges, queries = self.queries.take(ids)
            yield Batch(edges, self.positives[:, edges], queries=queries)

    def embed_batch(self, batch: Batch) -> Tables:
        """Return vectors of entities and relations, without messages along the batch's triples."""
        return self.model.tables(batch.edges)

    def batch_scorer(self, embeddings: Tables) -> Scorer:
        """Return the current model as a score of triples."""
        return self.model.scorer(embeddings)

    def batch_loss(self, batch: Batch, negatives: Negatives | None, embeddings: Tables) -> Tensor:
        """Return the loss of a batch: against negatives, or over all entities."""
        if negatives is not None and self.loss is not None:
            with self.autocast():
                scores = self.model.score_both(batch.pos, negatives, embeddings)
            pos_score, neg_score = (self.widened(part) for part in scores)
            return self.loss(pos_score, neg_score, negatives)
        queries = batch.queries
        assert queries is not None
        with self.autocast():
            query = self.model.embed_both_ends(
                embeddings, queries.entity, queries.relation, queries.num_tails
            )
            return loss_over_all(
                self.config.loss,  # type: ignore[arg-type]
                None if self.model.inner_products else self.model.compare_all,
                query,
                embeddings[0],
                queries.answers,
                smoothing=self.config.label_smoothing,
            )

    def penalty(self, pos: Tensor) -> Tensor | None:
        """Return the weighted norms of the batch's embeddings; None without weights."""
        total: Tensor | None = None
        for weight, power in ((self.config.l2, 2), (self.config.n3, 3)):
            if weight:
                norm = weight * self.model.norms(pos, power)
                total = norm if total is None else total + norm
        return total

    def after_step(self) -> None:
        """Project embeddings back onto the unit ball where the margin loss requires it."""
        if self.config.loss == "margin":
            self.model.constrain()

    # -- evaluation ----------------------------------------------------------------------------

    def final_embeddings(self) -> Tensor:
        """Return the vectors of entities ``[N, D]`` by the current weights."""
        self.model.eval()
        return self.model.scorer().tables[0]

    def final_relations(self) -> Tensor:
        """Return the vectors of relations, and of their inverses after them, ``[R or 2 R, D]``."""
        self.model.eval()
        return self.model.scorer().tables[1]

    def scorer(self) -> BlockScorer:
        """Return the model by its current weights, with its base measure if it has one.

        Of an inductive split it scores the entities that are ranked.
        """
        if self.inference is not None:
            return self.inference.scorer()
        self.model.eval()
        scorer = self.model.scorer()
        if self._measure is None:
            return scorer
        weight = float(self.model.base_weight)  # type: ignore[arg-type]
        self._measure.scorer, self._measure.c = scorer, weight
        return self._measure

    def measure(self, part: str) -> dict[str, Any]:
        """Return the metrics of ``valid`` or ``test``.

        Triples are ranked among all entities, or among the lists of negatives that came with the
        data (OGB). On validation the weight of a base measure is chosen, unless the config has one.
        """
        if part == "valid" and self.config.base_weight is None and self._measure is not None:
            self._choose_weight(self._measure)
        scorer = self.scorer()
        data = self.data.ranked
        if data.negatives is not None:
            return evaluate_official(scorer, data, part)
        return evaluate_triples(scorer.rows, data, part, known=self.filtered)

    def _choose_weight(self, measure: TripleBaseMeasure) -> None:
        """Set the weight of the base measure that ranks a sample of validation triples best."""
        self.scorer()
        generator = generator_from(split_seed(self.seed, 2))
        order = torch.randperm(self.data.valid.size(1), generator=generator)
        pos = self.data.valid[:, order[:WEIGHT_TRIPLES]]

        def mrr(rows: Any) -> dict[str, float]:
            by_end = ranks(rows, pos, self.filtered)
            rank = torch.cat([rank for rank, _ in by_end.values()])
            return {"mrr": float(rank.reciprocal().mean())}

        weight, _ = best_weight(measure.parts, mrr, "mrr", BASE_WEIGHTS)
        self.model.base_weight.fill_(weight)  # type: ignore[operator]

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Add what only knowledge graphs have to the record."""
        self.callbacks.on_stage(self.seed, "evaluating on sampled negatives")
        scorer, model_scorer = self.scorer(), self.model.scorer()
        weight = None if self._measure is None else float(self.model.base_weight)  # type: ignore[arg-type]
        result = {
            **result,
            "base_weight": weight,
            "sampled": evaluate_sampled(scorer, self.data.ranked),
        }
        if has_held_out(self.data):
            hits = held_out_hits(self.sampler, self.data, model_scorer)
            result["false_negatives_per_1000"] = hits
        if self.data.verified and self.inference is None:
            result["classification"] = classify(scorer, self.data)
        return result
