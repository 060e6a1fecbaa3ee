"""The decorators that give a user's encoder, decoder or model of triples a name in configs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_args

from torch import nn

from gneg import checks
from gneg.graph.heuristics import KINDS
from gneg.nn.choices import GNNS, DecoderKind
from gneg.registry import Registry, check_name, first_required

Part = TypeVar("Part", bound="type[Any]")

#: Encoders and decoders that users registered.
ENCODERS: Registry[type[nn.Module]] = Registry("encoder", {})
DECODERS: Registry[type[nn.Module]] = Registry("decoder", {})
#: Models of triples and relational encoders that users registered, see :mod:`gneg.nn.kge`.
KGES: Registry[Any] = Registry("model", {})
RELATIONAL: Registry[Any] = Registry("encoder of triples", {})

#: What an encoder's constructor may ask for, by the names that PyG's models have for it.
ENCODER_ARGUMENTS = (
    *("in_channels", "hidden_channels", "out_channels", "num_layers", "dropout", "norm", "jk"),
    "num_nodes",
)
DECODER_ARGUMENTS = ("in_channels", "num_layers", "dropout")
_WORDS = ("none", "auto", *GNNS, "lightgcn", "heuristics", *KINDS)


def register_encoder(name: str) -> Callable[[Part], Part]:
    """Return a decorator that gives an encoder a name, ``gneg.LinkConfig(encoder="mine")``.

    With ``gneg --import FILE.py`` it works on the command line, too: ``--encoder mine``. An encoder
    is a ``torch.nn.Module`` such as PyTorch Geometric's models. Its constructor takes some of
    ``in_channels``, ``hidden_channels``, ``out_channels``, ``num_layers``, ``dropout``, ``norm``,
    ``jk`` and ``num_nodes``; other arguments have defaults. ``forward(x, edge_index)`` takes the
    inputs ``[N, in_channels]`` of nodes (features, learned embeddings or both, as the config says)
    and the edges ``[2, E]`` that messages pass along, in both directions, and returns embeddings
    ``[N, out_channels]``; with a parameter ``edge_weight`` it gets their weights ``[E]``, and
    ``forward(x, adjacency)`` gets an :class:`~gneg.nn.Adjacency` instead. Nodes of a bipartite
    graph are sources, then targets.

    Args:
        name: The name, an identifier that no other encoder has.

    Raises:
        ValueError: If the name is none or taken, or the class is no such module.

    Example::

        gneg.nn.register_encoder("gat")(torch_geometric.nn.GAT)
    """
    name = check_name(name)

    def decorate(part: Part) -> Part:
        if inspect.isclass(part) and issubclass(part, nn.Module):
            _check_constructor(part, ENCODER_ARGUMENTS)
            names = list(inspect.signature(part.forward).parameters)
            if len(names) < 3 or names[2] not in ("edge_index", "adjacency"):
                allowed = "a class with forward(x, edge_index) or forward(x, adjacency)"
                checks.fail(part.__name__, allowed, f"forward({', '.join(names[1:])})")
        ENCODERS.add(name, part, {nn.Module: "forward"}, _WORDS)
        return part

    return decorate


def register_decoder(name: str) -> Callable[[Part], Part]:
    """Return a decorator that gives a decoder a name, ``gneg.LinkConfig(decoder="mine")``.

    With ``gneg --import FILE.py`` it works on the command line, too: ``--decoder mine``. A decoder
    is a ``torch.nn.Module`` whose ``forward(src, dst)`` returns the scores ``[B]`` of embeddings
    ``[B, D]`` of both ends. Its constructor takes some of ``in_channels``, which is D,
    ``num_layers`` and ``dropout``; other arguments have defaults.

    Args:
        name: The name, an identifier that no other decoder has.

    Raises:
        ValueError: If the name is none or taken, or the class is no such module.

    Example::

        @gneg.nn.register_decoder("distance")
        class Distance(torch.nn.Module):
            def forward(self, src, dst):
                return -(src - dst).norm(dim=-1)
    """
    name = check_name(name)

    def decorate(part: Part) -> Part:
        if inspect.isclass(part) and issubclass(part, nn.Module):
            _check_constructor(part, DECODER_ARGUMENTS)
        DECODERS.add(name, part, {nn.Module: "forward"}, ("none", "auto", *get_args(DecoderKind)))
        return part

    return decorate


def _check_constructor(cls: type[nn.Module], names: tuple[str, ...]) -> None:
    """Refuse a class whose constructor needs another argument than those."""
    argument = first_required(cls, names)
    if argument is not None:
        allowed = f"a class that is made of {', '.join(names)}, or has defaults"
        checks.fail(cls.__name__, allowed, f"{argument} without")


def make(cls: type[nn.Module], values: dict[str, Any]) -> nn.Module:
    """Return a module of a registered class.

    Args:
        cls: The class.
        values: Values of the arguments that its constructor may ask for, by name.
    """
    accepted = inspect.signature(cls).parameters
    return cls(**{name: value for name, value in values.items() if name in accepted})
