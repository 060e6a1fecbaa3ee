"""How hard and how risky a sampler's negatives are, and what they cost."""

from __future__ import annotations

from gneg.evaluation.audit.run import audit, held_out_hits

__all__ = ["audit", "held_out_hits"]
