"""The engine gives the model's answer: each row of a batch as transformers and peft give it alone, in fp32."""

from __future__ import annotations

import functools
import json
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import peft
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import PeftModel
from tests.bases import save_adapter, save_base, save_peft
from tests.engine.engines import engine_of, wear
from transformers import AutoModelForCausalLM

from astrarium.core.errors import TextError
from astrarium.engine.sampling import Sampling

ASTRAIOS = ("lora", "ia3", "ptuning", "adapterh", "adapterp", "parallel")
PEFT = {
    "rslora": lambda names: peft.LoraConfig(r=4, use_rslora=True, target_modules=names, task_type="CAUSAL_LM"),
    "dora": lambda names: peft.LoraConfig(r=4, use_dora=True, target_modules=names, task_type="CAUSAL_LM"),
    "lora-bias": lambda names: peft.LoraConfig(r=2, bias="all", target_modules=names, task_type="CAUSAL_LM"),
    "whole": lambda names: peft.LoraConfig(
        r=2, target_modules=names, modules_to_save=["lm_head", "ln_f", "norm"], task_type="CAUSAL_LM"
    ),
    "dora-bias": lambda names: peft.LoraConfig(
        r=2, use_dora=True, bias="lora_only", target_modules=names, task_type="CAUSAL_LM"
    ),
    "site-whole": lambda names: peft.LoraConfig(
        r=2, target_modules=names, modules_to_save=names[1:2], task_type="CAUSAL_LM"
    ),
    "prompt": lambda names: peft.PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
    "prefix": lambda names: peft.PrefixTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
}
GROUPED = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 32,
}
BASES = {
    "gpt_bigcode": ("gpt_bigcode", {}),
    "gpt_bigcode-multi-head": ("gpt_bigcode", {"multi_query": False}),
    "llama": ("llama", GROUPED),
    "llama-3": ("llama", {**GROUPED, "rope_parameters": LLAMA3, "tie_word_embeddings": True, "attention_bias": True}),
    "mistral": ("mistral", {**GROUPED, "sliding_window": 20}),
    "qwen2": ("qwen2", {**GROUPED, "use_sliding_window": True, "sliding_window": 24, "max_window_layers": 1}),
    "starcoder2": ("starcoder2", {**GROUPED, "hidden_act": "gelu_pytorch_tanh"}),
}
TOLERANCE = 1e-4
NEW = 6


@dataclass(frozen=True)
class Made:
    """A base on disk with an adapter of every method."""

    base: Path
    adapters: dict[str, Path]


@functools.cache
def made(name: str) -> Made:
    folder = Path(tempfile.mkdtemp())
    family, shape = BASES[name]
    base = save_base(folder / "base", family, **shape)
    adapters = {}
    for method in ASTRAIOS:
        adapters[method] = save_adapter(folder / method, base, method, std=0.2)
    names = ["c_attn", "c_fc"] if family == "gpt_bigcode" else ["q_proj", "v_proj", "o_proj"]
    for number, (method, config) in enumerate(PEFT.items()):
        if method == "prefix" and family == "gpt_bigcode":
            continue  # stock peft's own is broken there under transformers 5
        adapters[method] = save_peft(folder / method, base, config(names), seed=number)
    return Made(base, adapters)


@functools.cache
def reference(name: str, adapter: str | None) -> torch.nn.Module:
    model = AutoModelForCausalLM.from_pretrained(made(name).base, attn_implementation="eager").eval()
    if adapter is None:
        return model
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Model has `tie_word_embeddings=True`")
        return PeftModel.from_pretrained(model, str(made(name).adapters[adapter])).eval()


def theirs(name: str, adapter: str | None, ids: list[int]) -> torch.Tensor:
    """The logits after each token of a row alone."""
    with torch.no_grad():
        return reference(name, adapter)(input_ids=torch.tensor([ids])).logits[0, -len(ids) :]


@functools.cache
def engine(name: str):
    found = engine_of(made(name).base)
    for adapter, folder in made(name).adapters.items():
        wear(found, adapter, folder)
    return found


@pytest.mark.parametrize("name", BASES)
def test_logits_of_every_method(name: str) -> None:
    ids = list(range(3, 60))
    for adapter in (None, *made(name).adapters):
        difference = engine(name).logits(ids, adapter=adapter) - theirs(name, adapter, ids)
        assert difference.abs().max() < TOLERANCE, adapter


@st.composite
def batches(draw: st.DrawFn) -> list[tuple[str | None, list[int], int]]:
    """(adapter, prompt, steps before it joins)."""
    methods = st.sampled_from([None, *ASTRAIOS, *PEFT])
    prompts = st.integers(1, 90).flatmap(lambda n: st.lists(st.integers(1, 250), min_size=n, max_size=n))
    return draw(st.lists(st.tuples(methods, prompts, st.integers(0, 4)), min_size=1, max_size=6))


