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
        mask = torch.ones(self.triples.size(1), dtype=torch.bool)
        if dropped is not None:
            mask[dropped.cpu()] = False
        weight = self.of_heads.weight
        head, relation, tail = self.triples[:, mask].to(weight.device)
        rows = torch.cat([head, tail])
        columns = torch.cat([relation, relation + self.num_relations])
        counts = torch.zeros(self.num_entities, dtype=weight.dtype, device=weight.device)
        counts.index_add_(0, rows, torch.ones_like(rows, dtype=weight.dtype))
        values = torch.cat([weight, self.of_tails.weight])[columns]
        total = weight.new_zeros(self.num_entities, self.dim).index_add(0, rows, values)
        return total / counts.clamp(min=1).unsqueeze(1)
