"""The progress display of all commands."""

from __future__ import annotations

import time
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from gneg.cli.output import progress_console
from gneg.cli.tables import percent
from gneg.training.callbacks import Callback

LONG = 10.0  # seconds from which on steps of an epoch are shown


class ProgressDisplay:
    """Bars with a name each, on standard error, which disappear at the end.

    Where that is no terminal (a pipe, a log file) there are lines instead: one for each evaluation,
    and one for each tenth of what is counted. Use it as a context manager.
    """

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=progress_console,
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._lines = not progress_console.is_terminal
        self._said: dict[str, Any] = {}

    def __enter__(self) -> ProgressDisplay:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def update(self, name: str, completed: int, total: int | None, text: str = "") -> None:
        """Show how far something is.

        Args:
            name: Its name.
            completed: Units done.
            total: All units; None: not known.
            text: Text beside the bar; ``completed/total`` if empty.
        """
        if self._lines:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(name, total=total, text="")
        text = text or (f"{completed:,}" if total is None else f"{completed:,}/{total:,}")
        self._bars.update(self._tasks[name], completed=completed, total=total, text=text)

    def remove(self, name: str) -> None:
        """Take away a bar."""
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))

    def training(self, epochs: int, metric: str) -> TrainingBars:
        """Return the callback of :func:`gneg.train` that shows a bar for each seed.

        Args:
            epochs: Largest number of epochs.
            metric: Name of the validation metric.
        """
        return TrainingBars(self, epochs, metric)

    def cells(self, event: Any) -> None:
        """Report of :func:`gneg.compare`: a bar over all cells, and one for each that runs."""
        self.update("cells", event.completed, event.total)
        if event.epoch is None:
            self.remove(event.cell)
            self.say("cells", event.completed, f"{event.completed:,} of {event.total:,}")
        else:
            text = f"epoch {event.epoch}, best valid {percent(event.best)}"
            self.update(event.cell, event.epoch, None, text)

    def count(self, name: str) -> Any:
        """Return a report ``(completed, total)`` that moves one bar."""

        def report(completed: int, total: int) -> None:
            self.update(name, completed, total)
            self.say(name, 10 * completed // max(total, 1), f"{completed:,} of {total:,}")

        return report

    def stages(self) -> Any:
        """Return a report ``(stage, completed, total)``, a bar a stage; total may be None."""

        def report(stage: str, completed: int, total: int | None) -> None:
            self.update(stage, completed, total, f"{completed} %" if total == 100 else "")
            step, text = (
                (completed // 10**7, f"{completed:,}")
                if total is None
                else (10 * completed // total, "")
            )
            text = text or (f"{completed} %" if total == 100 else f"{completed:,} of {total:,}")
            self.say(stage, step, text)

        return report

    def say(self, name: str, stage: Any, text: str) -> None:
        """Print a line where there are no bars, if the stage is another than before."""
        if self._lines and self._said.get(name) != stage:
            self._said[name] = stage
            progress_console.print(Text(f"{name}: {text}"), soft_wrap=True)


class TrainingBars(Callback):
    """The progress of training, a bar for each seed; made by :meth:`ProgressDisplay.training`."""

    def __init__(self, display: ProgressDisplay, epochs: int, metric: str) -> None:
        self.display, self.epochs, self.metric = display, epochs, metric
        self._valid = ""  # the last evaluation
        self._epoch, self._text = 0, ""  # epochs so far, and the text of the last one
        self._began = time.monotonic()  # of the epoch
        #: Whether any seed was trained, rather than read from an earlier run.
        self.trained = False

    def on_seed_start(self, seed: int, epoch: int) -> None:
        """Forget the evaluation of the seed before."""
        self._valid, self.trained = "", True
        self._epoch, self._text, self._began = epoch, "", time.monotonic()

    def on_step(self, seed: int, step: int, steps: int) -> None:
        """Show how far a long epoch is; in a log each tenth of it."""
        if time.monotonic() - self._began < LONG:
            return
        name, text = f"seed {seed}", f"step {step:,}/{steps:,}"
        self.display.update(name, self._epoch, self.epochs, f"{self._text}  {text}".strip())
        stage = self._epoch, 10 * step // steps
        self.display.say(name, stage, f"epoch {self._epoch + 1}, {text}")

    def on_epoch_end(self, seed: int, state: dict[str, Any]) -> None:
        """Show the epoch, and in a log every one that is evaluated."""
        text = f"epoch {state['epoch']}/{self.epochs}  loss {state['loss']:.4f}"
        valid = state["valid"]
        if valid is not None:
            self._valid = f"  valid {self.metric} {percent(valid[self.metric])}"
            self._valid += f" (best {percent(state['best'])})"
        text += self._valid
        self.display.update(f"seed {seed}", state["epoch"], self.epochs, text)
        if valid is not None:
            self.display.say(f"seed {seed}", state["epoch"], text)
        self._epoch, self._text, self._began = state["epoch"], text, time.monotonic()

    def on_stage(self, seed: int, stage: str) -> None:
        """Show what is done after the last epoch."""
        self.display.update(f"seed {seed}", 0, None, stage)
        self.display.say(f"seed {seed}", stage, stage)
