"""One seed's training run: model, sampler, progress, checkpoint."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gneg import record
from gneg.config import TrainConfig
from gneg.datasets import LinkData
from gneg.losses import LOSSES
from gneg.nn import Adjacency, Encoder, LinkPredictor, SparseFeatures, make_decoder
from gneg.rng import generator_from, split_seed
from gneg.samplers import Sampler, build


@dataclass
class Progress:
    """What a seed has reached; all of it is in the checkpoint."""

    epoch: int = 0
    best: float = -1.0
    best_epoch: int = 0
    stale: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    seconds: dict[str, float] = field(
        default_factory=lambda: {"sampling": 0.0, "model": 0.0, "evaluation": 0.0}
    )
    counts: dict[str, int] = field(default_factory=dict)


class Trainer:
    """One seed's model, sampler and progress.

    The global random state is set from ``seed`` and used for weights and dropout; wrap this in
    ``torch.random.fork_rng()`` (as :func:`gneg.train.train` does) to leave yours alone.

    Args:
        data: What to train on.
        config: How.
        seed: Where all randomness comes from.
    """

    def __init__(self, data: LinkData, config: TrainConfig, seed: int) -> None:
        self.data, self.config, self.seed = data, config, seed
        device = torch.device(config.device)
        torch.manual_seed(split_seed(seed, 0))
        self.generator = generator_from(split_seed(seed, 1))
        width = 0 if data.x is None else data.x.size(1)
        encoder = Encoder(
            config.encoder,
            data.num_nodes,
            width,
            hidden=config.hidden,
            layers=config.layers,
            dropout=config.dropout,
            inputs=config.inputs,
            norm=config.norm,
            jk=config.jk,
        )
        decoder = make_decoder(
            config.decoder,
            config.hidden,
            layers=config.decoder_layers,
            dropout=config.decoder_dropout,
        )
        self.model = LinkPredictor(encoder, decoder).to(device)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.lr, weight_decay=config.weight_decay
        )
        self.x = _features(data.x, device) if encoder.inputs != "embedding" else None
        self.adjacency = Adjacency(data.graph, device)
        self.positions = self.adjacency.positions(data.train)
        self.train_edges = data.train.to(device)
        self.valid, self.test = data.valid.to(device), data.test.to(device)
        self.sampler = self._sampler()
        self.loss = LOSSES[config.loss]()
        edges = data.train.size(1)
        self.batch_size = config.batch_size or min(65_536, max(1_024, edges // 16))
        self.progress = Progress()
        self.best_state = self._weights()

    def _sampler(self) -> Sampler:
        """Build the sampler; `similar` looks at the features or, without any, the embeddings."""
        x, config = self.data.x, self.config
        vectors = None
        if "similar" in config.sampler:
            vectors = (
                self._embed() if x is None else x.to_dense() if x.layout != torch.strided else x
            )
        return build(
            config.sampler,
            self.data.graph,
            z=vectors,
            known=self.data.known(config.known),
            corrupt=config.corrupt,
        )

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _embed(self) -> Tensor:
        self.model.eval()
        with torch.no_grad():
            return self.model.embed(self.x, self.adjacency)

    def epoch(self) -> float:
        """Train on every positive once; return the mean loss."""
        self.model.train()
        seconds, total = self.progress.seconds, 0.0
        counts = Counter(self.progress.counts)
        order = torch.randperm(self.train_edges.size(1), generator=self.generator)
        for which in order.split(self.batch_size):
            start = time.perf_counter()
            which = which.to(self.train_edges.device)
            pos = self.train_edges[:, which]
            negatives = self.sampler.sample(pos, self.config.k, generator=self.generator)
            if self.loss.needs_log_q:
                _ = negatives.log_q  # computed when read: this time belongs to the sampler
            sampled = time.perf_counter()
            adjacency = self.adjacency
            if self.config.mask_targets:
                adjacency = adjacency.without(self.positions[:, which])
            z = self.model.embed(self.x, adjacency)
            loss = self.loss(
                self.model.score(z, pos[0], pos[1]),
                self.model.score(z, *negatives.pairs()),
                negatives,
            )
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.grad_clip)
            self.optimizer.step()
            total += float(loss.detach()) * len(which)
            seconds["sampling"] += sampled - start
            seconds["model"] += time.perf_counter() - sampled
            counts.update(negatives.counts)
        self.progress.counts = dict(counts)
        self.progress.epoch += 1
        z_now = self._embed() if "similar" in self.config.sampler else None
        self.sampler.step(z=z_now)
        return total / max(self.train_edges.size(1), 1)

    def evaluate(self, part: str) -> dict[str, float]:
        """All metrics of ``valid`` or ``test``."""
        start = time.perf_counter()
        edges = self.valid if part == "valid" else self.test
        found = edges.evaluate(self.model.scorer(self._embed()))
        self.progress.seconds["evaluation"] += time.perf_counter() - start
        return found

    def note(self, loss: float, valid: dict[str, float] | None) -> None:
        """Enter an epoch into the curve and keep the weights if they are the best yet."""
        progress = self.progress
        row = {"epoch": progress.epoch, "loss": loss}
        if valid is not None:
            row["valid"] = value = valid[self.data.metric]
            progress.stale += 1
            if value > progress.best:
                progress.best, progress.best_epoch, progress.stale = value, progress.epoch, 0
                self.best_state = self._weights()
        progress.curve.append(row)

    @property
    def finished(self) -> bool:
        """Whether epochs or patience are used up."""
        over = self.progress.epoch >= self.config.epochs
        return over or self.progress.stale >= self.config.patience

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        state = {
            "model": self.model.state_dict(),
            "best": self.best_state,
            "optimizer": self.optimizer.state_dict(),
            "sampler": self.sampler.state_dict(),
            "generator": self.generator.get_state(),
            "rng": torch.get_rng_state(),
            "progress": asdict(self.progress),
        }
        record.write_whole(path, lambda temporary: torch.save(state, temporary))

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, map_location=self.config.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.best_state = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.sampler.load_state_dict(state["sampler"])
        self.generator.set_state(state["generator"].cpu())
        torch.set_rng_state(state["rng"].cpu())
        self.progress = Progress(**state["progress"])

    def result(self, *, complete: bool) -> dict[str, Any]:
        """Evaluate the best weights on both parts."""
        self.model.load_state_dict(self.best_state)
        progress = self.progress
        parts = {part: self.evaluate(part) for part in ("valid", "test")}
        epochs = max(progress.epoch, 1)
        return {
            "seed": self.seed,
            "complete": complete,
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            **parts,
            "curve": progress.curve,
            "seconds": progress.seconds,
            "seconds_per_epoch": (progress.seconds["sampling"] + progress.seconds["model"])
            / epochs,
            "sampling_share": progress.seconds["sampling"]
            / max(progress.seconds["sampling"] + progress.seconds["model"], 1e-9),
            "sampler_counts": progress.counts,
            "parameters": sum(one.numel() for one in self.model.parameters()),
        }


def _features(x: Tensor | None, device: torch.device) -> Tensor | SparseFeatures | None:
    if x is None or x.layout == torch.strided:
        return None if x is None else x.to(device)
    return SparseFeatures(x.to(device))
