"""Calls of samplers: expressions, constructors, rules and guards."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from gneg import Graph, KnownEdges, samplers
from tests.fuzz.calls import Call, exact, score_of
from tests.fuzz.values import positives, vectors, world

SCORES: tuple[Callable[..., Any], ...] = (
    lambda src, dst: 1.0,
    lambda src, dst: src.numpy() * 1.0,
    lambda src, dst: None,
    lambda src, dst: torch.zeros(3),
    lambda src, dst: torch.zeros(src.shape, dtype=torch.complex64),
    lambda src, dst: torch.zeros(src.shape, dtype=torch.bool),
    lambda src, dst: torch.zeros(src.shape, device="meta"),
    lambda src, dst: torch.full(src.shape, float("nan")),
    lambda src, dst: torch.full(src.shape, float("inf")),
    lambda src, dst: torch.zeros(src.shape).to_sparse(),
    lambda src, dst: torch.zeros(src.shape, requires_grad=True),
    lambda src, dst: torch.zeros(src.shape, dtype=torch.long),
)
LEAVES = ("uniform", "degree(alpha={a})", "khop(hops={n})", "walk(kind=ppr, alpha={a})", "walk")
MORE_LEAVES = (*LEAVES, "inbatch", "memorybank(size={n})", "similar(band={n}|{m})")
WRAPPERS = (
    "hardest({x}, m={n}, quantile={a})",
    "dns({x}, m={n}, n={m})",
    "semihard({x}, margin={a})",
    "tempered({x}, temperature={a})",
    "ahns({x}, alpha={a})",
    "metropolis({x}, burn_in={n}, thin={m})",
    "adversarial({x}, m={n})",
    "mixup({x})",
    "cached({x}, size={n})",
    "guarded({x}, rank={n}|{m})",
    "guarded({x}, relative_margin={a}, degree_cap={n})",
    "selfpaced(tempered({x}), setting=temperature, easy={n}, hard={a})",
    "curriculum(tempered({x}), setting=temperature, start={n}, end={a})",
    "mixture({x}:{a}, {y}:{n})",
)
NUMBERS = ("0", "-1", "1e400", "-1e400", "1e-320", "9999999999999999999999", "x", "far", "")


def expression(rng: random.Random, depth: int = 2, wild: bool = True) -> str:
    """A random expression; one in three is wrong somewhere."""
    pattern = rng.choice(WRAPPERS if depth and rng.random() < 0.6 else MORE_LEAVES)
    odd = wild and rng.random() < 0.15
    values = {
        "a": rng.choice(NUMBERS) if odd else f"{rng.random():.2f}",
        "n": rng.choice(NUMBERS) if odd and rng.random() < 0.5 else str(rng.randint(2, 9)),
        "m": str(rng.randint(2, 20)),
    }
    parts = {part: expression(rng, depth - 1, wild) for part in "xy" if f"{{{part}}}" in pattern}
    text = pattern.format(**values, **parts)
    if wild and rng.random() < 0.05:
        place = rng.randrange(len(text))
        text = text[:place] + rng.choice("(),:=|x1 é") + text[place + rng.randint(0, 1) :]
    return text


def of_sampler(rng: random.Random) -> Call:
    graph = world(rng)
    text = expression(rng)
    known = KnownEdges(graph)

    def draw(text: Any, corrupt: Any, unique: Any, pos: Any, k: Any, z: Any, **options: Any) -> Any:
        sampler = samplers.build(
            text, graph, z=vectors(graph, rng), corrupt=corrupt, unique=unique, known=known
        )
        negatives = sampler.sample(pos, k, z=z, **options)
        sampler.step()
        sampler.end_epoch(z=z)
        return negatives

    arguments = {
        "text": text,
        "corrupt": rng.choice(["dst", "src", "both"]),
        "unique": rng.random() < 0.5,
        "pos": positives(graph, rng),
        "k": rng.randint(1, 12),
        "z": vectors(graph, rng),
        "score": score_of(graph, rng) if rng.random() < 0.7 else rng.choice(SCORES),
        "generator": torch.Generator().manual_seed(rng.randrange(2**31)),
    }
    return Call(draw, arguments, exact(graph, known))


def of_constructor(rng: random.Random) -> Call:
    graph = world(rng)
    uniform = samplers.Uniform(graph)
    tempered = samplers.Select(uniform, samplers.Tempered())
    options: dict[Any, dict[str, Any]] = {
        samplers.Degree: {"alpha": 0.5},
        samplers.KHop: {"hops": (3, "far") if graph.bipartite else (2, 3), "weights": (1.0, 2.0)},
        samplers.Walk: {"kind": "ra", "hops": 3, "alpha": 0.2},
        samplers.Similar: {"z": vectors(graph, rng), "band": (0, 5), "memory_mb": 8},
        samplers.InBatch: {},
        samplers.Uniform: {},
        samplers.MemoryBank: {"size": 16, "momentum": 0.5, "max_age": 3, "enqueue": 4},
        samplers.Fixed: {"pool": torch.zeros(graph.num_src, 3, dtype=torch.long)},
        samplers.Weighted: {
            "weight": (torch.ones(graph.num_src), torch.ones(graph.num_dst))
            if graph.bipartite
            else torch.ones(graph.num_dst)
        },
        samplers.Mixture: {"samplers": [uniform, tempered], "weights": [1.0, 2.0]},
        samplers.Metropolis: {"sampler": uniform, "alpha": 0.5, "burn_in": 3, "thin": 2},
        samplers.Adversarial: {"sampler": uniform, "m": 8, "lr": 0.1},
        samplers.Mixup: {"sampler": uniform, "high": 0.5},
        samplers.Cached: {"sampler": uniform, "size": 6, "m": 6},
        samplers.Select: {"sampler": uniform, "rule": samplers.Hardest(), "m": 8, "memory_mb": 4},
        samplers.Guarded: {"sampler": uniform, "guards": [samplers.DegreeCap(5)], "m": 8},
        samplers.Curriculum: {
            "sampler": tempered,
            "schedule": samplers.Schedule(start=1.0),
            "setting": "temperature",
        },
        samplers.SelfPaced: {
            "sampler": tempered,
            "setting": "temperature",
            "easy": 4.0,
            "hard": 0.2,
        },
    }
    cls = rng.choice(list(options))
    arguments = {"graph": graph, **options[cls], "unique": False, "known": KnownEdges(graph)}
    if issubclass(cls, samplers.Wrapper | samplers.Mixture):
        del arguments["graph"]
    pos, score = positives(graph, rng), score_of(graph, rng)

    def make(**options: Any) -> Any:
        sampler = cls(**options)
        z = vectors(sampler.graph, rng)
        return sampler.sample(pos, 4, z=z, score=score)

    facts = frozenset({"graph", "known", "sampler", "samplers"})
    return Call(make, arguments, exact(graph, KnownEdges(graph)), facts)


def of_rule(rng: random.Random) -> Call:
    rules: list[tuple[Any, dict[str, Any]]] = [
        (samplers.Hardest, {"quantile": 0.5}),
        (samplers.DNS, {"n": 4}),
        (samplers.SemiHard, {"margin": 0.1, "band": 0.5}),
        (samplers.Tempered, {"temperature": 0.5}),
        (samplers.AHNS, {"alpha": 0.5, "beta": 0.1, "p": -2.0}),
        (samplers.RankRange, {"low": 1, "high": 4}),
        (samplers.ScoreRange, {"low": -1.0, "high": 1.0}),
        (samplers.AbsoluteMargin, {"margin": 0.1}),
        (samplers.RelativeMargin, {"margin": 0.1}),
        (samplers.HeuristicPercentile, {"kind": "cn", "percentile": 90.0}),
        (samplers.DegreeCap, {"most": 4}),
        (samplers.Community, {"keep": "own", "labels": torch.zeros(12, dtype=torch.long)}),
        (samplers.NodeTime, {"node_time": torch.arange(12), "direction": "any"}),
        (samplers.Schedule, {"shape": "linear", "start": 0.0, "end": 1.0, "epochs": 5}),
    ]
    graph = Graph.from_edge_index(torch.arange(24).view(2, 12) % 12, 12)
    cls, arguments = rng.choice(rules)
    score = score_of(graph, rng)

    def make(**options: Any) -> Any:
        part = cls(**options)
        uniform = samplers.Uniform(graph)
        if isinstance(part, samplers.Schedule):
            return samplers.Mixture([uniform, uniform]).sample(graph.edge_index[:, :4], 3)
        wrapper = samplers.Guarded(uniform, [part]) if isinstance(part, samplers.Guard) else None
        sampler = wrapper or samplers.Select(uniform, part)
        return sampler.sample(graph.edge_index[:, :4], 3, score=score)

    return Call(make, arguments, exact(graph, KnownEdges(graph)))


def of_log_prob(rng: random.Random) -> Call:
    graph = world(rng)
    sampler = samplers.build(rng.choice(("uniform", "degree", "walk", "khop")), graph)
    src, dst = positives(graph, rng)

    def check(log_q: Tensor | None) -> None:
        assert log_q is None or (log_q.shape == src.shape and not torch.isnan(log_q).any())

    return Call(
        sampler.log_prob, {"src": src, "dst": dst, "side": "dst"}, check, frozenset({"src"})
    )
