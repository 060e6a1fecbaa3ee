"""Message passing between entities along typed relations: R-GCN and CompGCN."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.graph import sparse
from gneg.graph.triples import triple_tensor


class RelationalEncoder(nn.Module):
    """An encoder of entities and relations by messages along triples, in both directions.

    Args:
        triples: The training triples, ``[3, E]``.
        num_entities: Number of entities, N.
        num_relations: Number of relations, R.
        dim: Width of embeddings and vectors, D >= 1.
        layers: Number of layers, >= 1.
        dropout: Share of values dropped before each layer, in [0, 1).

    Raises:
        ValueError: If an argument is out of range.
    """

    #: Whether entities have embeddings of their own, which ``forward`` takes.
    takes_entities: ClassVar[bool] = True

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
        self.triples = self._moved_triples = triple_tensor("triples", triples)
        self.num_entities, self.num_relations = num_entities, num_relations
        self.dim = checks.integer("dim", dim, 1)
        layers = checks.integer("layers", layers, 1)
        dropout = checks.number("dropout", dropout, 0, 1, open_high=True)
        self.dropout = nn.Dropout(dropout)

    def check(self, width: int, relation_width: int) -> None:
        """Refuse embeddings whose width does not fit.

        Args:
            width: Width of the entities' embeddings.
            relation_width: Width of the relations' embeddings.

        Raises:
            ValueError: If a width does not fit.
        """
        if width != self.dim:
            checks.fail("encoder", f"of width {width}, that of the entities", self.dim)

    def on(self, triples: Tensor, num_entities: int) -> RelationalEncoder:
        """Return the encoder on another graph of the same relations, with the same weights.

        Args:
            triples: The triples that messages pass along, ``[3, E]``.
            num_entities: Number of entities of that graph.
        """
        encoder = copy.copy(self)
        encoder._modules = dict(self._modules)  # parts that are replaced in the copy alone
        encoder.triples = encoder._moved_triples = triple_tensor("triples", triples)
        encoder.num_entities = num_entities
        encoder.index()
        return encoder

    def triples_on(self, device: torch.device) -> Tensor:
        """Return the triples ``[3, E]`` on a device, to which they are copied once."""
        if self._moved_triples.device != device:
            self._moved_triples = self.triples.to(device)
        return self._moved_triples

    def index(self) -> None:
        """Prepare what depends on the triples."""
        return

    @abstractmethod
    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities ``[N, D]`` and of relations, in the shape of theirs.

        Args:
            entity: Embeddings of entities, ``[N, D]``.
            relation: Embeddings of relations, ``[R, D]``; with inverse relations after them
                ``[2 R, D]``.
            dropped: Positions ``[b]`` of triples that no messages pass along; None: none.
        """


class RGCN(RelationalEncoder):
    """R-GCN (Schlichtkrull et al., ESWC 2018): PyG's layers with bases; relations do not change.

    Args:
        triples: The training triples, ``[3, E]``.
        num_entities: Number of entities, N.
        num_relations: Number of relations, R.
        dim: Width of embeddings and vectors, D >= 1.
        layers: Number of layers, >= 1.
        dropout: Share of values dropped before each layer, in [0, 1).
        bases: Number of matrices that each relation's matrix is a combination of, >= 1.

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
        bases: int = 4,
    ) -> None:
        super().__init__(triples, num_entities, num_relations, dim, layers=layers, dropout=dropout)
        from torch_geometric.nn import RGCNConv  # slow to import; of all models only this needs it

        num_types = 2 * num_relations
        self.layers = nn.ModuleList(
            RGCNConv(dim, dim, num_types, num_bases=checks.integer("bases", bases, 1))
            for _ in range(layers)
        )

    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities, and the relations unchanged."""
        triples = self.triples_on(entity.device)
        if dropped is not None:
            passes = torch.ones_like(triples[0], dtype=torch.bool)
            passes[dropped.to(passes.device)] = False
            triples = triples[:, passes]  # waits for the device, as the layers do for each relation
        head, kind, tail = triples
        edge_index = torch.stack([torch.cat([head, tail]), torch.cat([tail, head])])
        edge_type = torch.cat([kind, kind + self.num_relations])
        for i, layer in enumerate(self.layers):
            entity = layer(self.dropout(entity.relu() if i else entity), edge_index, edge_type)
        return entity, relation


