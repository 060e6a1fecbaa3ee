"""Random worlds, and values that no argument should choke on."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import Graph

#: Values of the wrong kind, size or place, made anew for each call.
HOSTILE: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: "x",
    lambda: "",
    lambda: b"x",
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 1.5,
    lambda: 2**63,
    lambda: 10**12,
    lambda: 10**400,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: -float("inf"),
    lambda: 1j,
    lambda: [],
    lambda: (),
    lambda: (3,),
    lambda: (1, 2, 3),
    lambda: {},
    lambda: [1, 2],
    lambda: ["x"],
    object,
    lambda: lambda *arguments: None,
    lambda: np.int64(2),
    lambda: np.float32(0.5),
    lambda: np.bool_(True),
    lambda: np.float64("nan"),
    lambda: np.arange(6).reshape(2, 3),
    lambda: np.array(["a"]),
    lambda: torch.tensor(1),
    lambda: torch.tensor(float("nan")),
    lambda: torch.empty(0),
    lambda: torch.empty(2, 0, dtype=torch.long),
    lambda: torch.zeros(2, 3),
    lambda: torch.zeros(3, 2, dtype=torch.long),
    lambda: torch.zeros(3, 4, dtype=torch.long),
    lambda: torch.tensor([[0, 1], [1, 10**6]]),
    lambda: torch.tensor([[0, -1], [1, 2]]),
    lambda: torch.tensor([[2**62], [0]]),
    lambda: torch.zeros(2, 3, dtype=torch.bool),
    lambda: torch.zeros(2, 3, dtype=torch.complex64),
    lambda: torch.zeros(2, 3, dtype=torch.int32),
    lambda: torch.zeros(2, 3, dtype=torch.uint8),
    lambda: torch.zeros(2, 3, dtype=torch.long, device="meta"),
    lambda: torch.zeros(2, 3, device="meta"),
    lambda: torch.eye(3).to_sparse(),
    lambda: torch.full((4, 4), float("nan")),
    lambda: torch.ones(4, 4, requires_grad=True),
    lambda: torch.zeros(2, 2, 2),
    lambda: Graph.from_edge_index(torch.tensor([[0], [1]])),
)


def twisted(value: Any, rng: random.Random) -> Any:
    """A value like a valid one, of another type, size, range or layout."""
    if isinstance(value, Tensor) and value.dtype == torch.bool:
        value = value.long()
    if isinstance(value, Tensor) and value.layout is torch.strided and value.dim():
        changes: list[Callable[[Tensor], Any]] = [
            lambda t: t.to("meta"),
            lambda t: t.double(),
            lambda t: t.to(torch.int32),
            lambda t: t.bool(),
            lambda t: t.to(torch.complex64),
            lambda t: t[:-1],
            lambda t: t[..., :-1],
            lambda t: t[..., :0],
            lambda t: t.unsqueeze(0),
            lambda t: t.t() if t.dim() == 2 else t.flip(0),
            lambda t: t.repeat_interleave(2, -1)[..., ::2],
            lambda t: t + 50,
            lambda t: t - 50,
            lambda t: t.to_sparse(),
            lambda t: t.numpy(),
            lambda t: t.tolist(),
            lambda t: t / 0.0,
            lambda t: t * float("nan"),
            lambda t: t.float().requires_grad_(),
        ]
        return rng.choice(changes)(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return rng.choice(HOSTILE)()
    numbers: list[Callable[[Any], Any]] = [
        lambda n: -n,
        lambda n: n + 10**15,
        lambda n: float(n),
        lambda n: str(n),
        lambda n: [n],
        lambda n: np.asarray(n)[()],
        lambda n: np.float32(n),
        lambda n: torch.tensor(n),
        lambda n: n + 0.5,
    ]
    return rng.choice(numbers)(value)


def world(rng: random.Random) -> Graph:
    """A graph of up to 30 nodes, often an extreme one."""
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    kind = rng.choice(["undirected", "directed", "bipartite", "weighted", "dense", "empty", "tiny"])
    n = rng.randint(1, 3) if kind == "tiny" else rng.randint(4, 30)
    if kind == "bipartite":
        m = rng.randint(1, 25)
        ends = [torch.randint(size, (3 * n,), generator=generator) for size in (n, m)]
        return Graph.from_edge_index(torch.stack(ends), (n, m))
    edges = {"dense": n * n, "empty": 0, "tiny": rng.randint(0, 3)}.get(kind, 3 * n)
    index = torch.randint(n, (2, edges), generator=generator)
    weight = torch.rand(edges, generator=generator) + 0.1 if kind == "weighted" else None
    return Graph.from_edge_index(index, n, undirected=kind != "directed", weight=weight)


def positives(graph: Graph, rng: random.Random) -> Tensor:
    """Up to six edges or, in one of three worlds, any pairs."""
    batch = rng.randint(0, 6)
    if graph.num_edges and rng.random() < 0.67:
        return graph.edge_index[:, [rng.randrange(graph.num_edges) for _ in range(batch)]]
    pairs = [[rng.randrange(size) for _ in range(batch)] for size in (graph.num_src, graph.num_dst)]
    return torch.tensor(pairs, dtype=torch.long).view(2, batch)


def vectors(graph: Graph, rng: random.Random, width: int = 4) -> Tensor | tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    z = torch.randn(graph.num_src, width, generator=generator)
    if not graph.bipartite:
        return z
    return z, torch.randn(graph.num_dst, width, generator=generator)
