"""Llama (SmolLM2, Llama 2 and 3, Code Llama)."""

from astrarium.families.family import Config, flag
from astrarium.families.llama_like import KINDS, Shape


def _attention_bias(config: Config) -> bool:
    return flag(config, "attention_bias", False)


FAMILY = Shape(
    hidden=4096,
    inner=11008,
    blocks=32,
    attention_heads=32,
    kv_heads=None,
    vocabulary=32000,
    positions=2048,
    ties_head=False,
    qkv_bias=_attention_bias,
    out_bias=_attention_bias,
    mlp_bias=lambda config: flag(config, "mlp_bias", False),
).family("llama", KINDS)
