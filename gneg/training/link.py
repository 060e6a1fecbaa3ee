"""One seed's training run: model, sampler, progress, checkpoint."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gneg.datasets import LinkData
from gneg.evaluation.ranking import evaluate_edges
from gneg.losses import LOSSES, Loss
from gneg.nn import (
    Adjacency,
    BaseMeasure,
    LinkPredictor,
    PairFeatures,
    PairInputs,
    Scorer,
    SparseFeatures,
    Stack,
    make_decoder,
)
from gneg.nn.base_weight import chosen
from gneg.nn.decoders import DecoderKind
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler
from gneg.samplers.base import Score
from gneg.samplers.negatives import Negatives, Vectors
from gneg.training import stacking
from gneg.training.collapse import CollapseWatch
from gneg.training.config import BASE_WEIGHTS, TrainConfig
from gneg.training.models import make_encoder
from gneg.training.run import Run


class Trainer(Run):
    """One seed's model, sampler and progress.

    The global random state is set from ``seed`` and used for weights and dropout; wrap this in
    ``torch.random.fork_rng()`` (as :func:`gneg.train.train` does) to leave yours alone.

    Args:
        data: What to train on; validation edges that are training edges choose nothing.
        config: How.
        seed: Where all randomness comes from.
    """

    sampler: Sampler

    def __init__(self, data: LinkData, config: TrainConfig, seed: int) -> None:
        data = data.unseen()
        self.data, self.config, self.seed = data, config, seed
        self._features: PairInputs | None = None
        self._stack: Stack | None = None
        device = torch.device(config.device)
        torch.manual_seed(split_seed(seed, 0))
        self.generator = generator_from(split_seed(seed, 1))
        encoder = make_encoder(config, data.num_nodes, 0 if data.x is None else data.x.size(1))
        kind: DecoderKind = "mlp" if encoder.inputs == "embedding" else "cosine"
        # All targets are ranked for a user: an inner product is the only one to be quick about it.
        if data.num_src is not None or config.encoder in ("lightgcn", "heuristics"):
            kind = "dot"
        self.decoder: DecoderKind = config.decoder or kind
        decoder = make_decoder(
            self.decoder,
            config.hidden,
            layers=config.decoder_layers,
            dropout=config.decoder_dropout,
        )
        decoder = self._stacked(self._measured(self._featured(decoder)))
        self.model = LinkPredictor(encoder, decoder, data.num_src).to(device)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay
        )
        self.x = _features(data.x, device) if encoder.inputs != "embedding" else None
        self.adjacency = Adjacency(data.graph, device)
        self.positions = self.adjacency.positions(data.train)
        self.train_edges = data.train.to(device)
        self.valid, self.test = data.valid.to(device), data.test.to(device)
        self.sampler = self._sampler()
        self.loss = self._loss()
        self.average: AveragedModel | None = None
        if self.sampler.momentum:
            moved = get_ema_multi_avg_fn(self.sampler.momentum)
            self.average = AveragedModel(self.model.encoder, multi_avg_fn=moved).eval()
        none = config.encoder == "heuristics"  # no embeddings, which nothing could collapse
        self.watch = CollapseWatch(spread=0.0) if none else CollapseWatch()
        edges = data.train.size(1)
        self.batch_size = config.batch_size or min(65_536, max(1_024, edges // 16))
        self._inner = 0.0
        super().__init__(self.model, config, data.metric, device=config.device)

    def _sampler(self) -> Sampler:
        config = self.config
        return self.data.sampler(
            config.sampler, known=config.known, corrupt=config.corrupt, z=self.embed
        )

    def _featured(self, decoder: torch.nn.Module) -> torch.nn.Module:
        """The decoder, with the features of pairs if there are to be some."""
        text, alone = self.config.pair_features, self.config.encoder == "heuristics"
        if text == "none" and not alone:
            return decoder
        width = 1 if alone else self.config.hidden
        graph, x = self.data.graph, self.data.x
        made = PairFeatures(decoder, graph, width, kinds=_kinds(text), x=x)
        self._features = made.inputs
        return made

    def _measured(self, decoder: torch.nn.Module) -> torch.nn.Module:
        """The decoder, on a base measure if there is one."""
        config = self.config
        if config.base_measure == "none":
            return decoder
        text = config.sampler if config.base_measure == "sampler" else config.base_measure
        sampler = self.data.sampler(text, known=config.known, corrupt=config.corrupt)
        weight = 1.0 if config.base_weight is None else config.base_weight
        return BaseMeasure(decoder, sampler, weight, form=config.base_form)

    def _stacked(self, decoder: torch.nn.Module) -> torch.nn.Module:
        """The decoder, in what weighs it against heuristics in the end, if that is wanted."""
        text = self.config.stack
        if text == "none":
            return decoder
        self._stack = Stack(decoder, self.data.graph, kinds=_kinds(text), x=self.data.x)
        return self._stack

    def _loss(self) -> Loss:
        name = self.config.loss
        if name is None:
            some = self.data.train[:, :1]
            quick = self.sampler.density == "cheap"
            corrects = quick and self.sampler.log_prob(some[0], some[1]) is not None
            name = "softmax" if corrects else "infonce"
        return LOSSES[name]()

    def embed(self) -> Tensor:
        """Embeddings ``[N, D]`` by the current weights, on the whole training graph."""
        self.model.eval()
        with torch.no_grad():
            return self.model.embed(self.x, self.adjacency)

    def epoch(self) -> float:
        """Train on every positive once; return the mean loss."""
        self.model.train()
        total = 0.0
        counts = Counter(self.progress.counts)
        order = torch.randperm(self.train_edges.size(1), generator=self.generator)
        for which in order.split(self.batch_size):
            which = which.to(self.train_edges.device)
            with self._clock("model"):
                adjacency = self.adjacency
                if self.config.mask_targets:
                    adjacency = adjacency.without(self.positions[:, which])
                z = self.model.embed(self.x, adjacency)
                keys = self._keys(z, adjacency)
            score = self._scorer(z)
            negatives = self._draw(self.train_edges[:, which], score, keys)
            with self._clock("model"), self._feature_clock():
                loss = self._update(z, self.train_edges[:, which], negatives)
            total += loss * len(which)
            with self._clock("sampling"):
                self.sampler.step(score=score)
            counts.update(negatives.counts)
        self.progress.counts = dict(counts)
        self.progress.epoch += 1
        z_now = self.model.sides(self.embed()) if "z" in self.sampler.needs else None
        self.sampler.end_epoch(z=z_now)
        return total / max(self.train_edges.size(1), 1)

    def _draw(self, pos: Tensor, score: Score | None, keys: Vectors | None) -> Negatives:
        with self._clock("sampling"):
            negatives = self.sampler.sample(
                pos, self.config.k, z=keys, score=score, generator=self.generator
            )
            if self.loss.needs_log_q:
                _ = negatives.log_q  # computed when read: this time belongs to the sampler
        return negatives

    def _update(self, z: Tensor, pos: Tensor, negatives: Negatives) -> float:
        """One step of the optimiser."""
        pos_score, neg_score = self.model.score_both(z, pos, negatives)
        loss = self.loss(pos_score, neg_score, negatives)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
        self.optimizer.step()
        self.watch.update(z, pos_score, neg_score)
        if self.average is not None:
            self.average.update_parameters(self.model.encoder)
        return float(loss.detach())

    def _measure(self) -> BaseMeasure | None:
        decoder = self.model.decoder
        decoder = decoder.decoder if isinstance(decoder, Stack) else decoder
        return decoder if isinstance(decoder, BaseMeasure) else None

    def _scorer(self, z: Tensor) -> Score | None:
        """The current model for samplers that select by it; its time is kept apart."""
        if "score" not in self.sampler.needs:
            return None
        score, decoder = self.model.scorer(z, coarse=True), self.model.decoder

        def timed(src: Tensor, dst: Tensor) -> Tensor:
            training = decoder.training
            with self._clock("scoring"):
                decoder.eval()
                try:
                    return score(src, dst)
                finally:
                    decoder.train(training)

        return timed

    def _keys(self, z: Tensor, adjacency: Adjacency) -> Vectors | None:
        """Embeddings for a sampler that stores them: of the moving average if it wants one."""
        if "keys" not in self.sampler.needs:
            return None
        if self.average is None:
            return self.model.sides(z.detach())
        with torch.no_grad():
            return self.model.sides(self.average(self.x, adjacency))

    @contextmanager
    def _clock(self, part: str) -> Iterator[None]:
        """Add the time of a block to ``part``; that of a block inside counts only there."""
        seconds, start, inside = self.progress.seconds, time.perf_counter(), self._inner
        self._inner = 0.0
        try:
            yield
        finally:
            took = time.perf_counter() - start
            seconds[part] = seconds.get(part, 0.0) + took - self._inner
            self._inner = inside + took

    @contextmanager
    def _feature_clock(self) -> Iterator[None]:
        """Count the seconds of pair features in a block as their own."""
        before = 0.0 if self._features is None else self._features.seconds
        yield
        if self._features is not None:
            took = self._features.seconds - before
            seconds = self.progress.seconds
            seconds["features"] = seconds.get("features", 0.0) + took
            self._inner += took

    def scorer(self) -> Scorer:
        """The current weights as ``score(src, dst)``, on the whole training graph."""
        return self.model.scorer(self.embed())

    def evaluate(self, part: str) -> dict[str, float]:
        """All metrics of ``valid`` or ``test``."""
        edges = self.valid if part == "valid" else self.test
        scorer, measure = self.scorer(), self._measure()
        with self._clock("evaluation"):
            choose = part == "valid" and self.config.base_weight is None
            if measure is None or not choose or (self._stack is not None and self._stack.used):
                return evaluate_edges(edges, scorer)
            weight, found = chosen(
                measure, scorer, partial(evaluate_edges, edges), self.data.metric, BASE_WEIGHTS
            )
            measure.c.fill_(weight)
            return found

    def stack(self) -> dict[str, Any] | None:
        """Weigh the current model against heuristics; what came of it, None if that is not wanted.

        The result belongs to the best weights from then on.
        """
        if self._stack is None:
            return None
        with self._clock("stacking"):
            found = stacking.fit(self._stack, self.scorer(), self.data, seed=self.seed)
        self.best_state = self.weights()
        return found

    def more_state(self) -> dict[str, Any]:
        """The watch and the moving average, too."""
        average = None if self.average is None else self.average.state_dict()
        return {"watch": self.watch.state_dict(), "average": average}

    def load_more(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`more_state` gave."""
        self.watch.load_state_dict(state["watch"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])

    def result(self, *, complete: bool) -> dict[str, Any]:
        """Evaluate the best weights on both parts."""
        self.model.load_state_dict(self.best_state)
        progress = self.progress
        parts = {part: self.evaluate(part) for part in ("valid", "test")}
        stacked = self.stack()
        if stacked is not None:  # validation, which it learned from, is told as it was before
            stacked["alone"] = parts["test"]
            parts["test"] = self.evaluate("test")
        seconds, measure = progress.seconds, self._measure()
        training = self.trained_seconds
        return {
            "seed": self.seed,
            "complete": complete,
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            **parts,
            "curve": progress.curve,
            "seconds": seconds,
            "seconds_per_epoch": training / max(progress.epoch, 1),
            "sampling_share": (seconds["sampling"] + seconds["scoring"]) / max(training, 1e-9),
            "decoder": self.decoder,
            "loss": self.loss.name,
            "base_weight": None if measure is None else float(measure.c),
            "stack": stacked,
            "sampler_counts": progress.counts,
            "sampler_report": self.sampler.report(),
            "collapse": self.watch.sign,
            "parameters": sum(one.numel() for one in self.model.parameters()),
        }


def _kinds(text: str) -> list[str] | None:
    """Kinds of pair inputs by the text of a config."""
    return None if text in ("none", "all") else text.split(",")


def _features(x: Tensor | None, device: torch.device) -> Tensor | SparseFeatures | None:
    if x is None or x.layout == torch.strided:
        return None if x is None else x.to(device)
    return SparseFeatures(x.to(device))
