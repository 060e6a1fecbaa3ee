"""Negatives of triples, as an audit sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.evaluation.audit.adapter import Adapter, FloatArray, Group, IntArray
from gneg.graph import KnownTriples, heuristics
from gneg.graph.known import KnownPolicy
from gneg.graph.sizes import with_sizes
from gneg.graph.take import distinct
from gneg.rng import generator_from, split_seed
from gneg.samplers.negatives import Negatives
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.ends import ENDS

CorruptTriples = Literal["both", "head", "tail", "bernoulli"]


@dataclass(frozen=True)
class TripleGroup(Group):
    """A group of triples.

    Attributes:
        relation: ``[n]``, the relation of each triple.
        is_head: ``[n]`` bool, whether the drawn entity is the head.
        true: ``[n]``, the entity of the positive that the drawn entity replaces.
    """

    relation: IntArray
    is_head: Any
    true: IntArray

    __repr__ = with_sizes

    @classmethod
    def of(cls, triples: Tensor, is_head: Tensor, true: Tensor) -> TripleGroup:
        """Group ``triples [3, n]`` by which end of each is drawn."""
        head, relation, tail = triples
        src = torch.where(is_head, tail, head).numpy()
        drawn = torch.where(is_head, head, tail).numpy()
        return cls(triples, src, drawn, drawn, relation.numpy(), is_head.numpy(), true.numpy())


class TripleAdapter(Adapter):
    """The triples of a knowledge graph and a sampler of them, see :class:`~.adapter.Adapter`.

    Args:
        data: The knowledge graph.
        sampler: An expression, or a sampler on ``data.triples``.
        held_out: ``[3, H]`` triples to count as held out; those of validation and test if None.
        known: Known triples of a sampler that is built from an expression.
        corrupt: The end that a sampler built from an expression replaces.
        z: ``[N, D]`` vectors of entities for a sampler built from an expression.

    Raises:
        ValueError: If ``sampler`` is neither an expression nor a sampler of triples.
    """

    sampler: TripleSampler

    def __init__(
        self,
        data: TripleData,
        sampler: str | TripleSampler,
        *,
        held_out: Tensor | None = None,
        known: KnownPolicy = "train",
        corrupt: CorruptTriples = "both",
        z: Tensor | None = None,
    ) -> None:
        if isinstance(sampler, str):
            policy = data.known(known)
            sampler = TripleSampler(
                data.triples,
                sampler,
                known=policy,
                corrupt=corrupt,
                z=z,
                types=data.types,
                allowed=data.allowed,
            )
        if not isinstance(sampler, TripleSampler):
            checks.fail("sampler", "an expression or a TripleSampler", type(sampler).__name__)
        if held_out is None:
            held_out = torch.cat([data.valid, data.test], dim=1)
        self.data, self.sampler, self.held_out = data, sampler, held_out
        self.name, self.split, self.train = data.name, data.split, data.train
        self.graph, self.num_nodes = data.triples.entities, data.num_entities
        self.uniform = TripleSampler(data.triples, known=sampler.known, corrupt=sampler.corrupt)
        self.known_bytes = sum(view.known.nbytes for view in sampler.views.values())
        self._all = KnownTriples(data.triples, held_out)

    def nodes(self, negatives: Negatives, ids: Tensor) -> Tensor:
        """Return entities ``ids [B, ...]``, which are the nodes of the graph."""
        return ids

    def take(
        self, drawn: list[Negatives], pos: Tensor, rows: Tensor, model: dict[str, Any], seed: int
    ) -> Negatives:
        """Return fresh negatives of the positives ``rows``."""
        generator = generator_from(split_seed(seed, 5))
        return self.sampler.sample(
            pos[:, rows], drawn[0].index.size(1), **model, generator=generator
        )

    def negative_group(self, negatives: Negatives) -> Group:
        """Return the usable negatives as a group."""
        assert negatives.replaced is not None
        mask = negatives.mask
        is_head = _is_head(negatives).unsqueeze(1).expand_as(mask)[mask]
        true = negatives.replaced.unsqueeze(1).expand_as(mask)[mask]
        return TripleGroup.of(torch.stack(negatives.triples())[:, mask], is_head, true)

    def positive_group(self, pos: Tensor, seed: int) -> Group:
        """Return positives as a group, each with an end that the sampler would replace as drawn."""
        coin = torch.rand(pos.size(1), generator=generator_from(split_seed(seed, 4)))
        is_head = coin < torch.from_numpy(self.sampler.head_share)[pos[1]]
        return TripleGroup.of(pos, is_head, torch.where(is_head, pos[0], pos[2]))

    def columns(self, groups: Mapping[str, Group]) -> dict[str, dict[str, FloatArray]]:
        """Return fit to the relation, common neighbours, degree and type of the drawn entities."""
        measured = {name: self._measured(group) for name, group in groups.items()}
        return {
            measure: {name: values[measure] for name, values in measured.items()}
            for measure in next(iter(measured.values()))
        }

    def _measured(self, group: Group) -> dict[str, FloatArray]:
        assert isinstance(group, TripleGroup)
        count = self._triples_together(group)
        values: dict[str, FloatArray] = {
            "fits": (count > 0).astype(np.float64),
            "together": count.astype(np.float64),
            "cn": heuristics.scores(self.graph, "cn", group.src, group.dst[:, None])[:, 0],
            "degree": self.graph.degree().numpy()[group.drawn].astype(np.float64),
        }
        if self.data.types is not None:
            values["kind"] = _same_type(self.data.types, group.dst, group.true)
        return values

    def _triples_together(self, group: TripleGroup) -> IntArray:
        """Return the number of training triples of the relation with the entity at this end."""
        width = self.data.num_entities
        size = self.data.num_relations * width
        counts = np.zeros(2 * size, np.int64)
        head, relation, tail = self.data.train.numpy()
        for shift, entity in ((0, tail), (size, head)):
            np.add.at(counts, shift + relation * width + entity, 1)
        count: IntArray = counts[size * group.is_head + group.relation * width + group.dst]
        return count

    def is_held_out(self, negatives: Negatives) -> Tensor:
        """Return which negatives are held-out triples, ``[B, K]`` bool."""
        return self._all.contains(torch.stack(negatives.triples()))

    def uniform_hits(self, negatives: Negatives) -> float:
        """Return the sum over negatives of the held-out share of their query's non-edges."""
        assert negatives.relation is not None
        is_head = _is_head(negatives).numpy()
        entity, relation = negatives.src.numpy(), negatives.relation.numpy()
        sizes, hits = negatives.mask.sum(1).numpy(), 0.0
        for end in ENDS:
            rows = is_head == (end == "head")
            sides = self._all.side(end), self.sampler.known.side(end)
            index = [queries.rows(entity[rows], relation[rows]) for queries, _ in sides]
            num_true, num_known = (
                np.diff(edges.indptr)[query] for (_, edges), query in zip(sides, index, strict=True)
            )
            free = sides[1][1].complement_size(torch.from_numpy(index[1])).numpy()
            share = np.maximum(num_true - num_known, 0) / np.maximum(free, 1)
            hits += float((share * sizes[rows]).sum())
        return hits

    def expected_share(self, pos: Tensor) -> float | None:
        """Return the probability that a negative is a held-out triple, by the sampler's density."""
        head, relation, tail = self.held_out
        unknown = ~self.sampler.known.contains(self.held_out)
        total = 0.0
        for end, part in self.sampler.parts.items():
            # A density that depends on the replaced end says nothing about another end's query.
            if part.density != "cheap":
                return None
            queries = self.sampler.views[end].queries
            entity, target = (head, tail) if end == "tail" else (tail, head)
            rows = queries.rows(entity.numpy(), relation.numpy())
            reachable = (queries.relation(rows) >= 0) & unknown.numpy()
            src = torch.from_numpy(rows[reachable])
            log_q = part.log_prob(src, target[torch.from_numpy(reachable)])
            if log_q is None:
                return None
            share = torch.zeros(len(queries), dtype=torch.double)
            share.index_add_(0, src, log_q.double().exp())
            anchors = (pos[0] if end == "tail" else pos[2]).numpy()
            weight = self.sampler.head_share[pos[1].numpy()]
            weight = weight if end == "head" else 1 - weight
            shares = share[torch.from_numpy(queries.rows(anchors, pos[1].numpy()))]
            total += float((shares * torch.from_numpy(weight)).mean())
        return total


def _is_head(negatives: Negatives) -> Tensor:
    """Return whether the head was replaced, ``[B]`` bool."""
    side = negatives.side
    return side if isinstance(side, Tensor) else torch.full(negatives.src.shape, side == "src")


def _same_type(types: Sequence[Sequence[int]], drawn: IntArray, true: IntArray) -> FloatArray:
    """Return 1 where the drawn entity shares a type with the true one, else 0, ``[n]``."""
    pairs, which = distinct(torch.from_numpy(np.stack([drawn, true])))
    shared = [not set(types[a]).isdisjoint(types[b]) for a, b in pairs.t().tolist()]
    values: FloatArray = np.array(shared, np.float64)[which.numpy()]
    return values
