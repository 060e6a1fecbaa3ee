"""Message passing between entities that knows relations: R-GCN and CompGCN."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.nn import RGCNConv

from gneg import checks
from gneg.graph import sparse
from gneg.graph.triples import triple_tensor


class RelationalEncoder(nn.Module):
    """Turns embeddings of entities and relations into vectors, over triples in both directions.

    Args:
        triples: ``[3, E]``, the training triples.
        num_entities: N.
        num_relations: R.
        dim: Width of embeddings and vectors, D.
        layers: Number of layers.
        dropout: Between layers, in [0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        triples: Tensor,
        num_entities: int,
        num_relations: int,
        dim: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.triples = triple_tensor("triples", triples)
        self.num_entities, self.num_relations = num_entities, num_relations
        self.dim = checks.integer("dim", dim, 1)
        checks.integer("layers", layers, 1)
        checks.number("dropout", dropout, 0, 1)
        self.dropout = nn.Dropout(dropout)

    def check(self, width: int, relation_width: int) -> None:
        """Refuse embeddings of another width.

        Raises:
            ValueError: If entities' or, where it matters, relations' do not fit.
        """
        if width != self.dim:
            checks.fail("encoder", f"of width {width}, that of the entities", self.dim)

    @abstractmethod
    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities ``[N, D]`` and relations.

        Args:
            entity: ``[N, D]``.
            relation: ``[R, D]``, or ``[2 R, D]`` with inverse relations after the others.
            dropped: ``[b]``, which of the triples messages must not pass along.
        """


class RGCN(RelationalEncoder):
    """R-GCN (Schlichtkrull et al., ESWC 2018): PyG's layers with bases; relations stay as they are.

    Args:
        triples: See :class:`RelationalEncoder`.
        num_entities: See there.
        num_relations: See there.
        dim: See there.
        layers: See there.
        dropout: See there.
        bases: Matrices that those of relations are combined from.
    """

    def __init__(
        self,
        triples: Tensor,
        num_entities: int,
        num_relations: int,
        dim: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
        bases: int = 4,
    ) -> None:
        super().__init__(triples, num_entities, num_relations, dim, layers=layers, dropout=dropout)
        kinds = 2 * num_relations
        self.layers = nn.ModuleList(
            RGCNConv(dim, dim, kinds, num_bases=checks.integer("bases", bases, 1))
            for _ in range(layers)
        )

    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities, and relations as they came."""
        kept = torch.ones(self.triples.size(1), dtype=torch.bool)
        if dropped is not None:
            kept[dropped.cpu()] = False
        head, kind, tail = self.triples[:, kept].to(entity.device)
        edges = torch.stack([torch.cat([head, tail]), torch.cat([tail, head])])
        kinds = torch.cat([kind, kind + self.num_relations])
        for i, layer in enumerate(self.layers):
            entity = layer(self.dropout(entity.relu() if i else entity), edges, kinds)
        return entity, relation


class CompGCN(RelationalEncoder):
    """CompGCN (Vashishth, Sanyal, Nitin and Talukdar, ICLR 2020, eq. 3) composing by subtraction.

    A message is ``x_u - r``, so that their sum is two sparse products and no message is ever
    written down. Messages along a triple, against it and to oneself have a matrix each; each
    direction takes the mean. Against a triple the relation is its inverse if there are such,
    else ``-r``.
    """

    def __init__(
        self,
        triples: Tensor,
        num_entities: int,
        num_relations: int,
        dim: int,
        *,
        layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(triples, num_entities, num_relations, dim, layers=layers, dropout=dropout)
        self.layers = nn.ModuleList(_CompLayer(dim) for _ in range(layers))
        sizes = num_entities, num_relations, num_entities
        ends = {"tail": (2, 0), "head": (0, 2)}
        self._incidence = {
            end: tuple(
                _Incidence(self.triples[row], self.triples[col], (sizes[row], sizes[col]))
                for col in (other, 1)
            )
            for end, (row, other) in ends.items()
        }

    def check(self, width: int, relation_width: int) -> None:
        """Refuse relations narrower than entities (RotatE's) too."""
        super().check(width, relation_width)
        if relation_width != width:
            checks.fail("encoder", "rgcn where relations are narrower than entities", "compgcn")

    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities and relations."""
        values = torch.ones(self.triples.size(1), device=entity.device)
        if dropped is not None:
            values[dropped.to(entity.device)] = 0.0
        passed = {
            end: tuple(one.masked(values) for one in both) for end, both in self._incidence.items()
        }
        for i, layer in enumerate(self.layers):
            x = self.dropout(entity.tanh() if i else entity)
            entity, relation = layer(x, relation, passed, self.num_relations)
        return entity, relation


class _CompLayer(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.along, self.against, self.own, self.between = (
            nn.Linear(dim, dim, bias=name == "own")
            for name in ("along", "against", "own", "between")
        )

    def forward(
        self, x: Tensor, relation: Tensor, passed: dict[str, Any], size: int
    ) -> tuple[Tensor, Tensor]:
        inverse = relation[size:] if len(relation) > size else -relation
        along = self.along(_mean(passed["tail"], x, relation[:size]))
        against = self.against(_mean(passed["head"], x, inverse))
        out = along + against + self.own(x)
        return out / 3, self.between(relation)


Pair = tuple[Tensor, Tensor]  # a sparse matrix and its transpose


def _mean(passed: tuple[Pair, Pair], x: Tensor, relation: Tensor) -> Tensor:
    """Mean of ``x_u - r`` over the triples of each row; 0 where there is none."""
    entities, relations = passed
    count = entities[0] @ torch.ones(len(x), 1, device=x.device)
    total = sparse.product(*entities, x) - sparse.product(*relations, relation)
    return total / count.clamp(min=1)


class _Incidence:
    """Which entity or relation stands beside which, a place for each triple, to be masked."""

    def __init__(self, rows: Tensor, cols: Tensor, shape: tuple[int, int]) -> None:
        self._sides = []
        for row, col, size in ((rows, cols, shape), (cols, rows, shape[::-1])):
            order = torch.argsort(row, stable=True)
            crow = torch.zeros(size[0] + 1, dtype=torch.long)
            crow[1:] = torch.bincount(row, minlength=size[0]).cumsum(0)
            self._sides.append((order, crow.int(), col[order].int(), size))

    def masked(self, values: Tensor) -> Pair:
        """The matrix with ``values [E]`` at its places, and its transpose."""
        one, turned = (
            sparse.csr(crow.to(values.device), col.to(values.device), values[order], size)
            for order, crow, col, size in self._sides
        )
        return one, turned


#: By the names they go by.
ENCODERS: dict[str, type[RelationalEncoder]] = {"rgcn": RGCN, "compgcn": CompGCN}
