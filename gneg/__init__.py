"""gneg: exact, hard negatives for link prediction on graphs, at memory speed."""

from gneg import losses, metrics, samplers
from gneg.graph import Graph
from gneg.known import KnownEdges
from gneg.negatives import Negatives

__all__ = ["Graph", "KnownEdges", "Negatives", "losses", "metrics", "samplers"]
__version__ = "0.1.0"
