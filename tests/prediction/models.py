"""Small trained models with names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

import gneg
from gneg import LinkConfig, TripleConfig, datasets
from gneg.datasets import LinkData, Names
from gneg.prediction import LinkModel, TripleModel
from tests.triple_worlds import random as random_triples
from tests.worlds import random_graph

TINY = LinkConfig(hidden=8, epochs=2, eval_every=1, k=1)
KINDS = ("undirected", "directed", "bipartite")


def named_data(kind: str, n: int = 40, edges: int = 160, *, x: bool = False) -> LinkData:
    """A small graph whose nodes have names."""
    if kind == "bipartite":
        generator = torch.Generator().manual_seed(1)
        index = torch.stack(
            [torch.randint(size, (edges,), generator=generator) for size in (15, n)]
        )
        graph = gneg.Graph.from_edge_index(index, (15, n))
        names: Names | tuple[Names, Names] = (
            Names([f"user {i}" for i in range(15)]),
            Names([f"item {i}" for i in range(n)]),
        )
    else:
        graph = random_graph(n, edges, undirected=kind == "undirected")
        names = Names([f"node {i}" for i in range(n)])
    features = torch.rand(n, 4, generator=torch.Generator().manual_seed(2)) if x else None
    data = datasets.make_split("toy", graph, features, ratios=(0.1, 0.1))
    return replace(data, names=names)


def link_model(folder, data: LinkData, **options) -> LinkModel:
    gneg.train(data, replace(TINY, **options), out=folder)
    model = gneg.load(folder)
    assert isinstance(model, LinkModel)
    return model


def triple_model(folder, **options) -> TripleModel:
    """A model of 30 entities and 3 relations with names."""
    data = datasets.from_triples(random_triples(), shares=(0.15, 0.2))
    entities = Names([f"entity {i}" for i in range(data.num_entities)])
    relations = Names([f"relation {i}" for i in range(data.num_relations)])
    data = replace(data, entities=entities, relations=relations)
    gneg.train(data, TripleConfig(**{"dim": 8, "epochs": 2, "k": 2, **options}), out=folder)
    model = gneg.load(folder)
    assert isinstance(model, TripleModel)
    return model


def every_link(data: LinkData) -> set[tuple[int, int]]:
    """All links of all parts, in both directions where they have none."""
    links = torch.cat([data.positives(part) for part in ("train", "valid", "test")], dim=1)
    pairs = {tuple(pair) for pair in links.t().tolist()}
    return pairs | {pair[::-1] for pair in pairs} if data.undirected else pairs


def brute_force(
    model: LinkModel, query: int, *, side: str, keep_known: bool
) -> list[tuple[float, int]]:
    """All candidates of a node as (score, id), best first, ties by id."""
    data = model.data
    size = data.graph.num_dst if side == "target" else data.graph.num_src
    known = every_link(data)
    found = []
    for other in range(size):
        pair = (query, other) if side == "target" else (other, query)
        if data.num_src is None and query == other:
            continue
        if pair in known and not keep_known:
            continue
        score = float(model.score(*(torch.tensor([end]) for end in pair)))
        found.append((np.float32(score), other))
    return sorted(found, key=lambda entry: (-entry[0], entry[1]))
