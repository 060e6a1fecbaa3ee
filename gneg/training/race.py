"""A short race between recipes on validation edges, by successive halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gneg import files
from gneg.datasets import LinkData
from gneg.datasets.splits import drop_repeated_edges
from gneg.graph.sizes import with_sizes
from gneg.nn.choices import GNNS
from gneg.nn.registration import ENCODERS
from gneg.training import checkpoint, recipe
from gneg.training.callbacks import Callback
from gneg.training.config import LinkConfig
from gneg.training.judge import Judge
from gneg.training.link import LinkRun
from gneg.training.parts import code, registered_parts
from gneg.training.recipe import Recipe
from gneg.training.record import NAME

__all__ = ["Entrant", "Race", "race"]

UNIFORM = "uniform"
FIRST, LAST = 4, 6  # epochs after which entrants are compared
SHORTEST = 5  # trainings of so many times :data:`LAST` epochs have a race
FEWEST = 50  # validation positives that a difference can be seen on
HARDEST = "hardest(uniform, m=32)"

#: Called with the number of epochs that were trained and of all in the race.
Report = Callable[[int, int], object]


@dataclass(eq=False)
class Entrant:
    """A config in the race.

    Attributes:
        name: Its negatives, in words.
        config: The config.
        values: The metric of each validation positive against easy and hard negatives, ``[E]``
            each, in the last comparison.
        gain: Its advantage over uniform negatives, relative, with the standard error: of the
            geometric mean of both metrics.
    """

    name: str
    config: LinkConfig
    values: list[Tensor]
    gain: tuple[float, float] = (0.0, 0.0)

    __repr__ = with_sizes


@dataclass(frozen=True)
class Race:
    """The result of a race.

    Attributes:
        recipe: The winner's config and the reasons for it.
        entrants: All that took part, the uniform negatives first.
        run: The winner's training so far; None: there was nothing to compare.
        rng: The state of torch's global generator in it.
    """

    recipe: Recipe
    entrants: list[Entrant]
    run: LinkRun | None = None
    rng: Tensor | None = None

    __repr__ = with_sizes

    def save(self, folder: Path) -> None:
        """Write the winner's training so far, so that :func:`gneg.train` goes on from there.

        Args:
            folder: The ``out`` of the training; nothing is written if it holds one already.
        """
        if self.run is None or self.rng is None:
            return
        path = checkpoint.checkpoint_path(folder, self.run.seed)
        if path.exists() or (folder / NAME).exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.rng)
            checkpoint.save(self.run, path)


def race(
    data: LinkData,
    *,
    seed: int = 0,
    encoder: str | None = None,
    report: Report | None = None,
    folder: Path | None = None,
    **fixed: Any,
) -> Race:
    """Return the recipe whose negatives rank validation edges best after a short training.

    Uniform negatives always take part, beside those of :func:`gneg.training.recipe.fast` and the
    hardest of some uniform ones. All else is equal, the seed too. Entrants are compared as they
    will be used: combined with heuristics, out of fold, if the recipe has a stack; by the geometric
    mean of the metrics against easy and hard negatives (in a bipartite graph by the reciprocal rank
    among all targets). After 4 epochs all but uniform negatives and the best of the others drop
    out; after 6 the latter win if their advantage is larger than its standard error. No test edge
    is used.

    Args:
        data: The dataset.
        seed: Seed of the trainings.
        encoder: The encoder; None: the one that suits the graph.
        report: Called as the race goes on.
        folder: Folder of the choice: the same race is not run again, but read from a file there;
            None: it is not written.
        fixed: Values of settings that the race must not change. With ``sampler``, fewer than
            30 epochs or 50 validation edges, or a million nodes, there is no race.

    Raises:
        ValueError: If a setting is unknown, its value is not allowed, or the file of the choice is
            damaged.
    """
    data = drop_repeated_edges(data)
    fast = recipe.fast(data, encoder=encoder, **fixed)
    entrants = _entrants(fast, fixed)
    if len(entrants) < 2:
        return Race(fast, [])
    positives, epochs = data.valid.pos.size(1), fast.config.epochs
    rungs = [_whole(rung, fast.config.eval_every) for rung in (FIRST, LAST)]
    large = fast.profile.nodes >= recipe.LARGE  # three models at once would not fit
    if epochs < SHORTEST * rungs[1] or positives < FEWEST or large:
        few = f"{positives} validation edges" if positives < FEWEST else f"{epochs} epochs"
        why = "the graph is too large" if large else f"{few} are too few"
        text = f"A rule chose the negatives: {why} for a race."
        return Race(replace(fast, sentences=(*fast.sentences, ((), text))), [])
    parts = code(registered_parts(fast.config))
    settings = [data.describe(), asdict(fast.config), parts, fixed, seed, files.versions()["gneg"]]
    path = None if folder is None else folder / f"race-{files.digest(settings)}.json"
    if path is not None and path.exists():
        return Race(_read(path, fast), [])
    lanes = [_Lane(data, entrant, seed, len(entrants)) for entrant in entrants]
    judge = Judge(data, lanes[0].run, seed)
    epochs_of_all = _Epochs(rungs[0] * len(lanes) + (rungs[1] - rungs[0]) * 2, report)
    for rung in rungs:
        for lane in lanes:
            lane.train(rung, epochs_of_all)
            lane.compare(judge, entrants[0])
        lanes = [lanes[0], max(lanes[1:], key=lambda lane: lane.entrant.gain[0])]
    winner = max(lanes, key=lambda lane: lane.entrant.gain[0] - lane.entrant.gain[1])
    compared = [lane.entrant for lane in lanes]
    others = [entrant for entrant in entrants if entrant not in compared]
    text = _result(compared, others, winner)
    kept = [reason for reason in fast.sentences if "sampler" not in reason[0]]
    sentences = (*kept[:1], (("sampler", "loss"), text), *kept[1:])
    chosen = replace(fast, config=winner.entrant.config, sentences=sentences)
    if path is not None:
        choice = {"config": asdict(chosen.config), "sentences": chosen.sentences}
        files.write_json(path, choice)
    return Race(chosen, [*compared, *others], winner.run, winner.rng)


def _read(path: Path, fast: Recipe) -> Recipe:
    """Return the recipe that an earlier race chose."""
    remedy = "remove it: the race is run again"
    choice = files.read_record("out", path, {"config": dict, "sentences": [list]}, remedy=remedy)
    sentences = tuple((tuple(names), text) for names, text in choice["sentences"])
    return replace(fast, config=LinkConfig(**choice["config"]), sentences=sentences)


def _entrants(fast: Recipe, fixed: dict[str, Any]) -> list[Entrant]:
    """Return the configs that race, the uniform negatives first."""
    config, graph = fast.config, fast.profile
    changes: dict[str, dict[str, Any]] = {"uniform negatives": {"sampler": UNIFORM}}
    if config.sampler != UNIFORM:
        name = "the hardest of 16" if graph.bipartite else "a quarter of walks"
        changes[name] = {"sampler": config.sampler}
    if not graph.bipartite and config.encoder in (*GNNS, *ENCODERS):
        changes["the hardest of 32 uniform ones"] = {"sampler": HARDEST}
    entrants = []
    for name, change in changes.items():
        if change.keys().isdisjoint(fixed):
            try:
                entrants.append(Entrant(name, replace(config, **change), []))
            except ValueError:  # a loss that was given, for example, needs another sampler
                continue
    return entrants if entrants and entrants[0].config.sampler == UNIFORM else []


def _whole(epochs: int, eval_every: int) -> int:
    """Return epochs up to the next evaluation: a training that goes on from there is as any."""
    return -(-epochs // eval_every) * eval_every


class _Epochs(Callback):
    """Counts the epochs of all trainings of a race, and reports how many there were."""

    def __init__(self, total: int, report: Report | None) -> None:
        self.trained, self.total = 0, total
        self.report = report or (lambda _done, _total: None)
        self.report(0, total)

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """Report an epoch."""
        self.trained += 1
        self.report(min(self.trained, self.total), self.total)


class _Lane:
    """The training of one entrant, with its own state of torch's global generator."""

    def __init__(self, data: LinkData, entrant: Entrant, seed: int, lanes: int) -> None:
        self.entrant = entrant
        with torch.random.fork_rng(devices=[]):
            self.run = LinkRun(data, entrant.config, seed)
            self.rng = torch.get_rng_state()
        seconds = entrant.config.seconds
        #: Of a limit in seconds, all lanes together use half.
        self.seconds = None if seconds is None else seconds / (2 * lanes)

    def train(self, epochs: int, callbacks: Callback) -> None:
        """Train until an epoch."""
        run, config = self.run, self.run.config
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self.rng)
            run.config = replace(config, epochs=epochs, seconds=self.seconds)
            run.train(None, callbacks=callbacks)
            run.config = config
            self.rng = torch.get_rng_state()

    def compare(self, judge: Judge, baseline: Entrant) -> None:
        """Set values and gain of the entrant by the best weights so far."""
        current = self.run.weights()
        self.run.model.load_state_dict(self.run.best_state)
        with torch.random.fork_rng(devices=[]):  # where combinations get initial weights
            self.entrant.values = judge.values(self.run)
        self.entrant.gain = judge.gain(self.entrant.values, baseline.values)
        self.run.model.load_state_dict(current)


def _result(compared: Sequence[Entrant], dropped: Sequence[Entrant], winner: _Lane) -> str:
    """Return the result of the race in words."""

    def gains(entrants: Sequence[Entrant]) -> str:
        figures = [
            f"{entrant.name} {100 * entrant.gain[0]:+.1f} % (± {100 * entrant.gain[1]:.1f})"
            for entrant in entrants
        ]
        return ", ".join(figures)

    combined = (
        " and combined with training-free scores" if winner.run.config.stack != "none" else ""
    )
    epochs = winner.run.progress.epoch
    text = (
        f"Trained for {epochs} epochs{combined}, validation metrics relative to those of uniform "
        f"negatives (standard error): {gains(compared[1:])}"
    )
    text += f"; dropped before, {gains(dropped)}. " if dropped else ". "
    if winner.entrant is compared[0]:
        text += "That is no difference: the negatives are uniform"
    else:
        text += f"The negatives are {winner.entrant.name}"
    assert winner.run.loss is not None
    return f"{text}, the loss is {winner.run.loss.name}."
