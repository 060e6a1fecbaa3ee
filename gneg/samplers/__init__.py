"""Samplers: each proposes or selects targets in its own way, all exclude known edges exactly."""

from gneg.samplers import formats
from gneg.samplers.adapt.adversarial import Adversarial
from gneg.samplers.adapt.cached import Cached
from gneg.samplers.adapt.curriculum import Curriculum
from gneg.samplers.adapt.schedules import Schedule
from gneg.samplers.adapt.self_paced import SelfPaced
from gneg.samplers.base import Query, Sampler
from gneg.samplers.guard.graph_guards import Community, DegreeCap, HeuristicPercentile, NodeTime
from gneg.samplers.guard.guarded import Guarded
from gneg.samplers.guard.guards import (
    AbsoluteMargin,
    Guard,
    RankRange,
    RelativeMargin,
    Rule,
    ScoreRange,
)
from gneg.samplers.pool import Pool
from gneg.samplers.propose.across import Across, AllTypes
from gneg.samplers.propose.degree import Degree
from gneg.samplers.propose.fixed import Fixed
from gneg.samplers.propose.in_batch import InBatch
from gneg.samplers.propose.khop import KHop
from gneg.samplers.propose.memory_bank import MemoryBank
from gneg.samplers.propose.mixture import Mixture
from gneg.samplers.propose.similar import Similar
from gneg.samplers.propose.uniform import Uniform
from gneg.samplers.propose.walk import Walk
from gneg.samplers.propose.weighted import Weighted
from gneg.samplers.protocol import NegativeSampler
from gneg.samplers.registration import register
from gneg.samplers.select.ahns import AHNS
from gneg.samplers.select.dns import DNS
from gneg.samplers.select.hardest import Hardest
from gneg.samplers.select.metropolis import Metropolis
from gneg.samplers.select.mixup import Mixup
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.select.select import Select
from gneg.samplers.select.semi_hard import SemiHard
from gneg.samplers.select.tempered import Tempered
from gneg.samplers.text.build import build
from gneg.samplers.text.names import SAMPLERS
from gneg.samplers.wrapper import Wrapper

__all__ = [
    "AHNS",
    "DNS",
    "SAMPLERS",
    "AbsoluteMargin",
    "Across",
    "Adversarial",
    "AllTypes",
    "Cached",
    "Community",
    "Curriculum",
    "Degree",
    "DegreeCap",
    "Fixed",
    "Guard",
    "Guarded",
    "Hardest",
    "HeuristicPercentile",
    "InBatch",
    "KHop",
    "MemoryBank",
    "Metropolis",
    "Mixture",
    "Mixup",
    "NegativeSampler",
    "NodeTime",
    "Pool",
    "Query",
    "RankRange",
    "RelativeMargin",
    "Rule",
    "Sampler",
    "Schedule",
    "ScoreRange",
    "Select",
    "SelectionRule",
    "SelfPaced",
    "SemiHard",
    "Similar",
    "Tempered",
    "Uniform",
    "Walk",
    "Weighted",
    "Wrapper",
    "build",
    "formats",
    "register",
]
