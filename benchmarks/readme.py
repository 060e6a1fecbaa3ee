"""Write the generated tables of the READMEs: ``python -m benchmarks.readme``.

``--check`` only compares.
Every number comes from a file under ``benchmarks/``; lists of samplers and losses from the classes.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.quality import strategies as runs
from benchmarks.quality import tables
from gneg.losses import LOSSES
from gneg.samplers.build import SAMPLERS, options_of

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", HERE / "README.md")


def table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").split("\n")[0].replace("|", "\\|")


def samplers() -> str:
    rows = [
        [f"`{name}`", f"`{cls.__name__}`", ", ".join(options_of(cls)), first_line(cls)]
        for name, cls in SAMPLERS.items()
    ]
    return table(["`--sampler`", "class", "options", "what it does"], rows)


def losses() -> str:
    rows = [[f"`{name}`", f"`{cls.__name__}`", first_line(cls)] for name, cls in LOSSES.items()]
    return table(["`--loss`", "class", "what it costs"], rows)


def machine(result: dict[str, Any]) -> str:
    info, versions = result["machine"], result["versions"]
    return (
        f"`{result['command']}`; {info['cpu']}, {info['cores']} cores; torch {versions['torch']}, "
        f"PyG {versions['torch-geometric']}, numba {versions['numba']}, Python {versions['python']}"
    )


def speed() -> str:
    result = load(HERE / "speed" / "results" / "speed.json")
    graphs = result["graphs"]
    names = [f"{g['graph']} ({g['directed_edges'] / 1e6:.1f} M directed edges)" for g in graphs]
    rows = []
    for label in graphs[0]["rates_million_per_s"]:
        rates = [g["rates_million_per_s"][label] for g in graphs]
        floor = result["floors"].get(label)
        rows.append([label, *(f"{rate:.1f}" for rate in rates), f"{floor:g}" if floor else ""])
    for label in graphs[0]["peers_million_per_s"]:
        rates = [g["peers_million_per_s"][label] for g in graphs]
        ratios = [
            g["rates_million_per_s"]["uniform"] / rate
            for g, rate in zip(graphs, rates, strict=True)
        ]
        cells = [
            f"{rate:.2f} ({ratio:.1f} x slower)" for rate, ratio in zip(rates, ratios, strict=True)
        ]
        rows.append([label, *cells, ""])
    rows.append(
        [
            "random reads of the index (the memory limit)",
            *(f"{g['gather_million_per_s']:.0f}" for g in graphs),
            "",
        ]
    )
    share = [g["rates_million_per_s"]["uniform"] / g["gather_million_per_s"] for g in graphs]
    rows.append(["share of it that uniform reaches", *(f"{100 * one:.0f} %" for one in share), ""])
    calls = [g["call_of_1024_queries_us"] for g in graphs]
    for label in ("uniform", "walk"):
        limit = f"at most {result['floors']['call of 1,024 queries']:g}"
        rows.append(
            [
                f"one call of {label} for 1,024 queries, microseconds",
                *(f"{call[label]:.0f}" for call in calls),
                limit,
            ]
        )
    scale = result["scaling_ns_per_negative"]
    growth = ", ".join(
        f"{label} {scale[0][label]:.0f} ns at {scale[0]['directed_edges'] / 1e6:.0f} M edges, "
        f"{scale[-1][label]:.0f} ns at {scale[-1]['directed_edges'] / 1e6:.0f} M"
        for label in ("uniform", "walk")
    )
    title = "millions a second"
    return (
        table([title, *names, "floor"], rows)
        + f"\n\nB = {result['batch']}, K = {result['k']}, {result['kernel_threads']} threads, seed "
        f"{result['seed']}. Cost per negative as the graph grows: {growth}.\n{machine(result)}."
    )


def share() -> str:
    result = load(HERE / "speed" / "results" / "share.json")
    rows = [
        [
            row["dataset"],
            row["config"],
            f"{row['epoch_s']:.2f}",
            f"{row['times_uniform']:.2f}",
            f"{100 * row['sampling_share']:.1f} %",
            f"{100 * row['scoring_share']:.1f} %",
        ]
        for row in result["rows"]
    ]
    header = ["GraphSAGE on", "configuration", "epoch, s", "x uniform", "sampling", "scoring"]
    steps = ", ".join(
        f"{row['dataset']} {row['steps_measured']}"
        for row in result["rows"]
        if row["config"] == "uniform"
    )
    return f"{table(header, rows)}\n\nSteps measured: {steps}. {machine(result)}."


def percent(value: dict[str, float | None]) -> str:
    mean, std = value["mean"], value["std"]
    assert mean is not None
    return f"{100 * mean:.2f}" + (f" ± {100 * std:.2f}" if std is not None else "")


def _chosen(result: dict[str, Any], name: str) -> str:
    """What was given, or what the trainer took."""
    return str(result["config"][name] or result["runs"][0][name])


def quality_row(result: dict[str, Any], columns: list[str]) -> list[str]:
    config, summary = result["config"], result["summary"]
    free = config["encoder"] in ("cn", "aa")
    best = ", ".join(str(run["best_epoch"]) for run in result["runs"] if "best_epoch" in run)
    return [
        config["encoder"],
        "training-free" if free else f"`{config['sampler']}`",
        "-" if free else ", ".join(_chosen(result, name) for name in ("loss", "decoder")),
        percent(summary["valid"][result["dataset"]["metric"]]),
        *(percent(summary["test"][name]) for name in columns),
        best or "-",
    ]


def quality_block(dataset: str, columns: list[str]) -> str:
    folder = HERE / "quality" / "results"
    results = [load(path) for path in sorted(folder.glob(f"{dataset}-*.json"))]
    last = results[-1]
    protocol, metric = last["protocol"], last["dataset"]["metric"]
    test = [f"test {name}" for name in columns]
    rows = [quality_row(result, columns) for result in results]
    note = (
        f"{protocol['split'].capitalize()} split; {protocol['negatives_per_positive']} negatives "
        f"per positive ({protocol['negatives']}); {len(last['runs'])} seed(s); best epoch by "
        f"{protocol['select_by']}. Files: `benchmarks/quality/results/{dataset}-*.json`, each with "
        f"its command; the last is {machine(last)}."
    )
    header = ["encoder", "negatives", "loss, decoder", f"valid {metric}", *test, "best epoch"]
    return f"**{dataset}** (%)\n\n{table(header, rows)}\n\n{note}"


def quality() -> str:
    blocks = [
        quality_block("Cora", ["mrr", "hits@10", "auc"]),
        quality_block("ogbl-ddi", ["hits@20", "mrr", "auc"]),
    ]
    return "\n\n".join(blocks)


def _foot() -> str:
    cells = list(tables.cells().values())
    sizes = {cell["dataset"]: cell["ranked"]["test"] for cell in cells}
    ranked = ", ".join(f"{name} {size}" for name, size in sizes.items())
    config = cells[0]["config"]
    return (
        f"{len(cells[0]['runs'])} seeds a cell; test positives ranked: {ranked}; "
        f"k = {config['k']}, {machine(cells[0])}, one thread a process, two processes at once."
    )


def strategies() -> str:
    rows = tables.summary_rows(tables.ranked())
    return f"{table(tables.SUMMARY, rows)}\n\n{tables.verdict()}\n\n{_foot()}"


def strategies_short() -> str:
    """The best, the two baselines, and the worst."""
    names = tables.ranked()
    kept = {*names[:5], "uniform", "uniform, AUC loss", *names[-4:]}
    rows = tables.summary_rows([name for name in names if name in kept])
    return f"{table(tables.SUMMARY, rows)}\n\n{tables.verdict()}"


def details() -> str:
    header = ["strategy", "sampler", "loss", "GCN hard", "GCN easy", "SAGE hard", "SAGE easy"]
    blocks = []
    for dataset in runs.BUDGETS:
        rows = tables.detail_rows(dataset)
        if rows:
            blocks.append(f"### {dataset}, MRR in %\n\n{table(header, rows)}")
    return "\n\n".join(blocks)


def mcns() -> str:
    return table(["strategy", "sampler", "test AUC, %", "in the paper"], tables.mcns_rows())


def hardsets() -> str:
    result = load(HERE / "speed" / "results" / "hardset.json")
    rows = []
    for row in result["rows"]:
        took = f"{row['seconds']:.0f}"
        if row["seconds_of_the_function"] is not None:
            took += f" ({row['seconds_of_the_function']:.1f} without starting Python and reading)"
        whole = row["dense"]["seconds_extrapolated"]
        rows.append(
            [
                f"{row['graph']}, {row['positives']:,} x {row['k']}",
                f"{took}; at most {row['seconds_allowed']:g}",
                f"{row['gigabytes']:.1f}",
                f"{100 * row['by_chance'] / row['positives'] / row['k']:.0f} %",
                f"{whole / 3600:.1f} h" if whole > 3600 else f"{whole:.0f} s",
                f"{row['dense']['times_slower']:.0f}",
            ]
        )
    header = ["graph, test positives x negatives", "seconds", "GB", "by chance", "dense", "x"]
    some = result["rows"][0]["dense"]["positives"]
    return (
        f"{table(header, rows)}\n\nDense: the same procedure in NumPy and SciPy, an edge at a "
        f"time; its time is extrapolated from {some} positives of the same run. {machine(result)}, "
        f"{result['kernel_threads']} threads."
    )


def audits() -> str:
    result = load(HERE / "speed" / "results" / "audit.json")
    rows = []
    for row in result["rows"]:
        risk = row["risk"]
        rows.append(
            [
                row["graph"],
                f"`{row['sampler']}`".replace("|", "\\|"),
                f"{row['relative_ra']:.3g}",
                f"{risk['per_1000']:.3g} ({risk['low']:.3g} to {risk['high']:.3g})",
                f"{risk['lift']:,.0f}" if risk["lift"] > 100 else f"{risk['lift']:.1f}",
                f"{row['drawing']['negatives_per_second'] / 1e6:.1f}",
                f"{row['seconds']:.0f}",
            ]
        )
    header = [
        "graph",
        "sampler",
        "mean RA, held-out edges = 1",
        "held-out edges per 1,000 (95 %)",
        "x uniform",
        "M/s",
        "audit of a million, s",
    ]
    return f"{table(header, rows)}\n\n{machine(result)}."


def compared() -> str:
    result = load(HERE / "quality" / "results" / "compare" / "Cora.json")
    names = list(result["rows"][0]["summary"])
    metrics = ("mrr", "hits@10")
    rows = []
    for row in result["rows"]:
        cells = [
            percent(row["summary"][name][metric])
            + row["against"][name].get(metric, {}).get("mark", "").replace("*", "\\*")
            for metric in metrics
            for name in names
        ]
        risk = f"{row['risk']['per_1000']:.1f}"
        rows.append([row["encoder"], f"`{row['sampler']}`", *cells, risk])
    for kind, sets in result["heuristics"].items():
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


def loader() -> str:
    result = load(HERE / "speed" / "results" / "loader.json")
    rows = [
        [row["negatives"], f"{row['batches_per_s']:.0f}", f"{row['nodes']:,.0f}"]
        for row in result["rows"]
    ]
    epoch = result["epoch"]
    return (
        f"{table(['negatives', 'batches a second', 'nodes a batch'], rows)}\n\ndblp2010, "
        f"{result['batch']:,} links a batch, fanout {result['fanout']}, one negative a link; every row "
        f"on our neighbour sampler. An epoch of GraphSAGE over all {epoch['positives']:,} training "
        f"edges with walk negatives: {epoch['seconds']:.0f} s, {epoch['loading_s']:.0f} s of it "
        f"loading, {epoch['gigabytes']:.1f} GB. {machine(result)}."
    )


BLOCKS = {
    "samplers": samplers,
    "losses": losses,
    "speed": speed,
    "share": share,
    "quality": quality,
    "strategies": strategies,
    "strategies, short": strategies_short,
    "details": details,
    "mcns": mcns,
    "hardsets": hardsets,
    "audits": audits,
    "compared": compared,
    "loader": loader,
}


def rendered(text: str) -> str:
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
