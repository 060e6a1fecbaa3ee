"""Presets: settings of knowledge-graph models that were tuned on validation, by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from gneg import checks
from gneg.training.triple_config import OF_NEGATIVES, OVER_ALL

#: All entities as candidates, reciprocal relations, N3 (Lacroix, Usunier and Obozinski, ICML 2018).
_OVER_ALL = {
    "loss": "1vsall",
    "inverse": True,
    "dim": 128,
    "optimizer": "adagrad",
    "lr": 0.1,
    "lr_decay": 0.5,
    "n3": 0.05,
    "batch_size": 1024,
    "epochs": 30,
    "eval_every": 3,
    "patience": 3,
}
#: Self-adversarial weights of many uniform negatives (Sun, Deng, Nie and Tang, ICLR 2019).
_SELF_ADVERSARIAL = {
    "loss": "nssa",
    "sampler": "uniform",
    "corrupt": "both",
    "k": 256,
    "margin": 5.0,
    "inverse": True,
    "dim": 128,
    "lr": 0.003,
    "lr_decay": 0.5,
    "batch_size": 1024,
    "epochs": 60,
    "eval_every": 5,
    "patience": 3,
}


@dataclass(frozen=True)
class Preset:
    """Settings by name.

    Attributes:
        text: What they are.
        settings: Fields of :class:`gneg.TripleConfig`.
        on: What differs from them on datasets that are known by name, chosen on validation.
    """

    text: str
    settings: dict[str, Any]
    on: dict[str, dict[str, Any]] = field(default_factory=dict)


PRESETS = {
    "complex-n3": Preset(
        "ComplEx, softmax over all entities, inverse relations, N3",
        {"model": "complex", **_OVER_ALL},
        {"codex-s": {"n3": 0.01}, "wn18rr": {"n3": 0.1}},
    ),
    "distmult-n3": Preset(
        "DistMult, trained as complex-n3, with as many real numbers",
        {"model": "distmult", **_OVER_ALL, "dim": 256},
        {"codex-s": {"n3": 0.01}, "wn18rr": {"dropout": 0.3, "lr": 0.2, "epochs": 50}},
    ),
    "transe-nssa": Preset(
        "TransE, self-adversarial weights of 256 uniform negatives",
        {"model": "transe", **_SELF_ADVERSARIAL},
        {"fb15k237": {"lr": 0.0005, "margin": 9.0}},
    ),
    "rotate-nssa": Preset(
        "RotatE, trained as transe-nssa, with a larger margin",
        {"model": "rotate", **_SELF_ADVERSARIAL, "margin": 9.0},
        {
            "fb15k237": {"dim": 256, "lr": 0.00025},
            "wn18rr": {"margin": 6.0, "dim": 256, "lr": 0.0015},
        },
    ),
}


def preset(
    name: str, dataset: str | None = None, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the settings of a preset, for :class:`gneg.TripleConfig`.

    Args:
        name: The name of the preset.
        dataset: The name or the path of the dataset; some have settings of their own, see
            :func:`tuned_for`.
        overrides: Settings that replace those of the preset, which then lacks what has no effect
            beside them: its margin with another loss, its negatives with one over all entities.

    Raises:
        ValueError: If there is no preset of this name.
    """
    chosen = PRESETS[checks.choice("preset", name, PRESETS)]
    settings = {
        **chosen.settings,
        **chosen.on.get(tuned_for(name, dataset) or "", {}),
        **(overrides or {}),
    }
    without = ["margin"] if settings["loss"] != chosen.settings["loss"] else []
    without += OF_NEGATIVES if settings["loss"] in OVER_ALL else ()
    unused = set(without) - set(overrides or {})
    return {name: value for name, value in settings.items() if name not in unused}


def tuned_for(name: str, dataset: str | None) -> str | None:
    """Return the dataset that a preset has settings of its own for, if it is the one that is named.

    Spellings are told (``FB15k-237``, PyKEEN's ``CoDExSmall``), and so are the folders of datasets
    (``data/wn18rr``, ``codex-s/raw``).

    Args:
        name: The name of the preset.
        dataset: The name or the path of the dataset; None: any.
    """
    parts = PurePath(dataset or "").parts
    if parts[-1:] == ("raw",):
        parts = parts[:-1]
    spelled = _letters("".join(parts[-1:])).replace("small", "s")
    return next((known for known in PRESETS[name].on if _letters(known) == spelled), None)


def _letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())
