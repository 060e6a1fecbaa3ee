"""What decides the result of training on a knowledge graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gneg import checks
from gneg.datasets import TripleData
from gneg.graph.known import KnownPolicy
from gneg.losses import LOSSES, Loss, Margin, SelfAdversarial
from gneg.nn.kge import ENCODERS, KGE, MODELS, RelationalEncoder, TransE

Corrupt = Literal["both", "head", "tail", "bernoulli"]
#: The loss that needs no negatives: cross-entropy over all entities, from both ends.
ALL = "1vsall"


@dataclass(frozen=True)
class KGConfig:
    """Everything that decides a result but the data.

    Attributes:
        model: ``transe``, ``distmult``, ``complex`` or ``rotate``.
        dim: Width of embeddings (complex values where they are).
        p: Norm of TransE's distance, 1 or 2.
        encoder: Message passing under the model: ``none``, ``rgcn`` or ``compgcn``.
        layers: Of the encoder.
        dropout: Between its layers.
        inverse: Whether heads are asked for by inverse relations, see :class:`gneg.nn.kge.KGE`.
        sampler: An expression, see :func:`gneg.samplers.triples.build`.
        corrupt: The end that negatives replace: ``both``, ``head``, ``tail`` or ``bernoulli``.
        k: Negatives per positive.
        known: Triples that negatives avoid; anything but ``train`` looks at those of evaluation.
        loss: A name of :data:`gneg.losses.LOSSES`, or ``1vsall``, which takes no negatives.
        margin: Of the losses ``margin`` and ``nssa``; if None 1 and, for distances (TransE,
            RotatE), 9, for others 0. With the loss ``margin`` TransE's entities stay in the unit
            ball, as in its paper.
        l2: Weight of the mean squared norm of a batch's embeddings.
        n3: Weight of the mean cubed norm of a batch's embeddings.
        epochs: Passes over the training triples at the most.
        seconds: Seconds of training at the most; None: no limit.
        patience: Evaluations without a better validation MRR before stopping.
        eval_every: Epochs between evaluations.
        batch_size: Positives per step.
        lr: Learning rate of Adam.
        sparse: Sparse gradients (and ``SparseAdam``): for large graphs and small batches.
        base_measure: What :class:`gneg.nn.kge.measured.Measured` adds to the score: ``none``, the
            density of the ``sampler``, or of another expression.
        base_weight: Its weight c; None: that of :data:`~gneg.training.config.BASE_WEIGHTS` which is
            best on validation.
        device: Where the model lives.
    """

    model: str = "transe"
    dim: int = 100
    p: int = 1
    encoder: str = "none"
    layers: int = 1
    dropout: float = 0.0
    inverse: bool = False
    sampler: str = "uniform"
    corrupt: Corrupt = "bernoulli"
    k: int = 16
    known: KnownPolicy = "train"
    loss: str = "nssa"
    margin: float | None = None
    l2: float = 0.0
    n3: float = 0.0
    epochs: int = 200
    seconds: float | None = None
    patience: int = 5
    eval_every: int = 20
    batch_size: int = 1024
    lr: float = 0.003
    sparse: bool = False
    base_measure: str = "none"
    base_weight: float | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        """Refuse what no run could use."""
        checks.choice("model", self.model, tuple(MODELS))
        checks.choice("loss", self.loss, (*LOSSES, ALL))
        checks.choice("encoder", self.encoder, ("none", *ENCODERS))
        for name in ("dim", "layers", "k", "epochs", "patience", "eval_every", "batch_size"):
            checks.integer(name, getattr(self, name), 1)
        checks.number("lr", self.lr, 0, open_low=True)
        checks.number("l2", self.l2, 0)
        if self.base_weight is not None:
            checks.number("base_weight", self.base_weight, 0)
        checks.number("n3", self.n3, 0)
        if self.seconds is not None:
            checks.number("seconds", self.seconds, 0, open_low=True)
        if self.margin is not None and self.loss not in ("margin", "nssa"):
            checks.fail("margin", "given with the losses margin and nssa", self.loss)
        if self.sparse and self.encoder != "none":
            checks.fail("sparse", "False with an encoder, whose gradients are dense", True)
        if self.sparse and self.loss == ALL:
            checks.fail("sparse", "False for 1vsall, which touches every entity", True)

    def make_model(self, data: TripleData) -> KGE:
        """The model for a knowledge graph."""
        size = data.num_entities, data.num_relations, self.dim
        cls = MODELS[self.model]
        encoder = self._make_encoder(data, cls)
        if cls is TransE:
            return TransE(
                *size, p=self.p, sparse=self.sparse, inverse=self.inverse, encoder=encoder
            )
        return cls(*size, sparse=self.sparse, inverse=self.inverse, encoder=encoder)

    def _make_encoder(self, data: TripleData, model: type[KGE]) -> RelationalEncoder | None:
        if self.encoder == "none":
            return None
        return ENCODERS[self.encoder](
            data.train,
            data.num_entities,
            data.num_relations,
            self.dim * (1 + model.complex),
            layers=self.layers,
            dropout=self.dropout,
        )

    def make_loss(self) -> Loss | None:
        """The loss; None for ``1vsall``."""
        if self.loss == ALL:
            return None
        if self.loss == "margin":
            return Margin(1.0 if self.margin is None else self.margin)
        if self.loss == "nssa":
            usual = 9.0 if self.model in ("transe", "rotate") else 0.0
            return SelfAdversarial(margin=usual if self.margin is None else self.margin)
        return LOSSES[self.loss]()
