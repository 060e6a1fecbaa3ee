"""``gneg report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import files
from gneg.cli.app import app, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.output import PAGE, print_json
from gneg.cli.progress import ProgressDisplay


@app.command("report")
@expand_groups
def report_command(
    results: Annotated[Path, typer.Argument(help="A compare.json of gneg compare, or its folder.")],
    out: Annotated[Path, typer.Option(help="Page to write.")] = Path("report.html"),
    figures: Annotated[
        Path | None,
        typer.Option(help="Folder for the same figures as PNG and SVG (needs Chrome or Chromium)."),
    ] = None,
) -> None:
    """Write a page, and figures for papers, from the results of gneg compare."""
    from gneg.experiments.record import read

    files.check_file("out", out, (".html",), replaces=PAGE)
    if figures is not None:
        files.check_output("figures", figures, folder=True)
    record = read("results", results)
    write_page(record, out)
    if figures is not None:
        from gneg.experiments.report import style
        from gneg.experiments.report.figures import comparison

        with ProgressDisplay() as display:
            paths = style.write(comparison(record), figures, display.count("figures"))
        say_path("figures", *paths)
    print_json({})


def write_page(results: dict[str, Any], out: Path) -> None:
    """Write the page of a comparison, and say where."""
    from gneg.experiments import report

    report.write_page(results, out)
    say_path("report", out)
