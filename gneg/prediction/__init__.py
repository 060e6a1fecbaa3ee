"""Answers from trained models: recommendations, completions, probabilities."""

from __future__ import annotations

from gneg.prediction.calibrate import Calibration
from gneg.prediction.link import LinkModel

__all__ = ["Calibration", "LinkModel"]
