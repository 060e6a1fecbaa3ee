"""Where negatives of training are drawn: ahead on a thread, or on the model's device."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from gneg import LinkConfig, TripleConfig, datasets
from gneg.samplers import Sampler
from gneg.training import drawing, minibatch
from gneg.training.callbacks import Callback
from gneg.training.driver import train
from gneg.training.kinds import make_run
from gneg.training.resources import Resources
from tests.accelerator import KIND
from tests.training.runs import stable
from tests.triple_worlds import sparse_data
from tests.worlds import toy

LINKS = {"hidden": 8, "epochs": 3, "eval_every": 1, "batch_size": 64, "k": 3}
TRIPLES = {"dim": 8, "epochs": 3, "eval_every": 1, "batch_size": 64}
THREAD = "gneg-batches"
CONFIGS = {
    "uniform": LinkConfig(**LINKS, sampler="uniform", loss="bce"),
    "densities": LinkConfig(**LINKS, sampler="mixture(walk, degree)", loss="nce"),
    "curriculum": LinkConfig(**LINKS, sampler="curriculum(mixture(uniform, khop), end=0.9)"),
    "triples": TripleConfig(**TRIPLES, sampler="typed", dropout=0.0),
}


def run_of(config, workers=1):
    links = isinstance(config, LinkConfig)
    run = make_run(toy() if links else sparse_data(), config, 0)
    run.resources = Resources(workers)
    return run


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREAD)]


def stop_in_the_third_epoch():
    epochs = iter(range(10))

    def stop(done, total):
        if next(epochs) == 2:
            raise KeyboardInterrupt

    return stop


@pytest.fixture
def drawn_in(monkeypatch):
    """The names of the threads in which negatives were drawn."""
    names = []
    original = drawing.sample

    def sample(run, pos, **model):
        names.append(threading.current_thread().name)
        return original(run, pos, **model)

    monkeypatch.setattr(drawing, "sample", sample)
    return names


@pytest.mark.parametrize("name", CONFIGS)
def test_negatives_drawn_ahead_are_those_drawn_when_they_are_needed(name, accelerator, drawn_in):
    config = replace(CONFIGS[name], device=KIND)
    runs, losses = [run_of(config, workers) for workers in (0, 1)], []
    for run in runs:
        torch.manual_seed(0)  # of dropout
        losses.append([run.epoch() for _ in range(2)])
    steps = -(-runs[0].num_items // runs[0].batch_size)
    assert drawn_in == ["MainThread"] * 2 * steps + [f"{THREAD}_0"] * 2 * steps
    assert losses[0] == losses[1]
    states = [run.generator.get_state() for run in runs]
    assert torch.equal(*states)
    assert runs[0].progress.counts == runs[1].progress.counts
    assert runs[1].progress.seconds["sampling"] > 0
    assert not threads()


@pytest.mark.parametrize("kind", ["uniform", pytest.param("triples", marks=pytest.mark.slow)])
def test_an_interrupted_run_draws_ahead_again(kind, accelerator, tmp_path):
    config = replace(CONFIGS[kind], device=KIND)
    data, options = sparse_data() if kind == "triples" else toy(), {"resources": Resources(1)}
    whole = train(data, config, **options)
    with pytest.raises(KeyboardInterrupt):
        train(data, config, out=tmp_path, report=stop_in_the_third_epoch(), **options)
    assert not threads()
    assert stable(train(data, config, out=tmp_path, **options)) == stable(whole)


@pytest.mark.parametrize(
    "options",
    [
        {"sampler": "hardest(uniform)"},
        {"sampler": "memorybank"},
        {"sampler": "mixture(uniform, selfpaced(hardest(uniform)))"},
        {"device": "cpu"},
        {"negatives_on": "device", "sampler": "uniform"},
    ],
)
def test_what_depends_on_the_model_or_shares_its_device_is_not_drawn_ahead(
    options, accelerator, drawn_in
):
    run_of(LinkConfig(**{**LINKS, "device": KIND, **options})).epoch()
    assert set(drawn_in) == {"MainThread"}


@pytest.mark.parametrize("text", ["uniform", "mixture(walk, khop)", "curriculum(mixture(a, b))"])
def test_samplers_without_a_step_of_their_own_do_not_learn_from_steps(text):
    text = text.replace("a, b", "uniform, walk")
    assert not drawing.learns_from_steps(toy().sampler(text))
    assert drawing.learns_from_steps(toy().sampler(f"mixture({text}, adversarial(uniform))"))
    triples = sparse_data()
    assert not drawing.learns_from_steps(triples.sampler("walk"))
    assert drawing.learns_from_steps(triples.sampler("cached(uniform)"))


def test_errors_of_the_sampler_reach_the_caller_and_end_the_thread(accelerator, monkeypatch):
    run = run_of(replace(CONFIGS["uniform"], device=KIND))
    original, calls = Sampler.sample, iter(range(100))

    def sample(self, *args, **options):
        if next(calls) == 2:
            raise ValueError("no negatives today")
        return original(self, *args, **options)

    monkeypatch.setattr(Sampler, "sample", sample)
    with pytest.raises(ValueError, match="no negatives today") as caught:
        run.epoch()
    assert not threads(), caught  # while the traceback still holds the frames


class _Stop(Callback):
    def on_step(self, seed, step, steps):
        assert threads()
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_thread(accelerator):
    run = run_of(replace(CONFIGS["uniform"], device=KIND))
    run.callbacks = _Stop()
    with pytest.raises(KeyboardInterrupt) as caught:
        run.epoch()
    assert not threads(), caught


def test_the_host_does_not_wait_for_the_device_to_draw(accelerator):
    """But for the loss and the signs of collapse, each once a step."""
    waits = []
    for on in (False, True):
        run = run_of(replace(CONFIGS["densities"], device=KIND), workers=int(on))
        run.epoch()
        with accelerator.waiting() as counts:
            run.epoch()
        waits.append(counts)
    steps = -(-run.num_items // run.batch_size)
    # Positives are copied to the kernels and looked at.
    assert waits[0] - waits[1] == {"copy to the CPU": 2 * steps}
    assert waits[1] == {"item": steps, "copy to the CPU": steps}


def test_memory_is_pinned_for_cuda_alone():
    assert [drawing.pins(torch.device(name)) for name in ("cuda", "cpu", "mps")] == [True, 0, 0]


@pytest.mark.parametrize("options", [{}, {"fanout": "3,2"}, {"fanout": "3,2", "inputs": "both"}])
def test_copies_that_are_not_waited_for_are_of_pinned_memory(options, accelerator, monkeypatch):
    pinned, copies = set(), []
    original = torch.Tensor.to

    def pin(tensor):
        pinned.add(tensor.data_ptr())
        return tensor

    def to(tensor, *args, **kwargs):
        if kwargs.get("non_blocking"):
            copies.append(tensor.data_ptr() in pinned or not tensor.numel())
        return original(tensor, *args, **kwargs)

    for module in (drawing, minibatch):
        monkeypatch.setattr(module, "pins", lambda device: device.type == KIND)
    monkeypatch.setattr(torch.Tensor, "pin_memory", pin)
    monkeypatch.setattr(torch.Tensor, "to", to)
    run = run_of(LinkConfig(**{**LINKS, "loss": "nce", "sampler": "walk", **options}, device=KIND))
    assert run.epoch() > 0
    assert copies
    assert all(copies)


@pytest.mark.parametrize("loss", ["1vsall", "1vsrest", "kvsall"])
def test_training_over_all_entities_waits_for_the_loss_alone(loss, accelerator):
    config = TripleConfig(**TRIPLES, model="distmult", loss=loss, encoder="compgcn", device=KIND)
    run = run_of(config)
    run.epoch()
    with accelerator.waiting() as counts:
        run.epoch()
    assert counts == {"item": -(-len(run.queries) // run.items_per_step)}


# -- on the device ---------------------------------------------------------------------------------


def same_run(data, config, *, device: str) -> None:
    """Check that a run whose negatives are drawn on the device is one with those of kernels."""
    config = replace(config, device=device)
    here, there = (train(data, replace(config, negatives_on=on)) for on in ("cpu", "device"))
    assert stable(here) == stable(there)


#: With the whole graph and with mini-batches.
DRAWN_BY_TORCH = [
    {"sampler": "mixture(uniform, walk)", "loss": "bce"},
    {"sampler": "hardest(walk, m=8)", "fanout": "3,2", "loss": "bce", "dropout": 0.0},
    {"sampler": "khop", "loss": "infonce", "known": "train+valid", "corrupt": "dst"},
    {"sampler": "mixture(uniform, hardest(degree, m=8))", "loss": "bpr"},
    {"sampler": "walk(hops=3)", "loss": "auc", "fanout": "3,2"},
    {"sampler": "walk(kind=ppr)", "loss": "softmax"},
]


@pytest.mark.parametrize(
    ("options", "device"),
    [
        (DRAWN_BY_TORCH[0], "cpu"),
        *(pytest.param(options, "cpu", marks=pytest.mark.slow) for options in DRAWN_BY_TORCH[1:]),
        (DRAWN_BY_TORCH[0], KIND),
        *(pytest.param(options, KIND, marks=pytest.mark.slow) for options in DRAWN_BY_TORCH[1:]),
    ],
)
def test_negatives_of_the_device_give_the_same_run(options, device, accelerator):
    same_run(toy(), LinkConfig(**{**LINKS, "epochs": 2, **options}), device=device)


@pytest.mark.parametrize("device", ["cpu", pytest.param(KIND, marks=pytest.mark.slow)])
def test_densities_of_the_device_give_the_same_run_but_for_rounding(device, accelerator):
    config = LinkConfig(**LINKS, sampler="mixture(uniform, walk)", device=device)
    runs = [run_of(replace(config, negatives_on=on)) for on in ("cpu", "device")]
    losses = []
    for run in runs:
        torch.manual_seed(0)
        losses.append(run.epoch())
    assert [run.loss.name for run in runs] == ["softmax"] * 2
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize(
    ("sampler", "lacking"),
    [
        ("memorybank", "memorybank"),
        ("mixture(uniform, hardest(similar))", "similar"),
        ("metropolis(uniform)", "metropolis(uniform)"),
        ("guarded(uniform, degree_cap=3)", "guarded(uniform, degree_cap=3)"),
    ],
)
def test_samplers_of_the_cpu_are_refused_on_the_device(sampler, lacking):
    with pytest.raises(ValueError, match="'negatives_on' must be cpu with the sampler") as caught:
        LinkConfig(sampler=sampler, negatives_on="device")
    assert f"(got device); {lacking} is drawn by kernels only" in str(caught.value)
    assert LinkConfig(sampler="guarded(dns(khop), rank=1|8)", negatives_on="device")


def test_a_run_goes_on_wherever_negatives_are_drawn(tmp_path):
    data, config = toy(), LinkConfig(**LINKS, sampler="walk", loss="bce")
    whole = train(data, config)
    with pytest.raises(KeyboardInterrupt):
        train(data, config, out=tmp_path, report=stop_in_the_third_epoch())
    resumed = train(data, replace(config, negatives_on="device"), out=tmp_path)
    assert stable(resumed) == stable(whole)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["hardest(uniform, m=16)", "khop(hops=2|3|far)"])
def test_digits_train_with_negatives_of_torch(sampler):
    options = {"hidden": 16, "epochs": 3, "eval_every": 1, "batch_size": 4096, "loss": "bce"}
    same_run(datasets.load("digits"), LinkConfig(**options, sampler=sampler), device="cpu")
