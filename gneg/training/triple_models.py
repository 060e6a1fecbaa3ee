"""Models and losses of triples, made from the values of a config, without PyTorch Geometric."""

from __future__ import annotations

from typing import Any

from gneg.datasets import TripleData
from gneg.losses import LOSSES, Loss, Margin, SelfAdversarial
from gneg.nn.kge import (
    ENCODERS,
    KGE,
    MODELS,
    ComplEx,
    ConvE,
    DistMult,
    RelationalEncoder,
    RelationInputs,
    TransE,
    TuckER,
)
from gneg.nn.registration import KGES, RELATIONAL
from gneg.training.config import TripleConfig
from gneg.training.inductive import check_inductive
from gneg.training.triple_config import OVER_ALL


def make_triple_model(config: TripleConfig, data: TripleData) -> KGE:
    """Return the model of a config for the entities and relations of a knowledge graph.

    Raises:
        ValueError: If entities are ranked that training lacks, and the model needs their vectors.
    """
    if data.inference is not None:
        check_inductive(config)
    size = data.num_entities, data.num_relations, config.dim
    model: type[KGE] = {**KGES, **MODELS}[config.model]
    encoder = _relational_encoder(config, data, model)
    if model is ConvE:
        return ConvE(*size, dropout=config.dropout)
    options: dict[str, Any] = {"inverse": config.inverse, "encoder": encoder}
    if model is TuckER:
        return TuckER(*size, dropout=config.dropout, **options)
    if model is TransE:
        options["p"] = config.p
    if config.encoder == "none" and model in (DistMult, ComplEx):
        options["dropout"] = config.dropout
    return model(*size, sparse=config.sparse, **options)


def _relational_encoder(
    config: TripleConfig, data: TripleData, model: type[KGE]
) -> RelationalEncoder | None:
    if config.encoder == "none":
        return None
    encoder: type[RelationalEncoder] = {**RELATIONAL, **ENCODERS}[config.encoder]
    messages = encoder(
        data.train,
        data.num_entities,
        data.num_relations,
        config.dim * (1 + model.complex),
        layers=config.layers,
        dropout=config.dropout,
    )
    return messages if data.inference is None else RelationInputs(messages)


def make_triple_loss(config: TripleConfig) -> Loss | None:
    """Return the loss of a config; None for those over all entities, without negatives."""
    if config.loss in OVER_ALL:
        return None
    if config.loss == "margin":
        return Margin(1.0 if config.margin is None else config.margin)
    if config.loss == "nssa":
        default = 9.0 if config.model in ("transe", "rotate") else 0.0
        return SelfAdversarial(margin=default if config.margin is None else config.margin)
    return LOSSES[config.loss]()
