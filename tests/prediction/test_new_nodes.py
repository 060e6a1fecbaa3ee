"""Nodes that came after training, scored by their links and features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from gneg.prediction.new_nodes import with_new_nodes
from tests.prediction.models import link_model, named_data


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return link_model(
        tmp_path_factory.mktemp("run"), named_data("undirected", x=True), stack="cn,cosine"
    )


def write(folder, nodes=("new 1", "new 2", "lonely")):
    (folder / "edges.csv").write_text("source,target\nnew 1,node 3\nnode 5,new 2\nnew 1,new 2\n")
    x = np.random.default_rng(0).random((len(nodes), 4))
    table = pd.DataFrame(x, index=pd.Index(nodes, name="id"))
    table.to_csv(folder / "x.csv")
    return {"edges": folder / "edges.csv", "new_features": folder / "x.csv"}


def test_new_nodes_are_answered_for(model, tmp_path):
    extended, ids = with_new_nodes(model, **write(tmp_path))
    assert list(extended.data.end_names[0])[40:] == ["new 1", "new 2", "lonely"]
    assert ids.tolist() == [40, 41, 42]
    table = extended.recommend(torch.from_numpy(ids), 3)
    assert list(table["source"].unique()) == ["new 1", "new 2", "lonely"]
    listed = set(zip(table["source"], table["target"], strict=True))
    assert not listed & {("new 1", "node 3"), ("new 2", "node 5"), ("new 1", "new 2")}
    assert table["probability"].between(0, 1).all()
    again, _ = with_new_nodes(model, **write(tmp_path))
    pd.testing.assert_frame_equal(again.recommend(torch.from_numpy(ids), 3), table)
    assert model.data.num_nodes == 40


def test_what_new_nodes_lack_is_said(model, tmp_path):
    files = write(tmp_path)
    with pytest.raises(ValueError, match="'new_features' must be a file with features"):
        with_new_nodes(model, files["edges"])
    with pytest.raises(ValueError, match=r"'new' must be names .*got 'new 2'"):
        with_new_nodes(model, **write(tmp_path, ("new 1", "lonely")))
    (tmp_path / "edges.csv").write_text("source,target\nnode 1,node 2\n")
    pd.DataFrame({"id": ["node 1"], **{str(i): [0.5] for i in range(4)}}).to_csv(
        tmp_path / "x.csv", index=False
    )
    with pytest.raises(ValueError, match="'new' must be a file with a node that is not in"):
        with_new_nodes(model, tmp_path / "edges.csv", new_features=tmp_path / "x.csv")
    pd.DataFrame({"id": ["new 1"], "a": [0.5]}).to_csv(tmp_path / "x.csv", index=False)
    with pytest.raises(ValueError, match="'new_features' must be 4 features"):
        with_new_nodes(model, tmp_path / "edges.csv", new_features=tmp_path / "x.csv")


@pytest.mark.parametrize("kind", ["undirected", "bipartite"])
def test_models_with_an_embedding_of_each_node_refuse(tmp_path, kind):
    model = link_model(tmp_path / "run", named_data(kind))
    message = "'new' must be left out for users" if kind == "bipartite" else "'model' must be a mo"
    with pytest.raises(ValueError, match=message):
        with_new_nodes(model, write(tmp_path)["edges"])
