"""Samplers: each proposes targets in its own way, all exclude known edges exactly."""

from gneg.samplers.base import Query, Sampler
from gneg.samplers.degree import Degree
from gneg.samplers.fixed import Fixed
from gneg.samplers.in_batch import InBatch
from gneg.samplers.khop import KHop
from gneg.samplers.mixture import Mixture
from gneg.samplers.parse import SAMPLERS, build
from gneg.samplers.similar import Similar
from gneg.samplers.uniform import Uniform
from gneg.samplers.walk import Walk

__all__ = [
    "SAMPLERS",
    "Degree",
    "Fixed",
    "InBatch",
    "KHop",
    "Mixture",
    "Query",
    "Sampler",
    "Similar",
    "Uniform",
    "Walk",
    "build",
]
