"""A page to look at answers: one HTML file, which works without a network."""

from __future__ import annotations

from gneg.prediction.page.write import write_page

__all__ = ["write_page"]
