"""Samplers for triples of knowledge graphs; see :class:`TripleSampler`."""

from gneg.samplers.kg.build import build
from gneg.samplers.kg.itself import Itself
from gneg.samplers.kg.on_entities import OnEntities
from gneg.samplers.kg.triple_sampler import TripleSampler
from gneg.samplers.kg.typed import Typed
from gneg.samplers.kg.views import View

__all__ = ["Itself", "OnEntities", "TripleSampler", "Typed", "View", "build"]
