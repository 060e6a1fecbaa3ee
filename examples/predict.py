"""Which links are missing? Train on a graph with names, then ask."""

from __future__ import annotations

import tempfile

import networkx

import gneg
from gneg import datasets


def main() -> None:
    graph = networkx.karate_club_graph()
    members = {i: f"member {i + 1}" for i in graph}
    data = datasets.from_networkx(networkx.relabel_nodes(graph, members), name="karate club")

    with tempfile.TemporaryDirectory() as folder:
        config = gneg.LinkConfig(encoder="gcn", hidden=32, epochs=30, decoder="cosine", k=4)
        gneg.train(data, config, out=folder)

        model = gneg.load(folder)
        print("Who might know member 1 and member 34?")
        print(model.recommend(["member 1", "member 34"], k=3, why=True).to_string(index=False))

        pairs = ["member 1", "member 1"], ["member 34", "member 2"]
        print("probabilities:", model.predict_proba(*pairs))
        print("on average one pair in", round(1 / model.calibration.base_rate), "is a hidden link")


if __name__ == "__main__":
    main()
