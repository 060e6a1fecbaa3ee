"""``gneg ingest``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.sources import IngestOptions, TableSource
from gneg.cli.values import at_least

Folder = Annotated[Path, typer.Option(help="Folder of the graph, for Graph.open and gneg sample.")]
Memory = Annotated[str, typer.Option(help="Memory to work with, at least 1GB; more is faster.")]
