"""Configs of knowledge-graph models as PyKEEN's pipeline configurations; needs no PyKEEN."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import Any

import torch

from gneg import checks
from gneg.graph import Triples
from gneg.losses import SelfAdversarial
from gneg.samplers.triples import TripleSampler
from gneg.training.config import TripleConfig
from gneg.training.triple_models import make_triple_loss

__all__ = ["MODELS", "pipeline_config"]

#: PyKEEN's names of the models.
MODELS = {"transe": "TransE", "distmult": "DistMult", "complex": "ComplEx", "rotate": "RotatE"}
LOSSES = ("1vsall", "kvsall", "nssa")
#: Fields that have no counterpart, with the value that leaves them out.
WITHOUT = {"encoder": "none", "base_measure": "none", "known": "train", "sparse": False,
           "seconds": None}  # fmt: skip
Part = dict[str, Any]


def pipeline_config(
    config: TripleConfig, *, dataset: str | None = None, seed: int = 0
) -> dict[str, Any]:
    """Return a config as a configuration for ``pykeen.pipeline.pipeline_from_config``.

    It holds JSON values only. With the loss ``nssa`` the negatives are gneg's: import
    ``gneg.integrations.pykeen`` before the pipeline runs. What PyKEEN does in another way stands in
    ``metadata["differences"]``.

    Args:
        config: The config.
        dataset: PyKEEN's name of a dataset, or the path of one; None: pass the parts, such as
            ``**factories(data, create_inverse_triples=config.inverse)._asdict()``. A name is
            checked where PyKEEN is installed, else a warning says that it was not.
        seed: Seed of the pipeline and of the negatives.

    Raises:
        ValueError: If PyKEEN has no counterpart of a setting or no dataset of this name, or the
            sampler needs vectors.

    Example:
        >>> import gneg
        >>> from gneg.training.presets import preset
        >>> config = pipeline_config(gneg.TripleConfig(**preset("complex-n3")), dataset="nations")
        >>> config["pipeline"]["training_loop"], config["pipeline"]["loss"]
        ('lcwa', 'crossentropy')
    """
    checks.instance("config", config, (TripleConfig,))
    seed = checks.integer("seed", seed, 0)
    _check(config)
    training: Part = {"num_epochs": config.epochs, "batch_size": config.batch_size}
    if config.label_smoothing:
        training["label_smoothing"] = config.label_smoothing
    if config.loss == "nssa":
        training["callbacks"] = "gneg"  # for samplers that adapt to the model
    pipeline: Part = {
        **_data(config, dataset),
        **_model(config),
        **_loss(config, seed),
        "optimizer": {"adam": "Adam", "adagrad": "Adagrad"}[config.optimizer],
        "optimizer_kwargs": {"lr": config.lr},
        "training_kwargs": training,
        "stopper": "early",
        "stopper_kwargs": {
            "frequency": config.eval_every,
            "patience": config.patience,
            "metric": "inverse_harmonic_mean_rank",
            "relative_delta": 0.0,
        },
        "random_seed": seed,
        "device": config.device,
    }
    title = f"{MODELS[config.model]}, loss {config.loss}, from gneg"
    metadata = {"title": title, "differences": _differences(config)}
    return {"metadata": metadata, "pipeline": pipeline}


def _check(config: TripleConfig) -> None:
    """Refuse settings that PyKEEN has no counterpart of."""
    if config.model not in MODELS:
        checks.fail("model", f"one of {', '.join(MODELS)}, for PyKEEN", config.model)
    if config.loss not in LOSSES:
        checks.fail("loss", f"one of {', '.join(LOSSES)}, for PyKEEN", config.loss)
    for name, value in WITHOUT.items():
        if getattr(config, name) != value:
            checks.fail(name, f"{value}, for PyKEEN", getattr(config, name))
    _check_norms(config)
    if config.loss == "kvsall" and not config.inverse:
        checks.fail("inverse", "True for kvsall: PyKEEN predicts tails only", False)
    if config.loss == "kvsall" and config.label_smoothing:
        hint = "PyKEEN smooths labels of yes and no otherwise"
        checks.fail(
            "label_smoothing", "0 for kvsall, for PyKEEN", config.label_smoothing, hint=hint
        )
    if config.loss == "nssa":  # PyKEEN's config would need vectors for some samplers
        TripleSampler(Triples(torch.tensor([[0], [0], [1]]), 2, 1), config.sampler)


def _check_norms(config: TripleConfig) -> None:
    """Refuse weights of norms that PyKEEN's regularisers do not have."""
    norms = [name for name in ("n3", "l2") if getattr(config, name)]
    if norms and config.loss != "1vsall":
        hint = "it would be of negatives, too, or relative to another sum"
        checks.fail(norms[0], "0 but for the loss 1vsall, for PyKEEN", config.loss, hint=hint)
    if norms and config.model == "rotate":
        checks.fail(norms[0], "0 for rotate, whose angles PyKEEN does not have", "rotate")
    if len(norms) > 1:
        checks.fail("l2", "0 beside n3, for PyKEEN", config.l2)


