"""A search over learning rate, temperature and mixture weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gneg import checks
from gneg.samplers.text.build import SAMPLERS, options_of
from gneg.samplers.text.parse import Expression, parse
from gneg.training.config import TrainConfig

RANGES = {"lr": (3e-4, 3e-2), "temperature": (0.05, 5.0), "share": (0.05, 0.95)}


class Search:
    """Asks Optuna's TPE sampler (seeded) for configurations and remembers the best.

    Args:
        config: Where it starts; its own values are the first trial.
        trials: How many to try; 0: the config is the best.

    Raises:
        ValueError: If Optuna is not installed.
    """

    def __init__(self, config: TrainConfig, trials: int) -> None:
        self.config, self.best, self.trials = config, config, trials
        self.value: float | None = None
        self.expression = parse(config.sampler)
        self.names = [name for name in RANGES if name == "lr" or _has(self.expression, name)]
        self.tried: list[dict[str, Any]] = []
        self._asked: list[Any] = []
        if trials:
            try:
                import optuna
            except ImportError:
                checks.fail("search", "0 without Optuna", trials, hint="pip install optuna")
            optuna.logging.set_verbosity(optuna.logging.WARNING)
            self._study = optuna.create_study(
                direction="maximize", sampler=optuna.samplers.TPESampler(seed=0)
            )
            self._study.enqueue_trial({"lr": config.lr})

    @property
    def finished(self) -> bool:
        """Whether all trials were made."""
        return len(self.tried) >= self.trials

    def ask(self, count: int) -> list[TrainConfig]:
        """Return up to ``count`` configurations to try."""
        count = min(count, self.trials - len(self.tried))
        self._asked = [self._study.ask() for _ in range(count)]
        return [self._config(trial) for trial in self._asked]

    def tell(self, values: Sequence[float]) -> None:
        """Enter the figures of what :meth:`ask` returned."""
        for trial, value in zip(self._asked, values, strict=True):
            self._study.tell(trial, value)
            self.tried.append({**trial.params, "value": value})
            if self.value is None or value > self.value:
                self.value, self.best = value, self._made(trial.params)

    def record(self) -> dict[str, Any] | None:
        """What was tried; None without a search."""
        return {"trials": self.tried, "best": self.value} if self.trials else None

    def _config(self, trial: Any) -> TrainConfig:
        for name in self.names:
            low, high = RANGES[name]
            trial.suggest_float(name, low, high, log=name != "share")
        return self._made(trial.params)

    def _made(self, params: dict[str, float]) -> TrainConfig:
        expression = self.expression
        for name in self.names[1:]:
            expression = _changed(expression, name, float(f"{params[name]:.3g}"))
        return replace(self.config, lr=params["lr"], sampler=str(expression))


def _takes(expression: Expression, name: str) -> bool:
    """Whether the setting is this sampler's own."""
    if name == "share":
        return expression.name == "mixture" and len(expression.parts) == 2
    return expression.name in SAMPLERS and name in options_of(SAMPLERS[expression.name])


def _has(expression: Expression, name: str) -> bool:
    return _takes(expression, name) or any(_has(part, name) for part, _ in expression.parts)


def _changed(expression: Expression, name: str, value: float) -> Expression:
    """The expression with a setting of the outermost sampler that has it."""
    if not _takes(expression, name):
        parts = tuple(
            (_changed(part, name, value) if _has(part, name) else part, weight)
            for part, weight in expression.parts
        )
        return replace(expression, parts=parts)
    if name == "share":
        (first, _), (second, _) = expression.parts
        weights = float(f"{1 - value:.3g}"), value
        return replace(expression, parts=((first, weights[0]), (second, weights[1])))
    return replace(expression, options={**expression.options, name: value})
