"""Models: encoders on PyG's GNNs, decoders, training-free heuristics."""

from gneg.nn.adjacency import Adjacency
from gneg.nn.decoders import MLP, Bilinear, Dot, make_decoder
from gneg.nn.encoders import Encoder, SparseFeatures
from gneg.nn.heuristics import Heuristic
from gneg.nn.model import LinkPredictor

__all__ = [
    "MLP",
    "Adjacency",
    "Bilinear",
    "Dot",
    "Encoder",
    "Heuristic",
    "LinkPredictor",
    "SparseFeatures",
    "make_decoder",
]
