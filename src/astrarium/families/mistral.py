"""Mistral: Llama without biases, grouped heads, a sliding window."""

from astrarium.families.llama_like import KINDS, Shape, never

FAMILY = Shape(
    hidden=4096,
    inner=14336,
    blocks=32,
    attention_heads=32,
    kv_heads=8,
    vocabulary=32000,
    positions=131072,
    ties_head=False,
    qkv_bias=never,
    out_bias=never,
    mlp_bias=never,
).family("mistral", KINDS)
