"""What training and comparisons print at their end."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from gneg.cli.app import say
from gneg.cli.tables import LABELS, mean_std, print_table, seeds_of
from gneg.evaluation.metrics import MEAN_RANKS


def print_link_results(results: dict[str, Any]) -> None:
    """Print the figures, times and settings of a run of link prediction."""
    from gneg.evaluation.full_ranks import sentence

    runs, protocol, summary = results["runs"], results["protocol"], results["summary"]
    columns = {"valid": summary["valid"], "test": summary["test"]}
    combined = ""
    if "test_alone" in summary:
        combined = ", with heuristics"
        columns = {
            "valid, model alone": summary["valid"],
            "test, model alone": summary["test_alone"],
        }
        columns[f"test{combined}"] = summary["test"]
    if "all" in summary:
        columns[f"test{combined}, among all nodes"] = summary["all"]
    rows = [
        (
            name + (" *" if name == results["dataset"]["metric"] else ""),
            *(mean_std(values[name]) if name in values else "-" for values in columns.values()),
        )
        for name in {**summary["test"], **summary.get("all", {})}
        if name != "intervals"
    ]
    title = f"{results['dataset']['name']}, {seeds_of(len(runs))}, %"
    print_table(title, ("metric", *columns), rows)
    trained = "seconds" in runs[0]  # no training-free score
    against = (
        f"against {protocol['negatives_per_positive']} negatives per positive "
        f"({protocol['negatives']})"
    )
    star, known = "the dataset's metric", ""
    if trained:
        star = f"best epoch selected by {protocol['select_by']}"
        known = f"edges known to the sampler: {protocol['known']}; "
    say(f"{against}; {known}* {star}")
    if "all" in summary:
        say(f"among all nodes: {sentence(runs[0]['all'])}")
    if not trained:
        return
    _print_time(runs)
    say(f"loss: {runs[0]['loss']}; decoder: {runs[0]['decoder']}; best epoch: {_best_epochs(runs)}")
    if runs[0].get("stack") is not None:
        _print_stacks([run["stack"] for run in runs], results["config"].get("stack_on"))
    if runs[0]["base_weight"] is not None:
        weights = ", ".join(f"{run['base_weight']:g}" for run in runs)
        say(f"weight of the base measure: {weights}")
    _print_sampler(runs)


def print_triple_results(results: dict[str, Any]) -> None:
    """Print the figures, times and settings of a run on a knowledge graph."""
    from gneg.training.triple_config import OVER_ALL

    summary, runs = results["summary"], results["runs"]

    def cell(name: str, value: dict[str, Any]) -> str:
        return mean_std(value, name) + ("" if name in MEAN_RANKS else " %")

    rows = [
        (LABELS.get(name, name), *(cell(name, summary[part][name]) for part in ("valid", "test")))
        for name in summary["test"]
    ]
    title = f"{results['dataset']['name']}, {results['config']['model']}, {seeds_of(len(runs))}"
    print_table(title, ("metric", "valid", "test"), rows)
    columns = ("mrr", "hits@1", "hits@10")
    rows = [
        (sampler, *(cell(name, metrics[name]) for name in columns))
        for sampler, metrics in summary["sampled"].items()
    ]
    print_table(results["protocol"]["sampled"], ("negatives", *columns), rows)
    rows = [
        (name, str(ends["head"]["triples"]), *(f"{100 * ends[end]['mrr']:.1f}" for end in ends))
        for name, ends in runs[0]["test"].get("category", {}).items()
    ]
    if rows:
        heads = ("relations", "triples", "head MRR, %", "tail MRR, %")
        print_table("test by category of relations, seed 0", heads, rows)
    say(f"{results['protocol']['ranked']}")
    if "classification" in summary:
        figures = ", ".join(
            f"{name} {mean_std(value)} %"
            for name, value in summary["classification"].items()
            if name in ("accuracy", "f1")
        )
        say(f"against verified negatives: {figures}")
    risk = summary.get("false_negatives_per_1000")
    if risk is not None and results["config"]["loss"] not in OVER_ALL:  # those have no negatives
        say(f"held-out triples among the sampler's negatives: {risk['mean']:.2f} per 1,000")
    _print_time(runs)
    say(f"best epoch: {_best_epochs(runs)}")
    _print_sampler(runs)


def print_comparison(results: dict[str, Any]) -> None:
    """Print the tables of a ``compare.json``: all rows, what each part is worth, what is best."""
    from gneg.evaluation.full_ranks import sentence
    from gneg.experiments.cell import ALL_ENTITIES, VERIFIED
    from gneg.experiments.parts import apart, cell, columns, marked_part, mean_seconds, shared_parts
    from gneg.experiments.significance import untested

    rows, first = results["rows"], results["rows"][0]["summary"]
    metrics = list(dict.fromkeys([results["metric"], "mrr", "hits@10", "accuracy"]))
    names = (ALL_ENTITIES, VERIFIED) if ALL_ENTITIES in first else tuple(first)
    figures = [
        (metric, name) for metric in metrics for name in names if metric in first.get(name, {})
    ]
    named, part = columns(rows), marked_part(rows)
    cells = [
        [
            *(cell(name, row) for name in named),
            _percent(statistics.fmean(row["valid"])),
            *(_figure(row, name, metric, part) for metric, name in figures),
            _risk(row),
            f"{mean_seconds(row):.1f}",
        ]
        for row in rows
    ]
    for kind, sets in results["heuristics"].items():
        valid = results.get("heuristics_valid", {}).get(kind)
        values = map(_percent, [valid, *(sets[name].get(metric) for metric, name in figures)])
        cells.append([kind, *["-"] * (len(named) - 1), *values, "-", "-"])
    heads = [*named.values(), f"valid {results['metric']}"]
    heads += [f"{name} {metric}" for metric, name in figures]
    heads += ["held-out per 1,000", "s"]
    title = f"{results['dataset']['name']} test, {seeds_of(results['seeds'])}, %"
    print_table(title, heads, cells, names=len(named))
    say(f"held-out per 1,000: held-out positives among 1,000 negatives; s: {SECONDS}")
    if shared := shared_parts(rows):
        say(f"in all rows: {shared}")
    if results["among_all"] is not None:
        say(f"all: {sentence(results['among_all'])}")
    reason = untested(results["seeds"])
    if not reason and results["effects"]:
        _print_effects(results["effects"], figures[: _visible(figures, results["metric"])])
    beside = apart(results["effects"])
    separate = f", for each {beside} apart" if beside else ""
    say(reason or f"* p < 0.05 (** 0.01, *** 0.001): {TESTS}{separate}")
    say(results["best"]["sentence"])
    if results["best"]["advice"]:
        say(results["best"]["advice"])
    use = "train this model" if results["best"]["heuristic"] is None else "rank by it"
    say(f"{use}: {results['best']['command']}", wrap=False)


SECONDS = "seconds of training a run, and of its stack; not of evaluating it"
TESTS = (
    "paired t-tests over seeds, Holm's correction over all lines (intervals are of one line); "
    "a part is worth the mean difference of the rows with it to those that differ in it alone"
)


def _visible(figures: list[tuple[str, str]], metric: str) -> int:
    """Return how many of the figures are of the dataset's metric or MRR, which come first."""
    return sum(name in (metric, "mrr") for name, _ in figures)


