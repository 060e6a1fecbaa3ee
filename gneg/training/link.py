"""The training run of a link predictor."""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gneg.datasets import LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.evaluation import full_ranks, metrics
from gneg.evaluation.ranking import evaluate_edges
from gneg.losses import Loss
from gneg.nn import (
    BaseMeasure,
    LinkPredictor,
    PairFeatures,
    Scorer,
    Stack,
)
from gneg.nn.base_measure import best_weight
from gneg.samplers import Sampler
from gneg.samplers.any_node import AnyNode
from gneg.samplers.base import Score
from gneg.samplers.negatives import Negatives, Vectors
from gneg.training import stacking
from gneg.training.batches import Batch
from gneg.training.collapse import CollapseWatch
from gneg.training.config import LinkConfig
from gneg.training.distributed import sharded
from gneg.training.link_models import decoder_kind, make_link_loss, make_link_predictor
from gneg.training.minibatch import MiniBatches, batch_size
from gneg.training.resources import DEFAULT, Resources
from gneg.training.row_adam import RowAdam
from gneg.training.run import Run
from gneg.training.shared_settings import BASE_WEIGHTS
from gneg.training.stack_sources import fit_sources
from gneg.training.whole_graph import Embedded, WholeGraph

Part = TypeVar("Part", bound=nn.Module)


