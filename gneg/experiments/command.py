"""The command line that trains one config of a comparison."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.options import settings
from gneg.training.parts import registered_parts


def train_command(config: LinkConfig | TripleConfig, source: Sequence[str]) -> str:
    """Return the command that trains a config, with the settings that differ from the defaults.

    Args:
        config: The config.
        source: The words that name the dataset, and the options that it is loaded with.
    """
    files = dict.fromkeys(part["source"] for part in registered_parts(config) if part["source"])
    words = ["gneg", *(word for file in files for word in ("--import", file))]
    words += ["kg", "train"] if isinstance(config, TripleConfig) else ["train"]
    words += source
    words += ["--recipe", "none"] if isinstance(config, LinkConfig) else []
    for name, entry in settings(type(config)).items():
        value = getattr(config, name)
        if value != entry.default:
            words += option_words(name, value)
    return shlex.join(words)


def rank_command(heuristic: str, source: Sequence[str]) -> str:
    """Return the command that ranks test edges by a training-free score.

    Args:
        heuristic: Its name.
        source: The words that name the dataset, and the options that it is loaded with.
    """
    return shlex.join(["gneg", "train", *source, "--encoder", heuristic])


def option_words(name: str, value: Any, flags: str = "") -> list[str]:
    """Return the words that give an option a value.

    Args:
        name: The name of the setting.
        value: Its value; True and False are flags.
        flags: The flags for True and False, as in ``--yes/--no``; without them made of the name.
    """
    flag = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        yes, _, no = (flags or f"{flag}/--no-{flag[2:]}").partition("/")
        return [yes if value else no]
    return [flag, str(value)]
