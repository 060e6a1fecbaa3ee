"""What the commands that answer have in common: options, checks, tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks, files
from gneg.cli.app import command_line, say, say_path
from gneg.cli.output import PAGE
from gneg.cli.tables import print_table
from gneg.cli.values import at_least
from gneg.datasets.naming import naming

ANSWERS = "Answers"
LISTED = 5  # queries without an answer that are named on the screen
FEW = 200  # held-out answers below which probabilities are rough

Run = Annotated[str, typer.Argument(help="The folder of a run, or one of its model-SEED.pt.")]
K = Annotated[
    int, typer.Option("--k", "-k", help="Answers to each.", rich_help_panel=ANSWERS), at_least(1)
]
KeepKnown = Annotated[
    bool,
    typer.Option(
        "--keep-known",
        help="List known answers too, marked: those of train, valid and test.",
        rich_help_panel=ANSWERS,
    ),
]
Why = Annotated[
    bool,
    typer.Option("--why", help="Say what the data have between both.", rich_help_panel=ANSWERS),
]
OutFile = Annotated[
    Path | None,
    typer.Option(help="File to write: .parquet, .csv or .jsonl.", rich_help_panel=ANSWERS),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Page to look at the answers.",
        rich_help_panel=ANSWERS,
    ),
]
Memory = Annotated[
    str,
    typer.Option(help="Memory for scores, such as 500MB or 2GB.", rich_help_panel=ANSWERS),
]


def load_model(run: str, kind: str) -> Any:
    """Return the model of a run of links or of triples."""
    from gneg.prediction import LinkModel, load

    with naming("run", "model"):
        model = load(run)
    is_link = isinstance(model, LinkModel)
    if is_link != (kind == "link"):
        wanted, command = ("triples", "gneg predict") if is_link else ("links", "gneg kg predict")
        checks.fail("run", f"a run on {wanted}", run, hint=f"{command} is for this one")
    return model


def check_file(out: Path, fresh: bool, *inputs: str | Path | None) -> None:
    """Refuse a file of answers that cannot be written, exists, or is read."""
    from gneg.prediction.export import check_out

    check_out(out, fresh=fresh, inputs=inputs)


def megabytes(text: str) -> int:
    """Return an amount of memory in units of 2^20 bytes, rounded down but for the first."""
    return max(1, checks.size("memory", text, 10**6) >> 20)


def print_answers(table: Any, names: tuple[str, ...], page: Any) -> dict[str, Any]:
    """Print answers as a table, and write their page if there is to be one.

    Returns:
        The answers, and the number of queries without one, for ``--json``.
    """
    columns = [*names, "score", "probability"]
    rows = [row for row in table.to_pylist() if row["score"] is not None]
    without = [row for row in table.to_pylist() if row["score"] is None]
    known = any(row["known"] for row in rows)
    columns += ["known"] * known + ["why"] * ("why" in table.column_names)
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    prose = len(columns) - len(names) - 2  # known and why
    if rows:
        print_table("", columns, cells, len(names), prose=prose, result=True)
    for row in without[:LISTED]:
        query = ", ".join(str(row[name]) for name in names if row[name] is not None)
        looked_for = next(name for name in names if row[name] is None)
        say(f"no {looked_for} is left for {query}: all are known", result=True)
    say_unanswered(len(without), listed=LISTED)
    if page is not None:
        page({"command": command_line()}, iter([table]))
    return {"answers": rows, "unanswered": len(without)}


def say_unanswered(count: int, *, listed: int = 0) -> None:
    """Print that some queries have no answer, and why.

    Args:
        count: Their number.
        listed: How many of them have been listed.
    """
    if count > listed:
        further = " more" if listed else ""
        queries = "query has" if count - listed == 1 else "queries have"
        say(f"{count - listed:,}{further} {queries} no answer left: all are known")
    if count:
        say("those of valid and test are known too: --keep-known lists them, marked")


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def make_page(model: Any, path: Path, title: str, looked_for: str, calibration: Any = None) -> Any:
    """Return what writes a page, given the header of answers and their tables.

    Args:
        model: The model.
        path: The page.
        title: Its title.
        looked_for: The end or part that is looked for.
        calibration: The calibration of the answers; None: that of the model.
    """

    def page(header: dict[str, Any], tables: Any) -> None:
        from gneg.prediction.page import write_page

        info = {**header, "looked_for": looked_for, "split": model.data.split}
        fitted = model.calibration if calibration is None else calibration
        write_page(path, tables, model.data, title=title, info=info, calibration=fitted)
        say_path("page", path)

    return page


def check_page(page: Path | None, *inputs: str | Path | None) -> None:
    """Refuse a page that cannot be written."""
    if page is None:
        return
    files.check_file("report", page, (".html",), replaces=PAGE, inputs=inputs)


def say_calibration(calibration: Any, answers: str = "answers") -> None:
    """Print what a probability means, and where it is rough.

    Args:
        calibration: The calibration of the answers.
        answers: What they are: a triple is another answer as a relation than as a tail.
    """
    note = (
        f"; a rough estimate, from {calibration.links:,} held-out ones"
        if calibration.links < FEW
        else ""
    )
    say(
        f"probability: the share of unknown {answers} with such a score that are in validation "
        f"or test; of all unknown {answers} one in {1 / calibration.base_rate:,.0f} is{note}"
    )
