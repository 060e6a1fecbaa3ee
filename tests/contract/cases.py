"""Every sampler and loss with the settings the contract tests run it in."""

from __future__ import annotations

from collections.abc import Callable

import torch

from gneg import Graph, losses, samplers
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


def _odd(graph: Graph, hop: int) -> int:
    return hop + 1 if graph.bipartite and hop % 2 == 0 else hop


SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "Uniform": lambda g, **o: samplers.Uniform(g, **o),
    "Degree": lambda g, **o: samplers.Degree(g, 0.75, **o),
    "Degree-inverse": lambda g, **o: samplers.Degree(g, -1, **o),
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
}

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
}
