"""A search over learning rate, temperature and mixture weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from gneg import checks
from gneg.samplers.text.names import SAMPLERS, options_of
from gneg.samplers.text.parse import Expression, parse
from gneg.training.config import LinkConfig, TripleConfig

Config = TypeVar("Config", LinkConfig, TripleConfig)
#: Smallest and largest value of each setting; ``share`` is the weight of the second sampler of two.
RANGES = {"lr": (3e-4, 3e-2), "temperature": (0.05, 5.0), "share": (0.05, 0.95)}


class Search(Generic[Config]):
    """A search with Optuna's TPE sampler, seeded, over the settings in :data:`RANGES`.

    Args:
        config: The config to start from; its learning rate is that of the first trial.
        trials: Number of trials; 0: no search, and the config itself is the best.

    Raises:
        ValueError: If Optuna is not installed.
    """

    def __init__(self, config: Config, trials: int) -> None:
        self.config: Config = config
        self.best: Config = config
        self.trials = trials
        self.value: float | None = None
        self.expression = parse(config.sampler)
        self.names = [name for name in RANGES if name == "lr" or _contains(self.expression, name)]
        self.results: list[dict[str, Any]] = []
        self._pending: list[Any] = []
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
        """Whether all trials have a value."""
        return len(self.results) >= self.trials

    def ask(self, count: int) -> list[Config]:
        """Return up to ``count`` configs to train."""
        count = min(count, self.trials - len(self.results))
        self._pending = [self._study.ask() for _ in range(count)]
        return [self._suggest(trial) for trial in self._pending]

    def tell(self, values: Sequence[float]) -> None:
        """Record the validation figures of the configs that :meth:`ask` returned, in order."""
        for trial, value in zip(self._pending, values, strict=True):
            self._study.tell(trial, value)
            self.results.append({**trial.params, "value": value})
            if self.value is None or value > self.value:
                self.value, self.best = value, self._with(trial.params)

    def record(self) -> dict[str, Any] | None:
        """Return the trials and the best figure; None without a search."""
        return {"trials": self.results, "best": self.value} if self.trials else None

    def _suggest(self, trial: Any) -> Config:
        """Return the config with values that Optuna suggests for a trial."""
        for name in self.names:
            low, high = RANGES[name]
            trial.suggest_float(name, low, high, log=name != "share")
        return self._with(trial.params)

    def _with(self, params: dict[str, float]) -> Config:
        """Return the config with the values of a trial."""
        expression = self.expression
        for name in self.names[1:]:
            expression = _with_value(expression, name, float(f"{params[name]:.3g}"))
        return replace(self.config, lr=params["lr"], sampler=str(expression))


def _accepts(expression: Expression, name: str) -> bool:
    """Whether the outermost sampler of an expression has the setting."""
    if name == "share":
        return expression.name == "mixture" and len(expression.parts) == 2
    return expression.name in SAMPLERS and name in options_of(SAMPLERS[expression.name])


def _contains(expression: Expression, name: str) -> bool:
    """Whether any sampler of an expression has the setting."""
    return _accepts(expression, name) or any(_contains(part, name) for part, _ in expression.parts)


def _with_value(expression: Expression, name: str, value: float) -> Expression:
    """Return the expression with a new value of a setting, at the outermost sampler that has it."""
    if not _accepts(expression, name):
        parts = tuple(
            (_with_value(part, name, value) if _contains(part, name) else part, weight)
            for part, weight in expression.parts
        )
        return replace(expression, parts=parts)
    if name == "share":
        (first, _), (second, _) = expression.parts
        weights = float(f"{1 - value:.3g}"), value
        return replace(expression, parts=((first, weights[0]), (second, weights[1])))
    return replace(expression, options={**expression.options, name: value})
