"""Embeddings of knowledge graphs: TransE, DistMult, ComplEx, RotatE; R-GCN and CompGCN under them.

PyG has the four in ``torch_geometric.nn.kge``, where a model scores triples one by one. Training
with K negatives a positive, and ranking among all entities, score one query (kept entity and
relation) against many entities, so that here a model says what a query is and how it is compared:
the query is computed once, and ranking is one matrix product where the comparison allows it.
"""

from gneg.nn.kge.base import KGE, Scorer, Tables
from gneg.nn.kge.base_measure import TripleBaseMeasure
from gneg.nn.kge.encoders import ENCODERS, RGCN, CompGCN, RelationalEncoder
from gneg.nn.kge.models import MODELS, ComplEx, DistMult, RotatE, TransE

__all__ = [
    "ENCODERS",
    "KGE",
    "MODELS",
    "RGCN",
    "CompGCN",
    "ComplEx",
    "DistMult",
    "RelationalEncoder",
    "RotatE",
    "Scorer",
    "Tables",
    "TransE",
    "TripleBaseMeasure",
]
