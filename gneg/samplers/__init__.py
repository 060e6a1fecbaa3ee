"""Samplers: each proposes or selects targets in its own way, all exclude known edges exactly."""

from gneg.samplers.across import Across, AllTypes
from gneg.samplers.adversarial import Adversarial
from gneg.samplers.ahns import AHNS
from gneg.samplers.base import Query, Sampler
from gneg.samplers.build import SAMPLERS, build
from gneg.samplers.cached import Cached
from gneg.samplers.curriculum import Curriculum
from gneg.samplers.degree import Degree
from gneg.samplers.dns import DNS
from gneg.samplers.fixed import Fixed
from gneg.samplers.graph_guards import Community, DegreeCap, HeuristicPercentile, NodeTime
from gneg.samplers.guarded import Guarded
from gneg.samplers.guards import (
    AbsoluteMargin,
    Guard,
    RankRange,
    RelativeMargin,
    Rule,
    ScoreRange,
)
from gneg.samplers.hardest import Hardest
from gneg.samplers.in_batch import InBatch
from gneg.samplers.khop import KHop
from gneg.samplers.memory_bank import MemoryBank
from gneg.samplers.metropolis import Metropolis
from gneg.samplers.mixture import Mixture
from gneg.samplers.mixup import Mixup
from gneg.samplers.schedules import Schedule
from gneg.samplers.self_paced import SelfPaced
from gneg.samplers.semi_hard import SemiHard
from gneg.samplers.similar import Similar
from gneg.samplers.tempered import Tempered
from gneg.samplers.uniform import Uniform
from gneg.samplers.walk import Walk
from gneg.samplers.weighted import Weighted
from gneg.samplers.wrapper import Pool, Wrapper

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
    "NodeTime",
    "Pool",
    "Query",
    "RankRange",
    "RelativeMargin",
    "Rule",
    "Sampler",
    "Schedule",
    "ScoreRange",
    "SelfPaced",
    "SemiHard",
    "Similar",
    "Tempered",
    "Uniform",
    "Walk",
    "Weighted",
    "Wrapper",
    "build",
]
