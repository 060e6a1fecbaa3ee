"""Write the generated tables of the READMEs: ``python -m benchmarks.readme``.

With ``--check`` nothing is written, and a page that is out of date is an error. All figures come
from files under ``benchmarks/``, the lists of samplers and losses from the classes.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import listings
from benchmarks.format import load, machine, percent, table
from benchmarks.quality import (
    ablation_tables,
    answers,
    completion,
    decoders,
    full_ranks,
    negatives,
    ogb_example,
    pairs,
    presets,
    race,
    recommend,
    refit,
    tables,
    two_models,
)
from benchmarks.quality import strategies as runs
from benchmarks.scale import plan
from benchmarks.scale import tables as scaled
from benchmarks.scale.minibatch_tables import minibatch
from benchmarks.speed import device, evaluation, features, kg_training
from benchmarks.speed import tables as timed
from gneg.graph.heuristics import KINDS

HERE = Path(__file__).parent
PAGES = (
    HERE.parent / "README.md",
    HERE / "README.md",
    HERE / "scale" / "README.md",
    HERE.parent / "examples" / "README.md",
)

OGB = "ogbl-ddi with the settings of OGB's example, whose GCN has 37.07 ± 5.07, SAGE 53.90 ± 4.74"


def _chosen(result: dict[str, Any], name: str) -> str:
    """Return a setting of the config or, without one, the default that the run chose."""
    return str(result["config"][name] or result["runs"][0][name])


def quality_row(result: dict[str, Any], columns: list[str]) -> list[str]:
    """Return the row of a ``gneg train``; ``columns`` are metrics of the test set."""
    config, summary = result["config"], result["summary"]
    free = config["encoder"] in ("cn", "aa")
    best = ", ".join(str(run["best_epoch"]) for run in result["runs"] if "best_epoch" in run)
    of_any = ", of any nodes" if config.get("queries") == "any" else ""
    return [
        config["encoder"],
        "training-free" if free else f"`{config['sampler']}`{of_any}",
        "-" if free else ", ".join(_chosen(result, name) for name in ("loss", "decoder")),
        percent(summary["valid"][result["dataset"]["metric"]]),
        *(percent(summary["test"][name]) for name in columns),
        best or "-",
    ]


def quality_block(prefix: str, columns: list[str], title: str | None = None) -> str:
    """Return the table of results whose files begin with ``prefix``, a dataset's name by default.

    Args:
        prefix: The prefix.
        columns: Metrics of the test set.
        title: Its title; None: the prefix.
    """
    folder = HERE / "quality" / "results"
    results = [load(path) for path in sorted(folder.glob(f"{prefix}-*.json"))]
    last = results[-1]
    protocol, metric = last["protocol"], last["dataset"]["metric"]
    test = [f"test {name}" for name in columns]
    rows = [quality_row(result, columns) for result in results]
    note = (
        f"{protocol['split'].capitalize()} split; {protocol['negatives_per_positive']} negatives "
        f"per positive ({protocol['negatives']}); {len(last['runs'])} seed(s); best epoch by "
        f"{protocol['select_by']}. Files: `benchmarks/quality/results/{prefix}-*.json`, each with "
        f"its command; the last is {machine(last)}."
    )
    header = ["encoder", "negatives", "loss, decoder", f"valid {metric}", *test, "best epoch"]
    return f"**{title or prefix}** (%)\n\n{table(header, rows)}\n\n{note}"


def quality() -> str:
    """Return the training tables."""
    blocks = [
        quality_block("Cora", ["mrr", "hits@10", "auc"]),
        quality_block("ogbl-ddi", ["hits@20", "mrr", "auc"]),
        quality_block("ogb", ["hits@20", "mrr", "auc"], OGB),
        ogb_example.block(),
    ]
    return "\n\n".join(filter(None, blocks))


def _foot() -> str:
    """Return the note below the table of strategies."""
    cells = list(tables.cells().values())
    sizes = {cell["dataset"]: cell["ranked"]["test"] for cell in cells}
    ranked = ", ".join(f"{name} {size}" for name, size in sizes.items())
    config = cells[0]["config"]
    return (
        f"{len(cells[0]['runs'])} seeds a cell; test positives ranked: {ranked}; "
        f"k = {config['k']}, {machine(*cells)}, one thread a process, two processes at once."
    )


def strategies() -> str:
    """Return the table of all strategies."""
    rows = tables.summary_rows(tables.ranked())
    return f"{table(tables.SUMMARY, rows)}\n\n{tables.verdict()}\n\n{_foot()}"


def strategies_short() -> str:
    """Return the rows of the best strategies, the two baselines and the worst."""
    names = tables.ranked()
    shortlist = {*names[:5], "uniform", "uniform, AUC loss", *names[-4:]}
    rows = tables.summary_rows([name for name in names if name in shortlist])
    return f"{table(tables.SUMMARY, rows)}\n\n{tables.verdict()}"


def details() -> str:
    """Return the table of strategies of each dataset."""
    header = ["strategy", "sampler", "loss", "GCN hard", "GCN easy", "SAGE hard", "SAGE easy"]
    blocks = []
    for dataset in runs.BUDGETS:
        rows = tables.detail_rows(dataset)
        if rows:
            blocks.append(f"### {dataset}, MRR in %\n\n{table(header, rows)}")
    return "\n\n".join(blocks)


def mcns() -> str:
    """Return the table of MCNS's Arxiv."""
    return table(["strategy", "sampler", "test AUC, %", "in the paper"], tables.mcns_rows())


