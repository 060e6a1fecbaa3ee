"""Which cells a grid has, where they are, and in which order they run."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from gneg import checks
from gneg.datasets import LinkData, TripleData
from gneg.experiments.cell import Cell
from gneg.experiments.processes import Event, Report, Runner
from gneg.training.callbacks import Callback
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.kinds import config_class
from gneg.training.link_models import ANY_SAMPLER, check_pair_inputs, link_loss_name
from gneg.training.parts import code, registered_parts

AnyConfig = LinkConfig | TripleConfig


def check_configs(data: LinkData | TripleData, configs: Sequence[AnyConfig]) -> None:
    """Refuse configs that cannot be compared, before anything is trained.

    Raises:
        ValueError: If they are none or repeated, not of the data's class or training-free, or if a
            sampler, pair features or a stack do not suit the data.
    """
    checks.instance("configs", configs, (list, tuple), hint="see gneg.experiments.grid.grid")
    for config in configs:
        checks.instance("configs", config, (config_class(data),))
        if config.training_free:
            hint = "heuristics are ranked beside, see 'baselines'"
            checks.fail("configs", "of models that are trained", config.model_name, hint=hint)
    if not configs or len(set(configs)) < len(configs):
        checks.fail("configs", "one or more, each once", len(configs))
    for config in configs:
        _sampler(data, config)
        if isinstance(data, LinkData) and isinstance(config, LinkConfig):
            check_pair_inputs(config, data)


def _sampler(data: LinkData | TripleData, config: AnyConfig) -> Any:
    """Return the sampler of a config, with vectors that mean nothing."""
    size = data.num_entities if isinstance(data, TripleData) else data.num_nodes
    return data.sampler(config.sampler, z=torch.zeros(size, 2))


def with_one_loss(data: LinkData, configs: Sequence[LinkConfig]) -> list[LinkConfig]:
    """Return configs with one loss for all that have none, so that their negatives alone differ.

    Without a loss each trains with the one that suits its sampler. Where those differ, all get
    InfoNCE, which suits every sampler.

    Args:
        data: The dataset.
        configs: The configs of a comparison.
    """
    without = [config for config in configs if config.loss is None and not config.training_free]
    pair = data.train[:, :1].cpu()
    names = {link_loss_name(config, _sampler(data, config), pair) for config in without}
    if len(names) < 2:
        return list(configs)
    return [
        replace(config, loss=ANY_SAMPLER) if config.loss is None else config for config in configs
    ]


def bases(configs: Sequence[AnyConfig]) -> list[AnyConfig]:
    """Return the config that is trained for each config: without stack if several share it.

    Configs that differ in the stack alone share the training of the one without; a config that
    shares its training with no other is trained as it is.
    """
    without = [
        replace(config, stack="none") if isinstance(config, LinkConfig) else config
        for config in configs
    ]
    shared = {base for base in without if without.count(base) > 1}
    return [
        base if base in shared else config for config, base in zip(configs, without, strict=True)
    ]


def cells_of(
    configs: Sequence[AnyConfig],
    best: Sequence[AnyConfig],
    seeds: int,
    folder: Path,
    digest: str,
    callbacks: Sequence[Callback],
) -> list[Cell]:
    """Return the cells of a grid, those of each config together.

    Args:
        configs: The configs.
        best: The config to train for each, see :func:`bases`, after a search if there was one.
        seeds: Runs of each config.
        folder: The folder of all cells.
        digest: A digest of the data, for the names of folders.
        callbacks: Called while a model trains.
    """
    cells = []
    for config, trained in zip(configs, best, strict=True):
        for seed in range(seeds):
            name, audited = folder_name(trained, digest), seed == 0
            cell = Cell(trained, seed, folder / name, audited=audited, callbacks=tuple(callbacks))
            stack = config.stack if isinstance(config, LinkConfig) else None
            if isinstance(trained, LinkConfig) and stack is not None and stack != trained.stack:
                stacked = replace(trained, stack=stack)
                name = folder_name(stacked, digest_of([digest, "of one model"]))
                cell = Cell(stacked, seed, folder / name, audited=audited, base=cell)
            cells.append(cell)
    return cells


def run_cells(cells: Sequence[Cell], pool: Runner, report: Report | None) -> list[dict[str, Any]]:
    """Return the records of cells, in their order: models are trained before they get stacks."""
    trained = [cell if cell.base is None else cell.base for cell in cells]
    trained = list({cell.path: cell for cell in trained}.values())
    stacked = [cell for cell in cells if cell.base is not None]
    records: dict[Path, dict[str, Any]] = {}
    total = len(trained) + len(stacked)
    for part in (trained, stacked):
        shifted = report and partial(_report, report, len(records), total)
        finished = pool.run(part, shifted)
        records |= {cell.path: record for cell, record in zip(part, finished, strict=True)}
    return [records[cell.path] for cell in cells]


def _report(report: Report, before: int, total: int, event: Event) -> None:
    """Report the progress of some cells as that of all."""
    report(replace(event, completed=before + event.completed, total=total))


def comparison_folder(
    data: LinkData | TripleData, configs: Sequence[AnyConfig], others: Sequence[Any] = ()
) -> str:
    """Return a folder name for a comparison: the same for the same data and configs.

    The number of seeds is no part of it, so that more seeds resume.

    Args:
        data: The dataset.
        configs: The configs that are compared.
        others: Further values that decide the results, which JSON can hold.
    """
    registered = [code(registered_parts(config)) for config in configs]
    values = [data.describe(), [asdict(config) for config in configs], registered, list(others)]
    word = re.sub(r"[^A-Za-z0-9]+", "-", data.name).strip("-")[:80]
    kind = "kg-compare" if isinstance(data, TripleData) else "compare"
    return f"{kind}-{word}-{digest_of(values)}"


def folder_name(config: AnyConfig, digest: str) -> str:
    """Return a folder name for a config on data with a digest."""
    words = [config.model_name, config.sampler, config.loss or ""]
    values = [asdict(config), digest, *code(registered_parts(config))]
    text = "-".join(re.sub(r"\W+", "-", word).strip("-") for word in words if word)
    return f"{text[:80]}-{digest_of(values)}"


def digest_of(value: Any) -> str:
    """Return a short hash of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:8]
