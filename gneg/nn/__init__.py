"""Networks: encoders on PyG's GNNs, decoders, base measures, pair features, the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gneg import lazy

if TYPE_CHECKING:
    from gneg.nn import kge
    from gneg.nn.adjacency import Adjacency
    from gneg.nn.base_measure import BaseMeasure
    from gneg.nn.common_neighbors import CommonNeighbors
    from gneg.nn.decoders import MLP, NCN, Bilinear, Cosine, Dot, Hybrid, make_decoder
    from gneg.nn.encoders import Encoder, NoEmbeddings
    from gneg.nn.features import SparseFeatures
    from gneg.nn.lightgcn import LightGCN
    from gneg.nn.model import LinkPredictor, Scorer
    from gneg.nn.pair_features import PairFeatures
    from gneg.nn.pair_inputs import PairInputs
    from gneg.nn.registration import register_decoder, register_encoder
    from gneg.nn.stack import Stack

__all__ = [
    "MLP",
    "NCN",
    "Adjacency",
    "BaseMeasure",
    "Bilinear",
    "CommonNeighbors",
    "Cosine",
    "Dot",
    "Encoder",
    "Hybrid",
    "LightGCN",
    "LinkPredictor",
    "NoEmbeddings",
    "PairFeatures",
    "PairInputs",
    "Scorer",
    "SparseFeatures",
    "Stack",
    "kge",
    "make_decoder",
    "register_decoder",
    "register_encoder",
]

#: The module of each name, imported when it is first used: encoders bring in PyTorch Geometric.
_MODULES = {
    "MLP": "decoders",
    "NCN": "decoders",
    "Adjacency": "adjacency",
    "BaseMeasure": "base_measure",
    "Bilinear": "decoders",
    "CommonNeighbors": "common_neighbors",
    "Cosine": "decoders",
    "Dot": "decoders",
    "Encoder": "encoders",
    "Hybrid": "decoders",
    "LightGCN": "lightgcn",
    "LinkPredictor": "model",
    "NoEmbeddings": "encoders",
    "PairFeatures": "pair_features",
    "PairInputs": "pair_inputs",
    "Scorer": "model",
    "SparseFeatures": "features",
    "Stack": "stack",
    "kge": None,
    "make_decoder": "decoders",
    "register_decoder": "registration",
    "register_encoder": "registration",
}

__getattr__, __dir__ = lazy.names(__name__, _MODULES)
