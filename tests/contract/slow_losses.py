"""Every loss as a slow loop over rows of Python floats."""

from __future__ import annotations

import math


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def debiased(p: float, row: list[float], beta: float, tau: float = 0.2) -> float:
    """Equation 8 of Chuang et al., with the weights of equation 4 of Robinson et al."""
    weights = [math.exp(beta * n) / mean([math.exp(beta * m) for m in row]) for n in row]
    average = mean([w * math.exp(n) for w, n in zip(weights, row, strict=True)])
    g = max((average - tau * math.exp(p)) / (1 - tau), math.exp(-1 / 0.5))
    return -math.log(math.exp(p) / (math.exp(p) + len(row) * g))


def slow_adaptive(case: str, rows) -> float:
    full = [row for row in rows if row[1]]
    pairs = [n for _, row, *_ in full for n in row]
    if case == "SelfAdversarial":
        return mean(
            [
                softplus(-p - 0.3) / 2
                + sum(
                    math.exp(2 * n) / sum(math.exp(2 * m) for m in row) * softplus(n + 0.3)
                    for n in row
                )
                / 2
                for p, row, *_ in full
            ]
        )
    if case in ("DebiasedInfoNCE", "HardInfoNCE"):
        beta = 0.8 if case == "HardInfoNCE" else 0.0
        return mean([debiased(2 * p, [2 * n for n in row], beta) for p, row, *_ in full])
    assert case == "PositiveUnlabelled"
    positives = [p for p, *_ in full]
    of_negatives = mean([softplus(n) for n in pairs]) - 0.3 * mean([softplus(p) for p in positives])
    return 0.3 * mean([softplus(-p) for p in positives]) + max(0.0, of_negatives)


def slow(case: str, pos, neg, negatives) -> float:
    rows = as_rows(pos, neg, negatives)
    adaptive = case in ("SelfAdversarial", "DebiasedInfoNCE", "HardInfoNCE", "PositiveUnlabelled")
    return slow_adaptive(case, rows) if adaptive else slow_plain(case, rows)


def as_rows(pos, neg, negatives):
    """(positive, negatives, their log_q, the positive's log_q, query) of each row."""
    return [
        (
            float(p),
            [float(x) for x, m in zip(row, mask, strict=True) if m],
            [float(q) for q, m in zip(log_q, mask, strict=True) if m],
            float(pq),
            int(s),
        )
        for p, row, mask, log_q, pq, s in zip(
            pos,
            neg,
            negatives.mask,
            negatives.log_q,
            negatives.pos_log_q,
            negatives.src,
            strict=True,
        )
    ]


def slow_plain(case: str, rows) -> float:
    pairs = [(p, n) for p, row, *_ in rows for n in row]
    full = [row for row in rows if row[1]]
    if case == "BCE":
        return mean([softplus(-p) for p, *_ in rows]) + mean([softplus(n) for _, n in pairs])
    if case == "AUCSquared":
        return mean([(1 - p + n) ** 2 for p, n in pairs])
    if case == "AUCHinge":
        return mean([max(0, 1 - p + n) ** 2 for p, n in pairs])
    if case == "BPR":
        return mean([softplus(n - p) for p, n in pairs])
    if case == "Margin":
        return mean([max(0, 1 - p + n) for p, n in pairs])
    if case == "Margin-violating":
        return mean([0.5 - p + n for p, n in pairs if 0.5 - p + n > 0])
    if case == "InfoNCE":
        return mean(
            [
                math.log(math.exp(2 * p) + sum(math.exp(2 * n) for n in row)) - 2 * p
                for p, row, *_ in full
            ]
        )
    if case == "NTXent":
        return mean(
            [
                math.log(
                    math.exp(2 * p)
                    + sum(math.exp(2 * n) for peer in rows if peer[4] == s for n in peer[1])
                )
                - 2 * p
                for p, _, _, _, s in full
            ]
        )
    if case == "SampledSoftmax":
        return mean(
            [
                math.log(
                    math.exp(p / 0.7)
                    + sum(
                        math.exp(n / 0.7) / (len(row) * math.exp(q))
                        for n, q in zip(row, log_q, strict=True)
                    )
                )
                - p / 0.7
                for p, row, log_q, *_ in full
            ]
        )
    assert case == "NCE"
    return mean(
        [
            (0.0 if math.isinf(pq) else softplus(-(p - math.log(len(row)) - pq)))
            + sum(softplus(n - math.log(len(row)) - q) for n, q in zip(row, log_q, strict=True))
            for p, row, log_q, pq, _ in full
        ]
    )
