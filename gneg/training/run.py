"""The training loop of one seed: epochs, early stopping, checkpoints, the result."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from gneg import checks
from gneg.graph.devices import check_usable
from gneg.graph.lazy import cached_property
from gneg.losses import Loss
from gneg.rng import generator_from, split_seed
from gneg.samplers.negatives import Negatives
from gneg.training import checkpoint, drawing
from gneg.training.batches import Batch
from gneg.training.callbacks import Callback
from gneg.training.distributed import synchronised, world
from gneg.training.progress import Clock, Progress
from gneg.training.resources import DEFAULT, Resources
from gneg.training.row_adam import clip_gradients
from gneg.training.run_parts import ConfigType, DataType, RunParts


class Run(RunParts[DataType, ConfigType]):
    """The training of one seed: model, sampler, optimiser, progress and best weights.

    Subclasses define how a model is made, trained on a batch and evaluated (``make_model``,
    ``embed_batch``, ``batch_loss``, ``measure``); the loop, early stopping and checkpoints are the
    same for links and for triples.

    Torch's global generator is seeded from ``seed`` and used for initial weights and dropout. Wrap
    a run in ``torch.random.fork_rng()``, as :func:`gneg.train` does, to preserve its state.

    Args:
        data: The dataset.
        config: The config.
        seed: The seed of all randomness.
        resources: Threads and memory, which do not change the result.
    """

    #: The metric of :meth:`measure` that selects the best epoch; higher is better.
    metric: str
    #: Whether the norm of the gradient is limited to the config's ``grad_clip``.
    clip_gradients: ClassVar[bool] = False

    sampler: Any
    loss: Loss | None

    def __init__(
        self, data: DataType, config: ConfigType, seed: int, resources: Resources = DEFAULT
    ) -> None:
        self.data, self.config, self.seed, self.resources = data, config, seed, resources
        self.device = check_usable("device", self.config.device)
        self.world = world()
        self.progress = Progress()
        self.clock = Clock(self.progress)
        torch.manual_seed(split_seed(seed, 0))
        self.generator = generator_from(split_seed(seed, 1))
        self.model: Any = self.make_model().to(self.device)
        self.positives = data.positives("train").to(self.device)
        self.prepare()
        self.sampler = self.make_sampler()
        self.loss = self.make_loss()
        self.best_state = self.weights()
        self.best_metrics: dict[str, Any] = {}
        self.callbacks = Callback()
        self._share = 1.0  # of its steps, that the last epoch took
        self._loss_of = synchronised(self.model, self._step_loss, self.world, self.sparse_tables())

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimiser, of a run that trains: with one torch imports its compiler, for seconds."""
        return self.make_optimizer()

    # -- the loop ------------------------------------------------------------------------------

    def train(
        self, out: Path | None, *, fresh: bool = False, callbacks: Callback | None = None
    ) -> None:
        """Train until epochs, seconds or patience are used up.

        Args:
            out: Folder of the checkpoint, which is written after each evaluation and resumed from;
                None: no checkpoint.
            fresh: Whether to start again even if there is a checkpoint.
            callbacks: Called at the start, after each epoch and in :meth:`result`.
        """
        path = None if out is None else checkpoint.checkpoint_path(out, self.seed)
        if path is not None and path.exists() and not fresh:
            checkpoint.load(self, path)
        self.callbacks = callbacks or self.callbacks
        self.callbacks.on_seed_start(self.seed, self.progress.epoch)
        while not self.finished:
            loss, progress = self.epoch(), self.progress
            if not math.isfinite(loss):
                hint = f"the loss of epoch {progress.epoch} is {loss}"
                checks.fail("lr", "low enough to train with", self.config.lr, hint=hint)
            last = progress.epoch == self.config.epochs or self.out_of_time
            due = progress.epoch % self.config.eval_every == 0 or last
            valid = self.evaluate("valid") if due else None
            self.record_epoch(loss, valid)
            state: dict[str, Any] = {"epoch": progress.epoch, "loss": loss}
            state |= {"seconds": progress.trained_seconds, "best": progress.best}
            self.callbacks.on_epoch_end(self.seed, {**state, "valid": valid})
            if due and path is not None and self.world.is_first:
                checkpoint.save(self, path)

    def epoch(self) -> float:
        """Train on every positive once, or until the seconds are used up; return the mean loss."""
        self.model.train()
        _ = self.optimizer  # before the clock starts: what torch imports for it is no training
        total, seen, counts = 0.0, 0, Counter(self.progress.counts)
        order = torch.randperm(self.num_items, generator=self.generator)
        steps = -(-len(order) // self.items_per_step)
        with closing(self.batches(order)) as batches:  # ends the threads that make them
            for step, batch in enumerate(batches, 1):
                total += self._step(batch, counts) * len(batch.edges)
                seen += len(batch.edges)
                self.callbacks.on_step(self.seed, step, steps)
                self._share = step / steps
                if self.world.size == 1 and self.out_of_time:
                    break
        self.progress.counts = dict(counts)
        self.progress.epoch += 1
        self.sampler.end_epoch(z=self.final_embeddings() if "z" in self.sampler.needs else None)
        return float(total / max(seen, 1))

    def _step(self, batch: Batch, counts: Counter[str]) -> float:
        """Train on a batch, and add the sampler's counts; return the loss."""
        with self.clock.measure("model"), self.autocast():
            embeddings = self.embed_batch(batch)
            keys = self.batch_keys(embeddings)
        score = self._score_of(embeddings)
        negatives = batch.negatives
        if negatives is None and self.loss is not None:
            negatives = self.draw(batch.pos, score, keys)
        loss = self._update(batch, negatives, embeddings)
        if negatives is not None:
            with self.clock.measure("sampling"):
                self.sampler.step(score=score)
            counts.update(negatives.counts)
        return loss

    def draw(self, pos: Tensor, score: Any, keys: Any) -> Negatives:
        """Return the negatives of a batch of positives."""
        with self.clock.measure("sampling"):
            return drawing.sample(self, pos, z=keys, score=score)

    def _update(self, batch: Batch, negatives: Negatives | None, embeddings: Any) -> float:
        """Take one step of the optimiser; return the loss."""
        with self.clock.measure("model"):
            loss = self._loss_of(batch, negatives, embeddings)
            self.optimizer.zero_grad()
            loss.backward()
            if self.world.size > 1:
                for name in self.sparse_tables():
                    table = self.model.get_parameter(name)
                    table.grad = self.world.mean_of_rows(table.grad)
            if self.clip_gradients:
                limit = self.config.grad_clip  # type: ignore[attr-defined]
                clip_gradients(self.model.parameters(), limit)
            self.optimizer.step()
            self.after_step()
        return self._batch_loss

    def _step_loss(self, batch: Batch, negatives: Negatives | None, embeddings: Any) -> Tensor:
        """Return what a step minimises: the loss and the penalty.

        Processes have each the gradient of their share, and the mean over processes is taken.
        """
        loss = self.batch_loss(batch, negatives, embeddings)
        penalty = self.penalty(batch.pos)
        self._batch_loss = float(loss.detach())
        loss = loss * self.world.size
        return loss if penalty is None else loss + penalty

    def _score_of(self, embeddings: Any) -> Any:
        """Return the current model as a score for the sampler; None if the sampler needs none."""
        if self.loss is None or "score" not in self.sampler.needs:
            return None
        return self.clock.timed(self.batch_scorer(embeddings))

    def evaluate(self, part: str) -> dict[str, Any]:
        """Return the metrics of ``valid`` or ``test`` by the current weights."""
        with self.clock.measure("evaluation"):
            return self.measure(part)

    def record_epoch(self, loss: float, valid: dict[str, Any] | None) -> None:
        """Add an epoch to the curve, and copy the weights if they are the best so far.

        Args:
            loss: Mean loss of the epoch.
            valid: Metrics on validation; None: not evaluated.
        """
        value = None if valid is None else valid[self.metric]
        if self.progress.record(loss, value, self._share):
            self.best_state, self.best_metrics = self.weights(), valid or {}
        elif valid is not None and self.config.lr_decay < 1:
            for group in self.optimizer.param_groups:
                group["lr"] *= self.config.lr_decay

    def result(self) -> dict[str, Any]:
        """Evaluate the best weights on validation and test and return the record of the run."""
        self.model.load_state_dict(self.best_state)
        progress = self.progress
        stage = f"evaluating the best epoch, {progress.best_epoch} of {progress.epoch}"
        self.callbacks.on_stage(self.seed, stage)
        metrics = {part: self.evaluate(part) for part in ("valid", "test")}
        seconds, trained = progress.seconds, progress.trained_seconds
        return self.finish(
            {
                **self._so_far(),
                "complete": True,
                **metrics,
                "seconds_per_epoch": trained / (progress.passes or 1),
                "sampling_share": (seconds["sampling"] + seconds["scoring"]) / max(trained, 1e-9),
                "loss": self.config.loss if self.loss is None else self.loss.name,
                "sampler_counts": progress.counts,
                "sampler_report": self.sampler.report(),
                "parameters": sum(weight.numel() for weight in self.model.parameters()),
            }
        )

    def interrupted(self) -> dict[str, Any]:
        """Return the record after Ctrl-C: what is known already, nothing is computed any more."""
        progress = self.progress
        known = {} if progress.best < 0 else self.best_metrics or {self.metric: progress.best}
        return {**self._so_far(), "complete": False, "valid": known, "test": {}}

    def _so_far(self) -> dict[str, Any]:
        """Return what the record says of the training itself."""
        epochs = {"epochs": self.progress.epoch, "best_epoch": self.progress.best_epoch}
        parts = {"curve": self.progress.curve, "seconds": self.progress.seconds}
        return {"seed": self.seed, **epochs, **parts}

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the current weights."""
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    @property
    def finished(self) -> bool:
        """Whether epochs, seconds or patience are used up."""
        over = self.progress.epoch >= self.config.epochs or self.out_of_time
        return over or self.progress.stale >= self.config.patience

    @property
    def out_of_time(self) -> bool:
        """Whether the seconds of the config are used up."""
        limit = self.config.seconds
        if limit is None:
            return False
        return self.world.agree(self.progress.trained_seconds >= limit)
