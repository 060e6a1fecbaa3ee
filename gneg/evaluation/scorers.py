"""Scores of pairs by name: a heuristic, a file of scores, or a function of the user."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gneg import checks, files, registry
from gneg.datasets import LinkData
from gneg.evaluation.metrics import Scored
from gneg.evaluation.ranking import Score
from gneg.graph.heuristics import KINDS, Heuristic

__all__ = ["from_file", "from_function", "heuristic"]


def heuristic(data: LinkData, kind: str) -> Score:
    """Return a heuristic on the training graph as a scorer.

    Args:
        data: The dataset.
        kind: ``cn``, ``aa``, ``ra``, ``ppr``, ``katz``, ``pa`` or ``cosine``.

    Raises:
        ValueError: If ``kind`` is unknown or the graph has no features for a cosine.
    """
    checks.choice("model", kind, KINDS)
    return Heuristic(data.graph, kind, data.x)  # type: ignore[arg-type]


def from_function(text: str, arguments: Sequence[str] = ("src", "dst")) -> Score:
    """Return the function ``score(src, dst)`` of a Python file, or one of three, of triples.

    Args:
        text: The path of the file and the name of the function, ``path/to/file.py:name``.
        arguments: What it is called with: tensors of ids of one shape, ``[B]`` or ``[B, M]``.

    Returns:
        The function; calling it raises a ValueError where it returns NaN.

    Raises:
        ValueError: If there is no such file or function, or it takes other arguments.
    """
    path, _, name = text.rpartition(":")
    module = registry.load_file(path, "model")
    function: Score | None = getattr(module, name, None)
    if not callable(function):
        checks.fail("model", f"a function of {path} after the colon", name)
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        allowed = f"a function of ({', '.join(arguments)}) here"
        checks.fail("model", allowed, f"{text}, which takes {inspect.signature(function)}: {error}")

    def score(*ids: Tensor) -> Tensor:
        scores, shape = function(*ids), ids[0].shape
        if not isinstance(scores, Tensor) or scores.shape != shape:
            allowed = f"a function that returns a tensor of the shape of the ids, {list(shape)}"
            found = list(scores.shape) if isinstance(scores, Tensor) else checks.shown(scores)
            checks.fail("model", allowed, f"{found} of {text}")
        if count := int(scores.isnan().sum()):
            allowed = "a function whose scores are free of NaN"
            checks.fail("model", allowed, f"{text} with {count:,} NaN of {scores.numel():,}")
        return scores

    return score


def from_file(path: Path) -> Scored:
    """Return the scores of a file, of positives ``[E]`` and of their negatives.

    Args:
        path: An ``.npy`` ``[E, 1 + K]``, the positive first, or an ``.npz`` with ``pos [E]`` and
            ``neg``, ``[E, K]`` or ``[M]``.

    Raises:
        ValueError: If the file is missing or holds something else.
    """
    remedy = "write the scores again"
    if path.suffix == ".npy":
        array = files.read_npy("model", path, "scores [E, 1 + K], the positive first", remedy)
        if array.ndim != 2 or array.shape[1] < 2:
            checks.fail("model", "scores [E, 1 + K], the positive first", list(array.shape))
        return _float(array[:, 0], path), _float(array[:, 1:], path)
    arrays = files.read_npz("model", path, "an .npz with 'pos' and 'neg'", remedy, ("pos", "neg"))
    if set(arrays) != {"pos", "neg"}:
        checks.fail("model", "an .npz with 'pos' and 'neg'", f"{path} with {sorted(arrays)}")
    return _float(arrays["pos"], path), _float(arrays["neg"], path)


def _float(array: npt.NDArray[Any], path: Path) -> Tensor:
    if array.dtype.kind not in "biuf":
        checks.fail("model", "numbers", f"{path} of type {array.dtype}")
    return torch.from_numpy(np.ascontiguousarray(array, np.float64)).float()
