"""The parts of a configuration whose worth a grid measures, and their names in tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

#: Settings whose values are compared with the first one, all else equal, and their names.
PARTS = {
    "sampler": "negatives",
    "decoder": "decoder",
    "loss": "loss",
    "pair_features": "pair features",
    "stack": "stack",
}
#: Parts that are additions to a model, which has none of them without.
ADDITIONS = ("pair_features", "stack")
#: Headings of the columns that name a row.
HEADS = {"encoder": "model", **PARTS, "sampler": "sampler"}


def counterparts(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, int]]:
    """Return the fair counterparts of each config in a grid, by the part in which they differ.

    The counterpart has the first config's value of the part, and all else equal; a part without one
    in the grid, and one whose value is the first, is left out.

    Args:
        settings: The values of each config, by name.
    """
    places = {_key(values): i for i, values in enumerate(settings)}
    first = settings[0]
    pairs: list[dict[str, int]] = []
    for values in settings:
        changed = [name for name in PARTS if name in values and values[name] != first[name]]
        keys = {name: _key({**values, name: first[name]}) for name in changed}
        pairs.append({name: places[key] for name, key in keys.items() if key in places})
    return pairs


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)


def among(
    part: str, values: Mapping[str, Any], settings: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str], ...]:
    """Return name and value of the additions of a config beside which a part is measured.

    A stack can do what better negatives do without it, so that a mean over both says neither: what
    a part is worth is measured apart for each value of the additions that differ in a grid.

    Args:
        part: The part, which is not among them.
        values: The values of the config, by name.
        settings: Those of each config in the grid.
    """
    return tuple(
        (PARTS[name], values[name])
        for name in ADDITIONS
        if name != part and len({setting.get(name) for setting in settings}) > 1
    )


def measured(effect: Mapping[str, Any]) -> str:
    """Return what an effect is of: a part, and the loss where that changes with it."""
    return f"{effect['part']} and loss" if effect["also"] else str(effect["part"])


def change(effect: Mapping[str, Any]) -> str:
    """Return which value of a part stands instead of which, and beside which additions."""
    beside = [f", {name} {value}" for name, value in effect["among"].items()]
    return f"{effect['value']} instead of {effect['baseline']}" + "".join(beside)


def mixed(effects: Sequence[Mapping[str, Any]]) -> str:
    """Return a sentence on effects of negatives together with the loss; empty: there are none."""
    if not any(effect["also"] for effect in effects):
        return ""
    return (
        "The loss changes with the negatives here; what these are worth by themselves, a "
        "comparison with one loss for all says (--losses)."
    )


def apart(effects: Sequence[Mapping[str, Any]]) -> str:
    """Return the additions for each of which effects are measured apart, for a sentence."""
    names = dict.fromkeys(name for effect in effects for name in effect["among"])
    return " and ".join("choice of pair features" if "features" in n else n for n in names)


def value_name(value: str | None, used: Sequence[tuple[str | None, str]]) -> str:
    """Return the name of a value of a part: of ``auto`` what it stands for, if that is one thing.

    Args:
        value: The value in a config; None: auto.
        used: Of each row the value in its config and that which its runs used.
    """
    if value is not None:
        return value
    automatic = {actual for setting, actual in used if setting is None}
    named = {setting for setting, _ in used}
    return automatic.pop() if len(automatic) == 1 and not automatic & named else "auto"


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return name and heading of the columns that name a row: those that differ.

    Where additions alone differ, or nothing does, the sampler stands beside them: a row without
    additions would have no name.
    """
    names = [name for name in HEADS if len({row.get(name) for row in rows}) > 1]
    named = names if set(names) - set(ADDITIONS) else ["sampler", *names]
    return {name: head for name, head in HEADS.items() if name in named}


def cell(name: str, row: Mapping[str, Any]) -> str:
    """Return the text of a row in a column that names it, clear without its heading."""
    value = str(row[name])
    if name not in ADDITIONS:
        return value
    return "-" if value == "none" else f"+ {PARTS[name]}" + (f" {value}" if value != "all" else "")


def row_name(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of a row among others in one line."""
    texts = (cell(name, row) for name in columns(rows))
    return " · ".join(text for text in texts if text != "-")


def shared_parts(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what all rows share among the settings that have no column, for a sentence."""
    hidden = [name for name in HEADS if name in rows[0] and name not in columns(rows)]
    return ", ".join(f"{HEADS[name]} {rows[0][name]}" for name in hidden)


def mean_seconds(row: Mapping[str, Any]) -> float:
    """Return the mean seconds of a row's runs, of training and stacking, without evaluation."""
    return statistics.fmean(
        sum(value for part, value in run.items() if part != "evaluation") for run in row["seconds"]
    )


def marked_part(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the part that rows are tested for, if it is one: its marks stand at their figures."""
    parts = {part for row in rows for part in row["against"]}
    return parts.pop() if len(parts) == 1 else None
