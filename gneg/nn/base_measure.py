"""What negatives were drawn from, added back to the score."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.samplers import Sampler
from gneg.samplers.negatives import Side

#: What a loss sees of a score on a base measure, see :class:`BaseMeasure`.
Form = Literal["plain", "nce"]


class BaseMeasure(nn.Module):
    """A decoder's score and the log density of the negatives: ``f(u, v) + c * log q(u, v)``.

    With negatives from q the best logit of a classifier is log p(pair) - log q(pair) (Gutmann and
    Hyvarinen, AISTATS 2010): it unlearns whatever q is made of. Adding log q back repairs that, and
    leaves the decoder to learn what the heuristic behind q lacks.

    In training mode it returns the logits that a loss wants, in evaluation mode the score. Put on
    log q of both ends, with kept ends as frequent as in training pairs, and told relative to a
    uniform pair: log q is 0 where negatives are uniform.

    Args:
        decoder: Scores ``f`` of two tensors ``[.., D]``.
        sampler: What negatives are drawn from; any with a closed-form density.
        c: Weight of log q, >= 0, or ``"learned"``.
        form: ``"plain"``: a loss sees ``f`` alone, and ``c`` only counts in evaluation.
            ``"nce"``: it sees the score minus log q, so that the whole score learns log p; with
            ``c=1`` the same as plain.
        smoothing: Share of a uniform density that is mixed into q, in (0, 1): a pair that it never
            proposes is not impossible.

    Raises:
        ValueError: If an argument is out of range, or the sampler's density has no closed form.
    """

    #: Whether `forward` wants the ids of the pairs as well.
    needs_pairs = True

    def __init__(
        self,
        decoder: nn.Module,
        sampler: Sampler,
        c: float | Literal["learned"] = 1.0,
        *,
        form: Form = "plain",
        smoothing: float = 0.01,
    ) -> None:
        super().__init__()
        if not isinstance(sampler, Sampler):
            checks.fail("sampler", "a gneg sampler", type(sampler).__name__)
        none = torch.zeros(1, dtype=torch.long)
        if sampler.log_prob(none, none) is None:
            checks.fail(
                "sampler",
                "one with a closed-form density",
                sampler,
                hint="use Uniform, Degree, KHop, Walk, or a Mixture of them",
            )
        self.form: Form = checks.choice("form", form, ("plain", "nce"))
        learned = c == "learned"
        if learned and form == "plain":
            checks.fail("form", "'nce' for a learned c, which plain logits do not hold", form)
        start = torch.tensor(1.0 if learned else checks.number("c", c, 0))
        if learned:
            self.c: Tensor = nn.Parameter(start)
        else:
            self.register_buffer("c", start)
        self.smoothing = checks.number("smoothing", smoothing, 0, 1, open_low=True)
        self.decoder = decoder
        self.sampler = sampler
        graph = sampler.graph
        sides: list[Side] = ["dst", "src"] if sampler.corrupt == "both" else [sampler.corrupt]
        self._kept = {}
        for side in sides:
            degree = (graph if side == "dst" else graph.reversed()).degree().double()
            share = degree / degree.sum().clamp(min=1)
            even = 1.0 / max(len(degree), 1)
            self._kept[side] = ((1 - smoothing) * share + smoothing * even).log()

    def log_measure(self, src: Tensor, dst: Tensor) -> Tensor:
        """Log density of pairs ``[B]`` as negatives, relative to a uniform pair; float, ``[B]``.

        A known edge has the density that it would have if it were not known.
        """
        graph = self.sampler.graph
        ends = {"dst": (src, graph.num_dst), "src": (dst, graph.num_src)}
        found = []
        for side, kept in self._kept.items():
            node, targets = ends[side]
            log_q = self.sampler.log_prob(src, dst, side=side)
            assert log_q is not None
            q = (1 - self.smoothing) * log_q.double().exp() + self.smoothing / targets
            found.append(q.log() + kept.to(node.device)[node])
        joint = torch.stack(found).logsumexp(dim=0) - torch.tensor(len(found)).log()
        uniform = torch.tensor(float(graph.num_src) * graph.num_dst).log()
        return (joint + uniform).float()

    def forward(self, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
        """Logits in training, scores in evaluation, ``[B]``.

        Args:
            src: ``[B, D]``.
            dst: ``[B, D]``.
            pairs: ``[2, B]``, whose embeddings they are.
        """
        asked = (pairs,) if getattr(self.decoder, "needs_pairs", False) else ()
        f: Tensor = self.decoder(src, dst, *asked)
        if self.training and self.form == "plain":
            return f
        c = self.c - 1.0 if self.training else self.c
        return f + c * self.log_measure(pairs[0], pairs[1])