class CompGCN(RelationalEncoder):
    """CompGCN (Vashishth, Sanyal, Nitin and Talukdar, ICLR 2020, eq. 3), composing by subtraction.

    A message is ``x_u - r``, so that the sum of all is the difference of two sparse products and
    no message is stored. Messages along triples, against them, and from an entity to itself have a
    matrix each; those of a direction are averaged. Against a triple the relation is its inverse
    if there are inverse relations, else ``-r``. Arguments are those of
    :class:`RelationalEncoder`.
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
        self.index()

    def index(self) -> None:
        """Prepare the matrices of messages."""
        sizes = self.num_entities, self.num_relations, self.num_entities
        #: For messages to tails and to heads: which entities, and which relations they bring.
        self._incidence = {
            end: tuple(
                _Incidence(self.triples[row], self.triples[col], (sizes[row], sizes[col]))
                for col in (sender, 1)
            )
            for end, row, sender in (("tail", 2, 0), ("head", 0, 2))
        }

    def check(self, width: int, relation_width: int) -> None:
        """Refuse embeddings whose width does not fit, such as relations of RotatE."""
        super().check(width, relation_width)
        if relation_width != width:
            checks.fail("encoder", "rgcn where relations are narrower than entities", "compgcn")

    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities and of relations."""
        values = torch.ones(self.triples.size(1), device=entity.device)
        if dropped is not None:
            values[dropped.to(entity.device)] = 0.0
        matrices = {
            end: tuple(incidence.masked(values) for incidence in incidences)
            for end, incidences in self._incidence.items()
        }
        for i, layer in enumerate(self.layers):
            x = self.dropout(entity.tanh() if i else entity)
            entity, relation = layer(x, relation, matrices, self.num_relations)
        return entity, relation


class _CompLayer(nn.Module):
    """One layer of CompGCN, with a matrix for each direction and one for relations."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.along = nn.Linear(dim, dim, bias=False)
        self.against = nn.Linear(dim, dim, bias=False)
        self.loop = nn.Linear(dim, dim)
        self.relation = nn.Linear(dim, dim, bias=False)

    def forward(
        self, x: Tensor, relation: Tensor, matrices: dict[str, Any], size: int
    ) -> tuple[Tensor, Tensor]:
        """Return entities ``[N, D]`` and relations; the first ``size`` are not inverse ones."""
        inverse = relation[size:] if len(relation) > size else -relation
        along = self.along(_mean(matrices["tail"], x, relation[:size]))
        against = self.against(_mean(matrices["head"], x, inverse))
        out = along + against + self.loop(x)
        return out / 3, self.relation(relation)


Pair = tuple[Tensor, Tensor]  # a sparse matrix and its transpose


def _mean(matrices: tuple[Pair, Pair], x: Tensor, relation: Tensor) -> Tensor:
    """Return the mean of ``x_u - r`` over the triples of each row, ``[N, D]``; 0 without any."""
    entities, relations = matrices
    count = entities[0] @ torch.ones(len(x), 1, device=x.device)
    total = sparse.product(*entities, x) - sparse.product(*relations, relation)
    return total / count.clamp(min=1)


class _Incidence:
    """A sparse matrix with an entry for each triple, whose values can be set.

    Args:
        rows: Row of each triple's entry, ``[E]``.
        cols: Column of each triple's entry, ``[E]``.
        shape: Numbers of rows and of columns.
    """

    def __init__(self, rows: Tensor, cols: Tensor, shape: tuple[int, int]) -> None:
        self._sides = []
        for row, col, size in ((rows, cols, shape), (cols, rows, shape[::-1])):
            order = torch.argsort(row, stable=True)
            crow = torch.zeros(size[0] + 1, dtype=torch.long)
            crow[1:] = torch.bincount(row, minlength=size[0]).cumsum(0)
            self._sides.append((order, crow.int(), col[order].int(), size))

    def masked(self, values: Tensor) -> Pair:
        """Return the matrix with ``values [E]`` as its entries, and its transpose."""
        if self._sides[0][0].device != values.device:  # copied there once
            self._sides = [
                (*(part.to(values.device) for part in parts), size)  # type: ignore[misc]
                for *parts, size in self._sides
            ]
        matrix, transposed = (
            sparse.csr(crow, col, values[order], size) for order, crow, col, size in self._sides
        )
        return matrix, transposed


#: The encoders by their names.
ENCODERS: dict[str, type[RelationalEncoder]] = {"rgcn": RGCN, "compgcn": CompGCN}
