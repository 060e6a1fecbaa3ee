"""How hard and how risky negatives of triples are, and what they cost."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import TripleData
from gneg.evaluation.audit.drawing import PAIRS, draw, needs_model, peak_mb, spread, subset
from gneg.evaluation.audit.hardness import FloatArray, described, shares
from gneg.evaluation.audit.risk import told
from gneg.graph import KnownTriples, heuristics
from gneg.graph.known import KnownPolicy
from gneg.graph.triples import End
from gneg.rng import generator_from, split_seed
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.scoring import TripleScore

ENDS: tuple[End, End] = ("tail", "head")


def audit(
    data: TripleData,
    sampler: str | TripleSampler,
    *,
    k: int,
    negatives: int,
    score: TripleScore | None,
    z: Tensor | None,
    known: KnownPolicy,
    corrupt: Literal["both", "head", "tail", "bernoulli"],
    seed: int,
    command: str,
) -> dict[str, Any]:
    """See :func:`gneg.audit`."""
    name = sampler if isinstance(sampler, str) else repr(sampler)
    if isinstance(sampler, str):
        sampler = data.sampler(sampler, known=known, corrupt=corrupt, z=z)
    if not isinstance(sampler, TripleSampler):
        checks.fail("sampler", "an expression or a TripleSampler", type(sampler).__name__)
    needs_model(sampler, score)
    queries = -(-negatives // k)
    picked = torch.randint(data.train.size(1), (queries,), generator=generator_from(seed))
    pos, before = data.train[:, picked], peak_mb()
    drawn, seconds = draw(sampler, pos, k, {"score": score, "z": z}, split_seed(seed, 1))
    peak = peak_mb()
    plain = TripleSampler(data.triples, known=sampler.known, corrupt=sampler.corrupt)
    some = torch.from_numpy(subset(queries, max(1, PAIRS // k), seed))
    easy = plain.sample(pos[:, some], k, generator=generator_from(split_seed(seed, 2)))
    held_out = torch.cat([data.valid, data.test], dim=1)
    few = torch.from_numpy(subset(held_out.size(1), PAIRS, seed))
    hard = sampler.sample(
        pos[:, some], k, score=score, z=z, generator=generator_from(split_seed(seed, 5))
    )
    groups = {
        "positives": _held_out(held_out[:, few], sampler, split_seed(seed, 4)),
        "negatives": _asked(hard),
        "uniform": _asked(easy),
    }
    risk = _risk(drawn, KnownTriples(data.triples, held_out), sampler)
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
        **_measured(data, groups, score),
        "violating": None if score is None else _violating(hard, pos[:, some], score),
        **_spread(data, drawn),
        "risk": risk | {"expected_share": _expected(sampler, pos, held_out)},
        "guards": [],
        "cost": {
            "seconds": seconds,
            "negatives_per_second": queries * k / seconds,
            "known_edges_mb": sum(view.known.nbytes for view in sampler.views.values()) / 2**20,
            "negatives_mb": sum(part.index.nbytes + part.mask.nbytes for part in drawn) / 2**20,
            "peak_growth_mb": peak - before,
        },
        "command": command,
        "versions": files.versions(),
        "machine": files.machine(),
    }


class _Group:
    """Triples ``[3, n]``, which end of each was (or might be) chosen, and the true entity there."""

    def __init__(self, triples: Tensor, head: Tensor, true: Tensor) -> None:
        self.triples, self.is_head, self.true = triples, head.numpy(), true.numpy()
        self.kept = torch.where(head, triples[2], triples[0]).numpy()
        self.chosen = torch.where(head, triples[0], triples[2]).numpy()
        self.relation = triples[1].numpy()


def _asked(negatives: Negatives) -> _Group:
    assert negatives.replaced is not None
    triples = torch.stack(negatives.triples())[:, negatives.mask]
    wide = negatives.index.shape
    head = _is_head(negatives).unsqueeze(1).expand(wide)[negatives.mask]
    return _Group(triples, head, negatives.replaced.unsqueeze(1).expand(wide)[negatives.mask])


def _is_head(negatives: Negatives) -> Tensor:
    side = negatives.side
    return side if isinstance(side, Tensor) else torch.full(negatives.src.shape, side == "src")


def _held_out(triples: Tensor, sampler: TripleSampler, seed: int) -> _Group:
    """Positives, seen from an end that the sampler would replace."""
    coin = torch.rand(triples.size(1), generator=generator_from(seed))
    head = coin < torch.from_numpy(sampler.head_share)[triples[1]]
    return _Group(triples, head, torch.where(head, triples[0], triples[2]))


def _measured(
    data: TripleData, groups: dict[str, _Group], score: TripleScore | None
) -> dict[str, Any]:
    """Quantiles and histograms of every measure, and distances of kept and chosen entities."""
    graph = data.triples.entities
    degree = graph.degree().numpy()
    columns: dict[str, dict[str, FloatArray]] = {}
    for name, group in groups.items():
        together = _together(data, group)
        mine: dict[str, FloatArray] = {
            "fits": (together > 0).astype(np.float64),
            "together": together.astype(np.float64),
            "cn": heuristics.scores(graph, "cn", group.kept, group.chosen[:, None])[:, 0],
            "degree": degree[group.chosen].astype(np.float64),
        }
        if data.types is not None:
            mine["kind"] = _same_type(data.types, group.chosen, group.true)
        if score is not None:
            mine["score"] = score(*group.triples).cpu().double().numpy()
        for measure, column in mine.items():
            columns.setdefault(measure, {})[name] = column
    shells = {name: shares(graph, group.kept, group.chosen) for name, group in groups.items()}
    return described(columns, shells)


def _together(data: TripleData, group: _Group) -> Any:
    """Training triples of the relation that have the chosen entity at this end."""
    size = data.num_relations * data.num_entities
    counts = np.zeros(2 * size, np.int64)
    head, relation, tail = data.train.numpy()
    for shift, entity in ((0, tail), (size, head)):
        np.add.at(counts, shift + relation * data.num_entities + entity, 1)
    return counts[size * group.is_head + group.relation * data.num_entities + group.chosen]


def _same_type(types: Any, chosen: Any, true: Any) -> FloatArray:
    pairs, back = np.unique(np.stack([chosen, true]), axis=1, return_inverse=True)
    shared = [not set(types[a]).isdisjoint(types[b]) for a, b in pairs.T]
    found: FloatArray = np.array(shared, np.float64)[back.ravel()]
    return found


def _violating(negatives: Negatives, pos: Tensor, score: TripleScore) -> float:
    """Share of negatives that the model scores above their positive."""
    above = score(*negatives.triples()) > score(*pos).unsqueeze(1)
    return float(above[negatives.mask].double().mean())


def _spread(data: TripleData, drawn: list[Negatives]) -> dict[str, Any]:
    targets = np.concatenate([part.index[part.mask].numpy() for part in drawn])
    replaced = np.concatenate([part.replaced.numpy() for part in drawn])  # type: ignore[union-attr]
    degree = data.triples.entities.degree().numpy()
    return spread(targets, drawn, replaced, degree, data.num_entities)


def _hidden(
    secret: KnownTriples, sampler: TripleSampler, end: End, kept: Any, relation: Any
) -> tuple[Any, Any]:
    """Of each query: held-out triples that the sampler does not know, and its negatives."""
    sides = secret.side(end), sampler.known.side(end)
    rows = [queries.rows(kept, relation) for queries, _ in sides]
    held, known = (np.diff(sides[i][1].indptr)[rows[i]] for i in (0, 1))
    free = sides[1][1].complement_size(torch.from_numpy(rows[1]))
    return np.maximum(held - known, 0), np.maximum(free.numpy(), 1)


def _risk(
    drawn: list[Negatives], secret: KnownTriples, sampler: TripleSampler
) -> dict[str, float | None]:
    """Held-out triples among negatives; ``secret`` holds those of training as well."""
    hits, sizes, expected = [], [], 0.0
    for part in drawn:
        hit = secret.contains(torch.stack(part.triples())) & part.mask
        hits.append(hit.sum(1))
        sizes.append(part.mask.sum(1))
        head = _is_head(part).numpy()
        assert part.relation is not None
        kept, relation, size = (one.numpy() for one in (part.src, part.relation, sizes[-1]))
        for end in ENDS:
            which = head == (end == "head")
            hidden, free = _hidden(secret, sampler, end, kept[which], relation[which])
            expected += float((hidden / free * size[which]).sum())
    return told(torch.cat(hits), torch.cat(sizes), expected)


def _expected(sampler: TripleSampler, pos: Tensor, held_out: Tensor) -> float | None:
    """Probability that a negative is a held-out triple, by the sampler's own density."""
    head, relation, tail = held_out
    fresh = ~sampler.known.contains(held_out)
    total = 0.0
    for end, part in sampler.parts.items():
        queries = sampler.views[end].queries
        kept, target = (head, tail) if end == "tail" else (tail, head)
        rows = queries.rows(kept.numpy(), relation.numpy())
        asked = (queries.relation(rows) >= 0) & fresh.numpy()
        src = torch.from_numpy(rows[asked])
        # A law that depends on the replaced end tells nothing about another end's query.
        cheap = part.density == "cheap"
        log_q = None if not cheap else part.log_prob(src, target[torch.from_numpy(asked)])
        if log_q is None:
            return None
        share = torch.zeros(len(queries), dtype=torch.double)
        share.index_add_(0, src, log_q.double().exp())
        own = pos[0] if end == "tail" else pos[2]
        weight = sampler.head_share[pos[1].numpy()]
        weight = weight if end == "head" else 1 - weight
        found = share[torch.from_numpy(queries.rows(own.numpy(), pos[1].numpy()))]
        total += float((found * torch.from_numpy(weight)).mean())
    return total
