"""A short race between recipes on validation edges, by successive halving."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from gneg import checks, files, records
from gneg.datasets import LinkData, TripleData
from gneg.graph.sizes import with_sizes
from gneg.training import checkpoint, options, race_choice
from gneg.training.callbacks import Callback
from gneg.training.config import TripleConfig
from gneg.training.contest import Comparison, Contest, Entrant, of_links, of_triples
from gneg.training.device import forked_random, random_state, set_random_state
from gneg.training.parts import code, registered_parts
from gneg.training.race_plan import PILOT, Watch, seconds_to_train, share_to_compare
from gneg.training.recipe import Recipe
from gneg.training.record import NAME
from gneg.training.run import Run

__all__ = ["Entrant", "Race", "race"]

#: Called with the number of epochs that were trained and of all in the race.
Report = Callable[[int, int], object]


@dataclass(frozen=True)
class Race:
    """The result of a race.

    Attributes:
        recipe: The winner's config and the reasons for it.
        entrants: All that took part, the uniform negatives first.
        run: The winner's training so far; None: there was nothing to compare.
        rng: The states of torch's global generators in it.
    """

    recipe: Recipe
    entrants: list[Entrant]
    run: Run[Any, Any] | None = None
    rng: dict[str, Tensor] | None = None

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
        with forked_random(self.run.device):
            set_random_state(self.run.device, self.rng)
            checkpoint.save(self.run, path)


def race(
    data: LinkData | TripleData,
    *,
    seed: int = 0,
    report: Report | None = None,
    folder: Path | None = None,
    fresh: bool = False,
    **fixed: Any,
) -> Race:
    """Return the config whose negatives rank validation positives best after a short training.

    Uniform negatives always take part, beside those of :func:`gneg.training.recipe.fast` and the
    hardest of some uniform ones; for triples beside ones from the relation's own heads or tails and
    tempered ones. All else is equal, the seed too, but for the loss, which suits the negatives
    unless it is given. Entrants are compared as they will be used: combined with heuristics, out of
    fold, if the recipe has a stack; by the geometric mean of the metrics against easy and hard
    negatives (in a bipartite graph and for triples by the reciprocal rank among all targets). After
    4 epochs, or the next evaluation, all but uniform negatives and the best of the others drop out;
    after 6 the latter win if their advantage is larger than its standard error. No test positive is
    used.

    Args:
        data: The dataset.
        seed: Seed of the trainings.
        report: Called as the race goes on.
        folder: Folder of the choice: the same race is not run again, but read from a file there;
            None: it is not written.
        fresh: Whether the race is run again in any case, and its file replaced.
        fixed: Values of settings that the race must not change. With ``sampler``, fewer than
            30 epochs or 50 validation positives, or a million nodes, there is no race; nor where
            most queries have at most ``k`` negatives, which all samplers return. With ``seconds``
            the race takes at most half as many, kernels compiled and modules imported before: there
            are fewer epochs, and entrants are compared on fewer positives; where an epoch of each
            does not fit into that, the uniform negatives, whose first epoch shows it, are chosen.

    Raises:
        ValueError: If a setting is unknown, its value is not allowed, or the file of the choice is
            damaged.
    """
    checks.instance("data", data, (LinkData, TripleData))
    seed = checks.integer("seed", seed, 0)
    for name in fixed if isinstance(data, TripleData) else ():
        checks.choice("fixed", name, list(options.settings(TripleConfig)))
    contest = of_triples(data, **fixed) if isinstance(data, TripleData) else of_links(data, **fixed)
    before = contest.recipe
    if len(contest.entrants) < 2:
        return Race(before, [])
    if contest.obstacle is not None:
        text = f"The negatives were not raced: {contest.obstacle}."
        return Race(replace(before, sentences=(*before.sentences, ((), text))), [])
    parts = code(registered_parts(before.config))
    settings = [
        contest.data.describe(),
        asdict(before.config),
        parts,
        fixed,
        seed,
        records.versions()["gneg"],
    ]
    path = None if folder is None else folder / f"race-{files.digest(settings)}.json"
    if path is not None and path.exists() and not fresh:
        return Race(race_choice.read(path, contest), [])
    winner, entrants, text = _compete(contest, seed, report)
    if path is not None:
        race_choice.write(path, winner.entrant, text)
    recipe = race_choice.chosen(before, winner.entrant, text)
    return Race(recipe, entrants, winner.run, winner.rng)


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
    """The training of one entrant, with its own states of torch's global generators.

    Args:
        contest: The race.
        entrant: The entrant.
        seed: The seed of the training.
    """

    def __init__(self, contest: Contest, entrant: Entrant, seed: int) -> None:
        self.entrant = entrant
        device = entrant.config.device
        with forked_random(device):
            self.run = contest.run(contest.data, entrant.config, seed)
            self.rng = random_state(device)

    def train(self, epochs: int, callbacks: Callback, seconds: float | None = None) -> None:
        """Train until an epoch, or for so many seconds of training in all."""
        run, config = self.run, self.run.config
        with forked_random(run.device):
            set_random_state(run.device, self.rng)
            run.config = replace(config, epochs=epochs, seconds=seconds)
            run.train(None, callbacks=callbacks)
            run.config = config
            self.rng = random_state(run.device)

    def compare(self, judge: Comparison, baseline: Entrant) -> None:
        """Set values and gain of the entrant by the best weights so far."""
        current = self.run.weights()
        self.run.model.load_state_dict(self.run.best_state)
        with forked_random(self.run.device):  # where combinations get initial weights
            self.entrant.values = judge.values(self.run)
        self.entrant.loss = self.run.loss.name if self.run.loss else ""
        self.entrant.gain = judge.gain(self.entrant.values, baseline.values)
        self.run.model.load_state_dict(current)


def _compete(
    contest: Contest, seed: int, report: Report | None
) -> tuple[_Lane, list[Entrant], str]:
    """Return the winner, all that were compared, uniform negatives first, and the reason."""
    entrants, rungs = contest.entrants, contest.rungs
    epochs_of_all = _Epochs(rungs[0] * len(entrants) + (rungs[1] - rungs[0]) * 2, report)
    lanes = [_Lane(contest, entrants[0], seed)]  # which training needs in any case
    watch, seconds = Watch(), None
    lanes += [_Lane(contest, entrant, seed) for entrant in entrants[1:]]
    if entrants[0].config.seconds is None:
        judge = contest.judge(contest.data, lanes[0].run, seed, 1.0)
    else:
        plan = _planned(contest, lanes, seed, watch, epochs_of_all)
        if isinstance(plan, str):
            return lanes[0], [], plan
        judge, seconds = plan
    for rung in rungs:
        ahead = lanes[1].entrant.gain[0]  # in the comparison before, of the best of the others
        for lane in lanes:
            lane.train(rung, epochs_of_all, seconds)
            lane.compare(judge, entrants[0])
        lanes = [lanes[0], max(lanes[1:], key=lambda lane: lane.entrant.gain[0])]
    winner = max(lanes, key=lambda lane: lane.entrant.gain[0] - lane.entrant.gain[1])
    compared = [lane.entrant for lane in lanes]
    eliminated = [entrant for entrant in entrants if entrant not in compared]
    epochs = {lane.entrant.name: lane.run.progress.epoch for lane in lanes}
    text = race_choice.result(contest, epochs, winner.entrant, ahead)
    return winner, [*compared, *eliminated], text


def _planned(
    contest: Contest, lanes: Sequence[_Lane], seed: int, watch: Watch, callbacks: Callback
) -> tuple[Comparison, float] | str:
    """Train the first lane for an epoch, and fit the race into half of the seconds.

    Returns:
        What compares, and the seconds that each lane is trained for at most; or why the race is too
        long.
    """
    first, limit = lanes[0], lanes[0].run.config.seconds
    comparisons, text = len(lanes) + 2, ""

    def judge_on(share: float) -> tuple[Comparison, float, float]:
        """Return what compares on a share of positives, the seconds to build and to use it."""
        start = watch.seconds
        with forked_random(first.run.device):
            judge = contest.judge(contest.data, first.run, seed, share)
            building = watch.seconds - start
            judge.values(first.run)
        return judge, building, watch.seconds - start - building

    def left() -> float:
        return float(limit / 2 - watch.seconds)

    start, progress, before = watch.seconds, first.run.progress, 0.0
    first.train(1, callbacks, limit / 2)
    epoch = watch.seconds - start
    # The first epoch of a process imports what later ones have, which its training does not count.
    if progress.trained_seconds < limit / 2:
        cold, start, before = epoch, watch.seconds, progress.trained_seconds
        first.train(2, callbacks)
        epoch = watch.seconds - start
        watch.warming += max(0.0, cold - epoch)
    if left() > epoch * (len(lanes) - 1):
        judge, building, comparison = judge_on(PILOT)
        share = share_to_compare(left(), building + comparisons * comparison)
        if share > PILOT:
            judge, building, comparison = judge_on(share)
        spent = progress.epoch * epoch
        seconds = seconds_to_train(left() - comparisons * comparison, spent, len(lanes))
        if seconds >= epoch:
            # Evaluations take time, but no limit of training has it.
            return judge, seconds * (progress.trained_seconds - before) / epoch
        text = f", and comparing its model {building + comparison:.1f} s"
    return (
        f"The negatives are uniform, without a race: an epoch takes {epoch:.1f} s"
        f"{' or more' if left() <= 0 else ''}{text}: half of {limit:g} s is too short for one with "
        f"each of {len(lanes)} kinds of negatives."
    )
