"""``gneg kg predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks
from gneg.cli.answers import (
    K,
    KeepKnown,
    Memory,
    OutFile,
    Page,
    Run,
    Why,
    check_file,
    check_page,
    load_model,
    make_page,
    megabytes,
    print_answers,
    say_calibration,
)
from gneg.cli.app import command_line, kg, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.values import Checked, exists
from gneg.datasets.naming import naming

PARTS = ("head", "relation", "tail")


@kg.command("predict")
@expand_groups
def predict_triples_command(
    run: Run,
    head: Annotated[str | None, typer.Option(help="Head of the triple.")] = None,
    relation: Annotated[str | None, typer.Option(help="Relation of the triple.")] = None,
    tail: Annotated[str | None, typer.Option(help="Tail of the triple.")] = None,
    queries: Annotated[
        Path | None,
        typer.Option(help="Table with two of the columns head, relation and tail."),
        Checked(exists),
    ] = None,
    k: K = 20,
    keep_known: KeepKnown = False,
    why: Why = False,
    out: OutFile = None,
    report: Page = None,
    memory: Memory = "1GB",
    fresh: Fresh = False,
) -> None:
    """Complete triples: the likeliest heads, relations or tails, by a trained model.

    Known triples are left out. The probability of an answer is the share of held-out triples
    among all unknown answers to known queries that score as it does.

    [bold]gneg kg predict runs/facts-... --head aspirin --relation treats[/]
    """
    memory_mb = megabytes(memory)
    if out is not None:
        check_file(out, fresh, run, queries)
    check_page(report, run, queries, out)
    model = load_model(run, "triple")
    given = dict(zip(PARTS, (head, relation, tail), strict=True))
    typed: dict[str, Any] = {name: [value] for name, value in given.items() if value is not None}
    if queries is not None:
        if typed:
            checks.fail("queries", "left out beside --head, --relation and --tail", str(queries))
        typed = _queries(queries)
    missing = [name for name in given if name not in typed]
    if len(missing) != 1:
        allowed = "given, all but the one that is looked for"
        checks.fail("head, relation, tail", allowed, ", ".join(typed) or "none of them")
    query = {name: model.ids(values, name) for name, values in typed.items()}
    options: dict[str, Any] = {"keep_known": keep_known, "why": why, "memory_mb": memory_mb}
    page = None
    if report is not None:
        page = make_page(model, report, f"Answers from {model.data.name}", missing[0])
    if out is None:
        table = model.answers(query, missing[0], k, **options)
        print_answers(table, PARTS, page)
        result = {"answers": table.to_pylist()}
    else:
        from gneg.prediction.writing import write_completions

        with ProgressDisplay() as display:
            result = write_completions(
                model,
                out,
                query,
                missing[0],  # type: ignore[arg-type]
                k,
                **options,
                fresh=fresh,
                page=page,
                report=display.count("queries"),
                command=command_line(),
            )
        say_path("answers", out)
    say_calibration(model)
    print_json({**result, "base_rate": model.calibration.base_rate})


def _queries(path: Path) -> dict[str, list[str]]:
    """Return two columns of a table of queries."""
    from gneg.datasets import TableOptions
    from gneg.datasets.sources import formats

    has_names = formats.has_reader(path)
    with naming("queries"):
        raw = formats.read(path, TableOptions(header=None if has_names else True))
    names = [name.strip().lower() for name in raw.names or []]
    columns = {name: raw.columns[names.index(name)].to_pylist() for name in PARTS if name in names}
    if len(columns) != 2 or any(names.count(name) > 1 for name in columns):
        allowed = "a table with two of the columns head, relation and tail"
        checks.fail("queries", allowed, f"{path} with {', '.join(raw.names or []) or 'no header'}")
    if not len(raw.columns[0]):
        checks.fail("queries", "a table with a query in each row", f"{path}, which has none")
    return columns
