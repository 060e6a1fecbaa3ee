"""A knowledge graph by split, with names, types and negatives where it has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from gneg import checks
from gneg.graph import KnownTriples, Triples
from gneg.graph.known import KnownPolicy
from gneg.graph.triples import End

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class TripleData:
    """A knowledge graph split for completion.

    Attributes:
        name: Name of the dataset.
        train: ``[3, P]`` long, training triples (head, relation, tail).
        valid: ``[3, V]`` long, validation triples.
        test: ``[3, T]`` long, test triples.
        num_entities: Number of entities, N.
        num_relations: Number of relations, R.
        entities: Names of entities, in the order of their ids; None: they have none.
        relations: Names of relations, in the order of their ids; None: they have none.
        unseen: Number of validation and test triples with an entity or relation that is not in
            training, of which nothing can be learned.
        types: For each entity the numbers of its types; None: not known.
        verified: By part, ``[3, M]`` triples that people have checked to be false.
        negatives: By part and end, entities ``[E, M]`` that the official evaluation ranks the true
            one among; None: it ranks all entities.
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

    def known(self, policy: KnownPolicy = "train", *, loops: bool = False) -> KnownTriples:
        """Return the triples that count as known: those of training (honest), or more on request.

        Args:
            policy: ``train``, ``train+valid`` or ``all``.
            loops: Whether (e, r, e) counts as known for every entity e and relation r.

        Raises:
            ValueError: If ``policy`` is unknown.
        """
        checks.choice("known", policy, ("train", "train+valid", "all"))
        held_out = {"train": [], "train+valid": [self.valid], "all": [self.valid, self.test]}
        return KnownTriples(self.triples, *held_out[policy], loops=loops)

    def part(self, name: str) -> Tensor:
        """Return the triples ``[3, E]`` of ``train``, ``valid`` or ``test``.

        Raises:
            ValueError: If there is no such part.
        """
        triples: Tensor = getattr(self, checks.choice("part", name, PARTS))
        return triples

    def __repr__(self) -> str:
        sizes = " / ".join(str(self.part(part).size(1)) for part in PARTS)
        unseen = f", {self.unseen} of them with what is not in training" if self.unseen else ""
        return (
            f"TripleData({self.name}: {self.num_entities} entities, {self.num_relations} "
            f"relations, triples {sizes}{unseen})"
        )
