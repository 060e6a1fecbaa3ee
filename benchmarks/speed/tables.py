"""Tables of speed, made from the files under ``results/``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.format import load, machine, table

HERE = Path(__file__).parent


def speed() -> str:
    """Return the table of samplers and peers."""
    result = load(HERE / "results" / "speed.json")
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
    for label in ("uniform", "walk"):
        bare = [g["bare_million_per_s"][label] for g in graphs]
        shares = [
            g["rates_million_per_s"][label] / rate for g, rate in zip(graphs, bare, strict=True)
        ]
        cells = [f"{r:.0f} ({100 * share:.0f} %)" for r, share in zip(bare, shares, strict=True)]
        rows.append([f"bare kernel of {label} (share of it that is reached)", *cells, "50 %"])
    for label, limit in result["calls"].items():
        calls = [f"{g['call_of_1024_queries_us'][label]:.0f}" for g in graphs]
        name = f"one call of {label} for 1,024 queries, microseconds"
        rows.append([name, *calls, f"at most {limit:g}"])
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


def before() -> str:
    """Return the table of samplers beside those of an earlier commit; empty if not measured."""
    result = load(HERE / "results" / "speed.json")
    if "by_turns" not in result:
        return ""
    sides = result["by_turns"]
    rows = []
    for label in next(iter(sides["after"].values())):
        row = [label]
        for graph, rates in sides["after"].items():
            old, new = sides["before"][graph][label], rates[label]
            row.append(f"{old:.1f} -> {new:.1f} ({new / old:.1f} x)")
        rows.append(row)
    header = [f"millions a second, {result['before']} -> {result['commit']}", *sides["after"]]
    return f"{table(header, rows)}\n\nThe best of three processes each, by turns."


def share() -> str:
    """Return the table of the share of sampling in training."""
    result = load(HERE / "results" / "share.json")
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


def hardsets() -> str:
    """Return the table of hard evaluation sets."""
    result = load(HERE / "results" / "hardset.json")
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
    positives = result["rows"][0]["dense"]["positives"]
    return (
        f"{table(header, rows)}\n\nDense: the same procedure in NumPy and SciPy, an edge at a "
        f"time; its time is extrapolated from {positives} positives of the same run. "
        f"{machine(result)}, {result['kernel_threads']} threads."
    )


def audits() -> str:
    """Return the table of audits."""
    result = load(HERE / "results" / "audit.json")
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


def loader() -> str:
    """Return the table of the link loader."""
    result = load(HERE / "results" / "loader.json")
    rows = [
        [row["negatives"], f"{row['batches_per_s']:.0f}", f"{row['nodes']:,.0f}"]
        for row in result["rows"]
    ]
    epoch = result["epoch"]
    return (
        f"{table(['negatives', 'batches a second', 'nodes a batch'], rows)}\n\ndblp2010, "
        f"{result['batch']:,} links a batch, fanout {result['fanout']}, one negative a link, "
        f"on our neighbour sampler. An epoch of GraphSAGE over all {epoch['positives']:,} training "
        f"edges with walk negatives: {epoch['seconds']:.0f} s, {epoch['loading_s']:.0f} s of it "
        f"loading, {epoch['gigabytes']:.1f} GB. {machine(result)}."
    )


def triples() -> str:
    """Return the table of samplers of triples."""
    result = load(HERE / "results" / "kg.json")
    rows = [[row["sampler"], f"{row['per_second'] / 1e6:.1f}"] for row in result["rows"]]
    tests = ", ".join(f"{row['model']} {row['seconds']:.0f} s" for row in result["ranking"])
    return (
        f"{table(['negatives of triples', 'millions a second'], rows)}\n\nFB15k-237, "
        f"{result['batch']:,} triples a call, {result['k']} negatives each, both ends, "
        f"{result['threads']} threads; PyKEEN {result['versions']['pykeen']} masks known triples "
        f"and does not refill. The filtered test of all test triples at width 100: {tests}. "
        f"{machine(result)}."
    )
