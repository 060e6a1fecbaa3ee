"""Configs: everything that decides the result of a training run but the data and the seed."""

from gneg.training.link_config import LinkConfig
from gneg.training.triple_config import TripleConfig

__all__ = ["LinkConfig", "TripleConfig"]
