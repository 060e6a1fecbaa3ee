"""Training a link predictor: seeds, resuming, early stopping, a record of everything."""

from __future__ import annotations

import hashlib
import json
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gneg import checks, metrics, record
from gneg.datasets import Known, LinkData
from gneg.losses import LOSSES
from gneg.nn import Adjacency, Encoder, Heuristic, LinkPredictor, SparseFeatures, make_decoder
from gneg.nn.heuristics import KINDS as HEURISTICS
from gneg.rng import draw_seed, generator_from, split_seed
from gneg.samplers import Sampler, build

#: Called after each epoch with the seed and what is to be shown.
Report = Callable[[int, dict[str, Any]], None]


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a result but the data.

    Attributes:
        encoder: ``sage``, ``gcn``, or a training-free ``cn``, ``aa``, ``ra``.
        decoder: ``mlp``, ``dot`` or ``bilinear``.
        sampler: An expression, see :func:`gneg.samplers.build`.
        loss: A name of :data:`gneg.losses.LOSSES`.
        k: Negatives per positive.
        epochs: Passes over the training edges at the most.
        patience: Evaluations without a better validation metric before stopping.
        eval_every: Epochs between evaluations.
        batch_size: Positives per step; by the number of training edges if None.
        lr: Learning rate of Adam.
        weight_decay: L2 penalty.
        grad_clip: Largest norm of the gradient.
        hidden: Width of embeddings and layers.
        layers: Layers of the encoder.
        decoder_layers: Layers of the ``mlp`` decoder.
        dropout: Share of hidden values dropped in the encoder.
        decoder_dropout: The same in the ``mlp`` decoder; costly on a CPU.
        inputs: ``features``, ``embedding`` or ``both``; by what there is if None.
        norm: ``batch``, ``layer`` or None.
        jk: Jumping knowledge, ``last``, ``cat``, ``max`` or None.
        known: Edges that negatives avoid; anything but ``train`` looks at evaluation edges.
        corrupt: The end that negatives replace.
        mask_targets: Hide the batch's own edges from message passing.
        device: Where the model lives.
    """

    encoder: str = "sage"
    decoder: str = "mlp"
    sampler: str = "mixture(uniform:0.5, walk:0.5)"
    loss: str = "bce"
    k: int = 1
    epochs: int = 200
    patience: int = 10
    eval_every: int = 5
    batch_size: int | None = None
    lr: float = 0.005
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    hidden: int = 256
    layers: int = 2
    decoder_layers: int = 2
    dropout: float = 0.3
    decoder_dropout: float = 0.0
    inputs: str | None = None
    norm: str | None = None
    jk: str | None = None
    known: Known = "train"
    corrupt: str = "both"
    mask_targets: bool = True
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what no run could use."""
        checks.choice("encoder", self.encoder, ("sage", "gcn", *HEURISTICS))
        checks.choice("loss", self.loss, LOSSES)
        for name in ("k", "epochs", "patience", "eval_every"):
            checks.integer(name, getattr(self, name), 1)
        if self.batch_size is not None:
            checks.integer("batch_size", self.batch_size, 1)
        checks.number("lr", self.lr, 0, open_low=True)
        checks.number("weight_decay", self.weight_decay, 0)
        checks.number("grad_clip", self.grad_clip, 0, open_low=True)

    @property
    def training_free(self) -> bool:
        """Whether the encoder is a heuristic."""
        return self.encoder in HEURISTICS


@dataclass
class _Progress:
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


