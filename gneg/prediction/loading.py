"""Trained models from the folders of their runs."""

from __future__ import annotations

from pathlib import Path

from gneg import checks
from gneg.prediction.link import LinkModel
from gneg.prediction.triple import TripleModel
from gneg.training.link import LinkRun
from gneg.training.load import load_data, load_record, load_run, weights_of

__all__ = ["load"]


def load(path: str | Path) -> LinkModel | TripleModel:
    """Return the model of a finished run, with its data and the user's own names.

    Nothing but the folder is needed: it holds the model, its settings and the data, unless these
    are known by name. Of several seeds the model of the first is taken. A model of an inductive
    split answers for the entities of the graph that was ranked.

    Args:
        path: The folder of a run, its ``results.json`` or one of its ``model-SEED.pt``.

    Raises:
        ValueError: If there is no such run, it has not finished, a file is damaged or the data are
            not there.
        MissingDataError: If the data are known by name, but cannot be loaded again.

    Example:
        >>> import gneg
        >>> model = gneg.load("runs/friends-sage-...")  # doctest: +SKIP
        >>> model.recommend("Ann", k=5)  # doctest: +SKIP
    """
    checks.instance("path", path, (str, Path))
    path = Path(path).expanduser()
    record = load_record(path)
    weights = weights_of(path)[0]
    seed = weights.stem.removeprefix("model-")
    if not any(str(run["seed"]) == seed and run["complete"] for run in record["runs"]):
        hint = "the command that trains it goes on where it was interrupted"
        checks.fail("path", "a run that has finished", str(path), hint=hint)
    run = load_run(load_data(path), path)
    folder = weights.parent
    if isinstance(run, LinkRun):
        return LinkModel(run, folder)
    return TripleModel(run if run.inference is None else run.inference, folder)
