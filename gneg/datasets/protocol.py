"""The attributes and methods that all datasets have, of pairs and of triples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

from torch import Tensor

from gneg.datasets.names import Names
from gneg.graph import KnownEdges, KnownTriples
from gneg.graph.known import KnownPolicy

#: The parts of a split.
Part = Literal["train", "valid", "test"]


@runtime_checkable
class Dataset(Protocol):
    """A dataset by split, as :class:`~gneg.datasets.LinkData` and ``TripleData`` are."""

    @property
    def name(self) -> str:
        """Name of the dataset."""

    @property
    def train(self) -> Tensor:
        """Training positives, ``[2, P]`` edges or ``[3, P]`` triples."""

    @property
    def valid(self) -> Any:
        """Validation positives, with the negatives that they are ranked against, if fixed."""

    @property
    def test(self) -> Any:
        """Test positives, with the negatives that they are ranked against, if fixed."""

    @property
    def split(self) -> str:
        """How the split was made."""

    @property
    def metric(self) -> str:
        """The metric to select and report by, such as ``"mrr"``."""

    @property
    def end_names(self) -> tuple[Names | None, ...]:
        """The user's own names for each row of the positives; None: they are ids."""

    def positives(self, part: Part) -> Tensor:
        """Return the positives of a part, ``[2, E]`` edges or ``[3, E]`` triples.

        Args:
            part: ``train``, ``valid`` or ``test``.

        Raises:
            ValueError: If there is no such part.
        """

    def known(self, policy: KnownPolicy = "train") -> KnownEdges | KnownTriples:
        """Return the positives that negatives avoid: those of training (honest), or more.

        Args:
            policy: ``train``, ``train+valid`` or ``all``.

        Raises:
            ValueError: If ``policy`` is unknown.
        """

    def sampler(
        self,
        text: str,
        *,
        known: KnownPolicy = "train",
        corrupt: Any = ...,
        unique: bool = False,
        z: Tensor | Callable[[], Tensor] | None = None,
    ) -> Any:
        """Build a sampler on the training graph from an expression.

        Args:
            text: The expression, such as ``"mixture(walk:0.5, uniform:0.5)"``.
            known: Positives that negatives avoid.
            corrupt: The end that is replaced: ``dst``, ``src`` or ``both`` of pairs; ``head``,
                ``tail``, ``both`` or ``bernoulli`` of triples.
            unique: Whether a row may hold a target only once.
            z: ``[N, D]`` embeddings, or a function that returns them, for samplers that look for
                similar nodes.

        Raises:
            ValueError: If the expression is malformed or an option is wrong.
        """

    def describe(self) -> dict[str, Any]:
        """Return the description of the data in the record of a run: name, sizes and ``hash``."""

    def fingerprint(self) -> str:
        """Return a hash that is the same for the same positives."""
