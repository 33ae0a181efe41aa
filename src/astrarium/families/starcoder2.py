"""StarCoder2: Llama's attention with biases, GPT-2's MLP, layer norms with biases."""

from astrarium.families.family import Config, FimTokens, flag
from astrarium.families.llama_like import Shape


def _use_bias(config: Config) -> bool:
    return flag(config, "use_bias", True)


FAMILY = Shape(
    hidden=3072,
    inner=12288,
    blocks=30,
    attention_heads=24,
    kv_heads=2,
    vocabulary=49152,
    positions=4096,
    ties_head=True,
    qkv_bias=_use_bias,
    out_bias=_use_bias,
    mlp_bias=_use_bias,
    gated=False,
    norm_bias=True,
).family(
    "starcoder2",
    {"c_fc": "in", "c_proj": "out", "o_proj": "out"},
    (FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),),
)
