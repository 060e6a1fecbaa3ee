"""Negatives of edges, as an audit sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.evaluation.audit.adapter import Adapter, FloatArray, Group, IntArray
from gneg.evaluation.audit.risk import risk
from gneg.graph import Graph, KnownEdges, heuristics
from gneg.graph.heuristics import Kind
from gneg.graph.known import KnownPolicy
from gneg.graph.streams import streams
from gneg.rng import generator_from, split_seed
from gneg.samplers import Guarded, Sampler, Uniform
from gneg.samplers.base import Corrupt
from gneg.samplers.negatives import Negatives, Side

GUARDED_PAIRS = 100_000  # pairs that the effect of each guard is measured on
Pairs = tuple[IntArray, IntArray]  # sources and targets
# PageRank is computed for the pairs of at most this many sources, fewer where the pushes from them
# would pass more than this many edges.
SOURCES, PUSHES = 512, 4 * 10**9


class PairAdapter(Adapter):
    """The edges of a dataset and a sampler of pairs, see :class:`~.adapter.Adapter`.

    Args:
        data: The dataset.
        sampler: An expression, or a sampler on ``data.graph``.
        held_out: ``[2, H]`` positives to count as held out; those of validation and test if None.
        known: Known edges of a sampler that is built from an expression.
        corrupt: The end that a sampler built from an expression replaces.
        z: ``[N, D]`` embeddings for a sampler built from an expression.

    Raises:
        ValueError: If ``sampler`` is neither an expression nor a sampler of pairs.
    """

    sampler: Sampler

    def __init__(
        self,
        data: LinkData,
        sampler: str | Sampler,
        *,
        held_out: Tensor | None = None,
        known: KnownPolicy = "train",
        corrupt: Corrupt = "both",
        z: Tensor | None = None,
    ) -> None:
        if isinstance(sampler, str):
            sampler = data.sampler(sampler, known=known, corrupt=corrupt, z=z)
        if not isinstance(sampler, Sampler):
            checks.fail("sampler", "an expression or a Sampler", type(sampler).__name__)
        if held_out is None:
            held_out = torch.cat([data.valid.pos, data.test.pos], dim=1)
        self.data, self.sampler, self.held_out = data, sampler, held_out
        self.name, self.split, self.train = data.name, data.split, data.train
        self.graph, self.num_nodes = data.homogeneous_graph, data.num_nodes
        self.uniform = Uniform(data.graph, known=sampler.known, corrupt=sampler.corrupt)
        self.known_bytes = sampler.known.nbytes
        self._hidden = KnownEdges(held_out, num_nodes=data.size, undirected=data.undirected)

    def vectors(self, z: Tensor | None) -> Any:
        """Return embeddings ``[N, D]``; those of each side in a bipartite graph."""
        return None if z is None else self.data.sides(z)

    def nodes(self, negatives: Negatives, ids: Tensor) -> Tensor:
        """Return replaced ends ``ids [B, ...]`` in the ids of the graph of one node set."""
        if self.data.num_src is None:
            return ids
        side = negatives.side
        if not isinstance(side, Tensor):
            side = torch.full(negatives.src.shape, side == "src")
        return ids + self.data.num_src * (~side).long().view(-1, *[1] * (ids.dim() - 1))

    def take(
        self, drawn: list[Negatives], pos: Tensor, rows: Tensor, model: dict[str, Any], seed: int
    ) -> Negatives:
        """Return the sorted ``rows`` of the negatives that were drawn."""
        src, index, mask = (
            torch.cat([getattr(part, name) for part in drawn])[rows]
            for name in ("src", "index", "mask")
        )
        side: Any = drawn[0].side
        if isinstance(side, Tensor):
            side = torch.cat([part.side for part in drawn])[rows]  # type: ignore[misc]
        return Negatives(src, index, mask, side=side)

    def negative_group(self, negatives: Negatives) -> Group:
        """Return the usable negatives as a group."""
        pairs = negatives.edge_index()
        src, dst = self.data.homogeneous_ids(pairs).contiguous().numpy()
        drawn = self.nodes(negatives, negatives.index)[negatives.mask].numpy()
        return Group(pairs, src, dst, drawn)

    def positive_group(self, pos: Tensor, seed: int) -> Group:
        """Return positives as a group; with ``corrupt="both"`` both ends could be drawn."""
        src, dst = self.data.homogeneous_ids(pos).contiguous().numpy()
        ends = {"dst": [dst], "src": [src], "both": [src, dst]}[self.sampler.corrupt]
        return Group(pos, src, dst, np.concatenate(ends))

    def columns(self, groups: Mapping[str, Group]) -> dict[str, dict[str, FloatArray]]:
        """Return heuristics of the pairs of each group and the degrees of the drawn ends."""
        parts = [(group.src, group.dst) for group in groups.values()]
        degree = self.graph.degree().numpy().astype(np.float64)
        values: dict[str, list[FloatArray]] = {
            kind: self._scores(kind, parts) for kind in self._heuristics()
        }
        values["ppr"] = self._scores("ppr", _of_few_sources(self.graph, parts))
        values["degree"] = [degree[group.drawn] for group in groups.values()]
        return {
            measure: dict(zip(groups, columns, strict=True)) for measure, columns in values.items()
        }

    def _scores(self, kind: Kind, parts: Sequence[Pairs]) -> list[FloatArray]:
        """Return the scores of the pairs of each part; a source of several is prepared once."""
        src, dst = (np.concatenate(ends) for ends in zip(*parts, strict=True))
        scores = heuristics.scores(self.graph, kind, src, dst[:, None], x=self.data.x)[:, 0]
        return np.split(scores, np.cumsum([len(ends[0]) for ends in parts])[:-1])

    def _heuristics(self) -> tuple[Kind, ...]:
        """Return the heuristics that hardness is measured by, the most telling first.

        A source and a target of a bipartite graph have no common neighbours: there it is the Katz
        index, which counts the paths of three edges.
        """
        local: tuple[Kind, ...] = ("ra", "cn", "aa") if self.data.num_src is None else ("katz",)
        features: tuple[Kind, ...] = () if self.data.x is None else ("cosine",)
        return *local, "pa", *features

    def is_held_out(self, negatives: Negatives) -> Tensor:
        """Return which negatives are held-out edges, ``[B, K]`` bool."""
        return self._hidden.contains(*negatives.pairs())

    def uniform_hits(self, negatives: Negatives) -> float:
        """Return the sum over negatives of the held-out share of their query's non-edges."""
        known, shares = self.sampler.known, []
        for hidden, avoided in (
            (self._hidden, known),
            (self._hidden.reversed(), known.reversed()),
        ):
            degree = torch.from_numpy(np.diff(hidden.indptr))
            nodes = negatives.src.clamp(max=len(degree) - 1)
            shares.append(degree[nodes] / avoided.complement_size(nodes).clamp(min=1))
        if isinstance(negatives.side, Tensor):
            share = torch.where(negatives.side, shares[1], shares[0])
        else:
            share = shares[0 if negatives.side == "dst" else 1]
        return float((share * negatives.mask.sum(1)).sum())

    def expected_share(self, pos: Tensor) -> float | None:
        """Return the probability that a negative is a held-out edge, by the sampler's density."""
        sampler = self.sampler
        if sampler.density != "cheap":
            return None
        sides: list[Side] = ["dst", "src"] if sampler.corrupt == "both" else [sampler.corrupt]
        means = []
        for side in sides:
            hidden = self._hidden if side == "dst" else self._hidden.reversed()
            rows = np.repeat(np.arange(hidden.num_src), np.diff(hidden.indptr))
            query = torch.from_numpy(rows)
            target = torch.from_numpy(hidden.indices.astype(np.int64))
            src, dst = (query, target) if side == "dst" else (target, query)
            log_q = sampler.log_prob(src, dst, side=side)
            if log_q is None:
                return None
            # The density of a known edge is the one it would have if it were not known, but the
            # sampler never draws it.
            unknown = ~sampler.known.contains(src, dst)
            share = torch.zeros(hidden.num_src, dtype=torch.double)
            share.index_add_(0, query, torch.where(unknown, log_q.double().exp(), 0.0))
            means.append(float(share[pos[0 if side == "dst" else 1]].mean()))
        return sum(means) / len(means)

    def guard_effects(
        self, pos: Tensor, k: int, model: dict[str, Any], seed: int
    ) -> list[dict[str, Any]]:
        """Return what each guard drops, and what becomes of risk and hardness without it."""
        sampler = self.sampler
        if not isinstance(sampler, Guarded):
            return []
        pos = pos[:, : GUARDED_PAIRS // k]

        def outcome(variant: Sampler) -> tuple[Any, float, Counter[str]]:
            generator = generator_from(split_seed(seed, 4))
            drawn = variant.sample(pos, k, **model, generator=generator)
            group = self.negative_group(drawn)
            heuristic = self._heuristics()[0]
            local = heuristics.scores(self.graph, heuristic, group.src, group.dst[:, None])
            hits = risk(self, [drawn])["per_1000"]
            return hits, float(local.mean()), Counter(drawn.counts)

        hits, hardness, counts = outcome(sampler)
        rows = []
        for i, guard in enumerate(sampler.guards):
            remaining = sampler.guards[:i] + sampler.guards[i + 1 :]
            options: dict[str, Any] = {"known": sampler.known, "corrupt": sampler.corrupt}
            without = (
                Guarded(sampler.sampler, remaining, sampler.m, **options)
                if remaining
                else sampler.sampler
            )
            hits_without, hardness_without, _ = outcome(without)
            rows.append(
                {
                    "guard": repr(guard),
                    "dropped": counts[f"dropped {guard.name}"] / max(counts["guarded"], 1),
                    "saved_per_1000": hits_without - hits,
                    "cost": hardness_without - hardness,
                }
            )
        return rows


def _of_few_sources(graph: Graph, parts: Sequence[Pairs]) -> list[Pairs]:
    """Return the pairs of as many sources of each part as PageRank has time for.

    Those with the smallest of one random number for each node, so that parts share many of them.
    """
    epsilon = heuristics.default_tolerance(graph.num_nodes, graph.num_edges)
    cost = min(1 / (0.15 * epsilon), 30 * max(graph.num_edges, 1))
    size = int(min(SOURCES, max(32, PUSHES / cost)))
    chosen = []
    for src, dst in parts:
        numbers = streams(0, torch.from_numpy(src)).numpy()
        rows = np.isin(numbers, np.unique(numbers)[:size])
        chosen.append((src[rows], dst[rows]))
    return chosen
