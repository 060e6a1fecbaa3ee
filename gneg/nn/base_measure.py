"""The log density of the negatives, added back to the score."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from gneg import checks
from gneg.nn.choices import Form
from gneg.nn.decoders import decode
from gneg.samplers import Sampler
from gneg.samplers.negatives import Side

SMOOTHING = 0.01  # share of a uniform density in q, unless an argument says otherwise


class BaseMeasure(nn.Module):
    """A decoder's score plus the log density of the negatives: ``f(u, v) + c * log q(u, v)``.

    With negatives from q the optimal logit of a classifier is log p(pair) - log q(pair) (Gutmann
    and Hyvarinen, AISTATS 2010): the model unlearns the heuristic that q follows. Adding log q
    back restores it, and leaves the decoder to learn what the heuristic lacks.

    In training mode the module returns the logits for the loss, in evaluation mode the score.
    ``log q`` is the joint density of both ends, with query nodes as frequent as in the training
    edges, relative to a uniform pair: it is 0 where negatives are uniform.

    Args:
        decoder: A decoder that scores two tensors ``[.., D]``.
        sampler: The sampler of the negatives; any with a density in closed form.
        c: Weight of log q, >= 0, or ``"learned"``.
        form: ``"plain"``: the loss sees ``f`` alone, and ``c`` counts in evaluation only.
            ``"nce"``: the loss sees the score minus log q, so that the whole score learns log p;
            with ``c=1`` the same as plain.
        smoothing: Share of a uniform density that is mixed into q, in (0, 1]: a pair that q never
            proposes is not impossible.

    Raises:
        ValueError: If an argument is out of range, or the sampler has no density in closed form.
    """

    #: Whether ``forward`` takes the ids of the pairs as a third argument.
    needs_pairs = True

    def __init__(
        self,
        decoder: nn.Module,
        sampler: Sampler,
        c: float | Literal["learned"] = 1.0,
        *,
        form: Form = "plain",
        smoothing: float = SMOOTHING,
    ) -> None:
        super().__init__()
        if not isinstance(sampler, Sampler):
            checks.fail("sampler", "a gneg sampler", type(sampler).__name__)
        node = torch.zeros(1, dtype=torch.long)
        if sampler.log_prob(node, node) is None:
            checks.fail(
                "sampler",
                "one with a closed-form density",
                sampler,
                hint="use Uniform, Degree, KHop, Walk, or a Mixture of them",
            )
        self.form: Form = checks.choice("form", form, get_args(Form))
        learned = c == "learned"
        if learned and form == "plain":
            checks.fail("form", "'nce' for a learned c, which plain logits do not hold", form)
        weight = torch.tensor(1.0 if learned else checks.number("c", c, 0))
        if learned:
            self.c: Tensor = nn.Parameter(weight)
        else:
            self.register_buffer("c", weight)
        self.smoothing = checks.number("smoothing", smoothing, 0, 1, open_low=True)
        self.decoder = decoder
        self.sampler = sampler
        graph = sampler.graph
        sides: list[Side] = ["dst", "src"] if sampler.corrupt == "both" else [sampler.corrupt]
        #: Log probability ``[N]`` of each node as a query, by the end that is replaced.
        self._log_query = {}
        for side in sides:
            degree = (graph if side == "dst" else graph.reversed()).degree().double()
            share = degree / degree.sum().clamp(min=1)
            uniform = 1.0 / max(len(degree), 1)
            self._log_query[side] = ((1 - smoothing) * share + smoothing * uniform).log()

    def log_measure(self, src: Tensor, dst: Tensor) -> Tensor:
        """Return the log density of pairs ``[B]`` as negatives, relative to a uniform pair.

        A known edge has the density that it would have if it were not known.

        Args:
            src: Ids of sources, ``[B]``.
            dst: Ids of targets, ``[B]``.

        Returns:
            Float, ``[B]``; 0 where the density is that of a uniform pair.
        """
        graph = self.sampler.graph
        ends = {"dst": (src, graph.num_dst), "src": (dst, graph.num_src)}
        densities = []
        for side, log_query in self._log_query.items():
            query, num_targets = ends[side]
            log_q = self.sampler.log_prob(src, dst, side=side)
            assert log_q is not None
            q = (1 - self.smoothing) * log_q.double().exp() + self.smoothing / num_targets
            densities.append(q.log() + log_query.to(query.device)[query])
        joint = torch.stack(densities).logsumexp(dim=0) - torch.tensor(len(densities)).log()
        uniform = torch.tensor(float(graph.num_src) * graph.num_dst).log()
        return (joint + uniform).float()

    @property
    def passes(self) -> bool:
        """Whether the score is that of the decoder alone."""
        return self.training and self.form == "plain"

    def forward(self, src: Tensor, dst: Tensor, pairs: Tensor) -> Tensor:
        """Return logits in training, scores in evaluation, ``[B]``.

        Args:
            src: Embeddings of sources, ``[B, D]``.
            dst: Embeddings of targets, ``[B, D]``.
            pairs: Ids of sources and targets, ``[2, B]``.
        """
        f = decode(self.decoder, src, dst, pairs)
        if self.passes:
            return f
        c = self.c - 1.0 if self.training else self.c
        return f + c * self.log_measure(pairs[0], pairs[1])

    def parts(
        self, score: Callable[[Tensor, Tensor], Tensor], src: Tensor, dst: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the decoder's scores and the log densities of pairs, each in the pairs' shape.

        Args:
            score: The model on fixed embeddings, with this module as its decoder.
            src: Ids of sources, of any shape.
            dst: Ids of targets, of the same shape.
        """
        c = self.c.clone()
        with torch.no_grad():
            self.c.zero_()
            f = score(src, dst)
            self.c.copy_(c)
        return f, self.log_measure(src.reshape(-1), dst.reshape(-1)).view(src.shape)


def log_density_score(sampler: Sampler) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a score of pairs, ``score(src, dst)``: their log density as negatives of a sampler.

    Args:
        sampler: A sampler with a density in closed form.

    Raises:
        ValueError: If the sampler has no density in closed form.
    """
    measure = BaseMeasure(nn.Identity(), sampler)

    def score(src: Tensor, dst: Tensor) -> Tensor:
        return measure.log_measure(src.reshape(-1), dst.reshape(-1)).view(src.shape)

    return score


def best_weight(
    parts: Callable[..., tuple[Tensor, Tensor]],
    evaluate: Callable[[Callable[..., Tensor]], dict[str, float]],
    metric: str,
    weights: Sequence[float],
) -> tuple[float, dict[str, float]]:
    """Return the weight of log q with the best metric, and all metrics with that weight.

    Of equally good weights the smallest is chosen. Model scores and densities are computed once,
    whatever the number of weights.

    Args:
        parts: ``parts(*ids) -> (f, log_q)``: scores of the model and log densities.
        evaluate: Returns the metrics of a score. Each time it is called it must call the score
            with the same ids in the same order.
        metric: The name of the metric to choose by; higher is better.
        weights: The weights to try, each >= 0.
    """
    computed: list[tuple[Tensor, Tensor]] = []

    def score_with(weight: float) -> Callable[..., Tensor]:
        position = itertools.count()

        def score(*ids: Any) -> Tensor:
            i = next(position)
            if i == len(computed):
                computed.append(parts(*ids))
            f, log_q = computed[i]
            return f + weight * log_q

        return score

    results = [(weight, evaluate(score_with(weight))) for weight in sorted(weights)]
    return max(results, key=lambda result: result[1][metric])
