"""Calls of losses, metrics, rankings and heuristics."""

from __future__ import annotations

import random
from typing import Any

import torch
from torch import Tensor

from gneg import Graph, KnownEdges, losses, samplers
from gneg.evaluation import metrics
from gneg.evaluation.ranking import ranks as ranks_of_all
from gneg.graph import heuristics
from tests.contract.cases import LOSSES
from tests.fuzz.calls import Call
from tests.fuzz.values import positives, world


def of_loss(rng: random.Random) -> Call:
    graph = world(rng)
    pos = positives(graph, rng)
    negatives = samplers.Uniform(graph).sample(pos, rng.randint(1, 5))
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    arguments = {
        "pos": torch.randn(pos.size(1), generator=generator),
        "neg": torch.randn(negatives.index.shape, generator=generator),
        "negatives": negatives,
    }

    def check(value: Tensor) -> None:
        assert value.dim() == 0

    return Call(LOSSES[rng.choice(list(LOSSES))](), arguments, check)


def of_loss_settings(rng: random.Random) -> Call:
    settings: list[tuple[Any, dict[str, Any]]] = [
        (losses.InfoNCE, {"temperature": 0.5}),
        (losses.NTXent, {"temperature": 0.5}),
        (losses.SampledSoftmax, {"temperature": 0.5}),
        (losses.Margin, {"margin": 1.0, "violating_only": True}),
        (losses.AUCSquared, {"margin": 1.0}),
        (losses.AUCHinge, {"margin": 1.0}),
        (losses.SelfAdversarial, {"temperature": 1.0, "margin": 0.5}),
        (losses.DebiasedInfoNCE, {"tau_plus": 0.1, "temperature": 1.0, "lowest": -1.0}),
        (losses.HardInfoNCE, {"beta": 1.0, "tau_plus": 0.1, "temperature": 1.0, "lowest": -1.0}),
        (losses.PositiveUnlabelled, {"prior": 0.2}),
    ]
    graph = Graph.from_edge_index(torch.arange(24).view(2, 12) % 12, 12)
    negatives = samplers.Uniform(graph).sample(graph.edge_index[:, :3], 4)
    cls, arguments = rng.choice(settings)

    def make(**options: Any) -> Tensor:
        loss = cls(**options)
        assert all(type(v) in (int, float, bool) for v in vars(loss).values()), vars(loss)
        return loss(torch.randn(3), torch.randn(3, 4), negatives)

    return Call(make, arguments)


def of_metrics(rng: random.Random) -> Call:
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    pos = torch.randn(rng.randint(1, 6), generator=generator)
    own = torch.randn(len(pos), rng.randint(1, 6), generator=generator)
    neg = rng.choice([own, own.flatten()])

    def check(value: Any) -> None:
        values = value.values() if isinstance(value, dict) else [value]
        assert all(0 <= float(v) <= 1 for v in values), value

    if rng.random() < 0.3:
        return Call(metrics.hits, {"pos": pos, "neg": neg, "k": 1}, check)
    if rng.random() < 0.3:
        mask = torch.ones(own.shape, dtype=torch.bool)
        function = rng.choice([metrics.summary, metrics.per_positive])
        arguments = {"pos": pos, "neg": own, "mask": mask}
        return Call(
            function, arguments, check if function is metrics.summary else lambda value: None
        )
    function = rng.choice([metrics.mrr, metrics.auc, metrics.ranks, metrics.precisions])
    checked = function in (metrics.mrr, metrics.auc)
    return Call(function, {"pos": pos, "neg": neg}, check if checked else lambda value: None)


def of_ranking(rng: random.Random) -> Call:
    graph = world(rng)
    pos = positives(graph, rng)
    table = torch.randn(graph.num_src, graph.num_dst)
    rows = rng.choice([lambda query: table[query], lambda query: None, lambda query: 1.0])
    arguments = {"rows": rows, "pos": pos, "known": KnownEdges(graph)}
    return Call(ranks_of_all, arguments)


def of_heuristic(rng: random.Random) -> Call:
    graph = world(rng)
    kind = rng.choice(heuristics.KINDS)
    src, dst = positives(graph, rng)
    x = torch.randn(graph.num_nodes, 3)

    def score(graph: Any, kind: Any, x: Any, src: Any, dst: Any) -> Tensor:
        return heuristics.Heuristic(graph, kind, x)(src, dst)

    return Call(score, {"graph": graph, "kind": kind, "x": x, "src": src, "dst": dst})
