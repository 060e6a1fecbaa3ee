"""A PyKEEN negative sampler: any sampler of gneg in ``pykeen.pipeline.pipeline``.

    import gneg.integrations.pykeen  # noqa: F401, registers the names "gneg" with PyKEEN

    pipeline(
        dataset="nations",
        model="TransE",
        negative_sampler="gneg",
        negative_sampler_kwargs=dict(sampler="hardest(uniform, m=16)"),
        training_kwargs=dict(callbacks="gneg"),  # only for samplers that adapt to the model
    )

All of it can stand in a JSON file, so that a saved ``pipeline_config.json`` can be replicated;
:func:`pipeline_config` writes one with the settings of a config or preset of gneg.

A trained model is evaluated, audited and asked by gneg:

    data = gneg.datasets.load_triples("nations")
    result = pipeline(model="DistMult", **factories(data)._asdict())
    scorer = PykeenScorer(result.model, data, result.training)
    gneg.evaluation.triple.evaluate_triples(scorer.rows, data)
    gneg.audit(data, "hardest(uniform, m=32)", score=scorer)
    trained_model(result.model, data, result.training).predict_target(head="uk", tail="usa")

Needs ``pip install gneg[pykeen]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pykeen.sampling import NegativeSampler, negative_sampler_resolver
from pykeen.sampling.filtering import Filterer
from pykeen.training.callbacks import TrainingCallback, callback_resolver
from torch import Tensor
from torch.utils.data import get_worker_info

from gneg import checks
from gneg.graph import KnownTriples, Triples
from gneg.integrations.pykeen_config import pipeline_config
from gneg.integrations.pykeen_models import PykeenScorer, factories, trained_model
from gneg.rng import generator_from, split_seed
from gneg.samplers.triples import TripleSampler

__all__ = [
    "GnegCallback",
    "GnegNegativeSampler",
    "PykeenScorer",
    "factories",
    "pipeline_config",
    "trained_model",
]


class GnegCallback(TrainingCallback):
    """A callback that passes PyKEEN's model to a :class:`GnegNegativeSampler` and updates it.

    Pass it to the training, by its name ``"gneg"`` or as an object; the training loop passes it to
    the sampler that it makes. A sampler that you make yourself takes the object.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sampler: TripleSampler | None = None

    def register_training_loop(self, training_loop: Any) -> None:
        """Take the training loop, and let it make its sampler with this callback."""
        super().register_training_loop(training_loop)
        hint = getattr(training_loop, "negative_sampler", None)
        if isinstance(hint, str):
            hint = negative_sampler_resolver.lookup(hint)
        if hint is GnegNegativeSampler:
            options = training_loop.negative_sampler_kwargs or {}
            training_loop.negative_sampler_kwargs = {**options, "callback": self}

    def __getstate__(self) -> dict[str, Any]:
        # A worker has no use for the training loop, which may not be picklable.
        return {**self.__dict__, "_training_loop": None}

    def score(self, head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
        """Return the current model's scores of triples of ids of one shape.

        Raises:
            ValueError: If this callback was not passed to the training.
        """
        if self._training_loop is None:
            allowed = "passed to the training, training_kwargs=dict(callbacks=callback)"
            checks.fail("callback", allowed, "a callback without a training loop")
        rows = torch.stack([head, relation, tail], dim=-1).view(-1, 3)
        with torch.no_grad():
            scores: Tensor = self.model.score_hrt(rows.to(self.model.device))
        return scores.view(head.shape).cpu()

    def post_batch(self, epoch: int, batch: Any, **kwargs: Any) -> None:
        """Update the sampler after a step of the optimiser."""
        if self.sampler is not None:
            self.sampler.step(score=self.score)

    def post_epoch(self, epoch: int, epoch_loss: float, **kwargs: Any) -> None:
        """Update the sampler after an epoch."""
        if self.sampler is not None:
            model: Any = self.model
            with torch.no_grad():
                z = model.entity_representations[0]().detach().cpu().flatten(1)
            self.sampler.end_epoch(z=torch.view_as_real(z).flatten(1) if z.is_complex() else z)


class KnownFilterer(Filterer):
    """An exact filter of known triples with PyKEEN's interface.

    Args:
        known: The known triples.
    """

    def __init__(self, known: KnownTriples) -> None:
        super().__init__()
        self.known = known

    def contains(self, batch: Tensor) -> Tensor:
        """Return whether each of ``batch [..., 3]`` is a known triple, ``[...]`` bool."""
        return self.known.contains(batch.movedim(-1, 0))


class GnegNegativeSampler(NegativeSampler):
    """A PyKEEN negative sampler that never returns training triples and leaves no gaps.

    Args:
        mapped_triples: ``[E, 3]``, the training triples.
        num_entities: N.
        num_relations: R.
        num_negs_per_pos: Negatives per positive, K.
        filtered: Whether ``sample`` returns a mask of the slots that hold a negative. Known triples
            are never returned in either case. If False, a row with fewer than K negatives repeats
            them, and a row without any gets uniform ones.
        filterer: PyKEEN's filterer; any value but None acts as ``filtered=True``, with gneg's exact
            filter in its place.
        filterer_kwargs: Accepted for PyKEEN, and not used.
        sampler: A sampler expression, see :func:`gneg.samplers.triples.build`.
        corrupt: The end that is replaced: ``"both"``, ``"head"``, ``"tail"`` or ``"bernoulli"``.
        z: ``[N, D]`` vectors of entities in the order of their ids, a tensor or nested lists, for
            ``similar`` and ``nearmiss``.
        types: For each entity the numbers of its types, for ``typed(by=types)``.
        callback: The callback that passes the model, for samplers that adapt to it; set by
            ``training_kwargs=dict(callbacks="gneg")``.
        seed: Seed for the negatives. Workers of a data loader (``num_workers``) have streams of
            their own, new ones in each epoch, that depend on it and on PyKEEN's ``random_seed``.

    Raises:
        ValueError: If an argument is out of range, or the sampler needs a callback. In a worker, if
            the sampler selects by the model's scores: neither the model nor what is learnt from its
            draws would reach the worker.
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
        z: Tensor | Sequence[Sequence[float]] | None = None,
        types: Sequence[Sequence[int]] | None = None,
        callback: GnegCallback | None = None,
        seed: int = 0,
    ) -> None:
        seed = checks.integer("seed", seed, 0)
        checks.index_tensor("mapped_triples", mapped_triples, "[E, 3]")
        super().__init__(
            mapped_triples=mapped_triples,
            num_entities=num_entities,
            num_relations=num_relations,
            num_negs_per_pos=num_negs_per_pos,
        )
        triples = Triples(mapped_triples.t(), self.num_entities, self.num_relations)
        if z is not None:
            z = torch.as_tensor(z, dtype=torch.float)
        self.sampler = TripleSampler(triples, sampler, corrupt=corrupt, z=z, types=types)
        if self.sampler.needs and callback is None:
            hint = "training_kwargs=dict(callbacks='gneg') sets it"
            allowed = "a GnegCallback, for a sampler that adapts to the model"
            checks.fail("callback", allowed, None, hint=hint)
        self.uniform = TripleSampler(triples, known=self.sampler.known)
        if filtered or filterer is not None:
            self.filterer = KnownFilterer(self.sampler.known)
        self.callback = callback
        if callback is not None:
            callback.sampler = self.sampler
        self.seed, self.generator = seed, generator_from(seed)
        self.worker_seed: int | None = None

    def sample(self, positive_batch: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return negatives ``[*B, K, 3]``, and a mask ``[*B, K]`` or None.

        Without ``filtered`` there is a mask only if a triple has no negative at either end.
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
        """Return negatives, repeated to fill each row, and the mask of those before repetition."""
        shape, k = batch.shape[:-1], self.num_negs_per_pos
        pos = batch.reshape(-1, 3).t()
        self._enter_worker()
        score = None if self.callback is None else self.callback.score
        drawn = sampler.sample(pos, k, score=score, generator=self.generator)
        used = drawn.mask.sum(dim=1, keepdim=True).clamp(min=1)
        slots = torch.arange(k, device=batch.device) % used
        triples = torch.stack(drawn.triples(), dim=-1)
        triples = triples.gather(1, slots.unsqueeze(-1).expand_as(triples))
        return triples.view(*shape, k, 3), drawn.mask.view(*shape, k)

    def _enter_worker(self) -> None:
        """Begin a stream of its own in a new worker process, which has a copy of this sampler."""
        worker = get_worker_info()
        if worker is None or worker.seed == self.worker_seed:
            return
        if "score" in self.sampler.needs:
            allowed = "0 for a sampler that selects by the model's scores"
            checks.fail("num_workers", allowed, worker.num_workers)
        # torch draws the seeds of workers anew in each epoch, from its global state.
        self.worker_seed = worker.seed
        self.generator = generator_from(split_seed(self.seed, worker.seed))

    def _filled(self, batch: Tensor, triples: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Fill empty rows with uniform negatives; return all and the mask of filled rows."""
        filled = mask.any(dim=-1)
        if not filled.all():
            triples = triples.clone()
            triples[~filled], uniform_mask = self._draw(batch[~filled], self.uniform)
            filled = filled.masked_scatter(~filled, uniform_mask.any(dim=-1))
        return triples, filled.unsqueeze(-1).expand_as(mask)


negative_sampler_resolver.register(GnegNegativeSampler)
callback_resolver.register(GnegCallback, synonyms=["gneg"])
