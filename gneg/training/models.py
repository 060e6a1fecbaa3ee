"""Networks from configs."""

from __future__ import annotations

from gneg.nn.encoders import Encoder, NoEmbeddings
from gneg.nn.lightgcn import LightGCN
from gneg.training.config import TrainConfig


def make_encoder(
    config: TrainConfig, num_nodes: int, in_channels: int
) -> Encoder | LightGCN | NoEmbeddings:
    """The encoder of a config, for N nodes with ``in_channels`` features (0: none)."""
    if config.encoder == "heuristics":
        return NoEmbeddings(num_nodes)
    if config.encoder == "lightgcn":
        return LightGCN(num_nodes, hidden=config.hidden, layers=config.layers)
    return Encoder(
        config.encoder,
        num_nodes,
        in_channels,
        hidden=config.hidden,
        layers=config.layers,
        dropout=config.dropout,
        inputs=config.inputs,
        norm=config.norm,
        jk=config.jk,
    )
