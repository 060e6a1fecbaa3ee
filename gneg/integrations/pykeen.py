"""A PyKEEN negative sampler: any sampler of gneg in ``pykeen.pipeline.pipeline``.

    from gneg.integrations.pykeen import GnegCallback, GnegNegativeSampler

    callback = GnegCallback()  # only for samplers that select by the model
    pipeline(
        dataset="nations",
        model="TransE",
        negative_sampler=GnegNegativeSampler,
        negative_sampler_kwargs=dict(sampler="hardest(uniform, m=16)", callback=callback),
        training_kwargs=dict(callbacks=callback),
    )

Needs ``pip install gneg[pykeen]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from pykeen.sampling import NegativeSampler
from pykeen.sampling.filtering import Filterer
from pykeen.training.callbacks import TrainingCallback
from torch import Tensor

from gneg import checks
from gneg.graph import KnownTriples, Triples
from gneg.rng import generator_from
from gneg.samplers.triples import TripleSampler

__all__ = ["GnegCallback", "GnegNegativeSampler"]


class GnegCallback(TrainingCallback):
    """Hands PyKEEN's model to a :class:`GnegNegativeSampler`, and tells it of steps and epochs.

    Give the same one to the sampler and to the training.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sampler: TripleSampler | None = None

    def score(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Scores of triples of ids by the current model.

        Raises:
            ValueError: If the training does not know this callback.
        """
        if self._training_loop is None:
            given = "none of training_kwargs=dict(callbacks=...)"
            checks.fail("callback", "one that the training is given too", given)
        rows = torch.stack([head, relation, tail], dim=-1).view(-1, 3)
        with torch.no_grad():
            found: Tensor = self.model.score_hrt(rows.to(self.model.device))
        return found.view(head.shape).cpu()

    def post_batch(self, epoch: int, batch: Any, **kwargs: Any) -> None:
        """Step."""
        if self.sampler is not None:
            self.sampler.step(score=self.score)

    def post_epoch(self, epoch: int, epoch_loss: float, **kwargs: Any) -> None:
        """End the epoch."""
        if self.sampler is not None:
            model: Any = self.model
            with torch.no_grad():
                z = model.entity_representations[0]().detach().cpu().flatten(1)
            self.sampler.end_epoch(z=torch.view_as_real(z).flatten(1) if z.is_complex() else z)


class KnownFilterer(Filterer):
    """PyKEEN's way to ask which triples are known, exact.

    Args:
        known: What is known.
    """

    def __init__(self, known: KnownTriples) -> None:
        super().__init__()
        self.known = known

    def contains(self, batch: Tensor) -> Tensor:
        """Whether triples ``[..., 3]`` are known, ``[...]``."""
        return self.known.contains(batch.movedim(-1, 0))


class GnegNegativeSampler(NegativeSampler):
    """Negatives that are no training triples, refilled rather than masked.

    Args:
        mapped_triples: ``[E, 3]``, the training triples.
        num_entities: N.
        num_relations: R.
        num_negs_per_pos: Negatives per positive, K.
        filtered: Whether ``sample`` returns a mask of the slots that hold a negative. There is
            nothing else to filter, as known triples are never returned: without it a row with fewer
            than K repeats them, and one that ``sampler`` has none for gets uniform ones.
        filterer: Of PyKEEN; ``filtered`` unless None. The filter is an exact one, of gneg.
        filterer_kwargs: Of PyKEEN; not used.
        sampler: An expression, see :func:`gneg.samplers.triples.build`.
        corrupt: ``"both"``, ``"head"``, ``"tail"`` or ``"bernoulli"``.
        callback: What hands over the model, for samplers that select by it.
        seed: Of the negatives.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a callback.
    """

    hpo_default: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "num_negs_per_pos": {"type": int, "low": 1, "high": 100, "log": True},
        "corrupt": {"type": "categorical", "choices": ["both", "bernoulli"]},
    }

    def __init__(
        self,
        *,
        mapped_triples: Tensor,
        num_entities: int | None = None,
        num_relations: int | None = None,
        num_negs_per_pos: int | None = None,
        filtered: bool = False,
        filterer: Any = None,
        filterer_kwargs: Mapping[str, Any] | None = None,
        sampler: str = "uniform",
        corrupt: Any = "both",
        callback: GnegCallback | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(
            mapped_triples=mapped_triples,
            num_entities=num_entities,
            num_relations=num_relations,
            num_negs_per_pos=num_negs_per_pos,
        )
        triples = Triples(mapped_triples.t(), self.num_entities, self.num_relations)
        self.sampler = TripleSampler(triples, sampler, corrupt=corrupt)
        if "score" in self.sampler.needs and callback is None:
            checks.fail("callback", "a GnegCallback, for a sampler that selects by the model", None)
        self.uniform = TripleSampler(triples, known=self.sampler.known)
        if filtered or filterer is not None:
            self.filterer = KnownFilterer(self.sampler.known)
        self.callback = callback
        if callback is not None:
            callback.sampler = self.sampler
        self.generator = generator_from(seed)

    def sample(self, positive_batch: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return negatives ``[*B, K, 3]``, and a mask if there is anything to mask.

        Without ``filtered`` that is only where a triple has no negative at either end.
        """
        triples, mask = self._draw(positive_batch, self.sampler)
        if self.filterer is not None:
            return triples, mask
        triples, mask = self._filled(positive_batch, triples, mask)
        return triples, None if mask.all() else mask

    def corrupt_batch(self, positive_batch: Tensor) -> Tensor:
        """Return negatives ``[*B, K, 3]``."""
        return self._filled(positive_batch, *self._draw(positive_batch, self.sampler))[0]

    def _draw(self, batch: Tensor, sampler: TripleSampler) -> tuple[Tensor, Tensor]:
        """Negatives and the mask of the slots that are used; a row starts again where it ends."""
        shape, k = batch.shape[:-1], self.num_negs_per_pos
        pos = batch.reshape(-1, 3).t()
        score = None if self.callback is None else self.callback.score
        drawn = sampler.sample(pos, k, score=score, generator=self.generator)
        used = drawn.mask.sum(dim=1, keepdim=True).clamp(min=1)
        again = torch.arange(k, device=batch.device) % used
        triples = torch.stack(drawn.triples(), dim=-1)
        triples = triples.gather(1, again.unsqueeze(-1).expand_as(triples))
        return triples.view(*shape, k, 3), drawn.mask.view(*shape, k)

    def _filled(self, batch: Tensor, triples: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Uniform negatives where a row has none, and the mask of rows that have any."""
        have = mask.any(dim=-1)
        if not have.all():
            triples = triples.clone()
            triples[~have], some = self._draw(batch[~have], self.uniform)
            have = have.masked_scatter(~have, some.any(dim=-1))
        return triples, have.unsqueeze(-1).expand_as(mask)
