"""Knowledge-graph completion: training, filtered ranking, triple classification."""

from gneg.kg.classification import classify
from gneg.kg.comparison import compare
from gneg.kg.config import KGConfig
from gneg.kg.evaluation import evaluate, ranks
from gneg.kg.loading import trained
from gneg.kg.measure import Measured
from gneg.kg.risk import held_out_hits
from gneg.kg.sampled import evaluate_official, evaluate_sampled
from gneg.kg.trainer import KGTrainer
from gneg.kg.training import train

__all__ = [
    "KGConfig",
    "KGTrainer",
    "Measured",
    "classify",
    "compare",
    "evaluate",
    "evaluate_official",
    "evaluate_sampled",
    "held_out_hits",
    "ranks",
    "train",
    "trained",
]
