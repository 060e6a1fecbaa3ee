"""Whether a dataset can be trained on, and whether a config does what it says."""

from __future__ import annotations

import warnings

from gneg import checks
from gneg.datasets import LinkData, TripleData
from gneg.datasets.splits import drop_repeated_edges
from gneg.training import expressions
from gneg.training.link_config import LinkConfig
from gneg.training.triple_config import TripleConfig


def fit_for_training(data: LinkData | TripleData) -> LinkData | TripleData:
    """Return the data without validation edges that are training edges, with a warning.

    Raises:
        ValueError: If there are no validation or no test edges: splits of PyG may have one only.
    """
    data = _without_leaks(data)
    ranked = data.ranked if isinstance(data, TripleData) else data
    kind = "triples" if isinstance(data, TripleData) else "edges"
    for part, use in (("valid", "a model is selected by"), ("test", "it is measured on")):
        if not ranked.positives(part).size(1):
            hint = f"put them into {part}.txt beside train.txt, or give one file of all {kind}, "
            hint += "which is split at random"
            if ranked.split.startswith("random"):
                hint = f"{ranked.positives('train').size(1):,} {kind} are too few to hold some out"
            allowed = f"a dataset with {part} {kind}, which {use}"
            checks.fail("data", allowed, f"{ranked.name}, which has none", hint=hint)
    return data


def _without_leaks(data: LinkData | TripleData) -> LinkData | TripleData:
    """Return the data without validation edges that are training edges, with a warning.

    Test edges that are training edges are kept, with a warning, as published figures have them.
    The summary of triples says how many are repeated; these are all kept.
    """
    if isinstance(data, TripleData):
        return data
    cleaned = drop_repeated_edges(data)
    total, repeated = data.valid.pos.size(1), data.valid.pos.size(1) - cleaned.valid.pos.size(1)
    if repeated:
        text = f"{repeated:,} of {total:,} validation edges are training edges and left out"
        warnings.warn(text, stacklevel=4)
    kept = int(data.known().contains(*data.test.pos).sum())
    if kept:
        total = data.test.pos.size(1)
        text = f"{kept:,} of {total:,} test edges are training edges and kept"
        warnings.warn(text, stacklevel=4)
    return cleaned


def warn_of_no_choice(config: LinkConfig | TripleConfig) -> None:
    """Warn of a sampler that selects its negatives from no more candidates than it returns."""
    triples = isinstance(config, TripleConfig)
    if expressions.chooses_nothing(config.sampler, config.k, triples=triples):
        text = f"{config.sampler} keeps all of its candidates, as it is asked for {config.k} "
        text += "negatives of each positive: give it a larger m, or a smaller k"
        warnings.warn(text, stacklevel=3)
