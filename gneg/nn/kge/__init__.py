"""Embeddings of knowledge graphs: TransE, DistMult, ComplEx, RotatE; R-GCN and CompGCN under them.

PyG has the four models in ``torch_geometric.nn.kge``, where each scores triples one by one.
Training with K negatives per positive, and ranking among all entities, score one query (an entity
and a relation) against many entities. Here a model therefore defines the vector of a query and its
comparison with an entity: the query is computed once, and ranking is a matrix product where the
comparison allows it.
"""

from gneg.nn.kge.base import KGE
from gneg.nn.kge.base_measure import TripleBaseMeasure
from gneg.nn.kge.encoders import ENCODERS, RGCN, CompGCN, RelationalEncoder
from gneg.nn.kge.models import ComplEx, DistMult, RotatE, TransE
from gneg.nn.kge.networks import ConvE, TuckER
from gneg.nn.kge.registration import register
from gneg.nn.kge.relation_inputs import RelationInputs
from gneg.nn.kge.scorer import Scorer, Tables

__all__ = [
    "ENCODERS",
    "KGE",
    "MODELS",
    "RGCN",
    "CompGCN",
    "ComplEx",
    "ConvE",
    "DistMult",
    "RelationInputs",
    "RelationalEncoder",
    "RotatE",
    "Scorer",
    "Tables",
    "TransE",
    "TripleBaseMeasure",
    "TuckER",
    "register",
]

#: The models by their names.
MODELS: dict[str, type[KGE]] = {
    "transe": TransE,
    "distmult": DistMult,
    "complex": ComplEx,
    "rotate": RotatE,
    "tucker": TuckER,
    "conve": ConvE,
}
