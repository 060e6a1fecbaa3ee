"""Checks of the settings of a config that hold expressions of samplers, or lists of kinds."""

from __future__ import annotations

import inspect
import re

from gneg import checks
from gneg.losses import LOSSES
from gneg.nn.choices import PAIR_KINDS
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.select.select import Select
from gneg.samplers.text.build import check as check_expression
from gneg.samplers.text.density import part_without_density
from gneg.samplers.text.names import SAMPLERS
from gneg.samplers.text.of_positives import part_of_positives
from gneg.samplers.text.on_device import part_without_torch_path
from gneg.samplers.text.parse import Expression
from gneg.samplers.triples.build import check as check_triple_expression
from gneg.samplers.triples.build import has_density


def check_sampler(name: str, text: str) -> str:
    """Return the text of a sampler of pairs; refuse another."""
    check_expression(text, argument=name)
    return text


def check_triple_sampler(name: str, text: str) -> str:
    """Return the text of a sampler of triples; refuse another."""
    check_triple_expression(text, argument=name)
    return text


def check_base_measure(name: str, text: str) -> str:
    """Return the text of a sampler of pairs with a density in closed form; refuse another."""
    if text.lower() in ("none", "sampler"):
        return text.lower()
    return _check_density(name, text, part_without_density(check_expression(text, argument=name)))


def check_triple_base_measure(name: str, text: str) -> str:
    """Return the text of a sampler of triples with a density in closed form; refuse another."""
    if text.lower() in ("none", "sampler"):
        return text.lower()
    expression = check_triple_expression(text, argument=name)
    return _check_density(name, text, part_without_density(expression, has_density))


def check_loss(loss: str | None, sampler: str, *, triples: bool = False) -> None:
    """Refuse a loss that needs a density together with a sampler that has none in closed form."""
    if loss is None or loss not in LOSSES or not LOSSES[loss].needs_log_q:
        return
    expression = (check_triple_expression if triples else check_expression)(sampler)
    lacking = part_without_density(expression, has_density if triples else None)
    if lacking is not None:
        allowed = "a loss that needs no closed-form log_q, such as infonce"
        checks.fail("loss", allowed, f"{loss} with {sampler}", hint=f"{lacking} has none")


def chooses_nothing(sampler: str, k: int, *, triples: bool = False) -> bool:
    """Return whether a sampler selects ``k`` negatives of no more candidates: it keeps them all."""
    expression = (check_triple_expression if triples else check_expression)(sampler)
    rule = SAMPLERS.get(expression.name)
    if rule is None or not issubclass(rule, SelectionRule):
        return False
    usual = inspect.signature(Select).parameters["m"].default
    return int(expression.options.get("m", usual)) <= k


def check_on_device(name: str, sampler: str) -> None:
    """Refuse a sampler of pairs of which a part has no torch path, so that the CPU has to draw."""
    lacking = part_without_torch_path(check_expression(sampler))
    if lacking is not None:
        hint = f"{lacking} is drawn by kernels only"
        checks.fail(name, f"cpu with the sampler {sampler}", "device", hint=hint)


def check_any_queries(name: str, loss: str | None, sampler: str) -> None:
    """Refuse queries that are any nodes where negatives are compared with those of a positive."""
    reads = part_of_positives(check_expression(sampler))
    if reads is not None:
        hint = f"{reads} looks at the positive of each query"
        checks.fail(name, f"positives with the sampler {sampler}", "any", hint=hint)
    if loss is not None and (LOSSES[loss].pools_queries or LOSSES[loss].needs_log_q):
        hint = "it corrects for, or counts, the negatives of each positive's own query"
        checks.fail(name, f"positives with the loss {loss}", "any", hint=hint)


def check_kinds(name: str, text: str) -> str:
    """Return none, all or a list of pair features; refuse another text."""
    if text.lower() in ("none", "all"):
        return text.lower()
    kinds = [kind.strip().lower() for kind in text.split(",")]
    unknown = [kind for kind in kinds if kind not in PAIR_KINDS]
    if unknown or len(set(kinds)) < len(kinds):
        allowed = f"none, all, or some of {', '.join(PAIR_KINDS)}, each once"
        hint = checks.closest(unknown[0], ("none", "all", *PAIR_KINDS)) if unknown else ""
        checks.fail(name, allowed, repr(text), hint=hint)
    return ",".join(kinds)


def fanouts(text: str) -> list[int]:
    """Return the numbers of a list such as ``15,10``; of ``none`` none."""
    return [] if text == "none" else [int(number) for number in text.split(",")]


def check_fanout(name: str, text: str) -> str:
    """Return none or a list of numbers of neighbours, such as ``15,10``; refuse another text."""
    if text.lower() == "none":
        return text.lower()
    numbers = [number.strip() for number in text.split(",")]
    valid = all(re.fullmatch(r"\d{1,6}|-1", number) and int(number) for number in numbers)
    if not valid:
        allowed = "none, or a number of neighbours for each layer, such as 15,10, -1 for all"
        checks.fail(name, allowed, repr(text))
    return ",".join(numbers)


def _check_density(name: str, text: str, lacking: Expression | None) -> str:
    if lacking is not None:
        allowed = "none, or a sampler with a density in closed form"
        checks.fail(name, allowed, checks.shown(text), hint=f"{lacking} has none")
    return text