def recommended() -> str:
    """Return the table of Gowalla; empty if nothing was run."""
    header = ["negatives, k", "loss", "Recall@20", "NDCG@20", "MRR", "Hits@20", "best epoch"]
    rows = tables.recommend_rows()
    if not rows:
        return ""
    cells = [load(path) for path in sorted(recommend.RESULTS.glob("*.json"))]
    first = cells[0]
    return (
        f"LightGCN on Gowalla, test, %:\n\n{table(header, rows)}\n\n"
        f"{first['config']['seconds']:.0f} s of training each, one thread, "
        f"{len(first['runs'])} seed; "
        f"{first['dataset']['edges']['test']:,} test pairs ranked among all items but known ones. "
        f"{machine(*cells)}."
    )


def completed_short() -> str:
    """Return the table of TransE on FB15k-237."""
    return completion.block("fb15k237", "transe")


def compared_short() -> str:
    """Return the comparison of samplers with two training-free scores only."""
    return compared(("ra", "ppr"))


def compared_embedded() -> str:
    """Return the comparison of samplers on the embedded graph."""
    return compared(("cn", "ra", "ppr"), "hyperbolic")


def tests_of(row: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the tests of a row's negatives against the first ones, by metric, in a set."""
    return row["against"].get("negatives", {"tests": {}})["tests"].get(name, {})


def compared(heuristics: Sequence[str] = KINDS, dataset: str = "Cora") -> str:
    """Return the comparison of samplers on a dataset.

    Args:
        heuristics: Training-free scores to list below the models.
        dataset: Its name.
    """
    result = load(HERE / "quality" / "results" / "compare" / f"{dataset}.json")
    names = list(result["rows"][0]["summary"])
    metrics = ("mrr", "hits@10")
    rows = []
    for row in result["rows"]:
        cells = [
            percent(row["summary"][name][metric])
            + tests_of(row, name).get(metric, {}).get("mark", "").replace("*", "\\*")
            for metric in metrics
            for name in names
        ]
        risk = f"{row['risk']['per_1000']:.1f}"
        rows.append([row["encoder"], f"`{row['sampler']}`", *cells, risk])
    for kind in heuristics:
        sets = result["heuristics"][kind]
        cells = [f"{100 * sets[name][metric]:.2f}" for metric in metrics for name in names]
        rows.append([kind, "training-free", *cells, "-"])
    header = ["encoder", "negatives"]
    header += [f"{metric}, {name}" for metric in metrics for name in names]
    header.append("held-out edges per 1,000")
    return (
        f"{table(header, rows)}\n\nTest, %, {result['seeds']} seeds; \\* differs from "
        f"`{result['baseline']}` by a paired t-test over seeds, Holm-corrected (p < 0.05, \\*\\* "
        f"0.01, \\*\\*\\* 0.001). {machine(result)}."
    )


BLOCKS = {
    "samplers": listings.samplers,
    "losses": listings.losses,
    "datasets": listings.known_datasets,
    "speed": timed.speed,
    "before": timed.before,
    "features": features.block,
    "evaluation": evaluation.block,
    "share": timed.share,
    "device": device.block,
    "scale": scaled.block,
    "scale-checked": plan.checked,
    "scale-projected": plan.projected,
    "quality": quality,
    "strategies": strategies,
    "strategies, short": strategies_short,
    "details": details,
    "mcns": mcns,
    "hardsets": timed.hardsets,
    "audits": timed.audits,
    "compared": compared,
    "compared, short": compared_short,
    "compared, embedded": compared_embedded,
    "loader": timed.loader,
    "minibatch": minibatch,
    "recommend": recommended,
    "refit": refit.block,
    "answers": answers.block,
    "triples": timed.triples,
    "triples, training": kg_training.block,
    "presets": presets.levels,
    "presets, negatives": presets.negatives,
    "completion": completion.blocks,
    "parts": ablation_tables.effects,
    "parts, short": ablation_tables.short,
    "levels": ablation_tables.levels,
    "learning": ablation_tables.learning,
    "chosen": ablation_tables.chosen,
    "race": race.block,
    "published": ablation_tables.published,
    "pairs": pairs.block,
    "two models": two_models.block,
    "decoders": decoders.block,
    "negatives": negatives.block,
    "completion, short": completed_short,
    "full ranks": full_ranks.block,
}


def rendered(text: str) -> str:
    """Return the text of a page with its generated blocks made anew."""
    for name, make in BLOCKS.items():
        if f"<!-- generated: {name} -->" not in text:
            continue
        pattern = rf"(<!-- generated: {name} -->\n).*?(<!-- end -->)"
        text = re.sub(
            pattern, lambda match, make=make: f"{match[1]}{make()}\n{match[2]}", text, flags=re.S
        )
    return text


def main() -> None:
    for page in PAGES:
        text = page.read_text()
        new = rendered(text)
        if "--check" in sys.argv and new != text:
            sys.exit(f"{page} is out of date: run python -m benchmarks.readme")
        page.write_text(new)


if __name__ == "__main__":
    main()
