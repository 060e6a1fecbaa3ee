"""Losses of scores: positives ``[B]``, negatives ``[B, K]``, and the negatives themselves."""

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
from gneg.losses.registration import LOSSES, register
from gneg.losses.sampled_softmax import SampledSoftmax
from gneg.losses.self_adversarial import SelfAdversarial, self_adversarial_weights

__all__ = [
    "BCE",
    "BPR",
    "LOSSES",
    "NCE",
    "AUCHinge",
    "AUCSquared",
    "DebiasedInfoNCE",
    "HardInfoNCE",
    "InfoNCE",
    "Loss",
    "Margin",
    "NTXent",
    "PositiveUnlabelled",
    "SampledSoftmax",
    "SelfAdversarial",
    "register",
    "self_adversarial_weights",
]
