"""Answers from trained models: recommendations, completions, probabilities."""

from __future__ import annotations

from gneg.prediction.calibrate import Calibration
from gneg.prediction.estimate_ranks import RankEstimate, estimate_ranks
from gneg.prediction.link import LinkModel
from gneg.prediction.loading import load
from gneg.prediction.triple import TripleModel

__all__ = ["Calibration", "LinkModel", "RankEstimate", "TripleModel", "estimate_ranks", "load"]
