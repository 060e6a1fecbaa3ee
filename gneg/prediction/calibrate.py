"""Probabilities from scores, fitted on validation links against the base rate of links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from gneg import checks, files, records
from gneg.graph.sizes import with_sizes

FloatArray = npt.NDArray[np.float64]
NAME = "calibration.json"
FOLDS = 5  # that the kind of the fit is chosen on
Kind = Literal["isotonic", "platt"]
BINS = 10  # of the reliability figure, of equal numbers of links
REMEDY = "delete it: it is fitted anew when it is needed"
FORM = {
    "kind": str,
    "scores": [float],
    "probabilities": [float],
    "base_rate": float,
    "links": int,
    "pairs": float,
    "model": str,
    "reliability": [{"probability": float, "observed": float, "links": int}],
}


@dataclass(frozen=True)
class Sample:
    """Scores of links and of other pairs that stand for all pairs outside training.

    Attributes:
        links: ``[V]`` scores of held-out links.
        others: ``[M]`` scores of pairs that are no links.
        weights: ``[M]``, the number of pairs that each of them stands for.
        worth: The number of held-out links that each of ``links`` stands for.
    """

    links: FloatArray
    others: FloatArray
    weights: FloatArray
    worth: float

    __repr__ = with_sizes

    @property
    def base_rate(self) -> float:
        """The share of links among all pairs outside training."""
        links = self.worth * len(self.links)
        return links / (links + float(self.weights.sum()))


@dataclass(frozen=True)
class Calibration:
    """A monotone function from scores to probabilities.

    The probability of a pair is the share of held-out links among all pairs outside training that
    score as it does: what it would be if the links that are missing are as many as those that were
    held out, and like them.

    Attributes:
        kind: ``isotonic`` (piecewise linear) or ``platt`` (logistic).
        scores: Scores of the corners, ascending; of ``platt``, offset and slope.
        probabilities: Probabilities at the corners; empty for ``platt``.
        base_rate: The share of held-out links among all pairs outside training.
        links: Number of links it was fitted on.
        pairs: Number of pairs outside training.
        model: A hash of the model's weights.
        reliability: Of test links, by bins of equally many: the mean ``probability`` of the pairs
            in a bin, the share ``observed`` of links among them, and how many ``links`` these are.
    """

    kind: Kind
    scores: tuple[float, ...]
    probabilities: tuple[float, ...]
    base_rate: float
    links: int
    pairs: float
    model: str
    reliability: tuple[dict[str, Any], ...] = ()

    __repr__ = with_sizes

    def probability(self, scores: npt.NDArray[Any]) -> FloatArray:
        """Return the probabilities of scores, of the same shape; NaN for NaN."""
        values = np.asarray(scores, np.float64)
        if self.kind == "isotonic":
            result: FloatArray = np.interp(values, self.scores, self.probabilities)
            return np.where(np.isnan(values), np.nan, result)
        offset, slope = self.scores
        exponent = np.clip(offset + slope * values, -700, 700)
        return 1 / (1 + np.exp(-exponent))

    def save(self, folder: Path, name: str = NAME) -> None:
        """Write the calibration into the folder of a run, as a file of this name."""
        lists = {"scores": list(self.scores), "probabilities": list(self.probabilities)}
        record = {**self.__dict__, **lists, "reliability": list(self.reliability)}
        files.write_json(folder / name, record)


def load(folder: Path, model: str, name: str = NAME) -> Calibration | None:
    """Return the calibration of a model in the folder of its run; None: there is none.

    Args:
        folder: The folder of the run.
        model: The hash of its weights; the calibration of other weights does not count.
        name: The name of the file.

    Raises:
        ValueError: If the file is damaged.
    """
    path = folder / name
    if not path.exists():
        return None
    record = records.read_record("model", path, FORM, remedy=REMEDY)
    if record["model"] != model:
        return None
    values = {name: record[name] for name in FORM}
    values |= {name: tuple(record[name]) for name in ("scores", "probabilities", "reliability")}
    calibration = Calibration(**values)
    fault = _fault(calibration)
    if fault:
        checks.fail("model", f"a run with a whole {name}", f"{path}: {fault}", hint=REMEDY)
    return calibration


def _fault(calibration: Calibration) -> str | None:
    scores, values = np.array(calibration.scores), np.array(calibration.probabilities)
    if not np.isfinite(scores).all() or not 0 < calibration.base_rate < 1 or calibration.links < 1:
        return "a figure is out of range"
    if calibration.kind == "platt":
        right = len(scores) == 2 and scores[1] >= 0
        return None if right else "no offset and slope >= 0"
    ascending = (np.diff(scores) >= 0).all() and (np.diff(values) >= 0).all()
    if calibration.kind != "isotonic":
        return f"its kind is {calibration.kind!r}"
    if len(calibration.scores) != len(values) or not len(values) or not ascending:
        return "its scores or probabilities do not ascend"
    return None if np.all((values >= 0) & (values <= 1)) else "a probability is out of range"


#: The corners of a fitted function, as :class:`Calibration` holds them.
Corners = tuple[tuple[float, ...], tuple[float, ...]]


def fit(sample: Sample, test: Sample | None, model: str) -> Calibration:
    """Return the calibration of a model: isotonic or logistic, by the log loss out of fold.

    Isotonic regression: Zadrozny and Elkan, KDD 2002; logistic: Platt 1999; both by scikit-learn.

    Args:
        sample: The sample of validation.
        test: The sample of test, which the reliability is measured on; None: it is not.
        model: A hash of the model's weights.
    """
    scores = np.concatenate([sample.links, sample.others])
    labels = np.concatenate([np.ones(len(sample.links)), np.zeros(len(sample.others))])
    weights = np.concatenate([np.full(len(sample.links), sample.worth), sample.weights])
    table = scores, labels, weights
    losses = {kind: _loss_out_of_fold(kind, *table) for kind in FITS}
    kind = min(losses, key=losses.__getitem__)
    corners = FITS[kind](*table)
    pairs = float(weights.sum())
    fitted = Calibration(kind, *corners, sample.base_rate, len(sample.links), pairs, model)
    measured = () if test is None else tuple(_reliability(fitted, test))
    return replace(fitted, reliability=measured)


def _isotonic(scores: FloatArray, labels: FloatArray, weights: FloatArray) -> Corners:
    from sklearn.isotonic import IsotonicRegression

    # No pair is certain: one more link would not change what is known of it by more.
    low, high = 0.5 / weights.sum(), 1 - 0.5 / max(labels.sum(), 1)
    curve = IsotonicRegression(y_min=low, y_max=high, out_of_bounds="clip")
    curve.fit(scores, labels, sample_weight=weights)
    return tuple(curve.X_thresholds_.tolist()), tuple(curve.y_thresholds_.tolist())


def _platt(scores: FloatArray, labels: FloatArray, weights: FloatArray) -> Corners:
    from sklearn.linear_model import LogisticRegression

    center, scale = float(scores.mean()), max(float(scores.std()), 1e-9)
    curve = LogisticRegression(C=1e6, max_iter=1000)
    standardised = ((scores - center) / scale)[:, None]
    curve.fit(standardised, labels, sample_weight=weights / weights.mean())
    slope = max(float(curve.coef_[0, 0]), 0.0) / scale
    return (float(curve.intercept_[0]) - slope * center, slope), ()


#: The fits that are compared; of equal ones the first is used.
FITS: dict[Kind, Callable[[FloatArray, FloatArray, FloatArray], Corners]] = {
    "platt": _platt,
    "isotonic": _isotonic,
}


def _loss_out_of_fold(
    kind: Kind, scores: FloatArray, labels: FloatArray, weights: FloatArray
) -> float:
    """Return the weighted log loss out of fold; infinity for isotonic fits on too few links."""
    if labels.sum() < 2 * FOLDS:
        return 0.0 if kind == "platt" else np.inf
    fold = np.random.default_rng(0).integers(FOLDS, size=len(scores))
    total = 0.0
    for i in range(FOLDS):
        fitted, left = fold != i, fold == i
        corners = FITS[kind](scores[fitted], labels[fitted], weights[fitted])
        values = Calibration(kind, *corners, 0.0, 0, 0.0, "").probability(scores[left])
        values = np.clip(values, 1e-12, 1 - 1e-12)
        loss = labels[left] * np.log(values) + (1 - labels[left]) * np.log1p(-values)
        total -= float(weights[left] @ loss)
    return total


def _reliability(calibration: Calibration, test: Sample) -> Sequence[dict[str, Any]]:
    """Return probabilities and shares of links by bins of as many test links each."""
    of_links = calibration.probability(test.links)
    of_others = calibration.probability(test.others)
    edges = np.unique(np.quantile(of_links, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = []
    for i in range(len(edges) + 1):
        links = np.searchsorted(edges, of_links, "right") == i
        in_bin = np.searchsorted(edges, of_others, "right") == i
        total = test.worth * links.sum() + test.weights[in_bin].sum()
        if not links.any():
            continue
        mean = test.worth * of_links[links].sum() + of_others[in_bin] @ test.weights[in_bin]
        bins.append(
            {
                "probability": float(mean / total),
                "observed": float(test.worth * links.sum() / total),
                "links": int(links.sum()),
            }
        )
    return bins
