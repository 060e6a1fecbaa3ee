"""The settings that configs of links and of triples share."""

from __future__ import annotations

from typing import Literal

from gneg import checks
from gneg.graph.known import KnownPolicy
from gneg.training.device import check_name
from gneg.training.options import Option, check_settings, settings

__all__ = ["TrainConfig"]

#: Weights of a base measure that are tried on validation; 0 stands for no base measure.
BASE_WEIGHTS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)

WIDEST, DEEPEST = 2**16, 128  # bounds of the width and the number of layers
LARGEST = 1e6  # bound of learning rates and penalties, far below what overflows single precision

K = Option("Negatives per positive.", low=1, high=2**20, short="-k")
EPOCHS = Option("Passes over the training positives, at most.", "Run", low=1)
SECONDS = Option(
    "Seconds of training (sampling, scoring and the model, without evaluation and the compiling of "
    "kernels), at most, so that the last epoch may be a part of one (of several processes none "
    "is); without it there is no limit. The result then depends on the speed of the machine.",
    "Run",
    low=0,
    above=True,
)
PATIENCE = Option("Evaluations without a better validation metric before stopping.", "Run", low=1)
EVAL_EVERY = Option("Epochs between evaluations on validation.", "Run", low=1)
LR = Option("Learning rate.", "Run", low=0, high=LARGEST, above=True)
LR_DECAY = Option(
    "Factor of the learning rate after an evaluation without a better validation metric.",
    "Run",
    low=0,
    high=1,
    above=True,
)
Precision = Literal["float32", "bf16"]
PRECISION = (
    "Precision of products of matrices in training: bf16 (torch's autocast) is faster on GPUs "
    "and on processors with AMX; evaluation is always in float32"
)
DEVICE = Option("Device of the model, such as cpu or cuda:0.", "Run", check=check_name)
BASE_MEASURE = (
    "Log density that is added to the score: none, that of the sampler, or that of another "
    "sampler expression."
)
BASE_WEIGHT = Option(
    "Weight of the base measure; without it the best on validation of "
    f"{', '.join(f'{weight:g}' for weight in BASE_WEIGHTS)}.",
    low=0,
)


class TrainConfig:
    """The settings that link and triple configs share; all values are checked on creation."""

    sampler: str
    loss: str | None
    k: int
    known: KnownPolicy
    base_measure: str
    base_weight: float | None
    epochs: int
    seconds: float | None
    patience: int
    eval_every: int
    batch_size: int | None
    lr: float
    lr_decay: float
    precision: Precision
    device: str

    def __post_init__(self) -> None:
        """Refuse values that no run could use.

        Raises:
            ValueError: If a value has the wrong type, is out of range or not among the choices.
        """
        check_settings(self)
        self.check_together()

    def check_together(self) -> None:
        """Refuse combinations of values that no run could use.

        Raises:
            ValueError: If two values exclude each other.
        """
        return

    def check_defaults(self, *names: str, reason: str) -> None:
        """Refuse settings that have no effect, unless they are left at their defaults.

        Args:
            *names: The settings.
            reason: Why they have none, such as ``"without an encoder"``.
        """
        described = settings(type(self))
        for name in names:
            value, default = getattr(self, name), described[name].default
            if value != default:
                checks.fail(name, f"left at {default} {reason}", value)

    def check_base_weight(self) -> None:
        """Refuse a weight without a base measure."""
        if self.base_weight is not None and self.base_measure == "none":
            checks.fail("base_weight", "given with a base measure only", self.base_weight)
