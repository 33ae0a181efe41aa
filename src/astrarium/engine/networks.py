"""Which configurations the engine runs itself, and how it builds their networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from astrarium.core.errors import EngineError, SourceError
from astrarium.engine import rotary
from astrarium.engine.activations import activation_of
from astrarium.engine.families.gpt_bigcode import GptBigCode
from astrarium.engine.families.llama import Llama
from astrarium.engine.families.network import Network
from astrarium.engine.families.settings import GroupedHeads, windows
from astrarium.engine.families.starcoder2 import Starcoder2
from astrarium.engine.weights import Weights
from astrarium.families.family import positive

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


def check(config: Mapping[str, Any], name: str) -> None:
    """Whether a configuration makes sense, before anything is read or taken for it.

    Args:
        config: content of the base's `config.json`.
        name: the base's, for messages.

    Raises:
        SourceError: it does not; the message names the key.
    """
    try:
        if config["model_type"] == "gpt_bigcode":
            activation = config.get("activation_function")
            positive(config, "layer_norm_epsilon", 1e-5)
        else:
            activation = config.get("hidden_act")
            positive(config, "rms_norm_eps", 1e-6)
            positive(config, "norm_epsilon", 1e-5)
            rotary.parameters(config)
            GroupedHeads.of(config)
            windows(config)
        activation_of(str(activation or "gelu"))
    except (SourceError, EngineError) as error:
        raise SourceError(f"{name}: {error}") from error


def build(config: Mapping[str, Any], weights: Weights) -> Network:
    """The network of a configuration over its weights."""
    return NETWORKS[str(config["model_type"])](config, weights).eval()
