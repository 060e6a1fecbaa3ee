"""Calls of public functions with valid arguments, and what must hold of their results."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch_geometric.data import Data

import gneg
from gneg import Graph, KnownEdges, KnownTriples, Negatives, Triples, losses, samplers
from gneg.evaluation import metrics
from gneg.evaluation.ranking import ranks as ranks_of_all
from gneg.graph import heuristics
from gneg.loader import LinkLoader, NeighborSampler
from gneg.samplers.triples import TripleSampler
from gneg.transforms import AddHeuristics, AddNegatives, HardLinkSplit
from tests.contract.cases import LOSSES
from tests.fuzz.values import positives, vectors, world


@dataclass
class Call:
    """A call that succeeds as it stands.

    Attributes:
        function: Called with the arguments.
        arguments: Valid arguments by name.
        check: Fails where the result is wrong; called with the result.
        facts: Names of the arguments that the check relies on: it holds while they stand.
    """

    function: Callable[..., Any]
    arguments: dict[str, Any]
    check: Callable[[Any], None] = field(default=lambda result: None)
    facts: frozenset[str] = frozenset()


def exact(graph: Graph, known: KnownEdges) -> Callable[[Negatives], None]:
    """A check that negatives are in range, unknown and no loops."""

    def check(negatives: Negatives) -> None:
        src, dst = negatives.edge_index()
        assert not len(src) or (int(src.min()) >= 0 and int(dst.min()) >= 0)
        assert not len(src) or (int(src.max()) < graph.num_src and int(dst.max()) < graph.num_dst)
        assert not known.contains(src, dst).any(), "a known edge"
        assert graph.bipartite or not (src == dst).any(), "a loop"
        if negatives.log_q is not None:
            assert not torch.isnan(negatives.log_q).any()

    return check


def score_of(graph: Graph, rng: random.Random) -> Callable[[Tensor, Tensor], Tensor]:
    z = vectors(graph, rng)
    a, b = z if isinstance(z, tuple) else (z, z)
    return lambda src, dst: (a[src] * b[dst]).sum(-1)


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

    return Call(sampler.log_prob, {"src": src, "dst": dst, "side": "dst"}, check)


def of_functional(rng: random.Random) -> Call:
    graph = world(rng)
    edges, size = graph.edge_index, graph.num_nodes
    if graph.bipartite:
        size = (graph.num_src, graph.num_dst)  # type: ignore[assignment]
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    arguments: dict[str, Any] = {"edge_index": edges, "num_nodes": size, "generator": generator}
    sampler = rng.choice([None, None, "walk", "uniform"])
    known = KnownEdges(graph)

    def check(negatives: Tensor) -> None:
        assert not known.contains(*negatives).any()

    if rng.random() < 0.5:
        more = {
            "num_neg_samples": rng.choice([None, 5, 0.5]),
            "method": "sparse",
            "force_undirected": False,
            "sampler": sampler,
        }
        facts = frozenset({"edge_index", "num_nodes"})
        return Call(gneg.negative_sampling, {**arguments, **more}, check, facts)
    if rng.random() < 0.3:
        batch = torch.zeros(graph.num_nodes, dtype=torch.long)
        if graph.bipartite:
            batch = batch[: graph.num_src], batch[: graph.num_dst]  # type: ignore[assignment]
        more = {"batch": batch, "num_neg_samples": 3}
        arguments = {"edge_index": edges, **more, "generator": generator}
        return Call(gneg.batched_negative_sampling, arguments)
    if rng.random() < 0.3:
        del arguments["generator"]
        return Call(gneg.structured_negative_sampling_feasible, arguments)
    more = {"k": rng.choice([None, 3]), "sampler": sampler, "contains_neg_self_loops": False}
    return Call(gneg.structured_negative_sampling, {**arguments, **more})


def triples_of(rng: random.Random) -> Triples:
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    n, r, e = rng.randint(1, 15), rng.randint(1, 3), rng.randint(0, 30)
    ends = [torch.randint(size, (e,), generator=generator) for size in (n, r, n)]
    return Triples(torch.stack(ends), n, r)


TRIPLE_SAMPLERS = ("uniform", "typed", "khop(hops=2)", "walk", "relwalk", "frequency", "itself")


def of_triples(rng: random.Random) -> Call:
    triples = triples_of(rng)
    known = KnownTriples(triples)
    count = min(triples.num_triples, 4)
    pos = triples.triples[:, :count]
    text = rng.choice(TRIPLE_SAMPLERS)
    if rng.random() < 0.3:
        text = f"hardest({text}, m=6)"

    def draw(pos: Any, k: Any, score: Any, generator: Any, **options: Any) -> Negatives:
        sampler = TripleSampler(triples, **options)
        return sampler.sample(pos, k, score=score, generator=generator)

    def check(negatives: Negatives) -> None:
        drawn = torch.stack(negatives.triples())[:, negatives.mask]
        assert not known.contains(drawn).any(), "a known triple"
        assert int(negatives.index.max() if negatives.index.numel() else 0) < triples.num_entities

    arguments = {
        "sampler": text,
        "known": known,
        "corrupt": rng.choice(["both", "head", "tail", "bernoulli"]),
        "unique": rng.random() < 0.5,
        "pos": pos,
        "k": rng.randint(1, 6),
        "score": lambda head, relation, tail: (head * 3 + relation - tail).float(),
        "generator": torch.Generator().manual_seed(rng.randrange(2**31)),
    }
    return Call(draw, arguments, check, frozenset({"known"}))


def of_triple_sets(rng: random.Random) -> Call:
    triples = triples_of(rng)
    if rng.random() < 0.5:
        sizes = {"num_entities": triples.num_entities, "num_relations": triples.num_relations}
        return Call(Triples, {"triples": triples.triples, **sizes})

    def contains(triples: Any, held_out: Any, query: Any) -> Tensor:
        return KnownTriples(triples, held_out).contains(query)

    part = triples.triples[:, :2]
    return Call(contains, {"triples": triples, "held_out": part, "query": part})


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


def of_graph(rng: random.Random) -> Call:
    graph = world(rng)
    size: Any = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes
    weight = torch.ones(graph.num_edges)
    edges = graph.edge_index
    if rng.random() < 0.2:
        import networkx

        source = networkx.path_graph(4)
        return Call(Graph.from_networkx, {"graph": source, "undirected": None, "weight": None})
    if rng.random() < 0.2:
        import scipy.sparse

        matrix = scipy.sparse.eye_array(4).tocsr()
        more = {"bipartite": False, "undirected": None, "weighted": True}
        return Call(Graph.from_scipy, {"matrix": matrix, **more})
    if rng.random() < 0.2:
        data = Data(edge_index=edges, num_nodes=max(graph.num_src, graph.num_dst), w=weight)
        arguments = {"data": data, "edge_type": None, "undirected": None, "weight": "w"}
        return Call(Graph.from_data, arguments)
    arguments = {"edge_index": edges, "num_nodes": size, "undirected": None, "weight": weight}
    return Call(Graph.from_edge_index, arguments)


def of_known(rng: random.Random) -> Call:
    graph = world(rng)
    known = KnownEdges(graph)
    src, dst = positives(graph, rng)
    size: Any = (graph.num_src, graph.num_dst) if graph.bipartite else graph.num_nodes

    def make(edges: Any, more: Any, num_nodes: Any, undirected: Any) -> KnownEdges:
        return KnownEdges(edges, more, num_nodes=num_nodes, undirected=undirected)

    def check(target: Tensor) -> None:
        present = target >= 0
        assert not known.contains(src[present], target[present]).any()

    return rng.choice(
        [
            Call(known.contains, {"src": src, "dst": dst}),
            Call(known.complement_size, {"src": src}),
            Call(known.non_neighbor, {"src": src, "rank": torch.zeros_like(src)}, check),
            Call(
                make,
                {"edges": graph, "more": graph.edge_index, "num_nodes": size, "undirected": False},
            ),
        ]
    )


def of_heuristic(rng: random.Random) -> Call:
    graph = world(rng)
    kind = rng.choice(heuristics.KINDS)
    src, dst = positives(graph, rng)
    x = torch.randn(graph.num_nodes, 3)

    def score(graph: Any, kind: Any, x: Any, src: Any, dst: Any) -> Tensor:
        return heuristics.Heuristic(graph, kind, x)(src, dst)

    return Call(score, {"graph": graph, "kind": kind, "x": x, "src": src, "dst": dst})


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


CALLS: tuple[Callable[[random.Random], Call], ...] = (
    of_sampler,
    of_sampler,
    of_sampler,
    of_constructor,
    of_rule,
    of_log_prob,
    of_functional,
    of_triples,
    of_triple_sets,
    of_loss,
    of_loss_settings,
    of_metrics,
    of_ranking,
    of_graph,
    of_known,
    of_heuristic,
    of_transform,
    of_loader,
)
