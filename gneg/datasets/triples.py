"""Knowledge graphs by name or from text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from gneg import checks
from gneg.datasets.sources import local
from gneg.graph import KnownTriples, Triples
from gneg.graph.triples import End

PARTS = ("train", "valid", "test")
Rows = Sequence[Sequence[str]]
Unseen = Literal["keep", "drop"]


class Source(NamedTuple):
    """The folder of a dataset and where its ``train.txt``, ``valid.txt``, ``test.txt`` are."""

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
#: Names of OGB, whose loader downloads them.
OGB = ("ogbl-biokg", "ogbl-wikikg2")


@dataclass(frozen=True)
class TripleData:
    """A knowledge graph split for completion.

    Attributes:
        name: What it was loaded as.
        train: ``[3, P]`` long, the training triples.
        valid: ``[3, V]`` long.
        test: ``[3, T]`` long.
        num_entities: N.
        num_relations: R.
        entities: Names of entities, in the order of their ids; None: they have none.
        relations: Names of relations.
        unseen: How many triples of validation and test have an entity or relation that is not in
            training, of which nothing can be learned.
        types: For each entity the numbers of its types; None: not known.
        verified: By part, ``[3, M]`` triples that people have checked to be false.
        negatives: By part and end, entities ``[E, M]`` that the official evaluation ranks the true
            one among; None: it ranks all.
    """

    name: str
    train: Tensor
    valid: Tensor
    test: Tensor
    num_entities: int
    num_relations: int
    entities: Sequence[str] | None = None
    relations: Sequence[str] | None = None
    unseen: int = 0
    types: Sequence[Sequence[int]] | None = None
    verified: Mapping[str, Tensor] | None = None
    negatives: Mapping[str, Mapping[End, Tensor]] | None = None

    @cached_property
    def triples(self) -> Triples:
        """The training triples."""
        return Triples(self.train, self.num_entities, self.num_relations)

    def known(self, policy: str = "train", *, loops: bool = False) -> KnownTriples:
        """Triples that count as known: those of training (honest), or more on request.

        Args:
            policy: ``train``, ``train+valid`` or ``all``.
            loops: See :class:`~gneg.graph.triples.KnownTriples`.

        Raises:
            ValueError: If ``policy`` is unknown.
        """
        checks.choice("known", policy, ("train", "train+valid", "all"))
        more = {"train": [], "train+valid": [self.valid], "all": [self.valid, self.test]}[policy]
        return KnownTriples(self.triples, *more, loops=loops)

    def part(self, name: str) -> Tensor:
        """``train``, ``valid`` or ``test``.

        Raises:
            ValueError: If there is no such part.
        """
        found: Tensor = getattr(self, checks.choice("part", name, PARTS))
        return found

    def __repr__(self) -> str:
        sizes = " / ".join(str(self.part(part).size(1)) for part in PARTS)
        unseen = f", {self.unseen} of them with what is not in training" if self.unseen else ""
        return (
            f"TripleData({self.name}: {self.num_entities} entities, {self.num_relations} "
            f"relations, triples {sizes}{unseen})"
        )


def is_triples(dataset: str | Path) -> bool:
    """Whether :func:`load_triples` knows the name, or it is a folder with ``train.txt``."""
    named = _name(dataset) in (*NAMES, *OGB)
    return named or (Path(dataset).expanduser() / "train.txt").exists()


def _name(dataset: str | Path) -> str:
    return str(dataset).lower().replace("fb15k-237", "fb15k237")


def load_triples(
    dataset: str | Path, *, root: str | Path | None = None, unseen: Unseen = "keep"
) -> TripleData:
    """Load a knowledge graph.

    Args:
        dataset: A name (``fb15k237``, ``wn18rr``, ``yago3-10``, ``codex-s``, ``codex-m``,
            ``codex-l``, ``nations``, ``umls``, ``kinship``, ``ogbl-biokg``, ``ogbl-wikikg2``) or a
            folder with ``train.txt``, ``valid.txt`` and ``test.txt``: head, relation, tail, with
            tabs between them.
        root: Folder to look for local copies in and to download to; the cache folder if None.
        unseen: See :func:`from_rows`.

    Raises:
        ValueError: If there is no such dataset, or a file is no list of triples.
        MissingDataError: If the files are neither there nor to be downloaded.
    """
    where = Path(root).expanduser() if root is not None else local.cache_dir() / "datasets"
    name = _name(dataset)
    if name in OGB:
        from gneg.datasets.sources.triple_formats import from_ogb

        return from_ogb(name, where)
    if name not in NAMES:
        folder = Path(dataset).expanduser()
        if not folder.is_dir():
            allowed = "a folder with train.txt, valid.txt and test.txt, or one of "
            checks.fail("dataset", allowed + ", ".join([*NAMES, *OGB]), repr(str(dataset)))
        return read(folder, folder.name, unseen)
    files = [f"{part}.txt" for part in PARTS]
    places = [f"{name}/raw", f"kg/{name}/raw", name, f"kg/{name}"]
    found = local.find(where, places, files)
    return read(found or _download(name, where, files), name, unseen)


def read(folder: Path, name: str, unseen: Unseen = "keep") -> TripleData:
    """Read ``train.txt``, ``valid.txt``, ``test.txt`` and what CoDEx has beside them.

    Raises:
        ValueError: If a file is missing or no list of triples.
    """
    rows = {part: _rows(folder / f"{part}.txt") for part in PARTS}
    data = from_rows(rows["train"], rows["valid"], rows["test"], name=name, unseen=unseen)
    assert data.entities is not None
    ids = {one: i for i, one in enumerate(data.entities)}
    relation_ids = {one: i for i, one in enumerate(data.relations or ())}
    verified = {
        part: _numbered(_rows(folder / f"{part}_negatives.txt"), ids, relation_ids)
        for part in ("valid", "test")
        if (folder / f"{part}_negatives.txt").exists()
    }
    types = None
    for place in (folder / "entity2types.json", folder.parent / "entity2types.json"):
        if place.exists():
            named = json.loads(place.read_text())
            kinds = {
                kind: i for i, kind in enumerate(sorted({t for ts in named.values() for t in ts}))
            }
            types = [[kinds[kind] for kind in named.get(one, ())] for one in data.entities]
            break
    return replace(data, types=types, verified=verified or None)


def from_rows(
    train: Rows, valid: Rows, test: Rows, *, name: str = "triples", unseen: Unseen = "keep"
) -> TripleData:
    """From named triples; entities and relations are numbered in sorted order.

    Args:
        train: Triples of names.
        valid: Those of validation.
        test: Those of the test.
        name: What to call it.
        unseen: Whether triples of validation and test with entities or relations that are not in
            training stay, as in published results, or are left out.

    Raises:
        ValueError: If ``unseen`` is unknown.
    """
    checks.choice("unseen", unseen, ("keep", "drop"))
    entities = {end for head, _, tail in train for end in (head, tail)}
    relations = {relation for _, relation, _ in train}

    def known(row: Sequence[str]) -> bool:
        return row[0] in entities and row[1] in relations and row[2] in entities

    kept = [[row for row in part if known(row)] for part in (valid, test)]
    lost = len(valid) + len(test) - sum(map(len, kept))
    if unseen == "drop":
        valid, test = kept
    every = [*train, *valid, *test]
    names = sorted({end for head, _, tail in every for end in (head, tail)})
    kinds = sorted({row[1] for row in every})
    numbers = {one: i for i, one in enumerate(names)}, {one: i for i, one in enumerate(kinds)}
    return TripleData(
        name,
        _numbered(train, *numbers),
        _numbered(valid, *numbers),
        _numbered(test, *numbers),
        len(names),
        len(kinds),
        names,
        kinds,
        unseen=lost if unseen == "keep" else 0,
    )


def _rows(path: Path) -> list[list[str]]:
    if not path.exists():
        checks.fail("dataset", "a folder with train.txt, valid.txt and test.txt", f"no {path}")
    lines = path.read_text(encoding="utf-8").split("\n")
    rows = [line.rstrip("\r").split("\t") for line in lines if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) != 3:
            checks.fail("dataset", "head, relation and tail with tabs", f"{path}, line {number}")
    return rows


def _numbered(rows: Rows, ids: Mapping[str, int], relation_ids: Mapping[str, int]) -> Tensor:
    """Triples of ids ``[3, E]``."""
    found = [(ids[head], relation_ids[relation], ids[tail]) for head, relation, tail in rows]
    return torch.tensor(found, dtype=torch.long).view(-1, 3).t().contiguous()


def _download(name: str, root: Path, files: Sequence[str]) -> Path:
    from torch_geometric.data import download_url

    folder = root / NAMES[name].folder / "raw"
    for file in files:
        try:
            download_url(f"{NAMES[name].url}/{file}", str(folder), log=False)
        except Exception as error:
            raise local.missing(name, root, f"{name}/raw", error) from error
    return folder
