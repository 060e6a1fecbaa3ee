"""Knowledge graphs by name, from text files and from PyG, PyKEEN and networkx objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets.sources import local, ogb
from gneg.datasets.splits import hold_out_covered
from gneg.datasets.triple import PARTS, TripleData
from gneg.graph import Triples
from gneg.graph.triples import triple_tensor

REMEDY = "a line is head, relation and tail, separated by tabs, in UTF-8"
Rows = Sequence[Sequence[str]]
Unseen = Literal["keep", "drop"]


class Source(NamedTuple):
    """The folder of a dataset and the address of ``train.txt``, ``valid.txt``, ``test.txt``."""

    folder: str
    url: str


_CONVE = "https://raw.githubusercontent.com/TimDettmers/ConvE/master/{}"
_KEEN = "https://raw.githubusercontent.com/ZhenfengLei/KGDatasets/master/{}"
_CODEX = "https://raw.githubusercontent.com/tsafavi/codex/master/data/triples/codex-{}"
_VILLMOW = "https://raw.githubusercontent.com/villmow/datasets_knowledge_embedding/master/{}"
NAMES = {
    "fb15k237": Source("fb15k237", _VILLMOW.format("FB15k-237")),
    "wn18rr": Source("wn18rr", _VILLMOW.format("WN18RR/text")),
    "yago3-10": Source("yago3-10", _KEEN.format("YAGO3-10")),
    "nations": Source("nations", _KEEN.format("Nations")),
    "umls": Source("umls", _KEEN.format("UMLS")),
    "kinship": Source("kinship", _KEEN.format("Kinship")),
    **{f"codex-{size}": Source(f"codex-{size}", _CODEX.format(size)) for size in "sml"},
}


def triple_names() -> list[str]:
    """Return the names that :func:`load_triples` knows."""
    return [*NAMES, *ogb.TRIPLE_NAMES]


def is_triples(dataset: str | Path) -> bool:
    """Return whether a dataset is a knowledge graph: a known name or a folder with train.txt."""
    has_name = _name(dataset) in triple_names()
    return has_name or (Path(dataset).expanduser() / "train.txt").exists()


def _name(dataset: str | Path) -> str:
    return str(dataset).lower().replace("fb15k-237", "fb15k237")


def load_triples(
    dataset: str | Path, *, root: str | Path | None = None, unseen: Unseen = "keep"
) -> TripleData:
    """Load a knowledge graph.

    Args:
        dataset: A name (``fb15k237``, ``wn18rr``, ``yago3-10``, ``codex-s``, ``codex-m``,
            ``codex-l``, ``nations``, ``umls``, ``kinship``, ``ogbl-biokg``, ``ogbl-wikikg2``) or a
            folder with ``train.txt``, ``valid.txt`` and ``test.txt``, whose lines hold head,
            relation and tail, separated by tabs.
        root: Folder to look for local copies in and to download to; the cache folder if None.
        unseen: Whether triples of validation and test with entities or relations that are not in
            training are kept (``"keep"``), as in published results, or left out (``"drop"``).

    Raises:
        ValueError: If there is no such dataset, or a file is not a list of triples.
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    name = _name(dataset)
    if name in ogb.TRIPLE_NAMES:
        return ogb.load_triples(name, local.folder_of(root))
    if name not in NAMES:
        path = Path(dataset).expanduser()
        if not path.is_dir():
            allowed = "a folder with train.txt, valid.txt and test.txt, or one of "
            names = ", ".join(triple_names())
            checks.fail("dataset", allowed + names, repr(str(dataset)))
        return read(path, path.name, unseen)
    folder = local.folder_of(root)
    needed = [f"{part}.txt" for part in PARTS]
    candidates = [f"{name}/raw", f"kg/{name}/raw", name, f"kg/{name}"]
    copy = local.find(folder, candidates, needed)
    return read(copy or _download(name, folder, needed), name, unseen)


