"""Datasets as folders of plain files: tensors, JSON and, for names, Parquet."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from torch import Tensor

from gneg import checks, files, records
from gneg.datasets.link import EvalEdges, LinkData
from gneg.datasets.names import Names
from gneg.datasets.reading import Reading
from gneg.datasets.triple import TripleData
from gneg.graph import KnownEdges, sparse

FOLDER = "data"  # of a run
TENSORS, HEADER, NAMES = "tensors.pt", "data.json", "names.parquet"
FORM = {
    "kind": str,
    "fields": dict,
    "description": dict,
    "tensors": [str],
    "reading": (dict, None),
    "sides": [str],
    "integers": [str],
}
KIND = "a whole folder of a dataset"
REMEDY = "load the dataset from its own file"
_SCALARS = {
    "link": ("name", "num_nodes", "undirected", "metric", "split", "num_src"),
    "triple": ("name", "num_entities", "num_relations", "split", "types", "allowed"),
}
_TENSORS = {
    "link": ("train", "history", "weight", "time", "negatives"),
    "triple": ("train", "valid", "test"),
}


def save(data: LinkData | TripleData, folder: Path) -> None:
    """Write a dataset, whole or not at all: its header comes last.

    Args:
        data: The dataset.
        folder: The folder, which is made; files of an earlier dataset are replaced.

    Raises:
        WriteError: If it cannot be written.
    """
    kind = "triple" if isinstance(data, TripleData) else "link"
    tensors = {name: getattr(data, name) for name in _TENSORS[kind]}
    tensors |= _of_triples(data) if isinstance(data, TripleData) else _of_links(data)
    present = {name: value.cpu() for name, value in tensors.items() if value is not None}
    (folder / HEADER).unlink(missing_ok=True)
    write_tensors(folder / TENSORS, present)
    names = _names(data)
    if names:
        table = pa.table(
            {
                "side": [side for side, values in names.items() for _ in values],
                "name": [name for values in names.values() for name in values],
            }
        )
        files.write_whole(folder / NAMES, lambda path: pq.write_table(table, path))
    header = {
        "kind": kind,
        "fields": {name: getattr(data, name) for name in _SCALARS[kind]} | _inference_name(data),
        "description": data.describe(),
        "tensors": sorted(present),
        "reading": None if data.reading is None else data.reading.record(),
        "sides": list(names),
        "integers": [side for side, values in names.items() if values.integers],
    }
    files.write_json(folder / HEADER, header)


def load(folder: Path) -> LinkData | TripleData:
    """Read what :func:`save` wrote.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    header = records.read_record("data", folder / HEADER, FORM, remedy=REMEDY)
    with files.reading("data", folder / TENSORS, KIND, REMEDY):
        mapped = (folder / TENSORS).stat().st_size >= files.MAPPED
        tensors: dict[str, Tensor] = read_tensors(folder / TENSORS, mapped=mapped)
    names = _read_names(folder, header) if header["sides"] else {}
    with files.reading("data", folder / HEADER, KIND, REMEDY):
        reading = None if header["reading"] is None else Reading.of_record(header["reading"])
        builders: dict[str, Callable[..., LinkData | TripleData]]
        builders = {"triple": _triples, "link": _links}
        # Of earlier versions: "unseen" is computed now, and "allowed" was not there.
        fields = {name: value for name, value in header["fields"].items() if name != "unseen"}
        data = builders[header["kind"]](fields, tensors, names, reading)
        # It follows from the triples; earlier versions wrote 0 for triples of ids.
        derived = {"unseen": 0}
        same = data.describe() | derived == header["description"] | derived
        whole = same and sorted(tensors) == header["tensors"]
    if not whole:
        checks.fail("data", KIND, f"{folder}: other data than {HEADER} describes", hint=REMEDY)
    return data


def is_foreign(folder: Path) -> bool:
    """Return whether a folder holds files that :func:`save` has not written."""
    if not folder.is_dir():
        return folder.exists()
    ours = {TENSORS, HEADER, NAMES}
    if any(path.name not in ours and not path.name.startswith(".") for path in folder.iterdir()):
        return True
    if not (folder / HEADER).exists():
        return False
    try:
        content = json.loads((folder / HEADER).read_text())
    except (OSError, ValueError):
        return False  # one that was cut off
    return not isinstance(content, dict) or not set(FORM) <= set(content)


def holds(folder: Path, description: dict[str, Any]) -> bool:
    """Return whether a folder holds the dataset of this description."""
    try:
        header = records.read_record("data", folder / HEADER, FORM, remedy=REMEDY)
    except ValueError:
        return False
    return bool(header["description"] == description)


def write_tensors(path: Path, value: Any) -> None:
    """Write what ``torch.save`` takes, whole or not at all."""

    def save(temporary: Path) -> None:
        try:
            # By its path torch would write its name inside.
            with files.archive_file(temporary) as file:
                torch.save(value, file)
        except RuntimeError as error:
            raise OSError(f"torch failed ({str(error).splitlines()[0][:120]})") from error

    files.write_whole(path, save)


def read_tensors(path: Path, device: torch.device | str = "cpu", *, mapped: bool = False) -> Any:
    """Return what :func:`write_tensors` wrote; torch itself does not look at the checksums.

    Args:
        path: The file.
        device: The device of the tensors.
        mapped: Whether they stay in the file, which is mapped and never changed.
    """
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        checks.fail("checksum", "that of the content", f"another one in {damaged}")
    return torch.load(path, map_location=device, weights_only=True, mmap=mapped)


