"""A request's output is the same to the last bit alone and in any company, whatever the format and the processor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import peft
import pytest
from tests.bases import save_adapter, save_base, save_peft
from tests.engine.engines import run, wear
from tests.sources.gguf_files import Q, llama_keys, llama_tensors, write_gguf

from astrarium.engine.engine import Engine
from astrarium.engine.formats.torch_layers import for_torch
from astrarium.engine.native import kernels
from astrarium.engine.networks import build
from astrarium.engine.request import Ticket
from astrarium.engine.sampling import Sampling
from astrarium.engine.weights import Plan, Weights, hold
from astrarium.sources import BaseSource, open_base

SHAPES = {
    "gpt_bigcode": {},
    "llama": {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
    },
}
METHODS = ("lora", "ia3", "ptuning", "adapterh", "adapterp", "parallel")
LENGTHS = (1, 5, 33, 64, 97, 2, 130, 40)


class _Uneven:
    """A pace that reads prompts in pieces of ever other lengths, and stops after ever other blocks."""

    def __init__(self) -> None:
        self.turn = 0

    def decoded(self, rows: int, seconds: float) -> None:
        """Nothing to learn."""

    def read(self, tokens: int, seconds: float) -> None:
        """Nothing to learn."""

    def budget(self, rows: int) -> float:
        return 1.0

    def block(self, tokens: int) -> float:
        return 2.0 if self.turn % 3 else 0.0

    def chunk(self, rows: int) -> int:
        self.turn += 1
        return (7, 31, 16, 3)[self.turn % 4]


def _configs(names: list[str]) -> dict[str, peft.PeftConfig]:
    def lora(targets: Any, **options: Any) -> peft.PeftConfig:
        return peft.LoraConfig(target_modules=targets, task_type="CAUSAL_LM", **options)

    return {
        "whole": lora(names, modules_to_save=["lm_head"]),
        "dora": lora(names, r=4, use_dora=True),
        "prompt": peft.PromptTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
        "prefix": peft.PrefixTuningConfig(num_virtual_tokens=3, task_type="CAUSAL_LM"),
        # A rank from which on the projections lie in panels, not in whole ones, and one of those that do not.
        "rank-24": lora("all-linear", r=24),
        "rank-40": lora("all-linear", r=40),
    }


@pytest.fixture(scope="module", params=SHAPES)
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    base = save_base(folder / "base", request.param, tie_word_embeddings=False, **SHAPES[request.param])
    found: dict[str | None, Path] = {None: base}
    for method in METHODS:
        found[method] = save_adapter(folder / method, base, method, std=0.2)
    names = ["c_proj"] if request.param == "gpt_bigcode" else ["o_proj"]
    for number, (name, config) in enumerate(_configs(names).items()):
        if name != "prefix" or request.param != "gpt_bigcode":  # which stock peft cannot make
            found[name] = save_peft(folder / name, base, config, seed=number)
    return found


def weights_of(source: BaseSource, form: str) -> Weights:
    weights = hold(source.config, source.tensors(), form, source.name)
    return weights if kernels() is not None else for_torch(weights, Plan.of(source.config).embedding)


def engine_over(weights: Weights, places: dict[str | None, Path]) -> Engine:
    engine = Engine(build(open_base(str(places[None])).config, weights), weights, cache_tokens=4096)
    for name, folder in places.items():
        if name is not None:
            wear(engine, name, folder)
    engine._prompts.pace = _Uneven()  # type: ignore[assignment]
    return engine


def submit(engine: Engine, number: int, adapter: str | None) -> Ticket:
    length = LENGTHS[number % len(LENGTHS)]
    ids = [(17 * number + 31 * at) % 250 + 1 for at in range(length)]
    options = Sampling(max_new_tokens=5, temperature=1.2, top_p=0.95, seed=number, logprobs=20)
    return engine.submit(ids, sampling=options, adapter=adapter)


def told(ticket: Ticket) -> list[object]:
    assert ticket.error is None
    return [ticket.tokens, *[(logprob.value, logprob.likeliest) for logprob in ticket.logprobs]]


@pytest.mark.parametrize("form", ["fp32", "bf16", "int8", "int4"])
def test_alone_and_in_company(instructions: str, places: dict[str | None, Path], form: str) -> None:
    weights = weights_of(open_base(str(places[None])), form)
    requests = list(enumerate([*places, *places]))
    alone = []
    for number, adapter in requests:
        engine = engine_over(weights, places)
        ticket = submit(engine, number, adapter)
        run(engine)
        alone.append(told(ticket))
    company = engine_over(weights, places)
    tickets = []
    for number, adapter in requests:
        tickets.append(submit(company, number, adapter))
        company.step()
    run(company)
    assert [told(ticket) for ticket in tickets] == alone
    again = [submit(company, number, adapter) for number, adapter in requests]  # over pages that are there already
    run(company)
    assert [told(ticket) for ticket in again] == alone
    assert any(ticket.shared_tokens for ticket in again)


@pytest.mark.parametrize("form", ["fp32", "int8"])
def test_many_rows_of_one_adapter(instructions: str, places: dict[str | None, Path], form: str) -> None:
    weights = weights_of(open_base(str(places[None])), form)
    engine = engine_over(weights, places)
    for adapter in ("rank-24", "rank-40", "lora", "adapterh"):
        alone = []
        for number in range(5):
            alone.append(submit(engine, number, adapter))
            run(engine)
        engine = engine_over(weights, places)  # without what those have left in the cache
        tickets = [submit(engine, number, adapter) for number in range(5)]
        run(engine)
        assert [told(ticket) for ticket in tickets] == [told(ticket) for ticket in alone]


@pytest.mark.parametrize("kind", [Q.Q4_0, Q.Q4_1, Q.Q8_0], ids=lambda kind: kind.name)
def test_blocks_of_a_gguf_file(instructions: str, tmp_path: Path, kind: Any) -> None:
    keys = llama_keys(context_length=256)
    source = open_base(str(write_gguf(tmp_path / "x.gguf", "llama", keys, llama_tensors(kind))))
    weights = weights_of(source, "gguf")
    network = build(source.config, weights)
    alone = []
    for number in range(8):
        engine = Engine(network, weights, cache_tokens=2048)
        ticket = submit(engine, number, None)
        run(engine)
        alone.append(told(ticket))
    engine = Engine(network, weights, cache_tokens=4096)
    tickets = [submit(engine, number, None) for number in range(8)]
    run(engine)
    assert [told(ticket) for ticket in tickets] == alone


@pytest.mark.slow
def test_the_embedded_default_in_company(instructions: str) -> None:
    source = open_base("default")
    weights = weights_of(source, "gguf")
    options = [Sampling(max_new_tokens=8, temperature=0.9, seed=seed, logprobs=5) for seed in range(6)]
    prompts = [list(range(100 + seed, 100 + seed + 40 * seed + 1)) for seed in range(6)]

    def fresh() -> Engine:
        return Engine(build(source.config, weights), weights, cache_tokens=4096)

    alone = []
    for prompt, option in zip(prompts, options, strict=True):
        engine = fresh()
        ticket = engine.submit(prompt, sampling=option)
        run(engine)
        alone.append(told(ticket))
    engine = fresh()
    tickets = [engine.submit(prompt, sampling=option) for prompt, option in zip(prompts, options, strict=True)]
    run(engine)
    assert [told(ticket) for ticket in tickets] == alone