def read(folder: Path, name: str, unseen: Unseen = "keep") -> TripleData:
    """Read ``train.txt``, ``valid.txt``, ``test.txt`` and CoDEx's verified negatives and types.

    Args:
        folder: The folder of the files; ``valid_negatives.txt``, ``test_negatives.txt`` and
            ``entity2types.json`` (there or in the folder above) may be missing.
        name: Name of the dataset.
        unseen: As in :func:`load_triples`.

    Raises:
        ValueError: If a file is missing or not a list of triples.
    """
    rows = {part: _rows(folder / f"{part}.txt") for part in PARTS}
    if not rows["train"]:
        checks.fail("dataset", "a folder with training triples", f"{folder / 'train.txt'} of none")
    data = from_named_triples(rows["train"], rows["valid"], rows["test"], name=name, unseen=unseen)
    assert data.entities is not None
    entity_ids = _ids(data.entities)
    relation_ids = _ids(data.relations or ())
    verified = {}
    for part in ("valid", "test"):
        path = folder / f"{part}_negatives.txt"
        if path.exists():
            negatives = _rows(path)
            ends = {end for head, _, tail in negatives for end in (head, tail)}
            unknown = ends - set(entity_ids) | {row[1] for row in negatives} - set(relation_ids)
            if unknown:
                allowed = "verified negatives of entities and relations of the graph"
                checks.fail("dataset", allowed, f"{min(unknown)} in {path}")
            verified[part] = _numbered(negatives, entity_ids, relation_ids)
    types = None
    for path in (folder / "entity2types.json", folder.parent / "entity2types.json"):
        if path.exists():
            types_of = files.read_record("dataset", path, {...: [str]}, remedy=REMEDY)
            type_ids = _ids(sorted({name for names in types_of.values() for name in names}))
            types = [
                [type_ids[name] for name in types_of.get(entity, ())] for entity in data.entities
            ]
            break
    return replace(data, types=types, verified=verified or None)


def from_named_triples(
    train: Rows, valid: Rows, test: Rows, *, name: str = "triples", unseen: Unseen = "keep"
) -> TripleData:
    """Make a dataset from triples of names, which are numbered in sorted order.

    Args:
        train: Training triples: rows of head, relation and tail.
        valid: Validation triples.
        test: Test triples.
        name: Name of the dataset.
        unseen: Whether triples of validation and test with entities or relations that are not in
            training are kept (``"keep"``), as in published results, or left out (``"drop"``).

    Raises:
        ValueError: If ``unseen`` is unknown.
    """
    checks.choice("unseen", unseen, ("keep", "drop"))
    entities = {end for head, _, tail in train for end in (head, tail)}
    relations = {relation for _, relation, _ in train}

    def known(row: Sequence[str]) -> bool:
        return row[0] in entities and row[1] in relations and row[2] in entities

    known_rows = [[row for row in part if known(row)] for part in (valid, test)]
    num_unseen = len(valid) + len(test) - sum(map(len, known_rows))
    if unseen == "drop":
        valid, test = known_rows
    rows = [*train, *valid, *test]
    entity_names = sorted({end for head, _, tail in rows for end in (head, tail)})
    relation_names = sorted({row[1] for row in rows})
    ids = _ids(entity_names), _ids(relation_names)
    return TripleData(
        name,
        _numbered(train, *ids),
        _numbered(valid, *ids),
        _numbered(test, *ids),
        len(entity_names),
        len(relation_names),
        entity_names,
        relation_names,
        unseen=num_unseen if unseen == "keep" else 0,
    )


def _ids(names: Sequence[str]) -> dict[str, int]:
    """Return the position of each name."""
    return {name: i for i, name in enumerate(names)}


def _rows(path: Path) -> list[list[str]]:
    """Return the lines of a file, each as head, relation and tail."""
    if not path.exists():
        checks.fail("dataset", "a folder with train.txt, valid.txt and test.txt", f"no {path}")
    with files.reading("dataset", path, "a file of triples", REMEDY):
        lines = path.read_text(encoding="utf-8").split("\n")
    rows = [line.rstrip("\r").split("\t") for line in lines if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) != 3:
            allowed = "lines of head, relation and tail, separated by tabs"
            checks.fail("dataset", allowed, f"{path}, line {number}")
    return rows


