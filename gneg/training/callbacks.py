"""What is called while a run trains: progress displays, experiment trackers, code of the user."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gneg import checks

__all__ = ["Callback", "Callbacks", "Report"]

#: Called after each epoch, as :meth:`Callback.on_epoch_end` is.
Report = Callable[[int, dict[str, Any]], object]


class Callback:
    """What :func:`gneg.train` calls while it trains; a subclass overrides what it needs.

    Seeds that finished earlier are not trained, so that nothing is called for them. An exception
    ends the training.
    """

    def on_train_start(self, record: dict[str, Any], folder: Path | None) -> None:
        """Take the settings, before the first seed.

        Args:
            record: The record without its runs: ``config``, ``dataset``, ``versions``, ...
            folder: Folder of the results; None: they are not written.
        """

    def on_seed_start(self, seed: int, epoch: int) -> None:
        """Take a seed before its first epoch.

        Args:
            seed: The seed.
            epoch: Epochs trained earlier, by a run that is resumed; else 0.
        """

    def on_step(self, seed: int, step: int, steps: int) -> None:
        """Take a step of the optimiser, of which a large graph has thousands an epoch.

        Args:
            seed: The seed.
            step: Steps of the epoch so far.
            steps: All steps of the epoch.
        """

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """Take the figures of an epoch.

        Args:
            seed: The seed.
            state: ``epoch``, from 1; its mean ``loss``; ``seconds`` of training so far; ``best``,
                the best validation figure so far, or -1; ``valid``, the validation metrics of the
                epoch, or None where it was not evaluated.
        """

    def on_stage(self, seed: int, stage: str) -> None:
        """Take what a seed does next, after its last epoch.

        Args:
            seed: The seed.
            stage: For example ``"evaluating"`` or ``"stacking"``.
        """

    def on_seed_end(self, seed: int, result: dict[str, Any]) -> None:
        """Take the result of a seed, after its weights and the record were written.

        Args:
            seed: The seed.
            result: Its entry under ``runs`` of the record; ``complete`` is False after Ctrl-C.
        """

    def on_train_end(self) -> None:
        """Close what is open; called at the end, after an error or Ctrl-C as well."""


def check_callbacks(callbacks: object, report: object) -> list[Callback]:
    """Return the callbacks as a list.

    Raises:
        ValueError: If one is no :class:`Callback`, or the report neither a function nor None.
    """
    listed = checks.items("callbacks", callbacks, "a list of Callback objects")
    for callback in listed:
        checks.instance("callbacks", callback, (Callback,))
    if report is not None and not callable(report):
        checks.fail("report", "a function or None", checks.shown(report))
    return listed


class Callbacks(Callback):
    """Several callbacks as one, which is a context manager: its end is the end of the training.

    Args:
        callbacks: The callbacks, called in their order.
        report: A function to call after each epoch, after them; None: none.

    Raises:
        ValueError: As :func:`check_callbacks` does.
    """

    def __init__(self, callbacks: Iterable[Callback] = (), report: Report | None = None) -> None:
        self.callbacks = check_callbacks(callbacks, report)
        self.report = report

    def __enter__(self) -> Callbacks:
        return self

    def __exit__(self, *error: object) -> None:
        self.on_train_end()

    def on_train_start(self, record: dict[str, Any], folder: Path | None) -> None:
        """Call all."""
        for callback in self.callbacks:
            callback.on_train_start(record, folder)

    def on_seed_start(self, seed: int, epoch: int) -> None:
        """Call all."""
        for callback in self.callbacks:
            callback.on_seed_start(seed, epoch)

    def on_step(self, seed: int, step: int, steps: int) -> None:
        """Call all."""
        for callback in self.callbacks:
            callback.on_step(seed, step, steps)

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """Call all, and the report."""
        for callback in self.callbacks:
            callback.on_epoch_end(seed, state)
        if self.report is not None:
            self.report(seed, state)

    def on_stage(self, seed: int, stage: str) -> None:
        """Call all."""
        for callback in self.callbacks:
            callback.on_stage(seed, stage)

    def on_seed_end(self, seed: int, result: dict[str, Any]) -> None:
        """Call all."""
        for callback in self.callbacks:
            callback.on_seed_end(seed, result)

    def on_train_end(self) -> None:
        """Call all."""
        for callback in self.callbacks:
            callback.on_train_end()