def _names(data: LinkData | TripleData) -> dict[str, Names]:
    """Return the names of a dataset by side: of nodes, of sources and targets, or of triples."""
    if isinstance(data, TripleData):
        tables = {"entity": data.entities, "relation": data.relations}
        if data.inference is not None:
            tables["inference.entity"] = data.inference.entities
        return {side: Names(values) for side, values in tables.items() if values is not None}
    if isinstance(data.names, tuple):
        return {"source": data.names[0], "target": data.names[1]}
    return {} if data.names is None else {"node": data.names}


def _read_names(folder: Path, header: dict[str, Any]) -> dict[str, Names]:
    with files.reading("data", folder / NAMES, KIND, REMEDY):
        table = pq.read_table(folder / NAMES)
        sides = table["side"].to_pylist()
        columns = {side: [] for side in header["sides"]}  # type: ignore[var-annotated]
        for side, name in zip(sides, table["name"].to_pylist(), strict=True):
            columns[side].append(name)
        return {
            side: Names(list(map(int, values)) if side in header["integers"] else values)
            for side, values in columns.items()
        }


def _of_links(data: LinkData) -> dict[str, Tensor | None]:
    tensors: dict[str, Tensor | None] = {}
    for part, edges in (("valid", data.valid), ("test", data.test)):
        tensors |= {f"{part}.pos": edges.pos, f"{part}.mask": edges.mask}
        tensors |= {f"{part}.neg.{i}": end for i, end in enumerate(edges.neg)}
        tensors[f"{part}.known"] = None if edges.known is None else torch.ones(1)
    if data.x is not None and data.x.layout != torch.strided:
        rows = data.x.to_sparse_csr()
        tensors |= {"x.crow": rows.crow_indices(), "x.col": rows.col_indices()}
        tensors |= {"x.values": rows.values(), "x.shape": torch.tensor(rows.shape)}
    else:
        tensors["x"] = data.x
    return tensors


def _links(
    fields: Any, tensors: dict[str, Tensor], names: dict[str, Names], reading: Any
) -> LinkData:
    x = tensors.get("x")
    if "x.crow" in tensors:
        rows, width = tensors["x.shape"].tolist()
        x = sparse.csr(tensors["x.crow"], tensors["x.col"], tensors["x.values"], (rows, width))
    size = fields["num_nodes"]
    if fields["num_src"] is not None:
        size = fields["num_src"], fields["num_nodes"] - fields["num_src"]
    earlier = [tensors["train"]]
    held_out: dict[str, Any] = {}
    for part in ("valid", "test"):
        known = KnownEdges(*earlier, num_nodes=size) if f"{part}.known" in tensors else None
        neg = tensors[f"{part}.neg.0"], tensors[f"{part}.neg.1"]
        edges = EvalEdges(tensors[f"{part}.pos"], neg, tensors.get(f"{part}.mask"), known)
        earlier.append(edges.pos)
        held_out[part] = edges
    node_names: Any = names.get("node")
    if "source" in names:
        node_names = names["source"], names["target"]
    optional: dict[str, Any] = {name: tensors.get(name) for name in _TENSORS["link"]}
    return LinkData(**fields, **held_out, **optional, x=x, names=node_names, reading=reading)


def _of_triples(data: TripleData) -> dict[str, Tensor | None]:
    tensors: dict[str, Tensor | None] = {}
    for part, table in (data.verified or {}).items():
        tensors[f"verified.{part}"] = table
    for part, ends in (data.negatives or {}).items():
        tensors |= {f"negatives.{part}.{end}": table for end, table in ends.items()}
    if data.inference is not None:
        tensors["inference.num_entities"] = torch.tensor(data.inference.num_entities)
        for part in _TENSORS["triple"]:
            tensors[f"inference.{part}"] = data.inference.positives(part)
    return tensors


def _inference_name(data: LinkData | TripleData) -> dict[str, str]:
    """Return the name of the graph that an inductive split ranks; empty without any."""
    inference = getattr(data, "inference", None)
    return {} if inference is None else {"inference": inference.name}


def _triples(
    fields: Any, tensors: dict[str, Tensor], names: dict[str, Names], reading: Any
) -> TripleData:
    verified: dict[str, Tensor] = {}
    negatives: dict[str, Any] = {}
    for name, table in tensors.items():
        kind, *place = name.split(".")
        if kind == "verified":
            verified[place[0]] = table
        elif kind == "negatives":
            negatives.setdefault(place[0], {})[place[1]] = table
    triples: dict[str, Any] = {part: tensors[part] for part in _TENSORS["triple"]}
    inference, inference_name = None, fields.pop("inference", None)
    if inference_name is not None:
        train, valid, test = (tensors[f"inference.{part}"] for part in _TENSORS["triple"])
        inference = TripleData(
            inference_name,
            train,
            valid,
            test,
            int(tensors["inference.num_entities"]),
            fields["num_relations"],
            names.get("inference.entity"),
            names.get("relation"),
        )
    return TripleData(
        **fields,
        **triples,
        entities=names.get("entity"),
        relations=names.get("relation"),
        verified=verified or None,
        negatives=negatives or None,
        reading=reading,
        inference=inference,
    )
