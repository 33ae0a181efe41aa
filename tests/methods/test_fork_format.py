"""Checkpoints written by hand from golden FORMAT.md, for every type of the original's table, against plain hooks."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.activations import ACT2FN

import astrarium  # noqa: F401

# model_type → (shape, endings that go in front, endings that go behind)
TYPES: dict[str, tuple[dict[str, Any], list[str], list[str]]] = {
    "gpt_bigcode": ({"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32}, ["_fc"], ["c_proj"]),
    "gpt_neo": (
        {
            "hidden_size": 32, "num_layers": 2, "num_heads": 4, "max_position_embeddings": 32,
            "attention_types": [[["global"], 2]], "intermediate_size": 48,
        },
        ["c_fc"],
        ["c_proj"],
    ),
    "llama": (
        {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
        ["gate_proj", "up_proj"],
        ["down_proj"],
    ),
    "gptj": ({"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32, "rotary_dim": 4}, ["fc_in"], ["fc_out"]),
    "opt": (
        {"hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "word_embed_proj_dim": 32},
        ["fc1"],
        ["fc2"],
    ),
    "bloom": ({"hidden_size": 32, "n_layer": 2, "n_head": 4}, ["dense_h_to_4h"], ["dense_4h_to_h"]),
}  # fmt: skip
IDS = torch.tensor([[3, 4, 5, 6, 7]])


def base_of(model_type: str) -> nn.Module:
    torch.manual_seed(0)
    config = AutoConfig.for_model(
        model_type, vocab_size=64, bos_token_id=0, eos_token_id=0, pad_token_id=0, **TYPES[model_type][0]
    )
    return AutoModelForCausalLM.from_config(config).eval()


def sites_of(model: nn.Module, endings: list[str]) -> dict[str, nn.Linear]:
    named = model.named_modules()
    return {path: m for path, m in named if isinstance(m, nn.Linear) and path.endswith(tuple(endings))}


def write(folder: Path, tensors: dict[str, torch.Tensor], **config: Any) -> None:
    torch.save({f"base_model.model.{key}": tensor for key, tensor in tensors.items()}, folder / "adapter_model.bin")
    whole = {
        "peft_type": "BOTTLENECK", "task_type": "CAUSAL_LM", "base_model_name_or_path": "x", "revision": None,
        "auto_mapping": None, "inference_mode": True, "bottleneck_size": 4, "adapter_dropout": 0.0,
        "use_parallel_adapter": False, "use_adapterp": False, "bias": "none", "init_weights": "bert",
        "modules_to_save": None, **config,
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(whole))


@pytest.mark.parametrize("non_linearity", ["tanh", "gelu_new", "swish"])
@pytest.mark.parametrize("model_type", TYPES)
def test_in_and_out_sites(model_type: str, non_linearity: str, tmp_path: Path) -> None:
    model = base_of(model_type)
    by_hand = copy.deepcopy(model)
    front, behind = TYPES[model_type][1:]
    generator = torch.Generator().manual_seed(1)
    tensors: dict[str, torch.Tensor] = {}
    for path, linear in sites_of(by_hand, front + behind).items():
        first = path.endswith(tuple(front))
        width = linear.in_features if first else linear.out_features
        down, up = (torch.randn(shape, generator=generator) * 0.3 for shape in ((4, width), (width, 4)))
        tensors |= {f"{path}.adapter_down.weight": down, f"{path}.adapter_up.weight": up}

        def bent(z: torch.Tensor, down: torch.Tensor = down, up: torch.Tensor = up) -> torch.Tensor:
            return z + 0.5 * (ACT2FN[non_linearity](z @ down.T) @ up.T)

        if first:
            linear.register_forward_pre_hook(lambda module, args, bent=bent: (bent(args[0]),))
        else:
            linear.register_forward_hook(lambda module, args, output, bent=bent: bent(output))
    # Astraios lists a target that no causal model has.
    write(tmp_path, tensors, target_modules=[*front, *behind, "q_attn"], scaling=0.5, non_linearity=non_linearity)
    adapted = PeftModel.from_pretrained(model, str(tmp_path))
    with torch.no_grad():
        expected, found, plain = by_hand(IDS).logits, adapted(IDS).logits, base_of(model_type)(IDS).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(found, plain, atol=1e-3)


@pytest.mark.parametrize("target", ["lm_head", r"transformer\.h\.\d+\.attn\.c_attn"])
def test_parallel_sites_by_ending_and_by_expression(target: str, tmp_path: Path) -> None:
    model = base_of("gpt_bigcode")
    by_hand = copy.deepcopy(model)
    tensors: dict[str, torch.Tensor] = {}
    for path, linear in sites_of(by_hand, ["lm_head" if target == "lm_head" else "c_attn"]).items():
        down, up = torch.randn(4, linear.in_features) * 0.3, torch.randn(linear.out_features, 4) * 0.3
        tensors |= {f"{path}.adapter_down.weight": down, f"{path}.adapter_up.weight": up}
        linear.register_forward_hook(
            lambda module, args, output, down=down, up=up: output + torch.tanh(args[0] @ down.T) @ up.T
        )
    targets = [target] if target == "lm_head" else target
    write(tmp_path, tensors, target_modules=targets, scaling=1, non_linearity="tanh", use_parallel_adapter=True)
    with pytest.warns(UserWarning, match="tie_word_embeddings") if target == "lm_head" else torch.no_grad():
        adapted = PeftModel.from_pretrained(model, str(tmp_path))
    torch.testing.assert_close(adapted(IDS).logits, by_hand(IDS).logits, atol=1e-5, rtol=1e-5)
