"""Knowledge graphs by name, from files, from names and from PyG, PyKEEN and networkx objects."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.sources import (
    entity_types,
    inductive,
    local,
    ogb,
    openke,
    part_files,
    read_triples,
    table_kind,
    triple_columns,
    triple_parts,
)
from gneg.datasets.sources.known_names import (
    TRIPLES,
    known_name,
    link_names,
    triple_names,
    warn_of_local,
)
from gneg.datasets.sources.triple_parts import Unseen
from gneg.datasets.splits import hold_out_covered
from gneg.datasets.table_options import TableOptions
from gneg.datasets.triple import PARTS, TripleData
from gneg.graph import Triples
from gneg.graph.triples import triple_tensor

Rows = Sequence[Sequence[str]]


def is_triples(dataset: str | Path, table: TableOptions | None = None) -> bool:
    """Return whether a dataset is a knowledge graph.

    It is if it is a known name, a folder whose training file has no columns of edges alone, an
    N-Triples file or a table that clearly is one of triples: its header says so, or names in the
    first and third columns come again in each other and few, other ones in the second.

    Args:
        dataset: The name or path.
        table: What the caller says of a table: one with ends and no relation is of edges.
    """
    if known_name(dataset, triple_names()) is not None:
        return True
    if known_name(dataset, link_names()) is not None:
        return False
    path, options = Path(dataset).expanduser(), TableOptions() if table is None else table
    if not path.is_dir():
        return ".nt" in path.suffixes or table_kind.of_path(path, options) == "triples"
    training = part_files.by_part(path)["train"]
    if not training:
        return openke.is_openke(path) or inductive.parts_of(path) is not None
    return ".nt" in training[0].suffixes or table_kind.of_path(training[0], options) != "edges"


def load_triples(
    dataset: str | Path,
    *,
    root: str | Path | None = None,
    unseen: Unseen = "keep",
    table: TableOptions | None = None,
    seed: int = 0,
    types: str | Path | None = None,
) -> TripleData:
    """Load a knowledge graph.

    A folder has a file for each part, ``train``, ``valid`` (``val``, ``dev``) and ``test``, that
    ends in ``.txt``, ``.tsv``, ``.csv``, ``.parquet`` or ``.nt``, compressed or not; or it is
    OpenKE's, with ``train2id.txt`` and its maps. Columns are head, relation and tail in this order,
    or as a header says. Where the folder has ``entities.dict`` and ``relations.dict``, or
    ``entity2id.txt`` and ``relation2id.txt``, ids are those of these maps, whether triples are of
    names or of ids. Times are not used: a triple is held out only if no earlier part has it. A
    single file is split by its column ``split``, else at random, 85/5/10,
    such that every entity and relation keeps a training triple.

    A folder of an inductive split, GraIL's with a second one ``NAME_ind`` beside it or ILPC's with
    ``transductive_train.txt``, has the second graph as ``inference``: its validation and test
    triples are ranked among its own entities.

    Args:
        dataset: A name (``fb15k237``, ``wn18rr``, ``yago3-10``, ``codex-s``, ``codex-m``,
            ``codex-l``, ``nations``, ``umls``, ``kinship``, ``ogbl-biokg``, ``ogbl-wikikg2``), or
            the path of a folder or file; what holds a separator (``./codex-m``) is a path.
        root: Folder to look for local copies in and to download to; the cache folder if None.
        unseen: Whether triples of validation and test with entities or relations that are not in
            training are kept (``"keep"``), as in published results, or left out (``"drop"``).
        table: How to read the files, where that is not to be found out.
        seed: Seed of a random split.
        types: File of the types of entities, or of the entities that relations allow, for the
            samplers ``typed(by=types)`` and ``typed(by=domains)``: JSON of lists of types by entity
            (CoDEx), a table of entities and types, OpenKE's ``type_constrain.txt``, or N-Triples
            with ``rdf:type``, ``rdfs:domain`` and ``rdfs:range``. None: ``entity2types.json`` or,
            of OpenKE, ``type_constrain.txt`` in the folder of the triples.

    Raises:
        ValueError: If there is no such dataset, a file is not a list of triples, or a triple stands
            in two parts.
        MissingDataError: If the files are not there and cannot be downloaded.
    """
    data = _load(dataset, root, checks.choice("unseen", unseen, ("keep", "drop")), table, seed)
    return data if types is None else entity_types.with_types(data, types, dropped=unseen == "drop")


def _load(
    dataset: str | Path,
    root: str | Path | None,
    unseen: Unseen,
    table: TableOptions | None,
    seed: int,
) -> TripleData:
    """Return the knowledge graph with the types that are in its folder."""
    name = known_name(dataset, triple_names())
    options = TableOptions() if table is None else table
    if name is None:
        path = Path(dataset).expanduser()
        if path.is_file():
            return read_triples.from_file(path, unseen, options, seed)
        if not path.is_dir():
            allowed = (
                "a folder with train.txt, valid.txt and test.txt, a file of triples, or one of "
            )
            names = ", ".join(triple_names())
            checks.fail("dataset", allowed + names, repr(str(dataset)))
        graphs = inductive.parts_of(path)
        if graphs is None:
            return read_triples.from_folder(path, unseen, options)
        if unseen == "drop":
            checks.fail("unseen", "keep for an inductive split, whose entities are new", unseen)
        return inductive.read(path, graphs, options)
    if options != TableOptions():
        checks.fail("table", "None for a dataset that is known by name", name)
    warn_of_local(dataset, root)
    if name in ogb.TRIPLE_NAMES:
        if unseen == "drop":
            allowed = "keep for a dataset of OGB, whose official lists are of all triples"
            checks.fail("unseen", allowed, unseen)
        return ogb.load_triples(name, local.folder_of(root))
    folder = local.folder_of(root)
    needed = [f"{part}.txt" for part in PARTS]
    candidates = [f"{name}/raw", f"kg/{name}/raw", name, f"kg/{name}"]
    copy = local.find(folder, candidates, needed)
    return read_triples.published(copy or _download(name, folder, needed), name, unseen)


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
    columns = {
        part: [pa.array([row[i] for row in rows], pa.string()) for i in range(3)]
        for part, rows in zip(PARTS, (train, valid, test), strict=True)
    }
    return triple_parts.assemble(name, *triple_parts.number(columns, as_text=True), unseen)


def _download(name: str, root: Path, needed: Sequence[str]) -> Path:
    from torch_geometric.data import download_url

    folder = root / TRIPLES[name].folder / "raw"
    for file in needed:
        try:
            download_url(f"{TRIPLES[name].url}/{file}", str(folder), log=False)
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
        triples = Triples(triple_tensor("triples", source))
        sizes = [len(ids.unique()) for ids in triples.triples]
        if triple_columns.looks_turned(*sizes):
            text = f"{sizes[1]:,} relations in row 1 of triples and {sizes[2]:,} tails in row 2"
            warnings.warn(f"{text}: is the order right, or triples[[0, 2, 1]]?", stacklevel=3)
        return triples
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
    relation_ids = {name: i for i, name in enumerate(sorted({row[1] for row in rows}))}
    index = [(head, relation_ids[relation], tail) for head, relation, tail in rows]
    triples = torch.tensor(index, dtype=torch.long).view(-1, 3).t()
    return Triples(triples, len(ids), len(relation_ids))
