"""What a race chose: in words, in a recipe, and in a file that is read instead of racing again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from gneg import checks, files, records
from gneg.datasets import TripleData
from gneg.training.contest import Contest, Entrant
from gneg.training.recipe import Recipe

FORM = {"negatives": str, "text": str}
REMEDY = "--fresh, or without the file, the race is run again"
WEAK = 2.0  # standard errors up to which an advantage is called weak evidence


def write(path: Path, winner: Entrant, text: str) -> None:
    """Write the choice of a race."""
    files.write_json(path, {"negatives": winner.name, "text": text})


def read(path: Path, contest: Contest) -> Recipe:
    """Return the recipe that an earlier race over the same entrants chose.

    Raises:
        ValueError: If the file is damaged, or names negatives that do not race.
    """
    choice: dict[str, str] = records.read_record("out", path, FORM, remedy=REMEDY)
    entrants = {entrant.name: entrant for entrant in contest.entrants}
    if choice["negatives"] not in entrants:
        negatives = f"{path}: negatives {choice['negatives']!r}"
        checks.fail("out", f"a choice among {', '.join(entrants)}", negatives, hint=REMEDY)
    return chosen(contest.recipe, entrants[choice["negatives"]], choice["text"])


def chosen(before: Recipe, winner: Entrant, text: str) -> Recipe:
    """Return a recipe with the negatives, and the loss, of the winner of a race.

    Args:
        before: The recipe without a race.
        winner: The winner.
        text: The result in words, in place of the recipe's own reason for its negatives.
    """
    kept = [reason for reason in before.sentences if "sampler" not in reason[0]]
    sentences = (*kept[:1], (("sampler", "loss"), text), *kept[1:])
    return replace(before, config=winner.config, sentences=sentences)


def result(
    contest: Contest,
    compared: Mapping[str, int],
    winner: Entrant,
    ahead: float = 0.0,
) -> str:
    """Return the result of a race in words.

    Args:
        contest: The race; its entrants have their gains.
        compared: Epochs that those of the last comparison were trained for, by name, the uniform
            negatives first.
        winner: The winner.
        ahead: The gain of the best of the others when the rest dropped out.
    """
    last = [entrant for entrant in contest.entrants if entrant.name in compared]
    dropped = [entrant for entrant in contest.entrants if entrant.name not in compared]
    combined = (
        " and combined with training-free scores"
        if getattr(winner.config, "stack", "none") != "none"
        else ""
    )
    losses = {entrant.loss for entrant in contest.entrants}
    own = f" with {last[0].loss}" if len(losses) > 1 else ""
    gains = partial(_gains, loss=last[0].loss)
    text = (
        f"Trained for {_epochs(list(compared.values()))}{combined}, {_figure(contest)} relative to "
        f"that of uniform negatives{own} (± standard error): {gains(last[1:])}"
    )
    if dropped:  # their gains are of that comparison
        then = f"when {last[1].name} had {100 * ahead:+.1f} %"
        text += f"; dropped earlier, {then}: {gains(dropped)}"
    text += ". "
    if winner is last[0]:
        text += "No gain is above its standard error: the negatives are uniform"
    else:
        gain, error = winner.gain
        weak = ", on weak evidence" if gain < WEAK * error else ""
        text += f"The negatives are {winner.name}{weak}"
    return f"{text}, the loss is {winner.loss}."


def _figure(contest: Contest) -> str:
    """Return what entrants were compared by, and on how many positives."""
    values, data = contest.entrants[0].values, contest.data
    triples = isinstance(data, TripleData)
    count = f"on {len(values[0]):,} validation {'triples' if triples else 'edges'} the"
    if len(values) == 2:
        easy = "" if data.metric == "mrr" else f"{data.metric} against easy and "
        both = "easy and " if data.metric == "mrr" else ""
        return f"{count} geometric mean of {easy}MRR against {both}hard negatives"
    return f"{count} MRR among all {'entities' if triples else 'targets'}"


def _gains(entrants: Sequence[Entrant], *, loss: str) -> str:
    """Return names and gains, and losses other than ``loss``."""
    figures = []
    for entrant in entrants:
        name = f"{entrant.name} with {entrant.loss}" if entrant.loss != loss else entrant.name
        gain, error = (100 * part for part in entrant.gain)
        figures.append(f"{name} {gain:+.1f} % (± {error:.1f})")
    return ", ".join(figures)


def _epochs(epochs: Sequence[int]) -> str:
    """Return how long models were trained: slower ones for fewer epochs, where seconds end it."""
    if min(epochs) < max(epochs):
        return f"{min(epochs)} to {max(epochs)} epochs"
    return "1 epoch" if epochs[0] == 1 else f"{epochs[0]} epochs"
