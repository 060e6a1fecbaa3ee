"""Checks of the settings of a config that hold expressions of samplers, or lists of kinds."""

from __future__ import annotations

from gneg import checks
from gneg.nn.choices import PAIR_KINDS
from gneg.samplers.text.build import check as check_expression
from gneg.samplers.text.density import part_without_density
from gneg.samplers.text.parse import Expression
from gneg.samplers.triples.build import check as check_triple_expression
from gneg.samplers.triples.build import has_density


def check_sampler(name: str, text: str) -> None:
    """Refuse what is no sampler of pairs."""
    check_expression(text, argument=name)


def check_triple_sampler(name: str, text: str) -> None:
    """Refuse what is no sampler of triples."""
    check_triple_expression(text, argument=name)


def check_base_measure(name: str, text: str) -> None:
    """Refuse what is no sampler of pairs with a density in closed form."""
    if text not in ("none", "sampler"):
        _check_density(name, text, part_without_density(check_expression(text, argument=name)))


def check_triple_base_measure(name: str, text: str) -> None:
    """Refuse what is no sampler of triples with a density in closed form."""
    if text not in ("none", "sampler"):
        expression = check_triple_expression(text, argument=name)
        _check_density(name, text, part_without_density(expression, has_density))


def check_kinds(name: str, text: str) -> None:
    """Refuse what is neither none, all nor a list of pair features."""
    if text in ("none", "all"):
        return
    kinds = [kind.strip() for kind in text.split(",")]
    if not set(kinds) <= set(PAIR_KINDS) or len(set(kinds)) < len(kinds):
        allowed = f"none, all, or some of {', '.join(PAIR_KINDS)}, each once"
        checks.fail(name, allowed, repr(text))


def _check_density(name: str, text: str, lacking: Expression | None) -> None:
    if lacking is not None:
        allowed = "none, or a sampler with a density in closed form"
        checks.fail(name, allowed, checks.shown(text), hint=f"{lacking} has none")
