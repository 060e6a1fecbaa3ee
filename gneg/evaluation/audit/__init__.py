"""How hard and how risky a sampler's negatives are, and what they cost."""

from __future__ import annotations

from gneg.evaluation.audit.run import audit, has_held_out, held_out_hits

__all__ = ["audit", "has_held_out", "held_out_hits"]