def _print_effects(effects: list[dict[str, Any]], figures: list[tuple[str, str]]) -> None:
    """Print what each part is worth: differences in points with their intervals."""
    from gneg.experiments.parts import change, measured, mixed

    rows = [
        [
            f"{measured(effect)}: {change(effect)}"
            + (f" (loss: {', '.join(effect['also'])})" if effect["also"] else ""),
            *(_difference(effect["tests"][name][metric]) for metric, name in figures),
            str(effect["pairs"]),
        ]
        for effect in effects
    ]
    heads = ["part", *(f"{name} {metric}" for metric, name in figures), "pairs of rows"]
    print_table("what each part is worth, points of test (95 % interval)", heads, rows)
    if sentence := mixed(effects):
        say(sentence)


def _difference(test: dict[str, Any]) -> str:
    low, high = (100 * test[end] for end in ("low", "high"))
    return f"{100 * test['difference']:+.2f} ({low:+.2f} to {high:+.2f}){test['mark']}"


def _figure(row: dict[str, Any], name: str, metric: str, part: str | None) -> str:
    """Return mean and deviation, with the mark of the test for the only part that is tested."""
    tests = row["against"].get(part, {}).get("tests", {})
    mark = tests.get(name, {}).get(metric, {}).get("mark", "")
    return f"{mean_std(row['summary'][name][metric], metric)}{mark}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def _risk(row: dict[str, Any]) -> str:
    return "-" if row["audit"] is None else f"{row['audit']['risk']['per_1000']:.1f}"


