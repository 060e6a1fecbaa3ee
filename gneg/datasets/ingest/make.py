"""Files of edges into a stored graph, by stages that survive a kill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gneg import checks, files
from gneg.datasets.ingest.arrays import ArraySource
from gneg.datasets.ingest.build import Build, Shape
from gneg.datasets.ingest.database import NAME, Database, Report
from gneg.datasets.ingest.source import Source
from gneg.datasets.naming import naming
from gneg.datasets.table_options import TableOptions
from gneg.graph import store
from gneg.graph.folder import NODES, SIDES, check_folder, is_stored, place
from gneg.samplers.formats.parts import OWNER, Parts, in_use

#: Memory that a build needs at least, in bytes.
LEAST = 10**9


def ingest(
    edges: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    memory: str = "2GB",
    undirected: bool | None = None,
    bipartite: bool | None = None,
    keep_ids: bool = False,
    num_nodes: int | None = None,
    table: TableOptions | None = None,
    fresh: bool = False,
    report: Report | None = None,
    say: Callable[[str], object] = lambda _: None,
    command: str = "gneg.ingest()",
) -> dict[str, Any]:
    """Build a graph from files that need not fit in memory, for :meth:`gneg.Graph.open`.

    Reads text in columns (compressed or not), Parquet, Arrow and NumPy files. Nodes are numbered in
    the order of their ids, integers or text, as :func:`gneg.datasets.load` numbers them; where that
    changes an id, ``nodes.parquet`` (of two kinds of nodes ``sources.parquet`` and
    ``targets.parquet``) lists the ids. Self-loops are left out, edges that come again are one,
    whose weights add up. Finished stages outlive a kill: the same call resumes.

    Args:
        edges: The file, or several, or a folder of Parquet files.
        out: The folder, new or empty; a stored graph of other edges in it is replaced with
            ``fresh`` only.
        memory: Memory to work with, such as ``"2GB"``, at least 1 GB; more is faster.
        undirected: True adds every edge's reverse, False keeps the direction, None checks: a graph
            whose edges all appear in both directions is undirected.
        bipartite: Whether the two ends are different kinds of nodes; None: as the files say.
        keep_ids: Whether ids are integers from 0 that stay as they are, also where some are unused.
        num_nodes: N, with ``keep_ids``; None: the largest id + 1.
        table: How to read the files, where that is not to be found out.
        fresh: Whether to start again even if there are finished stages.
        report: Called with the name of a stage, what is done, and all (None: not known).
        say: Called with each line of what was understood of the files.
        command: The command line or call, for the record.

    Returns:
        The header of the stored graph.

    Raises:
        ValueError: If a file cannot be read, or an argument is out of range.
    """
    paths = _paths([edges] if isinstance(edges, str | Path) else edges)
    with naming("edges"):
        sources = [_source(path, TableOptions() if table is None else table) for path in paths]
    for source in sources:
        for line in source.lines():
            say(line)
        if source.weighted != sources[0].weighted:
            allowed = f"files that all have weights, or none, as {sources[0].name}"
            checks.fail("edges", allowed, source.name)
    two_kinds = any(source.bipartite for source in sources) if bipartite is None else bipartite
    shape = Shape(undirected, two_kinds, keep_ids, num_nodes)
    with naming("edges"):
        return build_graph(
            sources, out, shape, memory=memory, fresh=fresh, report=report, command=command
        )


def build_graph(
    sources: Sequence[Source],
    out: str | Path,
    shape: Shape,
    *,
    memory: str = "2GB",
    fresh: bool = False,
    report: Report | None = None,
    command: str = "gneg.ingest()",
) -> dict[str, Any]:
    """Build a graph from sources of edges; see :func:`ingest`.

    Args:
        sources: Where the edges come from.
        out: The folder.
        shape: What graph the edges make.
        memory: Memory to work with.
        fresh: Whether to start again even if there are finished stages.
        report: Called with the name of a stage, what is done, and all (None: not known).
        command: The command line or call, for the record.
    """
    if shape.undirected and shape.bipartite:
        checks.fail("undirected", "None or False where ends are of two kinds", True)
    if shape.num_nodes is not None and (not shape.keep_ids or shape.bipartite):
        allowed = "left out without keep_ids, and where ends are of two kinds"
        checks.fail("num_nodes", allowed, shape.num_nodes)
    limit = checks.size("memory", memory, LEAST)
    folder = check_folder("out", out)
    settings = {"sources": [source.settings() for source in sources], "shape": asdict(shape)}
    header = None if fresh else _finished(folder, settings)
    if header is not None:
        return header
    if in_use(folder):
        checks.fail("out", "a folder that no other process writes now", str(folder))
    parts = Parts(folder, settings, fresh=fresh)
    work = parts.folder
    if not is_stored(work):
        database = Database(work, limit, report or (lambda *_: None))
        try:
            facts = Build(database, work, sources, shape).run()
        except ValueError:  # no stage helps a call with other files or arguments
            database.close()
            parts.remove()
            raise
        except OSError as error:
            if error.errno is None:
                raise
            reason = f"{folder} cannot be written: {error.strerror}; make room"
            raise files.WriteError(f"{reason}, what is finished is kept") from error
        finally:
            database.close()
        origin = {
            "command": command,
            "settings": settings,
            **{name: facts[name] for name in ("counts", "mapped")},
        }
        store.finish(work, facts["num_dst"], shape.bipartite, facts["undirected"], origin)
    for name in (NAME, f"{NAME}.wal", OWNER):
        (work / name).unlink(missing_ok=True)
    place(work, folder)
    return store.read_header(folder)


def _finished(folder: Path, settings: Any) -> dict[str, Any] | None:
    """Return the header of the whole graph that settings made; None: it is to be made.

    Raises:
        ValueError: If other settings made it.
    """
    if not is_stored(folder):
        return None
    try:
        store.open_graph(folder)
        header = store.read_header(folder)
    except ValueError:  # damaged
        return None
    origin = header["origin"]
    if origin.get("settings") != settings:
        hint = "choose another folder, or --fresh (fresh=True) to replace it"
        value = f"{folder}, a graph of: {origin.get('command', 'Graph.save')}"
        checks.fail("out", "a new folder, or the graph of the same edges", value, hint=hint)
    names = SIDES if header["bipartite"] else (NODES,)
    sizes = dict(zip(names, (header["num_src"], header["num_dst"]), strict=False))
    try:
        whole = not header["origin"].get("mapped") or all(
            pq.read_metadata(folder / name).num_rows == size for name, size in sizes.items()
        )
    except (OSError, pa.ArrowInvalid):
        return None
    return header if whole else None


def _paths(edges: Sequence[str | Path]) -> list[Path]:
    """Return the files; those of a folder in the order of their names."""
    paths: list[Path] = []
    for entry in edges:
        path = Path(entry).expanduser()
        inside = (
            [p for p in sorted(path.iterdir()) if p.suffix == ".parquet"] if path.is_dir() else []
        )
        if not path.exists() or (path.is_dir() and not inside):
            allowed = "existing files, or a folder of .parquet files"
            checks.fail("edges", allowed, str(path))
        paths += [p.resolve() for p in inside or [path]]
    if not paths:
        checks.fail("edges", "one file or more", "none")
    return paths


def _source(path: Path, options: TableOptions) -> Source:
    """Return the reader of a file, by its suffix."""
    if path.suffix in (".npy", ".npz"):
        for entry in fields(options):
            if getattr(options, entry.name) != entry.default:
                checks.fail(entry.name, "left out for arrays, which have no columns", str(path))
        return ArraySource(path)
    from gneg.datasets.ingest.table import table_source

    return table_source(path, options)
