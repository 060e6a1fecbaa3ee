"""A bad value of any option: one message that names the option, before any data is read."""

from __future__ import annotations

import inspect
import re
import typing

import pytest
import typer
from rich.text import Text

from gneg import LinkConfig, TripleConfig
from gneg.cli.app import app, kg
from tests.cli.invoke import run
from tests.cli.test_output import COMMANDS

#: Arguments and required options of each command; no command gets as far as to miss their files.
WORDS = {name: words[:1] for name, (words, _, _) in COMMANDS.items()}
WORDS["evaluate"] = ["cn", "e.csv"]
#: Options that take any text, or any number, as far as is known before the data is read.
ANY_VALUE = {
    *("source", "target", "relation", "weight", "time", "label", "rating"),  # columns
    *("node", "head", "tail"),  # names
    *("root", "sep", "margin", "min_rating"),
}


def callback_of(name):
    *group, word = name.split()
    commands = typer.main.get_command(app)
    (commands.load("kg") if group else commands).load(word)
    registered = (kg if group else app).registered_commands
    return next(entry.callback for entry in registered if entry.name == word)


def options(name):
    """Return flags and types of the options of a command that have values."""
    for parameter in inspect.signature(callback_of(name)).parameters.values():
        kind, *entries = typing.get_args(parameter.annotation) or [None]
        for option in entries:
            if isinstance(option, typer.models.OptionInfo):
                flags = option.param_decls or (f"--{parameter.name.replace('_', '-')}",)
                if str(option.default).startswith("--"):  # inside Annotated the first flag
                    flags = (option.default, *option.param_decls)
                if parameter.name not in ANY_VALUE and "bool" not in str(kind):
                    yield flags, str(kind)


def test_no_help_loses_its_brackets():
    for name in COMMANDS:
        for parameter in inspect.signature(callback_of(name)).parameters.values():
            for option in typing.get_args(parameter.annotation)[1:]:
                text = getattr(option, "help", None) or ""
                assert Text.from_markup(text).plain == text.replace("\\[", "["), name
    for command in ("compare", "audit", "train"):
        output = " ".join(run(command, "--help").output.replace("│", " ").split())
        assert "extra gneg[report]" in output or "gneg[tensorboard]" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "e.csv", "--encoder", "sgae"], "'encoder' must be one of 'sage', "),
        (["train", "e.csv", "--encoder", "sgae"], "did you mean 'sage'?"),
        (["train", "e.csv", "--loss", "sofmax"], "'nnpu' (got 'sofmax'); did you mean 'softmax'?"),
        (["train", "e.csv", "--decoder", "dto"], "'ncn' (got 'dto'); did you mean 'dot'?"),
        (["train", "e.csv", "--stack", "cosin"], "(got 'cosin'); did you mean 'cosine'?"),
        (["compare", "e.csv", "--losses", "bce,bpp"], "'losses' must be one of 'bce'"),
        (["compare", "e.csv", "--stack", "cn,ra|ra,cn"], "'stack' must be one or more values"),
        (["compare", "e.csv", "--encoders", "gcn,RA"], "'encoders' must be of models that are"),
        (["evaluate", "cosin", "e.csv"], "did you mean 'cosine'?"),
        (
            ["train", "e.csv", "--loss", "nce", "--sampler", "dns(walk)"],
            "'loss' must be a loss",
        ),
        (["audit", "e.csv", "--sampler", "tiped"], "'sampler': no sampler 'tiped'"),
        (["hardset", "e.csv", "--part", "tst"], "did you mean 'test'?"),
        (["sample", "e.csv", "--out", "f.xyz"], "'out' must be a name that ends in one of"),
        (["kg", "train", "g", "--model", "TransF"], "did you mean 'transe'?"),
        (
            ["train", "e.csv", "--device", "meta"],
            "'device' must be a device that torch has here: cpu",
        ),
        (["predict", "run", "--items", "--users"], "'items' must be left out beside --users"),
    ],
)
def test_a_wrong_value_is_refused_before_data_are_read(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    result = run(*words)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())


def test_names_are_read_in_any_case():
    typed = LinkConfig(encoder="SAGE", loss="BCE", known="Train", stack="CN, aa", device="CPU")
    assert typed == LinkConfig(encoder="sage", loss="bce", stack="cn,aa")
    assert TripleConfig(model="TransE", loss="NSSA") == TripleConfig()
    words = ["--against", "Sets", "--part", "VALID", "--resamples", "0"]
    result = run("evaluate", "CN", "DIGITS", *words)
    assert "cn on digits valid, %" in " ".join(result.output.split()), result.output


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_the_message_names_the_option(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    faults = []
    for flags, kind in options(name):
        number = "int" in kind or "float" in kind
        value = "-1000000" if number else "/proc/none/x.zzz" if "Path" in kind else "nonsense!"
        result = run(*name.split(), *WORDS[name], flags[0], value)
        text = " ".join(result.output.split())
        names = "|".join(flag.strip("-") for flag in flags)
        if result.exit_code != 2 or not re.search(f"error: '({names})'", text):
            faults.append(f"{flags[0]} {value}: {result.exit_code} {text[-220:]}")
    assert not faults, "\n".join(faults)