def _best_epochs(runs: list[dict[str, Any]]) -> str:
    return ", ".join(str(run["best_epoch"]) for run in runs)


def _print_stacks(stacks: list[dict[str, Any]], stack_on: str | None) -> None:
    """Print what the stacks of runs gained, and on which edges they were fitted."""
    from gneg.training.record import DECODER_ALONE

    if all(stack["chosen"] == DECODER_ALONE for stack in stacks):
        say("not combined with heuristics: out of fold that gains nothing")
        return
    fitted = "validation edges, so that the column 'with heuristics' is of test edges only"
    if stack_on == "train":
        fitted = "folds of the training edges; 'valid' is of the model alone"
    elif stack_on == "both":
        fitted = f"folds of the training edges and {fitted}"
    functions = ", ".join(map(_stack, stacks))
    gain = "gain against easy and hard negatives, out of fold (± standard error)"
    say(f"combined with heuristics, {gain}: {functions}; fitted on {fitted}")


def _stack(stack: dict[str, Any]) -> str:
    """Return the function of a stack with its relative gain out of fold and the standard error."""
    name, figures = stack["chosen"], stack.get(stack["chosen"], {})
    if "gain" not in figures:  # none, or a run of an earlier version
        return str(name)
    return f"{name} {100 * figures['gain']:+.1f} % (± {100 * figures['error']:.1f})"


def _print_time(runs: list[dict[str, Any]]) -> None:
    total = {part: sum(run["seconds"][part] for run in runs) for part in runs[0]["seconds"]}
    parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in total.items() if seconds)
    share = 100 * statistics.fmean(run["sampling_share"] for run in runs)
    if "waiting_share" in runs[0]:
        waiting = 100 * statistics.fmean(run["waiting_share"] for run in runs)
        say(f"time: {parts} (of an epoch, the model waits for batches {waiting:.1f} %)")
        return
    spent = f" (sampling and scoring are {share:.1f} % of an epoch)" if share else ""
    say(f"time: {parts}{spent}")


GUARD_ROWS = {
    "easier": "replaced by uniform ones",
    "starved": "taken though dropped, or left out",
}


def _print_sampler(runs: list[dict[str, Any]]) -> None:
    """Print what guards dropped, and the report of an adaptive sampler."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run["sampler_counts"])
    if counts["guarded"]:
        names = [*(name for name in counts if name.startswith("dropped ")), "easier", "starved"]
        rows = [
            (
                GUARD_ROWS.get(name, name),
                f"{counts[name]:,}",
                f"{100 * counts[name] / counts['guarded']:.2f} %",
            )
            for name in names
        ]
        title = f"guards, of {counts['guarded']:,} candidates"
        print_table(title, ("guard", "candidates", "share"), rows)
    for name, value in _figures(runs[-1]["sampler_report"]):
        say(f"{name}: {value}")


def _figures(report: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and text of every figure of a report; curves as bars and their last value."""
    for name, value in report.items():
        if isinstance(value, dict):
            yield from _figures(value, f"{prefix}{name} ")
        elif isinstance(value, list):
            for key in value[0] if value else ():
                points = [row[key] for row in value]
                yield f"{prefix}{key}", f"{_bars(points)} {points[-1]:.3g}"
        else:
            yield f"{prefix}{name}", f"{value:.3g}" if isinstance(value, float) else str(value)


def _bars(points: Sequence[float], width: int = 40) -> str:
    """Draw points as bars from 0 to their largest value."""
    step = max(1, -(-len(points) // width))
    top = max(max(points), 1e-9)
    return "".join("▁▂▃▄▅▆▇█"[min(7, int(8 * max(value, 0) / top))] for value in points[::step])
