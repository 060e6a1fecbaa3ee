"""What a race chose: in words, in a recipe, and in a file that is read instead of racing again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
    loss: str,
    winner: Entrant,
) -> str:
    """Return the result of a race in words.

    Args:
        contest: The race; its entrants have their gains.
        compared: Epochs that those of the last comparison were trained for, by name, the uniform
            negatives first.
        loss: The loss of the winner.
        winner: The winner.
    """
    last = [entrant for entrant in contest.entrants if entrant.name in compared]
    dropped = [entrant for entrant in contest.entrants if entrant.name not in compared]
    combined = (
        " and combined with training-free scores"
        if getattr(winner.config, "stack", "none") != "none"
        else ""
    )
    text = (
        f"Trained for {_epochs(list(compared.values()))}{combined}, {_figure(contest)} relative to "
        f"that of uniform negatives (± standard error): {_gains(last[1:])}"
    )
    # Their gains are of an earlier comparison, in which another was ahead of them.
    earlier = f"; dropped earlier, behind {last[1].name} then: {_gains(dropped)}" if dropped else ""
    text += f"{earlier}. "
    if winner is last[0]:
        text += "No gain is above its standard error: the negatives are uniform"
    else:
        gain, error = winner.gain
        weak = ", on weak evidence" if gain < WEAK * error else ""
        text += f"The negatives are {winner.name}{weak}"
    return f"{text}, the loss is {loss}."


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


def _gains(entrants: Sequence[Entrant]) -> str:
    figures = [
        f"{entrant.name} {100 * entrant.gain[0]:+.1f} % (± {100 * entrant.gain[1]:.1f})"
        for entrant in entrants
    ]
    return ", ".join(figures)


def _epochs(epochs: Sequence[int]) -> str:
    """Return how long models were trained: slower ones for fewer epochs, where seconds end it."""
    if min(epochs) < max(epochs):
        return f"{min(epochs)} to {max(epochs)} epochs"
    return "1 epoch" if epochs[0] == 1 else f"{epochs[0]} epochs"
