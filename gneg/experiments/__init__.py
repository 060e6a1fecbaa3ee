"""Grids of training runs, their statistics and their report."""

from __future__ import annotations

from gneg import lazy

_MODULES = ("grid", "report", "search", "significance")
__getattr__, __dir__ = lazy.names(__name__, dict.fromkeys(_MODULES))
