"""Samplers for triples of knowledge graphs; see :class:`TripleSampler`."""

from gneg.samplers.triples.build import build
from gneg.samplers.triples.itself import Itself
from gneg.samplers.triples.on_entities import OnEntities
from gneg.samplers.triples.triple_sampler import TripleSampler
from gneg.samplers.triples.typed import Typed
from gneg.samplers.triples.views import View

__all__ = ["Itself", "OnEntities", "TripleSampler", "Typed", "View", "build"]
