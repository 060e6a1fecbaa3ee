"""Calls of transforms and loaders."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch_geometric.data import Data

from gneg import Graph, KnownEdges
from gneg.loader import LinkLoader, NeighborSampler
from gneg.transforms import AddHeuristics, AddNegatives, HardLinkSplit
from tests.fuzz.calls import Call
from tests.fuzz.values import world


def data_of(rng: random.Random) -> tuple[Data, Graph]:
    graph = world(rng)
    while graph.bipartite or graph.num_edges < 10:
        graph = world(rng)
    data = Data(edge_index=graph.edge_index, num_nodes=graph.num_nodes)
    data.x = torch.randn(graph.num_nodes, 3)
    data.time = torch.arange(graph.num_edges)
    return data, graph


def of_transform(rng: random.Random) -> Call:
    data, _ = data_of(rng)
    settings: list[tuple[Any, dict[str, Any]]] = [
        (AddNegatives, {"sampler": "uniform", "k": 2, "mode": "binary", "corrupt": "dst"}),
        (AddNegatives, {"sampler": "walk", "k": 1, "mode": "triplet", "edge_types": None}),
        (AddHeuristics, {"kinds": ("cn", "ppr"), "edge_types": None}),
        (
            HardLinkSplit,
            {
                "num_val": 0.1,
                "num_test": 2,
                "is_undirected": rng.random() < 0.5,
                "split_labels": False,
                "neg_sampling_ratio": 0.5,
                "disjoint_train_ratio": 0.1,
                "sampler": rng.choice([None, "walk"]),
                "time_attr": rng.choice([None, "time"]),
                "known": "train",
                "edge_types": None,
                "rev_edge_types": None,
                "generator": torch.Generator().manual_seed(1),
            },
        ),
    ]
    cls, options = rng.choice(settings)
    arguments: dict[str, Any] = {"data": data, "edge_index": data.edge_index, **options}

    def transform(data: Any, edge_index: Any, **options: Any) -> Any:
        if isinstance(data, Data):
            data.edge_index = edge_index
        return cls(**options)(data)

    def check(result: Any) -> None:
        for part in result if isinstance(result, tuple) else (result,):
            for name in ("edge_index", "edge_label_index"):
                if name in part:
                    assert not part[name].numel() or int(part[name].max()) < data.num_nodes

    return Call(transform, arguments, check, frozenset({"data"}))


def of_loader(rng: random.Random) -> Call:
    data, graph = data_of(rng)
    edges = data.edge_index

    def load(edge_index: Any, exclude_targets: Any, generator: Any, **options: Any) -> Any:
        data.edge_index = edge_index
        loader = LinkLoader(
            data,
            batch_size=4,
            exclude_targets=exclude_targets,
            generator=generator,
            **options,
        )
        return next(iter(loader), None)

    def check(batch: Any) -> None:
        if batch is None or "edge_label" not in batch:
            return
        negative = batch.n_id[batch.edge_label_index[:, batch.edge_label == 0]]
        assert not KnownEdges(graph).contains(*negative).any()

    if rng.random() < 0.2:
        options = {"replace": False, "disjoint": False, "time_attr": None, "weight_attr": None}
        neighbors = {"data": data, "num_neighbors": [2, 1], **options, "seed": 3}

        def sample(**options: Any) -> Any:
            return NeighborSampler(**options).sample(torch.arange(2))

        return Call(sample, neighbors)
    arguments = {
        "edge_index": edges,
        "num_neighbors": [2, 1],
        "edge_label_index": rng.choice([None, edges[:, :5]]),
        "edge_label": None,
        "neg_sampling": "binary",
        "sampler": rng.choice([None, "walk", "uniform"]),
        "known": edges[:, :2],
        "exclude_targets": rng.random() < 0.5,
        "generator": torch.Generator().manual_seed(2),
    }
    return Call(load, arguments, check, frozenset({"edge_index"}))
