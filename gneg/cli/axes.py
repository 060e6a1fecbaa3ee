"""The options of ``gneg compare`` that take several values of a setting: the axes of its grid."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gneg import checks
from gneg.cli.app import say
from gneg.cli.groups import Group, parameter
from gneg.cli.values import Checked, listed, sampler_list
from gneg.nn.choices import PAIR_KINDS
from gneg.samplers.text.parse import parse_list
from gneg.training.config import LinkConfig, TripleConfig
from gneg.training.options import settings
from gneg.training.triple_config import OVER_ALL

if TYPE_CHECKING:
    from gneg.datasets import LinkData

Config = TypeVar("Config", LinkConfig, TripleConfig)
AUTO = "auto"
UNTYPED = {"triples": ["uniform", "typed", "mixture(uniform:0.75, typed:0.25)"]}
UNTYPED["links"] = ["uniform", "mixture(uniform:0.75, walk:0.25)"]
#: Settings whose values are sets of pair features.
KINDS = ("pair_features", "stack")
#: Settings with an axis, the last one changing fastest.
ORDER = ("encoder", "model", "decoder", "loss", "pair_features", "sampler", "stack")


@dataclass(frozen=True)
class Axis:
    """An option with the values of a setting that a grid has.

    Attributes:
        field: The setting.
        help: Its help.
        flags: Its flags, the first of which is its name; if empty the name of the parameter.
    """

    field: str
    help: str
    flags: tuple[str, ...] = ()


#: The axes by the class of the config.
AXES: dict[type, dict[str, Axis]] = {
    LinkConfig: {
        "samplers": Axis(
            "sampler",
            "Negatives: sampler expressions, separated by commas; without it "
            f"{' and '.join(UNTYPED['links'])}, or uniform and the recipe's.",
        ),
        "losses": Axis(
            "loss",
            "Losses, separated by commas; auto: the one that suits each sampler. Without it that, "
            "or infonce for all where they differ.",
        ),
        "decoders": Axis(
            "decoder",
            "mlp, dot, cosine, hybrid, bilinear, ncn, separated by commas; auto: the one that "
            "suits data and encoder.",
            ("--decoders", "--decoder"),
        ),
        "pair_features": Axis(
            "pair_features",
            "Heuristics of a pair that the decoder sees: none, all, or some of "
            f"{', '.join(PAIR_KINDS)}; several values separated by |, as in 'none|cn,ra|all'. "
            "For none,all a comma will do.",
        ),
        "stack": Axis(
            "stack",
            "Heuristics that the trained model is combined with (see --stack-on): values as "
            "in --pair-features. One trained model serves all of them.",
        ),
        "encoders": Axis("encoder", "sage, gcn, lightgcn, heuristics, separated by commas."),
    },
    TripleConfig: {
        "samplers": Axis(
            "sampler",
            "Negatives: sampler expressions, separated by commas; without it "
            f"{', '.join(UNTYPED['triples'])}.",
        ),
        "models": Axis("model", "Models, separated by commas."),
    },
}


@dataclass(frozen=True)
class Axes(Generic[Config]):
    """The values of settings that were typed.

    Attributes:
        config_class: The class of the config.
        typed: Values by setting.
    """

    config_class: type[Config]
    typed: dict[str, list[Any]]

    @property
    def single(self) -> dict[str, Any]:
        """The settings that have one value."""
        return {name: values[0] for name, values in self.typed.items() if len(values) == 1}

    def of_each_encoder(self) -> list[Axes[Config]]:
        """Return the axes with one encoder at a time."""
        encoders = [{"encoder": [encoder]} for encoder in self.typed.get("encoder", ())]
        return [replace(self, typed={**self.typed, **encoder}) for encoder in encoders] or [self]

    def configs(self, base: Config, samplers: list[str]) -> list[Config]:
        """Return the grid around a config.

        Args:
            base: The config with the values of all settings that were not typed.
            samplers: The samplers if none were typed; with a loss over all entities there are none.
        """
        from gneg.experiments.grid import grid

        fields = {axis.field for axis in AXES[self.config_class].values()}
        if base.loss in OVER_ALL:
            samplers = [base.sampler]
        values = {name: [getattr(base, name)] for name in ORDER if name in fields}
        return grid(base, **values | {"sampler": samplers} | self.typed)

    def with_one_loss(self, data: LinkData, configs: list[LinkConfig]) -> list[LinkConfig]:
        """Return configs of pairs with one loss for all, unless losses were typed, and say so."""
        from gneg.experiments.plan import with_one_loss

        changed = configs if "loss" in self.typed else with_one_loss(data, configs)
        if changed != configs:
            say(f"loss: {changed[0].loss} in all rows, so that negatives alone differ (--losses)")
        return changed


class AxisOptions(Group):
    """An option for each axis of a grid.

    Args:
        config: The class of its configs.
    """

    def __init__(self, config: type[LinkConfig] | type[TripleConfig]) -> None:
        self.config, self.axes = config, AXES[config]

    @property
    def fields(self) -> list[str]:
        """The settings that have an axis."""
        return [axis.field for axis in self.axes.values()]

    def parameters(self) -> list[inspect.Parameter]:
        """Return the options."""
        panel = {"rich_help_panel": "Compared"}
        return [
            parameter(
                name,
                str | None,
                None,
                *axis.flags,
                check=self._check(axis),
                help=axis.help,
                **panel,
            )
            for name, axis in self.axes.items()
        ]

    def collect(self, values: dict[str, Any], typed: Collection[str]) -> Axes[Any]:
        """Return the values that were typed."""
        lists: dict[str, list[Any]] = {}
        for name, text in values.items():
            if text is None:
                continue
            entries = _split(self.axes[name].field, text)
            if len({_unordered(self.axes[name].field, entry) for entry in entries}) < len(entries):
                checks.fail(name, "one or more values, each once", text)
            lists[self.axes[name].field] = [None if entry == AUTO else entry for entry in entries]
        for encoder in lists.get("encoder", ()):
            if LinkConfig(encoder=encoder).training_free:
                hint = "heuristics are ranked beside"
                checks.fail("encoders", "of models that are trained", encoder, hint=hint)
        return Axes(self.config, lists)

    def _check(self, axis: Axis) -> Checked:
        if axis.field == "sampler":
            return sampler_list(self.config)
        if axis.field in KINDS:
            return Checked(lambda name, text: "|".join(_kinds(self.config, name, text)))
        further = [AUTO] if settings(self.config)[axis.field].optional else []
        return listed(self.config, axis.field, *further)


def _unordered(field: str, entry: str) -> str:
    """Return a value such that two of the same meaning are equal: kinds may come in any order."""
    return ",".join(sorted(entry.split(","))) if field in KINDS else entry


def _split(field: str, text: str) -> list[str]:
    """Return the values in the text of an option, once it is checked."""
    if field == "sampler":
        return [str(expression) for expression in parse_list(text)]
    return text.split("|" if field in KINDS else ",")


def _kinds(config: type, name: str, text: str) -> list[str]:
    """Return sets of kinds: ``none`` and ``all`` stand alone, so that commas part them from others.

    Args:
        config: The class of the config.
        name: The option.
        text: Sets separated by ``|``, or by commas around ``none`` and ``all``.
    """
    described = settings(config)[name.replace("-", "_")]
    words = re.sub(r"\b(none|all)\b", r"|\1|", text.strip(), flags=re.IGNORECASE)
    sets = [part.strip(" ,") for part in words.split("|")]
    return [described.checked(kinds) for kinds in sets if kinds] or [described.checked(text)]
