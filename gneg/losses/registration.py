"""The names of losses, and the decorator that gives a user's loss one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from gneg import checks
from gneg.losses.auc import AUCHinge, AUCSquared
from gneg.losses.base import Loss
from gneg.losses.bce import BCE
from gneg.losses.bpr import BPR
from gneg.losses.debiased import DebiasedInfoNCE, HardInfoNCE
from gneg.losses.infonce import InfoNCE
from gneg.losses.margin import Margin
from gneg.losses.nce import NCE
from gneg.losses.ntxent import NTXent
from gneg.losses.positive_unlabelled import PositiveUnlabelled
from gneg.losses.sampled_softmax import SampledSoftmax
from gneg.losses.self_adversarial import SelfAdversarial
from gneg.registry import Registry, check_name, first_required

Part = TypeVar("Part", bound=type[Loss])

#: Losses that text can name.
LOSSES: Registry[type[Loss]] = Registry(
    "loss",
    {
        cls.name: cls
        for cls in (
            BCE,
            AUCSquared,
            AUCHinge,
            BPR,
            Margin,
            InfoNCE,
            NTXent,
            SampledSoftmax,
            NCE,
            SelfAdversarial,
            DebiasedInfoNCE,
            HardInfoNCE,
            PositiveUnlabelled,
        )
    },
)

#: What texts in the place of a loss mean elsewhere.
WORDS = ("auto", "none")


def register(name: str) -> Callable[[Part], Part]:
    """Return a decorator that gives a loss a name, ``gneg.LinkConfig(loss="mine")``.

    With ``gneg --import FILE.py`` it works on the command line, too. The loss is made without
    arguments: its constructor has a default for each.

    Args:
        name: The name, an identifier that no other loss has. It becomes the class's ``name``.

    Raises:
        ValueError: If the name is none or taken, or the class is no :class:`~gneg.losses.Loss`
            with a method ``forward``, or needs arguments.

    Example::

        @gneg.losses.register("squared")
        class Squared(gneg.losses.Loss):
            def forward(self, pos, neg, negatives):
                return ((1 - pos) ** 2).mean() + (neg**2)[negatives.mask].mean()
    """
    name = check_name(name)

    def decorate(part: Part) -> Part:
        if inspect.isclass(part) and issubclass(part, Loss):
            _check_constructor(part)
        LOSSES.add(name, part, {Loss: "forward"}, WORDS)
        part.name = name
        return part

    return decorate


def _check_constructor(cls: type[Loss]) -> None:
    """Refuse a loss that cannot be made without arguments."""
    argument = first_required(cls)
    if argument is not None:
        allowed = "a class whose arguments have defaults"
        checks.fail(cls.__name__, allowed, f"{argument} without")