class LinkRun(Run[LinkData, LinkConfig]):
    """The training of a link predictor with one seed.

    Args:
        data: The dataset. Validation edges that are training edges are left out.
        config: The config.
        seed: The seed of all randomness.
        resources: Threads and memory, which do not change the result.
    """

    sampler: Sampler
    loss: Loss
    clip_gradients = True

    def __init__(
        self, data: LinkData, config: LinkConfig, seed: int, resources: Resources = DEFAULT
    ) -> None:
        data = drop_repeated_edges(data)
        self.metric = data.metric
        super().__init__(data, config, seed, resources)
        self.average = self._moving_average()
        # Without embeddings there is nothing to collapse.
        self.watch = CollapseWatch(spread=0.0 if config.encoder == "heuristics" else 0.02)

    @staticmethod
    def protocol(data: LinkData, config: LinkConfig) -> dict[str, Any]:
        """Return how such runs are evaluated, for the record."""
        return {
            "split": data.split,
            "known": config.known,
            "select_by": f"valid {data.metric}",
            "negatives_per_positive": data.test.ranked_against[0],
            "negatives": data.test.ranked_against[1],
            "ties": metrics.TIES,
        }

    # -- model, sampler, loss ------------------------------------------------------------------

    def make_model(self) -> LinkPredictor:
        """Return encoder and decoder."""
        return make_link_predictor(self.config, self.data)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Return Adam; in mini-batches one that trains the rows of a batch alone."""
        adam = RowAdam if self.config.in_batches else torch.optim.Adam
        parameters, decay = self.model.parameters(), self.config.weight_decay
        return adam(parameters, lr=self.config.lr, weight_decay=decay)

    def sparse_tables(self) -> list[str]:
        """Return the name of the table of embeddings in mini-batches, which train rows of it."""
        embeds = getattr(self.model.encoder, "embedding", None) is not None
        return ["encoder.embedding"] if embeds and self.config.in_batches else []

    def prepare(self) -> None:
        """Set up features, the message-passing graph and the evaluation edges on the device."""
        data = self.data
        self._pair_features = _part_of(self.model.decoder, PairFeatures)
        self._base_measure = _part_of(self.model.decoder, BaseMeasure)
        self.stacked = _part_of(self.model.decoder, Stack)
        kind = MiniBatches if self.config.in_batches else WholeGraph
        self.embedding: WholeGraph | MiniBatches = kind(self)
        any_node = self.config.queries == "any"
        self._any_node = AnyNode(data.known(self.config.known)) if any_node else None
        self.valid, self.test = data.valid.to(self.device), data.test.to(self.device)

    def make_sampler(self) -> Sampler:
        """Return the sampler of the config; ``similar`` searches the current embeddings."""
        config = self.config
        return self.data.sampler(
            config.sampler,
            known=config.known,
            corrupt=config.corrupt,
            z=self.embed,
            device=self.device if config.negatives_on == "device" else None,
        )

    def query_ends(self, pos: Tensor, generator: torch.Generator) -> Tensor:
        """Return what negatives are drawn for: the positives, or pairs of any nodes."""
        return pos if self._any_node is None else self._any_node(pos, generator)

    def make_loss(self) -> Loss:
        """Return the loss of the config, or the one that suits the sampler."""
        return make_link_loss(self.config, self.sampler, self.positives[:, :1])

    def _moving_average(self) -> AveragedModel | None:
        if not self.sampler.momentum:
            return None
        average = get_ema_multi_avg_fn(self.sampler.momentum)
        return AveragedModel(self.model.encoder, multi_avg_fn=average).eval()

    @property
    def batch_size(self) -> int:
        """Positives per step."""
        if self.config.batch_size is not None:
            return self.config.batch_size
        size = min(65_536, max(1_024, self.data.train.size(1) // 16))
        return batch_size(self.config, self.data, size) if self.config.in_batches else size

    # -- one batch -----------------------------------------------------------------------------

    def batches(self, order: Tensor) -> Generator[Batch, None, None]:
        """Yield the batches of an epoch, in mini-batches with negatives and neighbourhoods."""
        return self.embedding.batches(order)

    def embed_batch(self, batch: Batch) -> Embedded:
        """Return embeddings by messages that do not pass along the batch's edges."""
        return self.embedding.embed_batch(batch)

    def batch_keys(self, embeddings: Embedded) -> Vectors | None:
        """Return embeddings for a sampler that stores them, by the moving average if it has one."""
        return self.embedding.keys(embeddings) if "keys" in self.sampler.needs else None

    def batch_scorer(self, embeddings: Embedded) -> Score:
        """Return the current model as a score, with its decoder in evaluation mode.

        In mini-batches the model of the last refresh.
        """
        if embeddings.score is not None:
            return embeddings.score
        score, decoder = self.model.scorer(embeddings.z, coarse=True), self.model.decoder

        def score_in_evaluation_mode(src: Tensor, dst: Tensor) -> Tensor:
            training = decoder.training
            decoder.eval()
            try:
                return score(src, dst)  # type: ignore[no-any-return]
            finally:
                decoder.train(training)

        return score_in_evaluation_mode

    def batch_loss(self, batch: Batch, negatives: Negatives | None, embeddings: Embedded) -> Tensor:
        """Return the loss of a batch; its scores are watched for signs of collapse."""
        assert negatives is not None
        pos, features = batch.pos, self._pair_features
        before = 0.0 if features is None else features.inputs.seconds
        size, share = pos.size(1), self.world.share(pos.size(1))
        with self.autocast():
            scores = self.embedding.scores(embeddings, pos[:, share], negatives.take(share))
        pos_score, neg_score = (self.world.gather(self.widened(part), size) for part in scores)
        if features is not None:
            self.clock.reassign("features", features.inputs.seconds - before)
        self.watch.update(embeddings.z, pos_score, neg_score)
        return self.loss(pos_score, neg_score, negatives)

    def after_step(self) -> None:
        """Update the moving average of the encoder."""
        if self.average is not None:
            self.average.update_parameters(self.model.encoder)

    # -- evaluation ----------------------------------------------------------------------------

    def embed(self) -> Tensor:
        """Return embeddings ``[N, D]`` by the current weights, on the whole training graph."""
        self.model.eval()
        return self.embedding.embed()

    def final_embeddings(self) -> Vectors:
        """Return :meth:`embed`, a pair of sources and targets in a bipartite graph."""
        return self.model.sides(self.embed())  # type: ignore[no-any-return]

    def scorer(self) -> Scorer:
        """Return the model by its current weights as ``score(src, dst)``."""
        return self.model.scorer(self.embed())  # type: ignore[no-any-return]

    def measure(self, part: str) -> dict[str, float]:
        """Return the metrics of ``valid`` or ``test``.

        On validation the weight of a base measure is chosen, unless the config has one.
        """
        edges = self.valid if part == "valid" else self.test
        scorer: Any = self.scorer()
        measure = self._base_measure
        choose = part == "valid" and self.config.base_weight is None
        stacked = self.stacked is not None and bool(self.stacked.used)
        if measure is None or not choose or stacked:
            return evaluate_edges(edges, sharded(scorer, self.world))
        weight, figures = best_weight(
            partial(measure.parts, scorer),
            partial(evaluate_edges, edges),
            self.metric,
            BASE_WEIGHTS,
        )
        measure.c.fill_(weight)
        return figures

    def stack(self) -> dict[str, Any] | None:
        """Combine the current model with heuristics, fitted on edges it was not trained on.

        On validation edges, on folds of the training edges, by models that are trained without
        them, or on both. The fitted combination becomes part of the best weights.

        Returns:
            The record of :func:`gneg.training.stacking.fit`; None if the config has no stack.
        """
        if self.stacked is None:
            return None
        self.callbacks.on_stage(self.seed, "stacking")
        with self.clock.measure("stacking"):
            sources = list(fit_sources(self, self.stacked))
            record = stacking.fit(self.stacked, self.scorer(), sources, seed=self.seed)
        self.best_state = self.weights()
        return record

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Fit the stack, and add what only link predictors have to the record."""
        stacked = self.stack()
        if stacked is not None:  # it may be fitted on validation, whose metrics stay unchanged
            stacked["alone"] = result["test"]
            self.callbacks.on_stage(self.seed, "evaluating the stack")
            result["test"] = self.evaluate("test")
        if self.config.rank == "all":
            self.callbacks.on_stage(self.seed, "ranking among all nodes")
            with self.clock.measure("evaluation"):
                result["all"] = full_ranks.record(self.data, self.scorer(), seed=self.seed)
        measure, seconds = self._base_measure, self.progress.seconds
        if self.config.in_batches:
            result["waiting_share"] = seconds.get("waiting", 0.0) / self.progress.trained_seconds
        return {
            **result,
            "decoder": "perceptron on pair features"
            if self.config.encoder == "heuristics"
            else decoder_kind(self.config, self.data, self.model.encoder.inputs),
            "base_weight": None if measure is None else float(measure.c),
            "stack": stacked,
            "collapse": self.watch.sign,
        }

    # -- checkpoints ---------------------------------------------------------------------------

    def extra_state(self) -> dict[str, Any]:
        """Return the state of the collapse watch and of the moving average."""
        average = None if self.average is None else self.average.state_dict()
        return {"watch": self.watch.state_dict(), "average": average}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`extra_state` returned."""
        self.watch.load_state_dict(state["watch"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])


def _part_of(decoder: nn.Module | None, kind: type[Part]) -> Part | None:
    """Return the first decoder of a kind among a decoder and those that it wraps, or None."""
    while decoder is not None and not isinstance(decoder, kind):
        decoder = getattr(decoder, "decoder", None)
    return decoder
