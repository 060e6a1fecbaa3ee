"""The protocol that samplers of pairs and of triples satisfy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from gneg.graph import KnownEdges, KnownTriples
from gneg.samplers.negatives import Negatives

#: What a sampler needs beside positives: see :attr:`NegativeSampler.needs`.
Need = Literal["score", "keys", "z"]


@runtime_checkable
class NegativeSampler(Protocol):
    """What training, loaders and evaluation may ask of a sampler of pairs or of triples.

    :class:`~gneg.samplers.Sampler` and :class:`~gneg.samplers.triples.TripleSampler` satisfy it.
    """

    @property
    def known(self) -> KnownEdges | KnownTriples:
        """The edges or triples that are never returned."""

    @property
    def corrupt(self) -> str:
        """The end that is replaced."""

    @property
    def needs(self) -> frozenset[Need]:
        """What the caller has to supply.

        ``"score"``: the model, in `sample`. ``"keys"``: embeddings of the encoder, or of its moving
        average if `momentum` is not 0, as `sample`'s ``z``. ``"z"``: embeddings, in `end_epoch`.
        """

    @property
    def momentum(self) -> float:
        """Decay of the moving average of the encoder that makes the keys; 0: no average."""

    def sample(
        self,
        pos: Tensor,
        k: int,
        *,
        z: Any = None,
        score: Callable[..., Tensor] | None = None,
        generator: torch.Generator | None = None,
    ) -> Negatives:
        """Draw ``k`` negatives for each positive of ``pos``, ``[2, B]`` or ``[3, B]``."""

    def step(self, *, score: Callable[..., Tensor] | None = None) -> None:
        """Learn from the last draw, after the optimiser's step."""

    def end_epoch(self, *, z: Any = None) -> None:
        """Move on to the next epoch."""

    def report(self) -> dict[str, Any]:
        """Return what an adaptive sampler adds to the results of a run, JSON-serialisable."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state that ``load_state_dict`` restores."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what ``state_dict`` returned."""