class _SeedRun:
    """One seed's model, sampler and progress."""

    def __init__(self, data: LinkData, config: TrainConfig, seed: int) -> None:
        self.data, self.config, self.seed = data, config, seed
        device = torch.device(config.device)
        torch.manual_seed(split_seed(seed, 0))  # inside fork_rng, see train()
        self.generator = generator_from(split_seed(seed, 1))
        width = 0 if data.x is None else data.x.size(1)
        encoder = Encoder(
            config.encoder, data.num_nodes, width, hidden=config.hidden, layers=config.layers,  # type: ignore[arg-type]
            dropout=config.dropout, inputs=config.inputs, norm=config.norm, jk=config.jk,  # type: ignore[arg-type]
        )
        decoder = make_decoder(
            config.decoder, config.hidden, layers=config.decoder_layers,  # type: ignore[arg-type]
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
        self.progress = _Progress()
        self.best_state = self._weights()

    def _sampler(self) -> Sampler:
        """Build the sampler; `similar` looks at the features or, without any, the embeddings."""
        x, config = self.data.x, self.config
        vectors = None
        if "similar" in config.sampler:
            vectors = self._embed() if x is None else x.to_dense() if x.layout != torch.strided else x
        return build(
            config.sampler, self.data.graph, z=vectors, known=self.data.known(config.known),
            corrupt=config.corrupt,  # type: ignore[arg-type]
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
            sampled = time.perf_counter()
            adjacency = self.adjacency
            if self.config.mask_targets:
                adjacency = adjacency.without(self.positions[:, which])
            z = self.model.embed(self.x, adjacency)
            loss = self.loss(
                self.model.score(z, pos[0], pos[1]), self.model.score(z, *negatives.pairs()), negatives
            )
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
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
            "model": self.model.state_dict(), "best": self.best_state,
            "optimizer": self.optimizer.state_dict(), "sampler": self.sampler.state_dict(),
            "generator": self.generator.get_state(), "rng": torch.get_rng_state(),
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
        self.progress = _Progress(**state["progress"])

    def result(self, *, complete: bool) -> dict[str, Any]:
        """Evaluate the best weights on both parts."""
        self.model.load_state_dict(self.best_state)
        progress = self.progress
        parts = {part: self.evaluate(part) for part in ("valid", "test")}
        epochs = max(progress.epoch, 1)
        return {
            "seed": self.seed, "complete": complete, "epochs": progress.epoch,
            "best_epoch": progress.best_epoch, **parts, "curve": progress.curve,
            "seconds": progress.seconds,
            "seconds_per_epoch": (progress.seconds["sampling"] + progress.seconds["model"]) / epochs,
            "sampling_share": progress.seconds["sampling"]
            / max(progress.seconds["sampling"] + progress.seconds["model"], 1e-9),
            "sampler_counts": progress.counts,
            "parameters": sum(one.numel() for one in self.model.parameters()),
        }


def _features(x: Tensor | None, device: torch.device) -> Tensor | SparseFeatures | None:
    if x is None or x.layout == torch.strided:
        return None if x is None else x.to(device)
    return SparseFeatures(x.to(device))


def run_folder(data: LinkData, config: TrainConfig) -> str:
    """A folder name for this data and config: the same again for the same again."""
    setting = json.dumps([data.name, data.split, asdict(config)], sort_keys=True)
    mark = hashlib.sha256(setting.encode()).hexdigest()[:6]
    words = [data.name, config.encoder] + ([] if config.training_free else [config.sampler])
    return "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words) + "-" + mark


def train(
    data: LinkData,
    config: TrainConfig,
    *,
    seeds: tuple[int, ...] = (0,),
    out: Path | None = None,
    fresh: bool = False,
    command: str = "gneg.train.train()",
    report: Report | None = None,
) -> dict[str, Any]:
    """Train once for each seed and return (and write) the record of it.

    With ``out``, every seed leaves a checkpoint while it runs and its result when it is done; the
    same call goes on from there. Ctrl-C keeps what was done: the result then holds the best state
    so far, marked ``"complete": false``.

    Args:
        data: What to train and evaluate on.
        config: How.
        seeds: One run each; initial weights, batches, dropout and negatives follow from it.
        out: Folder for ``results.json``, ``model-SEED.pt`` (the best weights) and checkpoints.
        fresh: Start again even if ``out`` holds a run of this config.
        command: What was typed, for the record.
        report: Called after each epoch.

    Returns:
        The content of ``results.json``: ``summary`` holds mean and standard deviation over seeds.

    Raises:
        ValueError: If ``out`` holds a run of another config.
    """
    results: dict[str, Any] = {
        "command": command, "dataset": _describe(data), "config": asdict(config),
        "protocol": {
            "split": data.split, "known": config.known, "select_by": f"valid {data.metric}",
            "negatives_per_positive": data.test.num_negatives,
            "negatives": "one shared set" if data.test.shared else "own, uniform", "ties": metrics.TIES,
        },
        "versions": record.versions(), "machine": record.machine(), "runs": [],
    }
    path = None if out is None else out / "results.json"
    kept = {} if path is None or fresh else _earlier(path, results)
    for seed in seeds:
        run = kept.get(seed)
        if run is None:
            with torch.random.fork_rng(devices=[]):
                run = _one(data, config, seed, out, fresh, report)
        results["runs"].append(run)
        others = [other for s, other in kept.items() if s not in seeds]
        if path is not None:
            record.write_json(path, _summarised({**results, "runs": results["runs"] + others}))
        if not run["complete"]:
            break
    return _summarised(results)


def _one(
    data: LinkData, config: TrainConfig, seed: int, out: Path | None, fresh: bool,
    report: Report | None,
) -> dict[str, Any]:
    if config.training_free:
        heuristic = Heuristic(data.graph, config.encoder)  # type: ignore[arg-type]
        return {"seed": seed, "complete": True, "valid": data.valid.evaluate(heuristic),
                "test": data.test.evaluate(heuristic)}
    run = _SeedRun(data, config, seed)
    checkpoint = None if out is None else out / f"checkpoint-{seed}.pt"
    if checkpoint is not None and checkpoint.exists() and not fresh:
        run.load(checkpoint)
    complete = True
    try:
        while not run.finished:
            loss = run.epoch()
            due = run.progress.epoch % config.eval_every == 0 or run.progress.epoch == config.epochs
            run.note(loss, run.evaluate("valid") if due else None)
            if report is not None:
                report(seed, {"loss": loss, "best": run.progress.best, "epoch": run.progress.epoch})
            if due and checkpoint is not None:
                run.save(checkpoint)
    except KeyboardInterrupt:
        complete = False
    result = run.result(complete=complete)
    if out is not None and checkpoint is not None:
        record.write_whole(
            out / f"model-{seed}.pt", lambda temporary: torch.save(run.best_state, temporary)
        )
        if complete:
            checkpoint.unlink(missing_ok=True)
    return result


def _describe(data: LinkData) -> dict[str, Any]:
    return {
        "name": data.name, "nodes": data.num_nodes, "undirected": data.undirected,
        "features": None if data.x is None else data.x.size(1), "metric": data.metric,
        "edges": {"train": data.train.size(1), "valid": data.valid.pos.size(1),
                  "test": data.test.pos.size(1)},
    }


def _earlier(path: Path, results: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Finished runs of the same config in an earlier ``results.json``."""
    if not path.exists():
        return {}
    earlier = json.loads(path.read_text())
    for key in ("config", "dataset", "protocol"):
        if earlier.get(key) != json.loads(json.dumps(results[key])):
            checks.fail("out", f"a new folder, or one with a run of the same {key}", str(path.parent),
                        hint="--fresh replaces it")
    return {run["seed"]: run for run in earlier["runs"] if run["complete"]}


def _summarised(results: dict[str, Any]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for part in ("valid", "test"):
        rows = [run[part] for run in results["runs"]]
        summary[part] = {
            name: {
                "mean": statistics.fmean(row[name] for row in rows),
                "std": statistics.stdev([row[name] for row in rows]) if len(rows) > 1 else None,
            }
            for name in (rows[0] if rows else {})
        }
    return {**results, "summary": summary}
