"""Models of a knowledge graph on the graph of other entities that an inductive split ranks."""

from __future__ import annotations

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets import TripleData
from gneg.nn.choices import RELATIONAL_ENCODERS
from gneg.nn.kge import KGE, Scorer, Tables
from gneg.training.config import TripleConfig


def check_inductive(config: TripleConfig) -> None:
    """Refuse a config whose model needs vectors of the entities that it ranks.

    Raises:
        ValueError: If it does.
    """
    if config.encoder not in RELATIONAL_ENCODERS:
        hint = "it ranks entities that training lacks, which have their relations only"
        allowed = f"{' or '.join(RELATIONAL_ENCODERS)} for an inductive split"
        checks.fail("encoder", allowed, f"{config.encoder} under {config.model}", hint=hint)
    for name in ("n3", "l2"):
        if getattr(config, name):
            allowed = "0 for an inductive split, whose entities have no embeddings"
            checks.fail(name, allowed, getattr(config, name))
    if config.base_measure != "none":
        allowed = "none for an inductive split, whose negatives are of other entities"
        checks.fail("base_measure", allowed, config.base_measure)


class InferenceModel:
    """A trained model on the graph that an inductive split ranks, with that graph's entities.

    Args:
        model: The model, over an encoder that takes other graphs.
        data: The graph.
    """

    def __init__(self, model: KGE, data: TripleData) -> None:
        self.model, self.data = model, data
        assert model.encoder is not None
        #: The encoder on this graph; its weights are those of the model, also in training.
        self._encoder = model.encoder.on(data.train, data.num_entities)

    def scorer(self) -> Scorer:
        """Return the model by its current weights."""
        return self.model.scorer(self._tables())

    def final_embeddings(self) -> Tensor:
        """Return the vectors of entities, ``[N, D]``."""
        return self._tables()[0]

    def final_relations(self) -> Tensor:
        """Return the vectors of relations, and of their inverses after them, ``[R or 2 R, D]``."""
        return self._tables()[1]

    @torch.no_grad()
    def _tables(self) -> Tables:
        self.model.eval()
        self._encoder.eval()  # a copy has a mode of its own
        tables: Tables = self._encoder(self.model.entity.weight, self.model.relation.weight)
        return tables