def _numbered(rows: Rows, ids: Mapping[str, int], relation_ids: Mapping[str, int]) -> Tensor:
    """Return triples of ids ``[3, E]``."""
    triples = [(ids[head], relation_ids[relation], ids[tail]) for head, relation, tail in rows]
    return torch.tensor(triples, dtype=torch.long).view(-1, 3).t().contiguous()


def _download(name: str, root: Path, needed: Sequence[str]) -> Path:
    from torch_geometric.data import download_url

    folder = root / NAMES[name].folder / "raw"
    for file in needed:
        try:
            download_url(f"{NAMES[name].url}/{file}", str(folder), log=False)
        except Exception as error:
            raise local.missing(name, root, f"{name}/raw", error) from error
    return folder


def from_triples(
    triples: Tensor | Any,
    *,
    name: str = "triples",
    shares: tuple[float, float] = (0.05, 0.1),
    seed: int = 0,
) -> TripleData:
    """Make a dataset from triples of ids by a random split that leaves every id a training triple.

    Args:
        triples: A tensor ``[3, E]``, a :class:`~gneg.Triples`, a PyKEEN ``TriplesFactory``, PyG
            data with ``edge_index`` and ``edge_type``, or a networkx ``MultiDiGraph``, whose edge
            keys (or attribute ``relation``) are the relations.
        name: Name of the dataset.
        shares: Shares of validation and test, each in [0, 1).
        seed: Seed of the split.

    Raises:
        ValueError: If ``triples`` is none of these.
    """
    whole = as_triples(triples)
    train, valid, test = hold_out_covered(whole.triples, shares, id_spaces=(0, 1, 0), seed=seed)
    sizes = whole.num_entities, whole.num_relations
    percent = f"{100 - 100 * sum(shares):g}/{100 * shares[0]:g}/{100 * shares[1]:g}"
    return TripleData(name, train, valid, test, *sizes, split=f"random {percent}, seed {seed}")


def as_triples(source: Any) -> Triples:
    """Return the triples that a tensor or an object of another library holds.

    Args:
        source: A tensor ``[3, E]``, a :class:`~gneg.Triples`, a PyKEEN ``TriplesFactory``, PyG data
            with ``edge_type``, or a networkx graph, as in :func:`from_triples`.

    Raises:
        ValueError: If ``source`` is none of these.
    """
    if isinstance(source, Triples):
        return source
    if isinstance(source, Tensor):
        return Triples(triple_tensor("triples", source))
    if hasattr(source, "mapped_triples"):  # PyKEEN
        return Triples(source.mapped_triples.t(), source.num_entities, source.num_relations)
    if hasattr(source, "edge_index") and getattr(source, "edge_type", None) is not None:
        head, tail = source.edge_index
        return Triples(torch.stack([head, source.edge_type, tail]), source.num_nodes)
    if not hasattr(source, "is_multigraph"):
        allowed = "a [3, E] tensor, Triples, a PyKEEN factory, PyG data with edge_type"
        checks.fail("triples", allowed + " or a networkx graph", type(source).__name__)
    return _from_networkx(source)


def _from_networkx(graph: Any) -> Triples:
    ids = {node: i for i, node in enumerate(graph)}
    edges = (
        graph.edges(keys=True, data=True)
        if graph.is_multigraph()
        else ((u, v, None, data) for u, v, data in graph.edges(data=True))
    )
    rows = [(ids[u], str(data.get("relation", key)), ids[v]) for u, v, key, data in edges]
    relation_ids = _ids(sorted({row[1] for row in rows}))
    index = [(head, relation_ids[relation], tail) for head, relation, tail in rows]
    triples = torch.tensor(index, dtype=torch.long).view(-1, 3).t()
    return Triples(triples, len(ids), len(relation_ids))
