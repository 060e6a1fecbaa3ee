"""Python's, NumPy's and torch's global random states are neither read nor moved."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import gneg
from gneg import Triples, datasets, samplers
from gneg.loader import LinkLoader, NeighborSampler
from gneg.samplers.triples import TripleSampler
from gneg.transforms import AddHeuristics, AddNegatives, HardLinkSplit
from tests.triple_worlds import sparse_data
from tests.worlds import random_graph, toy

GRAPH = random_graph(60, 150)
EDGES = GRAPH.edge_index
TRIPLES = torch.stack([EDGES[0], EDGES[0] % 3, EDGES[1]])


def data() -> Data:
    x = torch.ones(60, 4)
    return Data(x=x, edge_index=EDGES, num_nodes=60, time=torch.arange(EDGES.size(1)))


def batches(**options: Any) -> list[Data]:
    return list(LinkLoader(data(), [3], batch_size=64, **options))


def link_run(**options: Any) -> Any:
    config = gneg.LinkConfig(epochs=1, hidden=4, **options)
    return gneg.train(toy(), config, seeds=[0])


def expression(text: str) -> gneg.Negatives:
    z = torch.arange(240.0).view(60, 4).sin()
    sampler = samplers.build(text, GRAPH, z=z)
    return sampler.sample(EDGES, 3, z=z, score=lambda src, dst: (z[src] * z[dst]).sum(-1))


def sample_to_file() -> None:
    with tempfile.TemporaryDirectory() as folder:
        gneg.sample(toy(), "walk", k=2, out=Path(folder) / "negatives.npz")


#: Calls that draw at random and are given no generator.
CALLS: dict[str, Callable[[], Any]] = {
    "negative_sampling": lambda: gneg.negative_sampling(EDGES),
    "negative_sampling by walks": lambda: gneg.negative_sampling(EDGES, sampler="walk"),
    "structured_negative_sampling": lambda: gneg.structured_negative_sampling(EDGES),
    "batched_negative_sampling": lambda: gneg.batched_negative_sampling(
        EDGES, torch.zeros(60, dtype=torch.long)
    ),
    "triples": lambda: TripleSampler(Triples(TRIPLES), "mixture(typed, walk)").sample(TRIPLES, 3),
    "metropolis": lambda: expression("metropolis(walk)"),
    "community": lambda: expression("guarded(uniform, community=own)"),
    "similar": lambda: expression("similar(band=0|9)"),
    "AddNegatives": lambda: AddNegatives("walk", 2)(data()),
    "AddHeuristics": lambda: AddHeuristics(["ppr"])(data()),
    "HardLinkSplit": lambda: HardLinkSplit()(data()),
    "HardLinkSplit by walks": lambda: HardLinkSplit(is_undirected=True, sampler="walk")(data()),
    "HardLinkSplit by time": lambda: HardLinkSplit(time_attr="time")(data()),
    "NeighborSampler": lambda: NeighborSampler(data(), [3]).sample(torch.arange(9)),
    "loader": lambda: batches(neg_sampling="binary"),
    "loader, shuffled": lambda: batches(neg_sampling="triplet", shuffle=True, sampler="walk"),
    "loader without negatives": batches,
    "loader with workers": lambda: batches(neg_sampling="binary", num_workers=2),
    "make_split": lambda: datasets.make_split("toy", GRAPH, None),
    "sample": sample_to_file,
    "hardset": lambda: gneg.hardset(toy(), k=4),
    "audit": lambda: gneg.audit(toy(), "walk", k=2, negatives=100),
    "train": lambda: link_run(sampler="hardest(walk)"),
    "train triples": lambda: gneg.train(
        sparse_data(), gneg.TripleConfig(epochs=1, dim=4), seeds=[0]
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_global_states_stay_where_they_are(call):
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    CALLS[call]()
    assert torch.equal(states[0], torch.get_rng_state()), "torch's"
    assert np.array_equal(states[1], np.random.get_state()[1]), "NumPy's"
    assert states[2] == random.getstate(), "Python's"


@pytest.mark.parametrize("call", ["negative_sampling", "AddNegatives", "HardLinkSplit"])
def test_global_states_do_not_decide_what_is_drawn(call):
    drawn = []
    for _ in range(2):
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        drawn.append(str(_tensors(CALLS[call]())))
    assert drawn[0] != drawn[1]


def _tensors(result: Any) -> list[Any]:
    if isinstance(result, tuple):
        return [_tensors(part) for part in result]
    return result.edge_label_index.tolist() if isinstance(result, Data) else result.tolist()
