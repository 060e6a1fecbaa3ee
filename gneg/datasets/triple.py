"""A knowledge graph by split, with names, types and negatives where it has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gneg import checks, files
from gneg.datasets import repeated
from gneg.datasets.names import Names
from gneg.datasets.reading import Reading
from gneg.graph import KnownTriples, Triples
from gneg.graph.known import KnownPolicy
from gneg.graph.lazy import cached_property
from gneg.graph.triples import End, TripleCorrupt, triple_tensor
from gneg.samplers.triples import TripleSampler
from gneg.samplers.triples.typed import Allowed

PARTS = ("train", "valid", "test")
#: Ends of triples, by those of edges.
END_NAMES: dict[str, End] = {"dst": "tail", "src": "head"}


@dataclass(frozen=True)
class TripleData:
    """A knowledge graph split for completion.

    Rows of triples are head, relation and tail, in this order.

    Attributes:
        name: Name of the dataset.
        train: ``[3, P]`` long, training triples (head, relation, tail).
        valid: ``[3, V]`` long, validation triples.
        test: ``[3, T]`` long, test triples.
        num_entities: Number of entities, N.
        num_relations: Number of relations, R.
        entities: Names of entities, in the order of their ids; None: they have none.
        relations: Names of relations, in the order of their ids; None: they have none.
        types: For each entity the numbers of its types; None: not known.
        allowed: For each end the entities that each relation allows there, sorted, None for a
            relation that allows all; None: not known.
        verified: By part, ``[3, M]`` triples that people have checked to be false.
        negatives: By part and end, entities ``[E, M]`` that the official evaluation ranks the true
            one among; None: it ranks all entities.
        split: How the split was made.
        reading: What was understood of the files; None: the data is of no file.
        inference: Of an inductive split the graph of other entities whose validation and test
            triples are ranked; messages pass along its training triples. It has the same relations.

    Raises:
        ValueError: If a part is no ``[3, E]`` tensor of ids in range, or ``inference`` has other
            relations.
    """

    name: str
    train: Tensor
    valid: Tensor
    test: Tensor
    num_entities: int
    num_relations: int
    entities: Names | None = None
    relations: Names | None = None
    types: Sequence[Sequence[int]] | None = None
    allowed: Allowed | None = None
    verified: Mapping[str, Tensor] | None = None
    negatives: Mapping[str, Mapping[End, Tensor]] | None = None
    split: str = "given"
    reading: Reading | None = None
    inference: TripleData | None = None

    def __post_init__(self) -> None:
        """Refuse triples of ids that are not in the numbers of entities and relations.

        Raises:
            ValueError: If a part is no ``[3, E]`` tensor of ids in range, or ``inference`` has
                other relations.
        """
        if self.inference is not None and self.inference.num_relations != self.num_relations:
            allowed = f"a graph of the {self.num_relations:,} relations of training"
            checks.fail("inference", allowed, f"one of {self.inference.num_relations:,}")
        for part in PARTS:
            head, relation, tail = triple_tensor(part, self.positives(part))
            checks.node_range(f"{part}[0]", head, self.num_entities, "entity")
            checks.node_range(f"{part}[1]", relation, self.num_relations, "relation")
            checks.node_range(f"{part}[2]", tail, self.num_entities, "entity")

    @property
    def metric(self) -> str:
        """The metric to select and report by: mean reciprocal rank."""
        return "mrr"

    @property
    def ranked(self) -> TripleData:
        """The graph whose validation and test triples are ranked: ``inference``, if there is one.

        Models are selected by its validation triples.
        """
        return self if self.inference is None else self.inference

    @property
    def end_names(self) -> tuple[Names | None, Names | None, Names | None]:
        """The names of heads, relations and tails; None: they are their ids."""
        return self.entities, self.relations, self.entities

    @cached_property
    def unseen(self) -> int:
        """Number of validation and test triples with an entity or relation that is not in training.

        Nothing can be learned of these.
        """
        blank = partial(torch.zeros, dtype=torch.bool, device=self.train.device)
        entities, relations = blank(self.num_entities), blank(self.num_relations)
        entities[self.train[[0, 2]].flatten()] = True
        relations[self.train[1]] = True
        held_out = torch.cat([self.valid, self.test], dim=1)
        seen = entities[held_out[0]] & relations[held_out[1]] & entities[held_out[2]]
        return int((~seen).sum())

    @cached_property
    def repeated(self) -> dict[str, int]:
        """Numbers of triples that are repeated, such as ``{"test in train": 3}``, without zeros.

        They are kept and ranked, as published figures have them; a user's own files have none, see
        :func:`gneg.datasets.load_triples`.
        """
        return repeated.count({part: self.positives(part).cpu().numpy() for part in PARTS})

    @cached_property
    def backwards(self) -> int:
        """Number of test triples (h, r, t) of two entities with a training triple (t, r', h).

        Their answers may be read off training: of a relation and its inverse, or of a symmetric
        one (Toutanova and Chen, CVSC 2015).
        """
        size = self.num_entities
        ends = self.ranked.train[2] * size + self.ranked.train[0]
        head, _, tail = self.ranked.test
        joined = torch.isin(head * size + tail, ends) & (head != tail)
        return int(joined.sum())

    @cached_property
    def triples(self) -> Triples:
        """The training triples."""
        return Triples(self.train, self.num_entities, self.num_relations)

    def known(self, policy: KnownPolicy = "train", *, loops: bool = False) -> KnownTriples:
        """Return the triples that count as known: those of training (honest), or more on request.

        Args:
            policy: ``train``, ``train+valid`` or ``all``.
            loops: Whether (e, r, e) counts as known for every entity e and relation r.

        Raises:
            ValueError: If ``policy`` is unknown.
        """
        checks.choice("known", policy, ("train", "train+valid", "all"))
        if (policy, loops) in self._known:
            return self._known[policy, loops]
        held_out = {"train": [], "train+valid": [self.valid], "all": [self.valid, self.test]}
        known = KnownTriples(self.triples, *held_out[policy], loops=loops)
        self._known[policy, loops] = known
        return known

    @cached_property
    def _known(self) -> dict[tuple[KnownPolicy, bool], KnownTriples]:
        """Known triples that were asked for: their index takes longer to build than a batch."""
        return {}

    def positives(self, part: str) -> Tensor:
        """Return the triples ``[3, E]`` of ``train``, ``valid`` or ``test``.

        Raises:
            ValueError: If there is no such part.
        """
        triples: Tensor = getattr(self, checks.choice("part", part, PARTS))
        return triples

    def sampler(
        self,
        text: str,
        *,
        known: KnownPolicy = "train",
        corrupt: TripleCorrupt = "both",
        unique: bool = False,
        z: Tensor | Callable[[], Tensor] | None = None,
    ) -> TripleSampler:
        """Build a sampler on the training triples (see :func:`gneg.samplers.triples.build`).

        Args:
            text: The expression, such as ``"mixture(typed:0.5, uniform:0.5)"``.
            known: Triples that negatives avoid.
            corrupt: The end that is replaced: ``head``, ``tail``, ``both`` or ``bernoulli``.
            unique: Whether a row may hold an entity only once.
            z: ``[N, D]`` embeddings of entities, or a function that returns them, for samplers
                that look for similar entities.

        Raises:
            ValueError: If the expression is malformed or an option is wrong.
        """
        return TripleSampler(
            self.triples,
            text,
            known=self.known(known),
            corrupt=corrupt,
            z=z,
            types=self.types,
            allowed=self.allowed,
            unique=unique,
        )

    def describe(self) -> dict[str, Any]:
        """Return the description of the data in the record of a run."""
        inference = {} if self.inference is None else {"inference": self.inference.describe()}
        return {
            "name": self.name,
            "entities": self.num_entities,
            "relations": self.num_relations,
            "unseen": self.unseen,
            "triples": {part: self.positives(part).size(1) for part in PARTS},
            "hash": self.fingerprint(),
            "details_hash": self._details_hash,
            "names_hash": self._names_hash,
            **inference,
        }

    @cached_property
    def _names_hash(self) -> str | None:
        """A hash of the names of entities and relations, None without any."""
        names = [names for names in (self.entities, self.relations) if names is not None]
        return "-".join(each.fingerprint() for each in names) or None

    @cached_property
    def _details_hash(self) -> str:
        """A hash of what a run depends on beside triples: types and negatives."""
        types = None if self.types is None else [list(numbers) for numbers in self.types]
        tables = {f"verified {part}": table for part, table in (self.verified or {}).items()}
        for part, ends in (self.negatives or {}).items():
            tables |= {f"{part} {end}": table for end, table in ends.items()}
        shapes = [(name, tuple(table.shape)) for name, table in tables.items()]
        # Absent where nothing is known, so that hashes of earlier versions hold.
        allowed = [
            (end, [members if members is None else list(members) for members in of_end])
            for end, of_end in sorted((self.allowed or {}).items())
        ]
        return files.digest((types, shapes, *allowed), *tables.values())

    def fingerprint(self) -> str:
        """Return a hash of the entities and the triples of all parts, in their order."""
        header: tuple[int | str, ...] = (self.num_entities, self.num_relations)
        if self.inference is not None:
            header += (self.inference.fingerprint(),)
        return files.digest(header, *(self.positives(part) for part in PARTS))

    def __repr__(self) -> str:
        sizes = " / ".join(str(self.positives(part).size(1)) for part in PARTS)
        unseen = f", {self.unseen} of them with what is not in training" if self.unseen else ""
        counts = ", ".join(f"{count:,} {where}" for where, count in self.repeated.items())
        ranked = "" if self.inference is None else f"; ranked: {self.inference!r}"
        repeats = f"; repeated ones are kept: {counts}" if counts else ""
        return (
            f"TripleData({self.name}: {self.num_entities} entities, {self.num_relations} "
            f"relations, triples {sizes}{unseen}{repeats}{ranked})"
        )
