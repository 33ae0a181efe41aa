"""Qwen2 and Qwen2.5 (Coder too): Llama with biases on q, k and v."""

from astrarium.families.family import Config, FimTokens
from astrarium.families.llama_like import KINDS, Shape, never


def _always(config: Config) -> bool:
    return True


FAMILY = Shape(
    hidden=4096,
    inner=22016,
    blocks=32,
    attention_heads=32,
    kv_heads=32,
    vocabulary=151936,
    positions=32768,
    ties_head=False,
    qkv_bias=_always,
    out_bias=never,
    mlp_bias=never,
).family("qwen2", KINDS, (FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),))
