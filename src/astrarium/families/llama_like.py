"""What Llama and its kin share: rotary positions, grouped heads, separate q, k and v."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from astrarium.core.errors import SourceError
from astrarium.families.family import MOST_LAYERS, Config, Family, FimTokens, Linear, flag, integer

KINDS = {"gate_proj": "in", "up_proj": "in", "down_proj": "out", "o_proj": "out"}
_Flag = Callable[[Config], bool]


@dataclass(frozen=True, slots=True)
class Shape:
    """Where one of these families differs from Llama: transformers' defaults, biases, the MLP, the norms."""

    hidden: int
    inner: int
    blocks: int
    attention_heads: int
    kv_heads: int | None
    """Where the configuration does not have the key; None: as many as query heads."""
    vocabulary: int
    positions: int
    ties_head: bool
    qkv_bias: _Flag
    out_bias: _Flag
    mlp_bias: _Flag
    gated: bool = True
    """Whether the MLP has a gate (`gate_proj`, `up_proj`, `down_proj`) or not (`c_fc`, `c_proj`)."""
    norm_bias: bool = False

    def width(self, config: Config) -> int:
        return integer(config, "hidden_size", self.hidden)

    def layers(self, config: Config) -> int:
        return integer(config, "num_hidden_layers", self.blocks, most=MOST_LAYERS)

    def heads(self, config: Config) -> int:
        return integer(config, "num_attention_heads", self.attention_heads)

    def head_width(self, config: Config) -> int:
        each = self.width(config) // self.heads(config)
        if not each and config.get("head_dim") is None:
            raise SourceError(
                f"num_attention_heads is {self.heads(config)} in the base's configuration; expected no more than its "
                f"hidden_size, {self.width(config)}"
            )
        return integer(config, "head_dim", each)

    def kv_width(self, config: Config) -> int:
        # A null in the configuration means as many as query heads, also where an absent key means something else.
        listed = {"num_key_value_heads": self.kv_heads, **config}
        return 2 * integer(listed, "num_key_value_heads", self.heads(config)) * self.head_width(config)

    def head_tied(self, config: Config) -> bool:
        return flag(config, "tie_word_embeddings", self.ties_head)

    def context(self, config: Config) -> int:
        return integer(config, "max_position_embeddings", self.positions)

    def other_parameters(self, config: Config) -> int:
        """Token embeddings, two norms a block and one at the end."""
        norm = self.width(config) * (2 if self.norm_bias else 1)
        vocabulary = integer(config, "vocab_size", self.vocabulary)
        return vocabulary * self.width(config) + norm * (2 * self.layers(config) + 1)

    def linears(self, config: Config) -> tuple[Linear, ...]:
        hidden, inner = self.width(config), integer(config, "intermediate_size", self.inner)
        query, half = self.heads(config) * self.head_width(config), self.kv_width(config) // 2
        qkv, out, mlp = self.qkv_bias(config), self.out_bias(config), self.mlp_bias(config)
        found: list[Linear] = []
        for block in range(self.layers(config)):
            attention, feed = f"model.layers.{block}.self_attn", f"model.layers.{block}.mlp"
            found += [
                Linear(f"{attention}.q_proj", hidden, query, qkv),
                Linear(f"{attention}.k_proj", hidden, half, qkv),
                Linear(f"{attention}.v_proj", hidden, half, qkv),
                Linear(f"{attention}.o_proj", query, hidden, out),
            ]
            first, last = (("gate_proj", "up_proj"), "down_proj") if self.gated else (("c_fc",), "c_proj")
            found += [Linear(f"{feed}.{name}", hidden, inner, mlp) for name in first]
            found.append(Linear(f"{feed}.{last}", inner, hidden, mlp))
        return (*found, Linear("lm_head", hidden, integer(config, "vocab_size", self.vocabulary), False))

    def family(self, model_type: str, kinds: dict[str, str], fim: tuple[FimTokens, ...] = ()) -> Family:
        """The family that this shape describes."""
        return Family(
            model_type=model_type,
            kinds=kinds,
            linears_of=self.linears,
            other_parameters=self.other_parameters,
            ties_head=self.head_tied,
            kv_width=self.kv_width,
            layers=self.layers,
            width=self.width,
            context=self.context,
            fim=fim,
        )


def never(config: Config) -> bool:
    """No bias, whatever the configuration."""
    return False
