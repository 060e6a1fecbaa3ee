"""How hard and how risky negatives of edges are, and what they cost."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import LinkData
from gneg.evaluation.audit.drawing import PAIRS, draw, needs_model, peak_mb, spread, subset
from gneg.evaluation.audit.hardness import Pairs, Score, kinds, measured
from gneg.evaluation.audit.risk import expected_share, held_out_hits
from gneg.graph import KnownEdges, heuristics
from gneg.graph.known import KnownPolicy
from gneg.rng import generator_from, split_seed
from gneg.samplers import Guarded, Sampler, Uniform
from gneg.samplers.base import Corrupt
from gneg.samplers.negatives import Negatives


def audit(
    data: LinkData,
    sampler: str | Sampler,
    *,
    k: int,
    negatives: int,
    score: Score | None,
    z: Tensor | None,
    known: KnownPolicy,
    corrupt: Corrupt,
    seed: int,
    command: str,
) -> dict[str, Any]:
    """See :func:`gneg.audit`."""
    name = sampler if isinstance(sampler, str) else repr(sampler)
    if isinstance(sampler, str):
        sampler = data.sampler(sampler, known=known, corrupt=corrupt, z=z)
    if not isinstance(sampler, Sampler):
        checks.fail("sampler", "an expression or a Sampler", type(sampler).__name__)
    needs_model(sampler, score)
    queries = -(-negatives // k)
    picked = torch.randint(data.train.size(1), (queries,), generator=generator_from(seed))
    pos = data.train[:, picked]
    before = peak_mb()
    model: dict[str, Any] = {"score": score, "z": None if z is None else data.sides(z)}
    drawn, seconds = draw(sampler, pos, k, model, split_seed(seed, 1))
    peak = peak_mb()
    plain = Uniform(data.graph, known=sampler.known, corrupt=sampler.corrupt)
    held_out = torch.cat([data.valid.pos, data.test.pos], dim=1)
    secret = KnownEdges(held_out, num_nodes=data.size, undirected=data.undirected)
    some = torch.from_numpy(subset(queries, max(1, PAIRS // k), seed))
    easy = plain.sample(pos[:, some], k, generator=generator_from(split_seed(seed, 2)))
    some_held_out = torch.from_numpy(subset(held_out.size(1), PAIRS, seed))
    groups = {
        "positives": _ends(data, held_out[:, some_held_out], sampler.corrupt),
        "negatives": _pairs(data, _rows(drawn, some)),
        "uniform": _pairs(data, easy),
    }
    risk = held_out_hits(drawn, secret, sampler.known)
    return {
        "dataset": data.name,
        "split": data.split,
        "sampler": name,
        "k": k,
        "queries": queries,
        "negatives": int(sum(part.mask.sum() for part in drawn)),
        "known": known,
        "corrupt": sampler.corrupt,
        "seed": seed,
        **measured(data, groups, score),
        "violating": None if score is None else _violating(_rows(drawn, some), pos[:, some], score),
        **_spread(data, drawn),
        "risk": risk | {"expected_share": expected_share(sampler, pos, secret)},
        "guards": _guards(data, sampler, pos, k, model, seed, secret),
        "cost": {
            "seconds": seconds,
            "negatives_per_second": queries * k / seconds,
            "known_edges_mb": sampler.known.nbytes / 2**20,
            "negatives_mb": sum(part.index.nbytes + part.mask.nbytes for part in drawn) / 2**20,
            "peak_growth_mb": peak - before,
        },
        "command": command,
        "versions": files.versions(),
        "machine": files.machine(),
    }


def _rows(drawn: list[Negatives], some: Tensor) -> Negatives:
    """The rows ``some``, sorted, of all that were drawn, as one."""
    bounds = np.cumsum([0] + [len(part.index) for part in drawn])
    taken = [
        [
            field[some[(some >= low) & (some < high)] - low]
            for field in (part.src, part.index, part.mask)
        ]
        for part, (low, high) in zip(drawn, itertools.pairwise(bounds), strict=True)
    ]
    src, index, mask = (torch.cat(field) for field in zip(*taken, strict=True))
    side: Any = drawn[0].side
    if isinstance(side, Tensor):
        side = torch.cat([part.side for part in drawn])[some]  # type: ignore[misc]
    return Negatives(src, index, mask, side=side)


def _pairs(data: LinkData, negatives: Negatives) -> Pairs:
    src, dst = data.joint(negatives.edge_index()).contiguous().numpy()
    chosen = _replaced(data, negatives, negatives.index)
    return Pairs(src, dst, chosen[negatives.mask].numpy())


def _replaced(data: LinkData, negatives: Negatives, ids: Tensor) -> Tensor:
    """Replaced ends ``[B, ...]`` in the ids of ``data.whole``."""
    if data.num_src is None:
        return ids
    side = negatives.side
    if not isinstance(side, Tensor):
        side = torch.full(negatives.src.shape, side == "src")
    return ids + data.num_src * (~side).long().view(-1, *[1] * (ids.dim() - 1))


def _ends(data: LinkData, edges: Tensor, corrupt: Corrupt) -> Pairs:
    """Positives, any end of which that is replaced might have been chosen."""
    src, dst = data.joint(edges).contiguous().numpy()
    chosen = {"dst": [dst], "src": [src], "both": [src, dst]}[corrupt]
    return Pairs(src, dst, np.concatenate(chosen))


def _violating(negatives: Negatives, pos: Tensor, score: Score) -> float:
    """Share of negatives that the model scores above their positive."""
    positive = score(pos[0], pos[1]).unsqueeze(1)
    above = score(*negatives.pairs()) > positive
    return float(above[negatives.mask].double().mean())


def _spread(data: LinkData, drawn: list[Negatives]) -> dict[str, Any]:
    targets = np.concatenate(
        [_replaced(data, part, part.index)[part.mask].numpy() for part in drawn]
    )
    replaced = np.concatenate([_replaced(data, part, part.replaced).numpy() for part in drawn])  # type: ignore[arg-type]
    return spread(targets, drawn, replaced, data.whole.degree().numpy(), data.num_nodes)


def _guards(
    data: LinkData,
    sampler: Sampler,
    pos: Tensor,
    k: int,
    model: dict[str, Any],
    seed: int,
    secret: KnownEdges,
) -> list[dict[str, Any]]:
    """What each guard drops, and what becomes of risk and hardness without it."""
    if not isinstance(sampler, Guarded):
        return []
    pos = pos[:, : PAIRS // k]

    def outcome(one: Sampler) -> tuple[Any, float, Counter[str]]:
        drawn = one.sample(pos, k, **model, generator=generator_from(split_seed(seed, 4)))
        pairs = _pairs(data, drawn)
        local = heuristics.scores(data.whole, kinds(data)[0], pairs.src, pairs.dst[:, None])
        return (
            held_out_hits([drawn], secret, one.known)["per_1000"],
            float(local.mean()),
            Counter(drawn.counts),
        )

    risk, hardness, counts = outcome(sampler)
    rows = []
    for i, guard in enumerate(sampler.guards):
        others = sampler.guards[:i] + sampler.guards[i + 1 :]
        options: dict[str, Any] = {"known": sampler.known, "corrupt": sampler.corrupt}
        without = (
            Guarded(sampler.sampler, others, sampler.m, **options) if others else sampler.sampler
        )
        more_risk, more_hardness, _ = outcome(without)
        rows.append(
            {
                "guard": repr(guard),
                "dropped": counts[f"dropped {guard.name}"] / max(counts["guarded"], 1),
                "saved_per_1000": more_risk - risk,
                "cost": more_hardness - hardness,
            }
        )
    return rows
