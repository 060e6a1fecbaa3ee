"""``gneg kg predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks, files
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
    say_unanswered,
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
    export: Annotated[
        Path | None,
        typer.Option(
            help="Write the vectors of entities: .npy, or .parquet or .csv with their names."
        ),
    ] = None,
    export_relations: Annotated[
        Path | None,
        typer.Option(
            help="Write the vectors of relations: .npy, or .parquet or .csv with their names."
        ),
    ] = None,
    report: Page = None,
    memory: Memory = "1GB",
    fresh: Fresh = False,
) -> None:
    """Complete triples: the likeliest heads, relations or tails, by a trained model.

    Known triples, those of valid and test too, are left out; --keep-known lists them, marked. The
    probability of an answer is the share of held-out triples among all unknown answers to known
    queries that score as it does.

    [bold]gneg kg predict runs/facts-... --head aspirin --relation treats[/]

    [bold]gneg kg predict runs/facts-... --export entities.parquet[/]
    """
    memory_mb = megabytes(memory)
    if out is not None:
        check_file(out, fresh, run, queries)
    check_page(report, run, queries, out)
    _check_vectors("export", export, fresh, run, queries)
    _check_vectors("export_relations", export_relations, fresh, run, queries)
    _check_apart(out=out, report=report, export=export, export_relations=export_relations)
    model = load_model(run, "triple")
    ids = dict(zip(PARTS, (head, relation, tail), strict=True))
    typed: dict[str, Any] = {name: [value] for name, value in ids.items() if value is not None}
    if queries is not None:
        if typed:
            checks.fail("queries", "left out beside --head, --relation and --tail", str(queries))
        typed = _queries(queries)
    exported = _export(model, export, export_relations)
    if not typed and exported:
        print_json({"model": model.fingerprint})
        return
    missing = [name for name in ids if name not in typed]
    if len(missing) != 1:
        allowed = "given, all but the one that is looked for"
        hint = "a table of many queries is read by --queries"
        checks.fail("head, relation, tail", allowed, ", ".join(typed) or "none of them", hint=hint)
    query = {name: model.ids(values, name) for name, values in typed.items()}
    options: dict[str, Any] = {"keep_known": keep_known, "why": why, "memory_mb": memory_mb}
    page = None
    if report is not None:
        title = f"Answers from {model.data.name}"
        page = make_page(model, report, title, missing[0], model.calibration_of(missing[0]))
    if out is None:
        table = model.answers(query, missing[0], k, **options)
        result = print_answers(table, PARTS, page)
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
        say_unanswered(result["unanswered"])
    calibration = model.calibration_of(missing[0])
    of_relations = missing[0] == "relation"
    say_calibration(calibration, "relations of two entities" if of_relations else "answers")
    print_json({**result, "base_rate": calibration.base_rate})


def _export(model: Any, entities: Path | None, relations: Path | None) -> bool:
    """Write the vectors of entities and of relations; return whether any were asked for."""
    if entities is not None:
        model.embeddings(entities)
        say_path("vectors of entities", entities)
    if relations is not None:
        model.relation_embeddings(relations)
        say_path("vectors of relations", relations)
    return entities is not None or relations is not None


def _check_vectors(name: str, path: Path | None, fresh: bool, *inputs: Path | str | None) -> None:
    """Refuse a file of vectors that cannot be written, or exists."""
    if path is None:
        return
    from gneg.prediction.export import VECTOR_SUFFIXES

    files.check_file(name, path, VECTOR_SUFFIXES, fresh=fresh, inputs=inputs)


def _check_apart(**outputs: Path | None) -> None:
    """Refuse one file for two results."""
    written: dict[Path, str] = {}
    for name, path in outputs.items():
        if path is None:
            continue
        first = written.setdefault(path.resolve(), name)
        if first != name:
            checks.fail(name, f"another file than that of --{first}", str(path))


def _queries(path: Path) -> dict[str, list[str]]:
    """Return two columns of a table of queries."""
    from gneg.datasets import TableOptions
    from gneg.datasets.sources import formats

    has_names = formats.has_reader(path)
    with naming("queries"):
        options = TableOptions(header=None if has_names else True)
        kind = "a table with a query in each row"
        raw = formats.read(path, options, kind=kind, remedy="save it as UTF-8 text")
    names = [name.strip().lower() for name in raw.names or []]
    columns = {name: raw.columns[names.index(name)].to_pylist() for name in PARTS if name in names}
    if len(columns) != 2 or any(names.count(name) > 1 for name in columns):
        allowed = "a table with two of the columns head, relation and tail"
        checks.fail("queries", allowed, f"{path} with {', '.join(raw.names or []) or 'no header'}")
    if not len(raw.columns[0]):
        checks.fail("queries", kind, f"{path}, which has none")
    return columns
