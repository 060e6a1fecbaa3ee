"""The record of a training run, ``results.json``: reading it, and what two of them differ in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gneg import records

NAME = "results.json"
DECODER_ALONE = "decoder alone"  # what a stack that is not used is called
METRICS = {...: (float, dict, list, None)}
#: Form of a run that was trained; a training-free score has metrics only.
TRAINED: dict[str, Any] = {
    "epochs": int,
    "best_epoch": int,
    "curve": [dict],
    "seconds": {...: float},
    "sampling_share": float,
    "loss": str,
    "sampler_counts": {...: int},
    "sampler_report": dict,
    "base_weight": (float, None),
}
#: Form of what only a trained link predictor has.
LINK: dict[str, Any] = {"decoder": str, "stack": ({"chosen": str, ...: (int, dict)}, None)}
#: What was ranked among all nodes, see :func:`gneg.evaluation.full_ranks.record`.
AMONG_ALL = dict.fromkeys(("ranked", "positives", "ends", "candidates", "pairs"), int)
#: Form of the classes that users registered, as far as the config uses them.
REGISTERED = [{"kind": str, "name": str, "source": (str, None), "sha256": (str, None)}]
RUN = {"seed": int, "complete": bool, "valid": METRICS, "test": METRICS}
FORM = {
    "config": dict,
    "dataset": {"name": str, "hash": str},
    "source": (dict, None),
    "protocol": dict,
    "registered?": REGISTERED,
    "runs": [RUN],
}
#: Hint of errors about files that a new run may replace.
FRESH = "--fresh (fresh=True) replaces it"
SHOWN = 4  # differences that an error names
WIDTH = 40  # characters of a value that an error shows


def read(name: str, path: Path) -> dict[str, Any]:
    """Return the content of a ``results.json``.

    Args:
        name: The argument that it belongs to, for errors.
        path: The file.

    Raises:
        ValueError: If it is not a whole record of a training run.
    """
    remedy = FRESH if name == "out" else "gneg train makes it anew"
    content: dict[str, Any] = records.read_record(
        name, path, FORM, fault_of=lambda content: fault_of_runs(content["runs"]), remedy=remedy
    )
    return content


def fault_of_runs(runs: list[dict[str, Any]]) -> str | None:
    """Return what the runs of a record lack in words; None: nothing."""
    for i, run in enumerate(runs):
        if not run["complete"]:
            continue
        # Hits@K is measured where there are K negatives, of which a part may have fewer.
        unpaired = {n for n in set(run["valid"]) ^ set(run["test"]) if not n.startswith("hits@")}
        if unpaired and "seconds" in run:
            return f"runs[{i}] has {min(unpaired)} in one of valid and test"
        for metric in run["valid"].keys() & run["test"].keys():
            if isinstance(run["valid"][metric], float) != isinstance(run["test"][metric], float):
                return f"runs[{i}].test.{metric} is no number"
        forms: list[tuple[Any, Any, str]] = []
        if "epochs" in run:
            of_triples = "sampled" in run
            forms.append((run, TRAINED if of_triples else TRAINED | LINK, f"runs[{i}]"))
        if "all" in run:
            form: dict[Any, Any] = {**AMONG_ALL, "intervals": dict, ...: float}
            forms.append((run["all"], form, f"runs[{i}].all"))
        faults = (records.mismatch(*form) for form in forms)
        fault = next((fault for fault in faults if fault is not None), None)
        stack = run.get("stack") or {}
        chosen = stack.get("chosen", DECODER_ALONE)
        if fault is None and chosen != DECODER_ALONE and not isinstance(stack.get(chosen), dict):
            fault = f"runs[{i}].stack has no {chosen}"
        if fault is not None:
            return fault
    return None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time into the block, among those that lock the same folder.

    Where the system has no such locks, as Windows, the block is not protected.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def anywhere(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what describes a run without the devices, on which the same run may go on."""
    places = ("device", "negatives_on")
    config = {name: value for name, value in record["config"].items() if name not in places}
    return {**record, "config": config}


def differences(stored: Mapping[str, Any], current: Mapping[str, Any]) -> str:
    """Return the first values that two records differ in: ``lr 0.1 (here 0.01), ...``."""
    lines = [
        f"{name} {_short(first)} (here {_short(second)})"
        for name, first, second in _pairs(stored, current)
        if first != second
    ]
    remainder = [f"{len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ", ".join(lines[:SHOWN] + remainder)


def _pairs(stored: Mapping[str, Any], current: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield name and both values of every entry, those of nested ones by their own names."""
    for name in dict.fromkeys([*stored, *current]):
        first, second = stored.get(name, "missing"), current.get(name, "missing")
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from ((f"{name}.{key}", *values) for key, *values in _pairs(first, second))
        else:
            yield name, first, second


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"
