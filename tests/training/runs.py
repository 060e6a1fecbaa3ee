"""Short runs on the digits graph, and what of their results must not change."""

from __future__ import annotations

import json
from dataclasses import replace

import torch

from gneg import LinkConfig

SMALL = {"hidden": 32, "epochs": 6, "eval_every": 2, "batch_size": 2048, "k": 3}


def small(**options) -> LinkConfig:
    return LinkConfig(**{**SMALL, **options})


def stable(result) -> str:
    """Return the runs of a result as JSON, without everything that depends on the clock."""
    runs = [
        {
            key: [{**point, "seconds": 0} for point in value] if key == "curve" else value
            for key, value in run.items()
            if "second" not in key and key != "waiting_share" and key != "sampling_share"
        }
        for run in result["runs"]
    ]
    return json.dumps(runs)


def same_name_and_size(data):
    """Return data with other edges, and with the name, sizes and split of ``data``."""
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(5))
    edges = {part: order[data.positives(part)] for part in ("train", "valid", "test")}
    renumbered = replace(
        data,
        train=edges["train"],
        valid=replace(data.valid, pos=edges["valid"]),
        test=replace(data.test, pos=edges["test"]),
    )
    assert (renumbered.name, renumbered.split) == (data.name, data.split)
    assert [renumbered.positives(part).shape for part in edges] == [
        data.positives(part).shape for part in edges
    ]
    return renumbered
