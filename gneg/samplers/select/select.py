"""The sampler that applies a selection rule."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from gneg import checks
from gneg.graph import KnownEdges
from gneg.samplers.base import Corrupt, IntArray, Need, Query, Sampler
from gneg.samplers.exclude import checked
from gneg.samplers.query import MEMORY_MB
from gneg.samplers.select.rule import SelectionRule
from gneg.samplers.wrapper import TUNABLE_M, Wrapper


class Select(Wrapper):
    """Draws M candidates for each row and returns the K that a rule picks.

    Args:
        sampler: The sampler that proposes candidates.
        rule: Decides which candidates become negatives, such as :class:`~gneg.samplers.Hardest`.
        m: Number of candidates, M; where it is not above K, all of them are kept.
        memory_mb: Memory for scoring at once, in megabytes.
        known: The edges that are never returned; those of ``sampler`` if None.
        corrupt: The end to replace; that of ``sampler`` if None.
        unique: Whether a row may hold a target only once.

    Raises:
        ValueError: If an argument is out of range, or ``sample`` is not given a ``score`` that the
            rule needs.

    Example:
        >>> import gneg, torch
        >>> from gneg.samplers import Hardest, Select, Uniform
        >>> graph = gneg.Graph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 5, undirected=True)
        >>> sampler = Select(Uniform(graph), Hardest(quantile=1.0), m=16)
        >>> score = lambda src, dst: -dst.float()
        >>> sampler.sample(torch.tensor([[0], [1]]), k=2, score=score).index
        tensor([[2, 3]])
    """

    proposes = "full rows"
    combines = True
    tunable: ClassVar = TUNABLE_M

    def __init__(
        self,
        sampler: Sampler,
        rule: SelectionRule,
        m: int = 64,
        *,
        memory_mb: int = MEMORY_MB,
        known: KnownEdges | None = None,
        corrupt: Corrupt | None = None,
        unique: bool = False,
    ) -> None:
        super().__init__(
            sampler, m=m, memory_mb=memory_mb, known=known, corrupt=corrupt, unique=unique
        )
        if not isinstance(rule, SelectionRule):
            checks.fail("rule", "a gneg selection rule, such as Hardest()", repr(rule))
        self.rule, self.name = rule, rule.name
        if self.graph.engine == "torch" and not rule.on_device:
            allowed = (
                "Hardest, DNS, SemiHard, Tempered or one with on_device=True where torch draws"
            )
            checks.fail("rule", allowed, repr(rule))

    @property
    def needs(self) -> frozenset[Need]:
        """What the rule and the wrapped sampler need."""
        return self.sampler.needs | self.rule.needs

    def propose(self, query: Query, k: int, seed: int) -> IntArray:
        """Draw a pool and let the rule pick.

        Raises:
            ValueError: If the rule picks anything but K of the candidates, or all there are.
        """
        pool = self.draw_pool(query, k, seed)
        name = f"{type(self.rule).__name__}.pick"
        picked = checked(name, self.rule.pick(pool, k, seed), query, k)
        index = query.blank(k)
        query.exclude(index, picked, unique=True)  # the candidates are all different
        present, free = (index >= 0).sum(axis=1), query.num_free.clip(max=k)
        if (present < query.xp.maximum((picked >= 0).sum(axis=1), free)).any():
            allowed = "a function that returns K ids of the row's candidates, each once"
            checks.fail(name, allowed, "others, or too few")
        return index

    def settings(self) -> list[str]:
        """Return the names of the rule's settings, ``m``, and those of the wrapped sampler."""
        return list(dict.fromkeys([*self.rule.tunable, *super().settings()]))

    def tune(self, setting: str, value: float) -> None:
        """Change a setting of the rule, ``m``, or a setting of the wrapped sampler."""
        convert = self.rule.tunable.get(setting)
        if convert is None:
            super().tune(setting, value)
        else:
            self.rule = replace(self.rule, **{setting: convert(value)})  # type: ignore[type-var]
