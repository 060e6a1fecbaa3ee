"""Formats that are not read, and what to do with each."""

from __future__ import annotations

from pathlib import Path

from gneg import checks

_RDF = (
    "convert it to N-Triples, with rdflib: "
    "rdflib.Graph().parse(path).serialize('graph.nt', format='nt')"
)
_PYTHON = "load it in Python and pass the object to gneg.datasets.from_pyg, or save it as csv"
_TABLE = "export the table of edges as csv"
_ARCHIVE = "unpack it and name the file or folder in it"
_GRAPH = "read it with networkx and save it with networkx.write_graphml"
#: What to do with a file, by suffix.
_REMEDIES = {
    **dict.fromkeys((".ttl", ".owl", ".rdf", ".n3", ".jsonld", ".trig", ".nq"), _RDF),
    **dict.fromkeys((".pt", ".pth", ".pkl", ".pickle", ".joblib", ".gpickle"), _PYTHON),
    **dict.fromkeys((".xlsx", ".xls", ".ods"), _TABLE),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3", ".duckdb", ".h5", ".hdf5"), _TABLE),
    **dict.fromkeys((".json", ".jsonl", ".ndjson"), _TABLE + ", a row for each edge"),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".tbz2", ".7z", ".rar"), _ARCHIVE),
    **dict.fromkeys((".gexf", ".dot", ".net", ".graph6"), _GRAPH),
}
_COMPRESSION = {".gz", ".bz2", ".zst"}


def check(argument: str, path: Path, allowed: str) -> None:
    """Refuse a file of a format that is not read, by its suffix.

    Args:
        argument: What the file is, for the error.
        path: The file.
        allowed: The formats that are read.

    Raises:
        ValueError: If it is of such a format.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".xz"]:
        checks.fail(argument, allowed, str(path), hint="decompress it, or compress it by gzip")
    if len(suffixes) > 1 and suffixes[-1] in _COMPRESSION:
        suffixes.pop()
    remedy = _REMEDIES.get(suffixes[-1]) if suffixes else None
    if remedy is not None:
        checks.fail(argument, allowed, str(path), hint=remedy)
