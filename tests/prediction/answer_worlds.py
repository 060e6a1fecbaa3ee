"""Answers by name to look at: few of friends, and what a test expects of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from gneg.datasets import LinkData, Names
from gneg.prediction import Calibration
from tests import worlds

HOSTILE = "<script>alert(1)</script>"
NAMES = [HOSTILE, "50% & more #1", "page-theme", *(f"person {i}" for i in range(3, 60))]
BINS = [
    {"probability": 10.0**-i, "observed": 0.8 * 10.0**-i, "links": 10 + i} for i in range(5, 0, -1)
]
CALIBRATION = Calibration("platt", (-4.0, 1.0), (), 0.01, 40, 2000.0, "model", tuple(BINS))


def table_of(source, target, score, known=None, why=None) -> pa.Table:
    score = np.asarray(score, np.float32)
    columns = {
        "source": source,
        "target": pa.array(target),
        "score": pa.array(score, from_pandas=True),
        "probability": pa.array(CALIBRATION.probability(score), from_pandas=True),
        "known": np.zeros(len(score), bool) if known is None else known,
    }
    return pa.table(columns if why is None else {**columns, "why": why})


def friends() -> LinkData:
    return replace(worlds.toy(), names=Names(NAMES))


def bipartite():
    """Three sources and two targets with the names of their ids; source 2 has target 0."""
    none = torch.zeros(2, 0, dtype=torch.long)
    train = torch.tensor([[0, 1, 1, 2], [1, 0, 1, 0]])
    return replace(
        worlds.toy(),
        num_nodes=5,
        num_src=3,
        x=None,
        undirected=False,
        train=train,
        valid=replace(worlds.toy().valid, pos=none),
        test=replace(worlds.toy().test, pos=none),
        names=(Names(["0", "1", "2"]), Names(["0", "1"])),
    )


def answers(data: LinkData) -> pa.Table:
    """Five answers for each node, the most probable one for node 7; node 9 has none left."""
    generator = np.random.default_rng(0)
    rows = []
    for node in range(60):
        partners = [p for p in generator.permutation(60) if p != node][:5]
        if node == 7:
            partners = two_steps(data, node)[:5]
        scores = -np.sort(-generator.normal(size=5)) + 9 * (node == 7)
        if node == 9:
            rows.append((NAMES[node], None, np.nan, False, "no node is left to link with"))
            continue
        for i, (partner, score) in enumerate(zip(partners, scores, strict=True)):
            rows.append((NAMES[node], NAMES[partner], score, node == 8 and i == 1, f"<b>{i}</b>"))
    return table_of(*(list(column) for column in zip(*rows, strict=True)))


def answers_of(table: pa.Table, name: str) -> list[dict]:
    return [row for row in table.to_pylist() if row["source"] == name]


def neighbors(data, node: int) -> set[str]:
    pairs = torch.cat([data.positives(part) for part in ("train", "valid", "test")], dim=1)
    both = torch.cat([pairs, pairs.flip(0)], dim=1)
    return {NAMES[i] for i in both[1, both[0] == node].tolist()} - {NAMES[node]}


def two_steps(data, node: int) -> list[int]:
    near = neighbors(data, node)
    beyond = set().union(*(neighbors(data, NAMES.index(name)) for name in near))
    return sorted(NAMES.index(name) for name in beyond - near - {NAMES[node]})