@pytest.mark.parametrize("name", BASES)
@given(batch=batches(), leaves=st.integers(0, 5))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_row_among_others_is_the_row_alone(name: str, batch: list, leaves: int) -> None:
    ours = engine(name)
    batch = [row for row in batch if row[0] is None or row[0] in made(name).adapters]
    options = Sampling(max_new_tokens=NEW, min_new_tokens=NEW, logprobs=20)
    tickets = []
    waiting = sorted(range(len(batch)), key=lambda row: batch[row][2])
    leaving = ours.submit([1, 2, 3], sampling=Sampling(max_new_tokens=50, min_new_tokens=50))
    step = 0
    while waiting or ours.busy:
        while waiting and batch[waiting[0]][2] <= step:
            row = waiting.pop(0)
            tickets.append((row, ours.submit(batch[row][1], sampling=options, adapter=batch[row][0])))
        if step == leaves:
            ours.cancel(leaving)
        ours.step()
        step += 1
    assert leaving.reason == "cancelled"
    for row, ticket in tickets:
        adapter, prompt, _ = batch[row]
        expected = theirs(name, adapter, prompt + ticket.tokens)[len(prompt) - 1 : -1].log_softmax(-1)
        for place, (token, logprob) in enumerate(zip(ticket.tokens, ticket.logprobs, strict=True)):
            for number, value in logprob.likeliest:
                assert abs(float(expected[place, number]) - value) < TOLERANCE
            best = expected[place].clone()
            best[0] = -torch.inf  # eos, which must not come yet
            if float(expected[place].topk(2).values.diff().abs()) > 2 * TOLERANCE:
                assert token == int(expected[place].argmax())


def test_an_old_spelling_of_scaled_positions_replaces_the_new_one(tmp_path: Path) -> None:
    folder = save_base(tmp_path / "base", "llama", **GROUPED)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "rope_scaling": {"type": "linear", "factor": 2.0}}))
    ids = list(range(5, 60))
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(folder)(input_ids=torch.tensor([ids])).logits[0]
    assert (engine_of(folder).logits(ids) - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("kinds", ["full_attention", "sliding_attention"])
@pytest.mark.parametrize("family", ["starcoder2", "mistral"])
def test_kinds_of_layers_count_where_transformers_asks_for_them(tmp_path: Path, family: str, kinds: str) -> None:
    folder = save_base(tmp_path / "base", family, **GROUPED, sliding_window=8)
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "layer_types": [kinds] * 2}))
    ids = list(range(5, 60))
    with torch.no_grad():
        expected = AutoModelForCausalLM.from_pretrained(folder)(input_ids=torch.tensor([ids])).logits[0]
    assert (engine_of(folder).logits(ids) - expected).abs().max() < TOLERANCE


@pytest.mark.slow
def test_the_embedded_default_once() -> None:
    """1e-5 of the largest absolute logit, in fp32, on a real model; bare, and with an adapter of every method."""
    from astrarium.model import load_base

    folder = Path(tempfile.mkdtemp())
    theirs_model = load_base("default", dtype="fp32").model
    theirs_model.set_attn_implementation("eager")
    theirs_model.save_pretrained(folder / "base")
    ours = engine_of("default")
    ids = [(37 * at) % 40_000 + 5 for at in range(120)]
    others = ("rslora", "dora", "prompt", "prefix")
    for method in (None, *ASTRAIOS, *others):
        model = theirs_model
        if method is not None:
            place = folder / method
            if method in others:
                save_peft(place, folder / "base", PEFT[method](["q_proj", "v_proj", "down_proj"]), std=0.02)
            else:
                save_adapter(place, folder / "base", method, std=0.02)
            wear(ours, method, place)
            model = PeftModel.from_pretrained(
                AutoModelForCausalLM.from_pretrained(folder / "base", attn_implementation="eager"),
                str(folder / method),
            ).eval()
        with torch.no_grad():
            expected = model(input_ids=torch.tensor([ids])).logits[0, -len(ids) :]
        found = ours.logits(ids, adapter=method)
        if method == "prefix":  # random keys of any size: the reference itself is 3e-5 from what doubles give
            with torch.no_grad():
                exact = model.double()(input_ids=torch.tensor([ids])).logits[0, -len(ids) :]
            assert (found - exact).abs().max() <= (expected - exact).abs().max()
        else:
            assert (found - expected).abs().max() <= 1e-5 * expected.abs().max(), method
        ticket = ours.submit(ids, sampling=Sampling(max_new_tokens=1), adapter=method)
        while ours.busy:
            ours.step()
        best = expected[-1].topk(2).values
        if float(best[0] - best[1]) > 2e-5 * float(expected.abs().max()):
            assert ticket.tokens == [int(expected[-1].argmax())]


@pytest.mark.slow
def test_the_last_positions_of_a_long_context(tmp_path: Path) -> None:
    """8,192 positions: a prompt of 8,191 has room for one token, and the last logits are the reference's."""
    folder = save_base(tmp_path / "base", n_positions=8192)
    ids = torch.randint(1, 250, (8193,), generator=torch.Generator().manual_seed(0)).tolist()
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()
    with torch.no_grad():
        expected = model(input_ids=torch.tensor([ids[:8192]])).logits[0]
    ours = engine_of(folder, cache_tokens=2 * 8192)
    assert (ours.logits(ids[:8192]) - expected).abs().max() < TOLERANCE
    for length in (8190, 8191):
        ticket = ours.submit(ids[:length], sampling=Sampling(max_new_tokens=9, min_new_tokens=9, logprobs=0))
        while ours.busy:
            ours.step()
        assert (len(ticket.tokens), ticket.reason) == (8192 - length, "length")
        first = expected[length - 1].log_softmax(-1)[ticket.tokens[0]]
        assert abs(float(first) - ticket.logprobs[0].value) < TOLERANCE
    for length in (8192, 8193):
        with pytest.raises(TextError, match=f"the prompt has {length} tokens; the model's context is 8192"):
            ours.submit(ids[:length])
    with pytest.raises(TextError, match="the prompt has 8193 tokens"):
        ours.logits(ids)
