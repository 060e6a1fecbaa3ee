"""``gneg predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gneg import checks
from gneg.cli.answers import (
    ANSWERS,
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
from gneg.cli.app import app, command_line, say, say_path
from gneg.cli.groups import expand_groups
from gneg.cli.options import Fresh
from gneg.cli.output import print_json
from gneg.cli.progress import ProgressDisplay
from gneg.cli.values import Checked, exists, one_of
from gneg.datasets.naming import naming

PRINTED = 50  # nodes whose answers are printed where there is no --out


@app.command("predict")
@expand_groups
def predict_command(
    run: Run,
    node: Annotated[
        list[str] | None, typer.Option(help="A node by name; may be given several times.")
    ] = None,
    nodes: Annotated[
        Path | None,
        typer.Option(help="File with the name of a node in each line."),
        Checked(exists),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Answer for all nodes.")] = False,
    users: Annotated[
        bool, typer.Option("--users", help="Of users and items: items for users (for all).")
    ] = False,
    items: Annotated[
        bool, typer.Option("--items", help="Of users and items: users for items (for all).")
    ] = False,
    side: Annotated[
        str,
        typer.Option(help="End that is looked for: target or source of links."),
        one_of("target", "source"),
    ] = "target",
    k: K = 20,
    candidates: Annotated[
        str | None,
        typer.Option(
            help="Nodes that are scored for each: a number, or all; without it all for up to 16 "
            "nodes or where a score is a product of embeddings, else the larger of 100 and 5 k.",
            rich_help_panel=ANSWERS,
        ),
    ] = None,
    keep_known: KeepKnown = False,
    why: Why = False,
    out: OutFile = None,
    report: Page = None,
    memory: Memory = "1GB",
    new: Annotated[
        Path | None,
        typer.Option(
            help="Links of new nodes, which are then answered for (GraphSAGE, GCN on features)."
        ),
        Checked(exists),
    ] = None,
    new_features: Annotated[
        Path | None, typer.Option(help="Features of the new nodes, by name."), Checked(exists)
    ] = None,
    fresh: Fresh = False,
) -> None:
    """Say which links are missing: the likeliest new links of nodes, by a trained model.

    Known links, those of valid and test too, are left out; --keep-known lists them, marked. The
    probability of a pair is the share of held-out links among all pairs outside training that
    score as it does.

    [bold]gneg predict runs/friends-... --node Ann[/]

    [bold]gneg predict runs/friends-... --all -k 10 --out links.parquet[/]
    """
    _check_choices(
        {"--users": users, "--items": items, "--side source": side == "source"},
        {"--node": bool(node), "--nodes": nodes is not None, "--all": every,
         "--new": new is not None},
    )  # fmt: skip
    if new_features is not None and new is None:
        checks.fail("new_features", "left out without --new", str(new_features))
    looked_for = "source" if items else side
    options: dict[str, Any] = {
        "side": looked_for,
        "candidates": _candidates(candidates),
        "keep_known": keep_known,
        "why": why,
        "memory_mb": megabytes(memory),
    }
    inputs = run, nodes, new, new_features
    if out is not None:
        check_file(out, fresh, *inputs)
    check_page(report, *inputs, out)
    model = load_model(run, "link")
    if (users or items) and model.data.num_src is None:
        checks.fail("users, items", "left out for nodes of one kind", model.data.name)
    wanted = [*(node or []), *([] if nodes is None else names_in(nodes))]
    if new is None and not (wanted or every or users or items):
        checks.fail("node", "given, or --nodes, or --all", "none of them")
    model, ids = _queried(model, wanted, looked_for, new, new_features)
    if out is None and len(ids) > PRINTED:
        checks.fail("out", f"given for more than {PRINTED} nodes", "none")
    page = None
    if report is not None:
        page = make_page(model, report, f"Links of {model.data.name}", looked_for)
    if out is None:
        answers = model.answers(ids, k, **options)
        result = print_answers(answers, ("source", "target"), page)
    else:
        result = _write_links(model, out, ids, k, {**options, "page": page}, fresh)
    say_calibration(model.calibration)
    print_json({**result, "base_rate": model.calibration.base_rate})


def _check_choices(who: dict[str, bool], which: dict[str, bool]) -> None:
    """Refuse options that contradict each other."""
    for options in (who, which):
        typed = [name for name, chosen in options.items() if chosen]
        if len(typed) > 1 and set(typed) != {"--node", "--nodes"}:
            checks.fail(typed[1].removeprefix("--"), f"left out beside {typed[0]}", "both")


def _queried(
    model: Any, names: list[str], looked_for: str, new: Path | None, new_features: Path | None
) -> tuple[Any, Any]:
    """Return the model, with new nodes if there are any, and the ids that are asked about."""
    ids = None
    if new is not None:
        from gneg.prediction.new_nodes import with_new_nodes

        with naming("new"):
            model, ids = with_new_nodes(model, new, new_features=new_features)
    if names or ids is None:
        end = "source" if looked_for == "target" else "target"
        ids = model.ids(list(dict.fromkeys(names)) or None, end)
    return model, ids


def _write_links(
    model: Any, out: Path, ids: Any, k: int, options: dict[str, Any], fresh: bool
) -> dict[str, Any]:
    """Write the answers; return the header of the file."""
    from gneg.prediction.writing import write_links

    with ProgressDisplay() as display:
        header: dict[str, Any] = write_links(
            model,
            out,
            ids,
            k,
            **options,
            fresh=fresh,
            report=display.count("nodes"),
            command=command_line(),
        )
    if header["scored"] != "all":
        say(
            f"{header['scored']:,} candidates of each node were scored; in a sample of nodes they "
            f"held {100 * header['recall']:.1f} % of the {k} best of all: see --candidates"
        )
    say_path("links", out)
    say_unanswered(header["unanswered"])
    return header


def _candidates(text: str | None) -> Any:
    if text is None or text == "all":
        return text
    if not text.isdigit():
        checks.fail("candidates", "a number or all", repr(text))
    return int(text)


def names_in(path: Path) -> list[str]:
    """Return the names in a file, one a line."""
    from gneg.datasets.sources.delimited import decoded

    if not path.exists() or path.is_dir():
        checks.fail("nodes", "an existing file", str(path))
    with naming("nodes"):
        text = decoded(path, "a file with a name in each line")
    lines = text.replace("\r", "\n").split("\n")
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        checks.fail("nodes", "a file with a name in each line", f"{path}, which is empty")
    return names
