"""Entities as what the relations at them say, so that new entities have vectors, too."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gneg.nn.kge.encoders import RelationalEncoder


class RelationInputs(RelationalEncoder):
    """Message passing whose input of an entity is a mean of vectors of the relations at it.

    A relation has a vector of its heads and one of its tails; an entity is the mean of these over
    its triples: MorsE's entity initialiser (Chen, Zhang, Zhu, Zhou, Yuan, Xu and Chen, SIGIR 2022).
    No weight belongs to an entity, so that a trained model takes another graph, see :meth:`on`.

    Args:
        encoder: The message passing on these inputs.
    """

    takes_entities = False

    def __init__(self, encoder: RelationalEncoder) -> None:
        size = encoder.num_entities, encoder.num_relations, encoder.dim
        super().__init__(encoder.triples, *size)
        self.encoder = encoder
        self.of_heads = nn.Embedding(encoder.num_relations, encoder.dim)
        self.of_tails = nn.Embedding(encoder.num_relations, encoder.dim)
        nn.init.xavier_uniform_(self.of_heads.weight)
        nn.init.xavier_uniform_(self.of_tails.weight)

    def check(self, width: int, relation_width: int) -> None:
        """Refuse embeddings whose width does not fit the message passing."""
        self.encoder.check(width, relation_width)

    def on(self, triples: Tensor, num_entities: int) -> RelationInputs:
        """Return the encoder on another graph, with the same weights."""
        inputs = super().on(triples, num_entities)
        assert isinstance(inputs, RelationInputs)
        inputs.encoder = self.encoder.on(triples, num_entities)
        return inputs

    def forward(
        self, entity: Tensor, relation: Tensor, dropped: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the vectors of entities and of relations.

        Args:
            entity: Not used: entities have no vectors of their own.
            relation: Embeddings of relations, ``[R, D]``; with inverse relations ``[2 R, D]``.
            dropped: Positions ``[b]`` of triples that are not there; None: all are.
        """
        return self.encoder(self.inputs(dropped), relation, dropped)  # type: ignore[no-any-return]

    def inputs(self, dropped: Tensor | None = None) -> Tensor:
        """Return the inputs of entities, ``[N, D]``; 0 for those without a triple.

        Args:
            dropped: Positions ``[b]`` of triples that are not there; None: all are.
        """
        weight, size = self.of_heads.weight, self.num_entities
        head, relation, tail = self.triples_on(weight.device)
        if dropped is not None:  # added to a row of no entity
            outside = dropped.to(weight.device)
            head, tail = (end.index_fill(0, outside, size) for end in (head, tail))
        rows = torch.cat([head, tail])
        columns = torch.cat([relation, relation + self.num_relations])
        counts = weight.new_zeros(size + 1).index_add(0, rows, weight.new_ones(len(rows)))
        values = torch.cat([weight, self.of_tails.weight])[columns]
        total = weight.new_zeros(size + 1, self.dim).index_add(0, rows, values)
        return total[:-1] / counts[:-1].clamp(min=1).unsqueeze(1)
