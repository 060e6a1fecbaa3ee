"""Networks and losses of links, made from the values of a config."""

from __future__ import annotations

from torch import Tensor

from gneg import checks
from gneg.datasets import LinkData
from gneg.losses import LOSSES, Loss
from gneg.nn import NCN, BaseMeasure, LinkPredictor, PairFeatures, Stack, make_decoder
from gneg.nn.choices import DecoderKind, Inputs
from gneg.nn.encoders import Encoder, NoEmbeddings
from gneg.nn.lightgcn import LightGCN
from gneg.nn.pair_inputs import HOPS
from gneg.samplers import Sampler
from gneg.training.config import LinkConfig

ANY_SAMPLER = "infonce"  # the loss that needs no density of the sampler


def make_link_predictor(config: LinkConfig, data: LinkData) -> LinkPredictor:
    """Return the encoder and the decoder of a config.

    The decoder is wrapped in pair features, the base measure and the stack, as far as the config
    has them, in this order.

    Raises:
        ValueError: If the data do not have the heuristics of pairs that it names.
    """
    check_pair_inputs(config, data)
    encoder = make_encoder(config, data)
    width = 1 if config.encoder == "heuristics" else config.hidden
    decoder = make_decoder(
        decoder_kind(config, data, encoder.inputs),
        width,
        layers=config.decoder_layers,
        dropout=config.decoder_dropout,
        graph=data.graph,
    )
    graph, x = data.graph, data.x
    if config.decoder_sees != "none":
        width = 2 * width if isinstance(decoder, NCN) else width  # of the product that it sees
        decoder = PairFeatures(decoder, graph, width, kinds=_kinds(config.decoder_sees), x=x)
    if config.base_measure != "none":
        text = config.sampler if config.base_measure == "sampler" else config.base_measure
        sampler = data.sampler(text, known=config.known, corrupt=config.corrupt)
        weight = 1.0 if config.base_weight is None else config.base_weight
        decoder = BaseMeasure(decoder, sampler, weight, form=config.base_form)
    if config.stack != "none":
        decoder = Stack(decoder, graph, kinds=_kinds(config.stack), x=x)
    return LinkPredictor(encoder, decoder, data.num_src)


def check_pair_inputs(config: LinkConfig, data: LinkData) -> None:
    """Refuse pair features or a stack that the data do not have.

    Raises:
        ValueError: If there are two kinds of nodes, or a kind needs features and there are none.
    """
    for name, text in (("pair_features", config.decoder_sees), ("stack", config.stack)):
        if text != "none" and data.num_src is not None:
            checks.fail(name, "none: two kinds of nodes have no neighbour in common", text)
        if data.x is None and not HOPS.keys().isdisjoint(text.split(",")):
            checks.fail(name, f"without {', '.join(HOPS)}: nodes have no features", text)


def _kinds(text: str) -> list[str] | None:
    """Return the kinds of pair features that a setting names; None: the default ones."""
    return None if text in ("none", "all") else [kind.strip() for kind in text.split(",")]


def make_encoder(config: LinkConfig, data: LinkData) -> Encoder | LightGCN | NoEmbeddings:
    """Return the encoder of a config for the nodes and features of a dataset."""
    if config.encoder == "heuristics":
        return NoEmbeddings(data.num_nodes)
    if config.encoder == "lightgcn":
        return LightGCN(data.num_nodes, hidden=config.hidden, layers=config.layers)
    return Encoder(
        config.encoder,
        data.num_nodes,
        0 if data.x is None else data.x.size(1),
        hidden=config.hidden,
        layers=config.layers,
        dropout=config.dropout,
        inputs=config.inputs,
        norm=config.norm,
        jk=config.jk,
    )


def decoder_kind(config: LinkConfig, data: LinkData, inputs: Inputs) -> DecoderKind | str:
    """Return the decoder of a config, or the one that suits data and encoder.

    Args:
        config: The config.
        data: The dataset.
        inputs: Input of the encoder.
    """
    if config.decoder is not None:
        return config.decoder
    # All targets are ranked for a user, and an inner product is the only score fast enough.
    if data.num_src is not None or config.encoder in ("lightgcn", "heuristics"):
        return "dot"
    return "mlp" if inputs == "embedding" else "cosine"


def make_link_loss(config: LinkConfig, sampler: Sampler, pair: Tensor) -> Loss:
    """Return the loss of a config; arguments as in :func:`link_loss_name`."""
    return LOSSES[link_loss_name(config, sampler, pair)]()


def link_loss_name(config: LinkConfig, sampler: Sampler, pair: Tensor) -> str:
    """Return the name of the loss of a config, or of the one that suits its sampler.

    Args:
        config: The config.
        sampler: The sampler.
        pair: ``[2, 1]``, an edge, whose density shows whether the sampler has any.
    """
    if config.loss is not None:
        return config.loss
    cheap = sampler.density == "cheap"
    corrects = cheap and config.queries == "positives" and sampler.log_prob(*pair) is not None
    return "softmax" if corrects else ANY_SAMPLER
