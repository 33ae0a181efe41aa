"""What GPT-2 and its kin share: learned positions, layer norms, biases everywhere, an MLP of two linears."""

from __future__ import annotations

from collections.abc import Callable

from astrarium.core.errors import SourceError
from astrarium.families.family import MOST_LAYERS, Config, Family, FimTokens, Linear, flag, integer

KINDS = {"c_fc": "in", "c_proj": "out"}


def family(model_type: str, kv_width: Callable[[Config], int], fim: tuple[FimTokens, ...] = ()) -> Family:
    """A family of this kind.

    Args:
        model_type: its name.
        kv_width: how many numbers of keys and values its cache keeps a token and layer.
        fim: spellings of its fill-in-the-middle marks.
    """
    return Family(
        model_type=model_type,
        kinds=KINDS,
        linears_of=lambda config: linears(config, kv_width(config)),
        other_parameters=other_parameters,
        ties_head=ties_head,
        kv_width=kv_width,
        layers=layers,
        width=width,
        context=context,
        fim=fim,
    )


def width(config: Config) -> int:
    return integer(config, "n_embd", integer(config, "hidden_size", 768))


def layers(config: Config) -> int:
    other = integer(config, "num_hidden_layers", 12, most=MOST_LAYERS)
    return integer(config, "n_layer", other, most=MOST_LAYERS)


def heads(config: Config) -> int:
    return integer(config, "n_head", integer(config, "num_attention_heads", 12))


def head_width(config: Config) -> int:
    """Numbers of one attention head.

    Raises:
        SourceError: the heads do not divide the width.
    """
    if width(config) % heads(config):
        raise SourceError(
            f"n_embd is {width(config)} and n_head {heads(config)} in the base's configuration; "
            "expected a width that the heads divide"
        )
    return width(config) // heads(config)


def context(config: Config) -> int:
    return integer(config, "n_positions", integer(config, "max_position_embeddings", 1024))


def vocabulary(config: Config) -> int:
    return integer(config, "vocab_size", 50257)


def ties_head(config: Config) -> bool:
    return flag(config, "tie_word_embeddings", True)


def linears(config: Config, kv_width: int) -> tuple[Linear, ...]:
    """The linears of every block and the head.

    Args:
        config: content of `config.json`.
        kv_width: how many of `c_attn`'s outputs are keys and values.
    """
    hidden = width(config)
    inner = integer(config, "n_inner", 4 * hidden)
    blocks = [
        linear
        for block in range(layers(config))
        for linear in (
            Linear(f"transformer.h.{block}.attn.c_attn", hidden, hidden + kv_width, True),
            Linear(f"transformer.h.{block}.attn.c_proj", hidden, hidden, True),
            Linear(f"transformer.h.{block}.mlp.c_fc", hidden, inner, True),
            Linear(f"transformer.h.{block}.mlp.c_proj", inner, hidden, True),
        )
    ]
    return (*blocks, Linear("lm_head", hidden, vocabulary(config), False))


def other_parameters(config: Config) -> int:
    """Token and position embeddings, two layer norms a block and one at the end."""
    hidden = width(config)
    return hidden * (vocabulary(config) + context(config)) + 2 * hidden * (2 * layers(config) + 1)
