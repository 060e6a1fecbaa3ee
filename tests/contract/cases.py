"""Every sampler and loss with the settings the contract tests run it in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gneg import Graph, Negatives, losses, samplers
from gneg.samplers import Sampler


def _vectors(graph: Graph):
    generator = torch.Generator().manual_seed(2)
    z = torch.randn(graph.num_src, 6, generator=generator)
    return (z, torch.randn(graph.num_dst, 6, generator=generator)) if graph.bipartite else z


def _fixed(graph: Graph, **options) -> Sampler:
    generator = torch.Generator().manual_seed(3)

    def pool(rows: int, width: int) -> torch.Tensor:
        drawn = torch.randint(max(width, 1), (rows, 8), generator=generator)
        return torch.where(torch.rand(rows, 8, generator=generator) < 0.3, -1, drawn)

    pools = {"dst": pool(graph.num_src, graph.num_dst), "src": pool(graph.num_dst, graph.num_src)}
    corrupt = options.get("corrupt", "dst")
    return samplers.Fixed(
        graph,
        (pools["dst"], pools["src"]) if corrupt == "both" else pools.get(corrupt, pools["dst"]),
        **options,
    )


def _weights(graph: Graph) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
    """0, 1, 2, 3, 0, ... for every node."""
    source, target = (torch.arange(n).double() % 4 for n in (graph.num_src, graph.num_dst))
    return (source, target) if graph.bipartite else target


def _odd(graph: Graph, hop: int) -> int:
    return hop + 1 if graph.bipartite and hop % 2 == 0 else hop


def _across(graph: Graph, **options) -> Sampler:
    """Beside the graph's own edges there are some to a third kind of node."""
    kinds = ("a", "b") if graph.bipartite else ("a", "a")
    sizes = {"a": graph.num_src, "b": graph.num_dst, "c": 3}
    if not graph.bipartite:
        del sizes["b"]
    all_types = samplers.AllTypes.of(
        {
            (kinds[0], "own", kinds[1]): graph.edge_index,
            (kinds[1], "has", "c"): torch.stack(
                [torch.arange(graph.num_dst), torch.arange(graph.num_dst) % 3]
            ),
        },
        sizes,
    )
    walk = samplers.Walk(all_types.graph, "ppr")
    return samplers.Across(graph, walk, all_types, (kinds[0], "own", kinds[1]), **options)


SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "Uniform": lambda g, **o: samplers.Uniform(g, **o),
    "Degree": lambda g, **o: samplers.Degree(g, 0.75, **o),
    "Degree-inverse": lambda g, **o: samplers.Degree(g, -1, **o),
    "Weighted": lambda g, **o: samplers.Weighted(g, _weights(g), **o),
    "KHop": lambda g, **o: samplers.KHop(g, **o),
    "KHop-shells": lambda g, **o: samplers.KHop(
        g, weights={_odd(g, 2): 0.5, _odd(g, 2) + (2 if g.bipartite else 1): 0.3, "far": 0.2}, **o
    ),
    "Walk": lambda g, **o: samplers.Walk(g, **o),
    "Walk-cn": lambda g, **o: samplers.Walk(g, "ra" if g.bipartite else "cn", **o),
    "Walk-aa": lambda g, **o: samplers.Walk(g, "ra" if g.bipartite else "aa", **o),
    "Walk-ppr": lambda g, **o: samplers.Walk(g, "ppr", **o),
    "Similar": lambda g, **o: samplers.Similar(g, _vectors(g), band=(1, 6), **o),
    "InBatch": lambda g, **o: samplers.InBatch(g, **o),
    "Fixed": _fixed,
    "Mixture": lambda g, **o: samplers.Mixture(
        [samplers.Uniform(g), samplers.Walk(g)], [0.4, 0.6], **o
    ),
    "MemoryBank": lambda g, **o: samplers.MemoryBank(g, 64, **o),
    "Select-Hardest": lambda g, **o: samplers.Select(samplers.Walk(g), samplers.Hardest(), 16, **o),
    "Select-Hardest-middle": lambda g, **o: samplers.Select(
        samplers.Uniform(g), samplers.Hardest(quantile=0.5), 16, **o
    ),
    "Select-DNS": lambda g, **o: samplers.Select(samplers.Uniform(g), samplers.DNS(n=8), 16, **o),
    "Select-SemiHard": lambda g, **o: samplers.Select(
        samplers.Walk(g), samplers.SemiHard(margin=0.1), 16, **o
    ),
    "Select-SemiHard-band": lambda g, **o: samplers.Select(
        samplers.Uniform(g), samplers.SemiHard(band=0.5), 16, **o
    ),
    "Select-Tempered": lambda g, **o: samplers.Select(
        samplers.Degree(g), samplers.Tempered(temperature=0.5), 16, **o
    ),
    "Select-AHNS": lambda g, **o: samplers.Select(samplers.Uniform(g), samplers.AHNS(), 16, **o),
    "Metropolis": lambda g, **o: samplers.Metropolis(samplers.Walk(g), burn_in=4, **o),
    "Adversarial": lambda g, **o: samplers.Adversarial(samplers.Uniform(g), 16, **o),
    "Mixup": lambda g, **o: samplers.Mixup(samplers.Walk(g), **o),
    "Mixup-selected": lambda g, **o: samplers.Mixup(
        samplers.Select(samplers.Uniform(g), samplers.Hardest(), 8), **o
    ),
    "Cached": lambda g, **o: samplers.Cached(samplers.Walk(g), 8, 8, **o),
    "Cached-top": lambda g, **o: samplers.Cached(samplers.Uniform(g), 8, 8, refresh="top", **o),
    "Curriculum": lambda g, **o: samplers.Curriculum(
        samplers.Mixture([samplers.Uniform(g), samplers.Walk(g)]), samplers.Schedule(), **o
    ),
    "SelfPaced": lambda g, **o: samplers.SelfPaced(
        samplers.Select(samplers.Walk(g), samplers.Tempered(), 16),
        "temperature",
        easy=4.0,
        hard=0.2,
        **o,
    ),
    "Guarded": lambda g, **o: samplers.Guarded(
        samplers.Select(samplers.Walk(g), samplers.Hardest(), 16),
        [samplers.RelativeMargin(0.1), samplers.DegreeCap(6)],
        8,
        **o,
    ),
    "Across": _across,
    "Mixture-selected": lambda g, **o: samplers.Mixture(
        [samplers.Uniform(g), samplers.Select(samplers.Walk(g), samplers.Hardest(), 16)],
        [0.5, 0.5],
        **o,
    ),
}


def model(graph: Graph):
    """A fixed model: embeddings and ``score``; NumPy inside, since forked processes call it."""
    generator = torch.Generator().manual_seed(4)
    a, b = (torch.randn(size, 5, generator=generator) for size in (graph.num_src, graph.num_dst))

    def score(src: torch.Tensor, dst: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy((a.numpy()[src.numpy()] * b.numpy()[dst.numpy()]).sum(-1))

    return ((a, b) if graph.bipartite else a), score


LOSSES: dict[str, Callable[[], losses.Loss]] = {
    "BCE": losses.BCE,
    "AUCSquared": losses.AUCSquared,
    "AUCHinge": losses.AUCHinge,
    "BPR": losses.BPR,
    "Margin": losses.Margin,
    "Margin-violating": lambda: losses.Margin(0.5, violating_only=True),
    "InfoNCE": lambda: losses.InfoNCE(0.5),
    "NTXent": lambda: losses.NTXent(0.5),
    "SampledSoftmax": lambda: losses.SampledSoftmax(0.7),
    "NCE": losses.NCE,
    "SelfAdversarial": lambda: losses.SelfAdversarial(0.5, margin=0.3),
    "DebiasedInfoNCE": lambda: losses.DebiasedInfoNCE(0.2, 0.5),
    "HardInfoNCE": lambda: losses.HardInfoNCE(0.8, 0.2, 0.5),
    "PositiveUnlabelled": lambda: losses.PositiveUnlabelled(0.3),
}


every_sampler = pytest.mark.parametrize("case", SAMPLERS)


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draw(sampler: Sampler, pos: torch.Tensor, k: int, **options) -> Negatives:
    """Negatives from a sampler that gets a model if it needs one."""
    z, score = model(sampler.graph)
    if "keys" in sampler.needs:
        options = {"z": z, **options}
    return sampler.sample(pos, k, score=score, **options)


def same(a: Negatives, b: Negatives) -> bool:
    return (
        torch.equal(a.index, b.index) and torch.equal(a.mask, b.mask) and torch.equal(a.src, b.src)
    )
