"""Hard evaluation sets."""

from __future__ import annotations

from gneg.evaluation.hardset.hard_set import HardSet
from gneg.evaluation.hardset.make import hardset

__all__ = ["HardSet", "hardset"]
