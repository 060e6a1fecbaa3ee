"""The config of a link predictor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gneg import checks
from gneg.evaluation.metrics import Against
from gneg.graph.heuristics import KINDS
from gneg.graph.known import KnownPolicy
from gneg.losses import LOSSES
from gneg.nn import registration
from gneg.nn.choices import (
    GNNS,
    PAIR_KINDS,
    DecoderKind,
    Form,
    Inputs,
    JumpingKnowledge,
    Norm,
    StackedOn,
)
from gneg.samplers.base import Corrupt
from gneg.training import expressions
from gneg.training.options import documented, setting
from gneg.training.shared_settings import (
    BASE_MEASURE,
    BASE_WEIGHT,
    DEEPEST,
    DEVICE,
    EPOCHS,
    EVAL_EVERY,
    LARGEST,
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

Place = Literal["cpu", "device"]
Queries = Literal["positives", "any"]
#: Decoders without hidden layers, which have neither a number of layers nor dropout.
WITHOUT_LAYERS = ("dot", "cosine", "bilinear")
ENCODERS = (*GNNS, "lightgcn", "heuristics")


@documented
@dataclass(frozen=True)
class LinkConfig(TrainConfig):
    """Everything that decides the result of a link predictor but the data and the seed."""

    encoder: str = setting(
        "sage",
        "GNN under the decoder: sage, gcn, lightgcn; heuristics (no embeddings: a perceptron on "
        "the pair features, all of them unless named); or a training-free score: "
        f"{', '.join(KINDS)}.",
        choices=(*ENCODERS, *KINDS),
        registered=registration.ENCODERS,
    )
    decoder: DecoderKind | str | None = setting(
        None,
        "Score of two embeddings (ncn: also of their common neighbours); without it dot for "
        "lightgcn and bipartite graphs, cosine where nodes have features, else mlp",
        registered=registration.DECODERS,
    )
    sampler: str = setting(
        "mixture(uniform:0.75, walk:0.25)",
        "Expression of the sampler that draws the negatives, see gneg samplers.",
        check=expressions.check_sampler,
    )
    loss: str | None = setting(
        None,
        "Loss, see gneg losses; without it softmax, which corrects for the proposal, where the "
        "sampler has a log_q in closed form that is cheap to compute, else infonce",
        choices=tuple(LOSSES),
        registered=LOSSES,
    )
    k: int = K.field(8)
    hidden: int = setting(256, "Width of embeddings and layers.", low=1, high=WIDEST)
    layers: int = setting(2, "Layers of the encoder; 0 only for lightgcn.", low=0, high=DEEPEST)
    decoder_layers: int = setting(
        2, "Linear layers of mlp, hybrid and ncn decoders.", low=1, high=DEEPEST
    )
    dropout: float = setting(
        0.5, "Share of hidden values that the encoder drops.", low=0, high=1, below=True
    )
    decoder_dropout: float = setting(
        0.0,
        "Share of hidden values that mlp, hybrid and ncn decoders drop.",
        low=0,
        high=1,
        below=True,
    )
    inputs: Inputs | None = setting(
        None,
        "Input of the encoder; without it the features, or embeddings of nodes without features",
    )
    norm: Norm | None = setting(None, "Normalisation between layers of the encoder")
    jk: JumpingKnowledge | None = setting(None, "Jumping knowledge over the encoder's layers")
    fanout: str = setting(
        "none",
        "Neighbours of a node that each layer samples, such as 15,10, the layer next to the score "
        "first, -1 for all: mini-batches, for sage and gcn; none: the whole graph in every step.",
        check=expressions.check_fanout,
    )
    refresh_every: int | None = setting(
        None,
        "With a fanout, steps between refreshes of the embeddings that samplers which select by "
        "the model see; without it once an epoch",
        low=1,
    )
    corrupt: Corrupt = setting("both", "End of a positive that negatives replace")
    queries: Queries = setting(
        "positives",
        "Nodes whose negatives are drawn: the ends of the positives, or any nodes, in proportion "
        "to their non-edges, so that uniform negatives are uniform over all pairs",
    )
    mask_targets: bool = setting(True, "Hide the edges of a batch from message passing.")
    pair_features: str = setting(
        "none",
        "Heuristics of a pair that the decoder sees beside the embeddings: none, all, or some of "
        f"{', '.join(PAIR_KINDS)}, separated by commas.",
        check=expressions.check_kinds,
    )
    base_measure: str = setting("none", BASE_MEASURE, check=expressions.check_base_measure)
    base_weight: float | None = BASE_WEIGHT.field(None)
    base_form: Form = setting(
        "plain",
        "Whether the loss sees the score without the base measure (plain) or minus it (nce).",
    )
    stack: str = setting(
        "none",
        "Heuristics that are combined with the trained model: none, all, or some kinds of pair "
        "features, separated by commas.",
        check=expressions.check_kinds,
    )
    stack_on: StackedOn = setting(
        "valid",
        "Edges that the stack is fitted on: validation edges; folds of the training edges, by two "
        "more models that are trained without them, each as the first (train); or both",
    )
    known: KnownPolicy = setting(
        "train",
        "Edges that negatives avoid: train, train+valid or all; the last two use evaluation edges.",
        "Data",
    )
    epochs: int = EPOCHS.field(200)
    seconds: float | None = SECONDS.field(None)
    patience: int = PATIENCE.field(10)
    eval_every: int = EVAL_EVERY.field(5)
    batch_size: int | None = setting(
        None,
        "Positives per step; without it a sixteenth of the training edges, between 1,024 and "
        "65,536.",
        "Run",
        low=1,
    )
    rank: Against = setting(
        "sets",
        "Whether test edges are ranked against sets of negatives only, or also among all nodes but "
        "known ones, from both ends; where that takes too long, a random sample of them",
        "Run",
    )
    lr: float = LR.field(0.005)
    lr_decay: float = LR_DECAY.field(1.0)
    weight_decay: float = setting(0.0, "L2 penalty of Adam.", "Run", low=0, high=LARGEST)
    grad_clip: float = setting(1.0, "Largest norm of the gradient.", "Run", low=0, above=True)
    precision: Precision = setting("float32", PRECISION, "Run")
    device: str = DEVICE.field("cpu")
    negatives_on: Place = setting(
        "cpu",
        "Where negatives are drawn, the same ones: by kernels on the cpu, or by torch on the "
        "device of the model",
        "Run",
    )

    def check_together(self) -> None:
        """Refuse a GNN without layers, and a base measure or loss without a density."""
        expressions.check_loss(self.loss, self.sampler)
        if self.base_measure == "sampler":
            expressions.check_base_measure("base_measure", self.sampler)
        self.check_base_weight()
        if self.encoder in (*GNNS, *registration.ENCODERS) and self.layers < 1:
            checks.fail("layers", f"an integer >= 1 for the encoder {self.encoder}", self.layers)
        if self.encoder == "heuristics" and self.decoder not in (None, "dot"):
            allowed = "none with the encoder heuristics, which has no embeddings"
            checks.fail("decoder", allowed, self.decoder)
        if self.decoder in WITHOUT_LAYERS:
            reason = f"with the decoder {self.decoder}, which has no hidden layers"
            self.check_defaults("decoder_layers", "decoder_dropout", reason=reason)
        self._check_fanout()
        if self.queries == "any":
            expressions.check_any_queries("queries", self.loss, self.sampler)
        if self.negatives_on == "device":
            expressions.check_on_device("negatives_on", self.sampler)

    def _check_fanout(self) -> None:
        """Refuse mini-batches of what needs the whole graph."""
        if not self.in_batches:
            if self.refresh_every is not None:
                allowed = "given with a fanout only: without it embeddings are always those of now"
                checks.fail("refresh_every", allowed, self.refresh_every)
            return
        if self.encoder not in GNNS:
            checks.fail("fanout", "none but for the encoders sage and gcn", self.encoder)
        if len(expressions.fanouts(self.fanout)) != self.layers:
            checks.fail("fanout", f"{self.layers} numbers, one for each layer", repr(self.fanout))
        if self.decoder == "ncn":
            checks.fail("decoder", "another than ncn in mini-batches", self.decoder)
        if self.norm == "layer":  # PyG's, over all nodes together
            checks.fail("norm", "batch or None in mini-batches", self.norm)

    @property
    def decoder_sees(self) -> str:
        """The pair features that the decoder sees: without embeddings all, unless named."""
        alone = self.encoder == "heuristics" and self.pair_features == "none"
        return "all" if alone else self.pair_features

    @property
    def in_batches(self) -> bool:
        """Whether a step embeds sampled neighbourhoods, not the whole graph."""
        return self.fanout != "none"

    @property
    def training_free(self) -> bool:
        """Whether the encoder is a heuristic that needs no training."""
        return self.encoder in KINDS

    @property
    def model_name(self) -> str:
        """The name of the model in tables: the encoder."""
        return self.encoder
