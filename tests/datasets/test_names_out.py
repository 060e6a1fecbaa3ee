"""The user's own names in what is written and said: negatives, hard sets, errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

import gneg
from gneg import HardSet, datasets
from gneg.samplers import formats


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """Users and items of a csv: two kinds of names."""
    rows = {(3 * i % 17, i * i % 23) for i in range(160)}
    path = tmp_path_factory.mktemp("names") / "ratings.csv"
    path.write_text("user,item\n" + "".join(f"ann {u},item#{v}\n" for u, v in sorted(rows)))
    return datasets.load(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_sampled_negatives_have_ids_and_names(ratings, tmp_path, suffix):
    out = tmp_path / f"negatives.{suffix}"
    gneg.sample(ratings, "uniform", k=3, out=out, corrupt="both")
    negatives = formats.load(out, ratings.graph)
    users, items = ratings.end_names
    if suffix == "parquet":
        table = pd.read_parquet(out)
    else:  # items' names hold the sign of comments
        lines = [line for line in out.read_text().splitlines() if line[0] != "#"]
        header, rows = lines[0].split(","), [line.split(",") for line in lines[1:]]
        table = pd.DataFrame(rows, columns=header)
        table["index_name"] = list(table[[f"index_name_{j}" for j in range(3)]].to_numpy())
    for row, side in enumerate(negatives.side.tolist()):
        query, target = (items, users) if side else (users, items)
        assert table["src_name"][row] == query[int(negatives.src[row])]
        assert table["replaced_name"][row] == target[int(negatives.replaced[row])]
        expected = [target[int(i)] for i in negatives.index[row]]
        assert list(table["index_name"][row]) == expected


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_negatives_of_triples_have_ids_and_names(shared, tmp_path, suffix):
    data = datasets.load_triples("umls", root=shared)
    gneg.sample(data, "typed", k=2, out=tmp_path / f"n.{suffix}")
    negatives = formats.load(tmp_path / f"n.{suffix}", data.triples)
    if suffix == "parquet":
        table = pd.read_parquet(tmp_path / "n.parquet")
        table["index_name_1"] = [names[1] for names in table["index_name"]]
    else:
        table = pd.read_csv(tmp_path / "n.csv", comment="#")
    assert list(table["relation_name"]) == data.relations.of(negatives.relation).to_pylist()
    head, relation, tail = data.train
    for name, ids in (("head", head), ("relation", relation), ("tail", tail)):
        assert list(table[name]) == ids.tolist()
    for name, ids in (
        ("head_name", head),
        ("tail_name", tail),
        ("index_name_1", negatives.index[:, 1]),
    ):
        assert list(table[name]) == data.entities.of(ids).to_pylist()
    assert not {"src", "replaced", "src_name", "replaced_name"} & set(table)
    assert list(table)[:4] == ["head", "relation", "tail", "side"]
    assert 0 < table["side"].mean() < 1  # both ends are replaced


@pytest.mark.parametrize("ends", ["both", "dst", "src"])
def test_a_hard_set_in_parquet_has_names_and_is_read_back(ratings, tmp_path, ends):
    made = gneg.hardset(ratings, family="uniform", k=4, ends=ends, out=tmp_path / "hard.parquet")
    again = HardSet.load(tmp_path / "hard.parquet")
    assert torch.equal(again.index, made.index)
    assert torch.equal(again.pos, made.pos)
    assert (again.keep, again.info) == (made.keep, made.info)
    table = pd.read_parquet(tmp_path / "hard.parquet")
    users, items = ratings.end_names
    assert list(table["source_name"]) == [users[int(u)] for u in made.pos[0]]
    for names, ids in zip(table["negative_names"], made.index.tolist(), strict=True):
        kinds = [items if j < made.keep else users for j in range(4)]
        assert list(names) == [
            own[i] if i >= 0 else None for own, i in zip(kinds, ids, strict=True)
        ]


def test_a_changed_hard_set_in_parquet_is_refused(ratings, tmp_path):
    path = tmp_path / "hard.parquet"
    gneg.hardset(ratings, family="uniform", k=4, out=path)
    table = pd.read_parquet(path)
    table["target"] = np.roll(table["target"], 1)
    table.to_parquet(path)
    with pytest.raises(ValueError, match="'hardset' must be a whole file of gneg hardset"):
        HardSet.load(path)


LABELLED = [(f"d{i}", f"p{j}", int((i + j) % 3 == 0)) for i in range(12) for j in range(12)]


def labelled(path, rows=LABELLED, **options):
    path.write_text("drug,target,label\n" + "".join("{},{},{}\n".format(*row) for row in rows))
    return datasets.load(path, **options)


def test_fixed_serves_the_pairs_labelled_0(tmp_path):
    data = labelled(tmp_path / "labelled.csv")
    drugs, proteins = data.end_names
    zeros = {(drug, protein) for drug, protein, label in LABELLED if not label}
    assert data.negatives.size(1) == len(zeros)
    assert f"{len(zeros)} pairs labelled 0 are negatives, see the sampler fixed" in str(
        data.reading
    )
    for corrupt in ("dst", "src", "both"):
        sampler = data.sampler("fixed", corrupt=corrupt, unique=True)
        drawn = sampler.sample(data.train, 5, generator=torch.Generator().manual_seed(0))
        assert drawn.counts["filled"] == 0
        src, dst = drawn.pairs()
        named = zip(drugs.of(src).to_pylist(), proteins.of(dst).to_pylist(), strict=True)
        assert set(named) <= zeros
    mixed = data.sampler("mixture(fixed:0.5, uniform:0.5)")
    assert mixed.sample(data.train, 4).index.shape == (data.train.size(1), 4)


def test_pairs_labelled_0_hold_both_ways_in_an_undirected_graph(tmp_path):
    data = labelled(tmp_path / "one.csv", bipartite=False)
    target, source = data.negatives[:, :1]
    drawn = data.sampler("fixed").sample(torch.stack([source, target]), 1)
    zeros = {tuple(pair) for pair in data.negatives.t().tolist()}
    assert tuple(drawn.edge_index()[:, 0].tolist())[::-1] in zeros


def test_fixed_needs_pairs_labelled_0(ratings):
    with pytest.raises(ValueError, match="'fixed' must be left out where no pair is labelled 0"):
        ratings.sampler("fixed")


def test_a_pair_with_both_labels_is_named(tmp_path):
    with pytest.raises(ValueError, match="1 pairs with 0 and 1, such as d0 - p0"):
        labelled(tmp_path / "both.csv", [*LABELLED, ("d0", "p0", 0)])


def test_an_edge_in_two_parts_is_named(tmp_path):
    parts = ["train"] * 6 + ["valid", "test", "test"]
    rows = [(f"n {i}", f"n {i + 1}", part) for i, part in enumerate(parts)]
    lines = [",".join(row) for row in [("source", "target", "split"), *rows]]
    path = tmp_path / "parts.csv"
    path.write_text("\n".join([*lines, "n 1,n 0,test"]))
    with pytest.raises(ValueError, match=r"1 of the edges in test .* such as n 1 - n 0"):
        datasets.load(path)
