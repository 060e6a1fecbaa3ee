"""The command that trains the best row, and the folder that each comparison has to itself."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from gneg import LinkConfig, TripleConfig
from gneg.cli.sources import DataSource
from gneg.datasets.table_options import TableOptions
from gneg.experiments.command import train_command
from gneg.experiments.plan import comparison_folder
from gneg.training.options import settings
from tests.triple_worlds import sparse_data
from tests.worlds import toy


@pytest.mark.parametrize(
    ("config", "start"),
    [
        (LinkConfig(), "gneg train 'my graph.csv' --recipe none"),
        (
            LinkConfig(encoder="gcn", sampler="hardest(walk, m=16)", lr=0.003, stack="cn,ra"),
            "gneg train 'my graph.csv' --recipe none --encoder gcn",
        ),
        (TripleConfig(model="distmult", dim=64), "gneg kg train 'my graph.csv' --model distmult"),
    ],
)
def test_a_command_has_the_settings_that_differ_from_the_defaults(config, start):
    command = train_command(config, ["my graph.csv"])
    assert command.startswith(start)
    words = shlex.split(command.removeprefix("gneg kg ").removeprefix("gneg "))[2:]
    pairs = zip(words[::2], words[1::2], strict=True)
    values = {flag[2:].replace("-", "_"): text for flag, text in pairs}
    values.pop("recipe", None)
    kinds = settings(type(config))
    parsed = {name: kinds[name].kind(text) for name, text in values.items()}
    assert type(config)(**parsed) == config
    assert all(getattr(config, name) != kinds[name].default for name in values)


def test_a_source_has_the_options_that_were_typed():
    table = TableOptions(source="from", header=False, day_first=False, min_rating=4.0)
    source = DataSource(features=Path("x.npy"), directed=True, bipartite=False, table=table)
    text = "e.csv --features x.npy --directed --one-kind --source from"
    text += " --min-rating 4.0 --no-header --month-first"
    assert source.words("e.csv") == text.split()
    assert DataSource().words("Cora") == ["Cora"]


def test_each_comparison_has_a_folder_of_its_own():
    data, config = toy(n=40, edges=120), LinkConfig()
    grids = [[config], [replace(config, lr=0.1)], [config, replace(config, stack="all")]]
    names = [comparison_folder(data, configs) for configs in grids]
    names += [comparison_folder(data, [config], ["hard.npz"])]
    names += [comparison_folder(toy(n=40, edges=110), [config])]
    assert len(set(names)) == len(names)
    assert names[0] == comparison_folder(data, [LinkConfig()])
    assert all(name.startswith("compare-") for name in names)
    assert comparison_folder(sparse_data(), [TripleConfig()]).startswith("kg-compare-")
