"""Names of networks and of their variants, without importing PyTorch Geometric."""

from __future__ import annotations

from typing import Literal

#: GNN encoders on PyG's layers, see :class:`gneg.nn.Encoder`.
GNNS = ("sage", "gcn")
#: Decoders, see :func:`gneg.nn.make_decoder`.
DecoderKind = Literal["mlp", "dot", "cosine", "hybrid", "bilinear", "ncn"]
#: Weights of common neighbours: 1, 1 / log(degree), 1 / degree, see :class:`gneg.nn.NCN`.
Weighting = Literal["cn", "aa", "ra"]
#: Input of an encoder, see :class:`gneg.nn.Encoder`.
Inputs = Literal["features", "embedding", "both"]
#: Normalisation between layers of an encoder.
Norm = Literal["batch", "layer"]
#: How the outputs of an encoder's layers are joined.
JumpingKnowledge = Literal["last", "cat", "max"]
#: Logits that the loss gets from a score with a base measure, see :class:`gneg.nn.BaseMeasure`.
Form = Literal["plain", "nce"]
#: Edges that a stack is fitted on, see :func:`gneg.training.stacking.fit`.
StackedOn = Literal["valid", "train", "both"]
#: Features of a pair, see :class:`gneg.nn.PairInputs`: common neighbours, Adamic-Adar, resource
#: allocation, PageRank (the mean of both directions), Katz's index of three steps, distance (2, 3,
#: more), degrees of both ends, and cosines: of features, and of features summed over one and two
#: steps.
PAIR_KINDS = ("cn", "aa", "ra", "ppr", "katz", "shell", "degree", "cosine", "smooth", "smooth2")
#: Scores of triples, see :mod:`gneg.nn.kge`.
TRIPLE_MODELS = ("transe", "distmult", "complex", "rotate", "tucker", "conve")
#: Message passing under a score of triples, see :mod:`gneg.nn.kge`.
RELATIONAL_ENCODERS = ("rgcn", "compgcn")
