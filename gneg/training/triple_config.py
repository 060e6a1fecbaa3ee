"""The config of a knowledge-graph model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gneg import checks
from gneg.graph.known import KnownPolicy
from gneg.graph.triples import TripleCorrupt
from gneg.losses import LOSSES
from gneg.nn import registration
from gneg.nn.choices import RELATIONAL_ENCODERS, TRIPLE_MODELS
from gneg.training import expressions
from gneg.training.options import documented, setting
from gneg.training.shared_settings import (
    BASE_MEASURE,
    BASE_WEIGHT,
    DEEPEST,
    DEVICE,
    EPOCHS,
    EVAL_EVERY,
    LR,
    LR_DECAY,
    PATIENCE,
    PRECISION,
    SECONDS,
    WIDEST,
    K,
    Precision,
    TrainConfig,
)

#: Losses that score all entities and take no negatives, see :mod:`gneg.nn.kge.all_entities`.
OVER_ALL = ("1vsall", "1vsrest", "kvsall")
#: Settings of negatives, which those losses do not have.
OF_NEGATIVES = ("sampler", "corrupt", "k", "known")
#: Models that drop values themselves.
WITH_DROPOUT = ("distmult", "complex", "tucker", "conve")


@documented
@dataclass(frozen=True)
class TripleConfig(TrainConfig):
    """Everything that decides the result of a knowledge-graph model but the data and the seed."""

    model: str = setting(
        "transe",
        "Score of triples (rotate sums moduli, as its authors do; PyKEEN takes their L2 norm)",
        choices=TRIPLE_MODELS,
        registered=registration.KGES,
    )
    dim: int = setting(
        100,
        "Width of embeddings (complex numbers for complex and rotate).",
        low=1,
        high=WIDEST,
    )
    p: int = setting(1, "Norm of TransE's distance, 1 or 2.", low=1)
    encoder: str = setting(
        "none",
        "Message passing under the model (on large graphs use large batches, such as 8192)",
        choices=("none", *RELATIONAL_ENCODERS),
        registered=registration.RELATIONAL,
    )
    layers: int = setting(1, "Layers of the encoder.", low=1, high=DEEPEST)
    dropout: float = setting(
        0.0,
        "Share of values dropped: before each layer of an encoder, and of queries by tucker, conve "
        "and, without an encoder, distmult and complex.",
        low=0,
        high=1,
        below=True,
    )
    inverse: bool = setting(False, "Predict heads as tails of inverse relations.")
    sampler: str = setting(
        "uniform",
        "Expression of the sampler: uniform, frequency, typed, khop, walk, relwalk, similar, "
        "nearmiss, itself, and selectors around them.",
        check=expressions.check_triple_sampler,
    )
    corrupt: TripleCorrupt = setting("bernoulli", "End of a positive that negatives replace")
    k: int = K.field(16)
    loss: str = setting(
        "nssa",
        "Loss, see gneg losses, or one over all entities, without negatives: 1vsall (softmax), "
        "1vsrest (the same without known answers) or kvsall (yes or no)",
        choices=(*LOSSES, *OVER_ALL),
        registered=LOSSES,
    )
    margin: float | None = setting(
        None,
        "Margin of the losses margin and nssa; without it 1 for margin and, for nssa, 9 with "
        "distances (transe, rotate) and 0 with other models. With the loss margin TransE's "
        "entities stay in the unit ball, as in its paper.",
    )
    label_smoothing: float = setting(
        0.0,
        "Share of a label that the losses 1vsall and kvsall spread over all entities.",
        low=0,
        high=1,
        below=True,
    )
    n3: float = setting(0.0, "Weight of the mean cubed norm of a batch's embeddings.", low=0)
    l2: float = setting(0.0, "Weight of the mean squared norm of a batch's embeddings.", low=0)
    base_measure: str = setting("none", BASE_MEASURE, check=expressions.check_triple_base_measure)
    base_weight: float | None = BASE_WEIGHT.field(None)
    known: KnownPolicy = setting(
        "train",
        "Triples that negatives avoid: train, train+valid or all; the last two use evaluation "
        "triples.",
        "Data",
    )
    epochs: int = EPOCHS.field(200)
    seconds: float | None = SECONDS.field(None)
    patience: int = PATIENCE.field(5)
    eval_every: int = EVAL_EVERY.field(20)
    batch_size: int = setting(
        1024,
        "Positives per step; with an encoder at most a quarter of the training triples, as it does "
        "not see those of its step.",
        "Run",
        low=1,
    )
    optimizer: str = setting("adam", "Optimiser.", "Run", choices=("adam", "adagrad"))
    lr: float = LR.field(0.003)
    lr_decay: float = LR_DECAY.field(1.0)
    sparse: bool = setting(
        False, "Sparse gradients, of a batch's rows, for large graphs and small batches.", "Run"
    )
    precision: Precision = setting("float32", PRECISION, "Run")
    device: str = DEVICE.field("cpu")

    def check_together(self) -> None:
        """Refuse settings that exclude each other, and a base measure or loss without a density."""
        expressions.check_loss(self.loss, self.sampler, triples=True)
        if self.base_measure == "sampler":
            expressions.check_triple_base_measure("base_measure", self.sampler)
        if self.margin is not None and self.loss not in ("margin", "nssa"):
            checks.fail("margin", "given with the losses margin and nssa only", self.loss)
        if self.label_smoothing and self.loss not in ("1vsall", "kvsall"):
            checks.fail("label_smoothing", "0 but for the losses 1vsall and kvsall", self.loss)
        self.check_base_weight()
        if self.loss in OVER_ALL:
            self._check_negatives()
        self._check_model()
        self._check_encoder()
        if self.sparse:
            self._check_sparse()

    def _check_model(self) -> None:
        """Refuse settings that the model does not have."""
        if self.p not in (1, 2):
            checks.fail("p", "1 or 2", self.p)
        if self.p != 1 and self.model != "transe":
            checks.fail("p", "1 with other models than transe, which have no norm", self.p)
        if self.model == "conve" and not self.inverse:
            checks.fail("inverse", "True for conve, which predicts tails only", False)
        if self.model == "conve" and self.encoder != "none":
            checks.fail("encoder", "none for conve, whose vectors hold biases", self.encoder)

    def _check_negatives(self) -> None:
        """Refuse settings of negatives where there are none."""
        of_measure: tuple[str, ...] = ()  # which is a density of negatives
        if self.base_measure != "none":
            of_measure = ("corrupt", "known")
        if self.base_measure == "sampler":
            of_measure += ("sampler",)
        names = [name for name in OF_NEGATIVES if name not in of_measure]
        reason = f"with the loss {self.loss}, which takes no negatives"
        self.check_defaults(*names, reason=reason)

    def _check_encoder(self) -> None:
        """Refuse settings of an encoder where there is none."""
        if self.encoder != "none":
            return
        self.check_defaults("layers", reason="without an encoder")
        if self.dropout and self.model not in WITH_DROPOUT:
            rule = f"0 for {self.model} without an encoder, which drops nothing"
            checks.fail("dropout", rule, self.dropout)

    def _check_sparse(self) -> None:
        """Refuse sparse gradients where some are dense."""
        if self.encoder != "none":
            checks.fail("sparse", "False with an encoder, whose gradients are dense", True)
        if self.model in ("tucker", "conve"):
            checks.fail("sparse", f"False for {self.model}, whose other weights are dense", True)
        if self.loss in OVER_ALL:
            checks.fail("sparse", f"False for {self.loss}, which scores every entity", True)
        if self.optimizer != "adam":
            checks.fail("sparse", "False for another optimiser than adam", True)

    @property
    def training_free(self) -> Literal[False]:
        """Whether the model needs no training: never."""
        return False

    @property
    def model_name(self) -> str:
        """The name of the model in tables, with its encoder if there is one."""
        return self.model if self.encoder == "none" else f"{self.model} on {self.encoder}"
