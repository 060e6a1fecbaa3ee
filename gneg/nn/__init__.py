"""Models: encoders on PyG's GNNs, decoders, training-free heuristics."""

from gneg.nn.adjacency import Adjacency
from gneg.nn.base_measure import BaseMeasure
from gneg.nn.decoders import MLP, Bilinear, Cosine, Dot, make_decoder
from gneg.nn.encoders import Encoder, NoEmbeddings, SparseFeatures
from gneg.nn.lightgcn import LightGCN
from gneg.nn.model import LinkPredictor, Scorer
from gneg.nn.pair_features import PairFeatures
from gneg.nn.pair_inputs import PairInputs
from gneg.nn.stack import Stack

__all__ = [
    "MLP",
    "Adjacency",
    "BaseMeasure",
    "Bilinear",
    "Cosine",
    "Dot",
    "Encoder",
    "LightGCN",
    "LinkPredictor",
    "NoEmbeddings",
    "PairFeatures",
    "PairInputs",
    "Scorer",
    "SparseFeatures",
    "Stack",
    "make_decoder",
]
