"""Adapter folders of Astraios's sizes with random weights, in peft's format, made without a model or peft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from astrarium.bench.shapes import Drawn, write_drawn
from astrarium.core.files import atomic_folder, write_json
from astrarium.families import Linear, family_of
from astrarium.methods import Recipe, recipe

_STD = 0.01
_PREFIX = "base_model.model."


def random_adapter(folder: Path, method: str, base: str, config: Mapping[str, Any], *, seed: int) -> Path:
    """An adapter of a method's Astraios recipe. Written once, then found.

    Args:
        folder: where; made whole or not at all.
        method: any of the seven but fft.
        base: the name of the base that it is for.
        config: the base's `config.json`.
        seed: of the weights.
    """
    if (folder / "adapter_config.json").is_file():
        return folder
    made = recipe(method)
    with atomic_folder(folder) as place:
        write_json(place / "adapter_config.json", _config(made, base, config))
        write_drawn(place / "adapter_model.safetensors", _tensors(made, config), kind="F32", seed=seed)
    return folder


def fresh_lora(folder: Path, base: str, config: Mapping[str, Any], *, rank: int = 8, seed: int = 0) -> Path:
    """An untrained LoRA adapter on all linears of the blocks: A drawn, B zero. Written once, then found."""
    if (folder / "adapter_config.json").is_file():
        return folder
    sites = [linear for linear in family_of(config).linears(config) if linear.path != "lm_head"]
    tensors = []
    for site in sites:
        tensors.append(Drawn(f"{_PREFIX}{site.path}.lora_A.weight", (rank, site.inputs), std=site.inputs**-0.5))
        tensors.append(Drawn(f"{_PREFIX}{site.path}.lora_B.weight", (site.outputs, rank), std=0.0))
    with atomic_folder(folder) as place:
        entries = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": base,
            "r": rank,
            "lora_alpha": 2 * rank,
            "lora_dropout": 0.0,
            "target_modules": sorted({site.path.rpartition(".")[2] for site in sites}),
        }
        write_json(place / "adapter_config.json", entries)
        write_drawn(place / "adapter_model.safetensors", tensors, kind="F32", seed=seed)
    return folder


def _config(made: Recipe, base: str, config: Mapping[str, Any]) -> dict[str, Any]:
    common = {
        "peft_type": made.peft_type, "task_type": "CAUSAL_LM", "base_model_name_or_path": base, "inference_mode": True,
    }  # fmt: skip
    if made.peft_type == "P_TUNING":
        family = family_of(config)
        width = family.width(config)
        own = {
            "token_dim": width,
            "encoder_hidden_size": width,
            "num_layers": family.layers(config),
            "num_attention_heads": int(config.get("num_attention_heads") or config.get("n_head") or 1),
            "num_transformer_submodules": 1,
        }
        return {**common, **own, **made.options}
    sites: dict[str, Any] = {"target_modules": list(made.targets(config))}
    if made.peft_type == "IA3":
        sites["feedforward_modules"] = list(made.scaled_inputs(config))
    return {**common, **sites, **made.options}


def _tensors(made: Recipe, config: Mapping[str, Any]) -> Iterator[Drawn]:
    family = family_of(config)
    if made.peft_type == "P_TUNING":
        yield Drawn("prompt_embeddings", (int(made.options["num_virtual_tokens"]), family.width(config)), std=_STD)
        return
    targets = made.targets(config)
    for site in family.linears(config):
        if not site.path.endswith(targets):
            continue
        path = _PREFIX + site.path
        if made.peft_type == "LORA":
            rank = int(made.options["r"])
            yield Drawn(f"{path}.lora_A.weight", (rank, site.inputs), std=_STD)
            yield Drawn(f"{path}.lora_B.weight", (site.outputs, rank), std=_STD)
        elif made.peft_type == "IA3":
            inner = site.path.endswith(made.scaled_inputs(config))
            yield Drawn(f"{path}.ia3_l", (1, site.inputs) if inner else (site.outputs, 1), mean=1.0, std=_STD)
        else:
            read, written = _sides(made, site, family.kinds)
            size = int(made.options["bottleneck_size"])
            yield Drawn(f"{path}.adapter_down.weight", (size, read), std=_STD)
            yield Drawn(f"{path}.adapter_up.weight", (written, size), std=_STD)


def _sides(made: Recipe, site: Linear, kinds: Mapping[str, str]) -> tuple[int, int]:
    """How wide is what a bottleneck reads, and what it writes."""
    if made.options.get("use_parallel_adapter"):
        return site.inputs, site.outputs
    side = site.outputs if kinds[site.path.rpartition(".")[2]] == "out" else site.inputs
    return side, side
