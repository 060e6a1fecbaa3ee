"""What decides the result of a training run."""

from __future__ import annotations

from dataclasses import dataclass

from gneg import checks
from gneg.graph.heuristics import KINDS
from gneg.graph.known import KnownPolicy
from gneg.losses import LOSSES
from gneg.nn.base_measure import Form
from gneg.nn.decoders import DecoderKind
from gneg.nn.encoders import GNNS, Inputs, JumpingKnowledge, Norm
from gneg.samplers.base import Corrupt

#: Tried on validation; 0: no base measure.
BASE_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)
ENCODERS = (*GNNS, "lightgcn", "heuristics")


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a result but the data.

    Attributes:
        encoder: ``sage``, ``gcn``, ``lightgcn``, ``heuristics`` (no embeddings: a perceptron on
            ``pair_features``, all of them if ``none``), or a training-free ``cn``, ``aa``, ``ra``,
            ``ppr``, ``katz``, ``pa``, ``cosine``.
        decoder: ``mlp``, ``dot``, ``cosine``, ``hybrid`` or ``bilinear``; if None ``dot`` for
            ``lightgcn`` and in bipartite graphs, ``cosine`` where nodes have features (see
            benchmarks/README.md), else ``mlp``.
        sampler: An expression, see :func:`gneg.samplers.build`.
        loss: A name of :data:`gneg.losses.LOSSES`; if None ``softmax``, which corrects for the
            proposal, where the sampler has a closed-form ``log_q`` that costs little, else
            ``infonce``.
        k: Negatives per positive.
        epochs: Passes over the training edges at the most.
        seconds: Seconds of training (sampling, scoring and the model, without evaluation) at the
            most; None: no limit. The result then depends on the speed of the machine.
        patience: Evaluations without a better validation metric before stopping.
        eval_every: Epochs between evaluations.
        batch_size: Positives per step; by the number of training edges if None.
        lr: Learning rate of Adam.
        weight_decay: L2 penalty.
        grad_clip: Largest norm of the gradient.
        hidden: Width of embeddings and layers.
        layers: Layers of the encoder.
        decoder_layers: Layers of the ``mlp`` decoder.
        dropout: Share of hidden values dropped in the encoder.
        decoder_dropout: The same in the ``mlp`` decoder; costly on a CPU.
        inputs: ``features``, ``embedding`` or ``both``; by what there is if None.
        norm: ``batch``, ``layer`` or None.
        jk: Jumping knowledge, ``last``, ``cat``, ``max`` or None.
        known: Edges that negatives avoid; anything but ``train`` looks at evaluation edges.
        corrupt: The end that negatives replace.
        mask_targets: Hide the batch's own edges from message passing.
        pair_features: What :class:`gneg.nn.PairFeatures` shows the decoder: ``none``, ``all``, or
            some of its kinds with commas between.
        base_measure: What :class:`gneg.nn.BaseMeasure` adds to the score: ``none``, the density of
            the ``sampler``, or of another expression.
        base_weight: Its weight c; None: that of :data:`BASE_WEIGHTS` which is best on validation.
        base_form: ``plain`` or ``nce``, see there.
        stack: What :class:`gneg.nn.Stack` weighs against the model in the end, on validation:
            ``none``, ``all``, or some kinds of pair features with commas between.
        device: Where the model lives.
    """

    encoder: str = "sage"
    decoder: DecoderKind | None = None
    sampler: str = "mixture(uniform:0.75, walk:0.25)"
    loss: str | None = None
    k: int = 8
    epochs: int = 200
    seconds: float | None = None
    patience: int = 10
    eval_every: int = 5
    batch_size: int | None = None
    lr: float = 0.005
    weight_decay: float = 0.0
    grad_clip: float = 1.0
    hidden: int = 256
    layers: int = 2
    decoder_layers: int = 2
    dropout: float = 0.5
    decoder_dropout: float = 0.0
    inputs: Inputs | None = None
    norm: Norm | None = None
    jk: JumpingKnowledge | None = None
    known: KnownPolicy = "train"
    corrupt: Corrupt = "both"
    mask_targets: bool = True
    pair_features: str = "none"
    base_measure: str = "none"
    base_weight: float | None = None
    base_form: Form = "plain"
    stack: str = "none"
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what no run could use."""
        checks.choice("encoder", self.encoder, (*ENCODERS, *KINDS))
        checks.choice("loss", self.loss, (None, *LOSSES))
        for name in ("k", "epochs", "patience", "eval_every"):
            checks.integer(name, getattr(self, name), 1)
        if self.batch_size is not None:
            checks.integer("batch_size", self.batch_size, 1)
        if self.seconds is not None:
            checks.number("seconds", self.seconds, 0, open_low=True)
        checks.number("lr", self.lr, 0, open_low=True)
        checks.number("weight_decay", self.weight_decay, 0)
        checks.number("grad_clip", self.grad_clip, 0, open_low=True)
        checks.choice("base_form", self.base_form, ("plain", "nce"))
        if self.base_weight is not None:
            checks.number("base_weight", self.base_weight, 0)

    @property
    def training_free(self) -> bool:
        """Whether the encoder is a heuristic."""
        return self.encoder in KINDS
