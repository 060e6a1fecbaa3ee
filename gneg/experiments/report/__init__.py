"""The report of ``gneg compare``: an HTML page, and figures as files for papers."""

from __future__ import annotations

try:
    import plotly  # noqa: F401
except ImportError as error:
    raise ImportError("reports need plotly: pip install 'gneg[report]'") from error

from gneg.experiments.report import figures
from gneg.experiments.report.page import page, write_page

__all__ = ["figures", "page", "write_page"]
