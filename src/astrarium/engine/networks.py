"""Which configurations the engine runs itself, and how it builds their networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astrarium.engine import rotary
from astrarium.engine.families.gpt_bigcode import GptBigCode
from astrarium.engine.families.llama import Llama
from astrarium.engine.families.network import Network
from astrarium.engine.families.starcoder2 import Starcoder2
from astrarium.engine.weights import Weights

NETWORKS: Mapping[str, type[Network]] = {
    "gpt_bigcode": GptBigCode,
    "llama": Llama,
    "mistral": Llama,
    "qwen2": Llama,
    "starcoder2": Starcoder2,
}


def why_not(config: Mapping[str, Any]) -> str:
    """Why the engine cannot run a base of this configuration, in a few words; empty where it can."""
    model_type = config.get("model_type")
    if model_type not in NETWORKS:
        return f"the engine knows {', '.join(NETWORKS)}, not {model_type}"
    if model_type != "gpt_bigcode":
        kind = rotary.parameters(config)["rope_type"]
        if kind not in rotary.KNOWN:
            return f"the engine does not know the rotary scaling {kind!r}"
    elif config.get("add_cross_attention"):
        return "the engine does not know cross-attention"
    return ""


def build(config: Mapping[str, Any], weights: Weights) -> Network:
    """The network of a configuration over its weights."""
    return NETWORKS[str(config["model_type"])](config, weights).eval()