def _data(config: TripleConfig, dataset: str | None) -> Part:
    if dataset is None:
        return {}
    _check_dataset(dataset)
    return {"dataset": dataset, "dataset_kwargs": {"create_inverse_triples": config.inverse}}


def _check_dataset(dataset: str) -> None:
    """Refuse a name that PyKEEN does not know and that is no path."""
    checks.instance("dataset", dataset, (str,))
    if importlib.util.find_spec("pykeen") is None:
        text = "the name of the dataset was not checked, which needs PyKEEN: pip install "
        warnings.warn(f"{text}'gneg[pykeen]'", stacklevel=4)
        return
    from pykeen.datasets import dataset_resolver

    names = sorted(dataset_resolver.lookup_dict)
    known = {*names, *dataset_resolver.synonyms}
    if dataset_resolver.normalize(dataset) not in known and not Path(dataset).exists():
        allowed = f"the path of a dataset or, for PyKEEN, one of {', '.join(names)}"
        checks.fail("dataset", allowed, repr(dataset), hint=checks.closest(dataset, names))


def _model(config: TripleConfig) -> Part:
    """Return the model without the constraints and penalties of PyKEEN's defaults."""
    initial = "xavier_uniform"
    options: Part = {"embedding_dim": config.dim, "entity_initializer": initial}
    if config.model != "rotate":  # whose relations are angles, uniform by default
        options["relation_initializer"] = initial
    if config.model == "transe":
        options |= {"scoring_fct_norm": config.p, "entity_constrainer": None}
    weight, power = max((config.n3, 3.0), (config.l2, 2.0))
    penalty: Part = {"regularizer": "no", "regularizer_kwargs": {}}
    if weight:
        penalty = {"regularizer": "powersum", "regularizer_kwargs": {"weight": weight, "p": power}}
    if config.model == "distmult":  # the penalty of the pipeline is that of its relations
        options["entity_representations_kwargs"] = {"constrainer": None, **penalty}
    return {"model": MODELS[config.model], "model_kwargs": options, **penalty}


def _loss(config: TripleConfig, seed: int) -> Part:
    """Return the loss, the training loop and the negatives."""
    if config.loss == "nssa":
        ours = make_triple_loss(config)
        assert isinstance(ours, SelfAdversarial)
        return {
            "loss": "nssa",
            "loss_kwargs": {"margin": ours.margin, "adversarial_temperature": 1.0},
            "training_loop": "slcwa",
            "negative_sampler": "gneg",
            "negative_sampler_kwargs": {
                "sampler": config.sampler,
                "corrupt": config.corrupt,
                "num_negs_per_pos": config.k,
                "seed": seed,
            },
        }
    loss = "crossentropy" if config.loss == "1vsall" else "bcewithlogits"
    return {"loss": loss, "training_loop": "lcwa" if config.inverse else "symmetriclcwa"}


def _differences(config: TripleConfig) -> list[str]:
    """Return what PyKEEN does in another way."""
    differences = []
    if config.model == "rotate":
        differences.append("model: the distance is the L2 norm of the moduli, not their sum")
    if config.dropout:
        differences.append(f"dropout={config.dropout:g}: nothing is dropped")
    if config.lr_decay != 1:
        differences.append(f"lr_decay={config.lr_decay:g}: the learning rate stays the same")
    if config.inverse and config.loss == "nssa":
        differences.append("inverse: both ends of an inverse triple are replaced, not its tail")
    if config.inverse and config.loss == "1vsall":
        differences.append("loss: a query counts once, not once for each of its answers")
    if config.inverse:
        differences.append(f"batch_size: {config.batch_size:,} queries, not their triples")
    if config.loss == "kvsall":
        differences.append("loss: the mean over entities, not their sum")
    if config.n3 or config.l2:
        differences.append("n3, l2: of all entities in place of the answers of the batch")
    return differences
