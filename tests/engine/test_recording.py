"""Steps that come again are recorded and run in one call: the same bits, or nothing is recorded."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from tests.bases import save_adapter, save_base
from tests.engine.engines import engine_of, run, wear
from tests.engine.test_independent import SHAPES
from torch import Tensor

from astrarium.engine import recording
from astrarium.engine.engine import Engine
from astrarium.engine.native import current, kernels
from astrarium.engine.sampling import Sampling
from astrarium.engine.step import Step

METHODS = ("lora", "ia3", "ptuning", "adapterh", "adapterp", "parallel")
LLAMA = SHAPES["llama"] | {"sliding_window": 16, "layer_types": ["sliding_attention", "full_attention"]}
FAMILIES = {
    "gpt_bigcode": {},
    "llama": SHAPES["llama"],
    "starcoder2": SHAPES["llama"],
    "qwen2": LLAMA | {"use_sliding_window": True, "max_window_layers": 0},
}

pytestmark = pytest.mark.skipif(kernels() is None, reason="without compiled kernels nothing is recorded")


@pytest.fixture(scope="module", params=FAMILIES)
def places(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str | None, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    base = save_base(folder / "base", request.param, **FAMILIES[request.param])
    return {None: base} | {
        method: save_adapter(folder / method, base, method, std=0.2)
        for method in METHODS
        if request.param in ("gpt_bigcode", "llama") or method in ("lora", "ia3", "ptuning")
    }


def engine_over(places: dict[str | None, Path], weight_format: str) -> Engine:
    engine = engine_of(places[None], weight_format)
    for name, folder in places.items():
        if name is not None:
            wear(engine, name, folder)
    return engine


def answers(engine: Engine, rows: list[str | None]) -> list[tuple[list[int], list[object]]]:
    tickets = [
        engine.submit(
            range(1 + row, 20 + 3 * row), adapter=name, sampling=Sampling(max_new_tokens=12 + row, logprobs=3)
        )
        for row, name in enumerate(rows)
    ]
    run(engine)
    assert not any(ticket.error for ticket in tickets)
    return [(ticket.tokens, list(ticket.logprobs)) for ticket in tickets]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was recorded, one after another; None where it could not be."""
    found: list[object] = []
    record = recording._recorded

    def recorded(*args: object) -> object:
        found.append(record(*args))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(recording, "_recorded", recorded)
    return found


@pytest.mark.parametrize("weight_format", ["fp32", "bf16", "int8", "int4"])
def test_a_recorded_step_gives_the_same_bits(places, weight_format, counted, monkeypatch) -> None:
    engine = engine_over(places, weight_format)
    batches = [[name] for name in places] + [list(places), [*list(places)[::-1], None]]
    found = [answers(engine, rows) for rows in batches]
    assert len(counted) >= len(batches)
    assert None not in counted
    monkeypatch.setattr(recording, "_MOST_ROWS", 0)
    count = len(counted)
    assert [answers(engine_over(places, weight_format), rows) for rows in batches] == found
    assert len(counted) == count


def test_what_a_layout_recorded_serves_it_again(places, counted) -> None:
    engine = engine_over(places, "fp32")
    first = answers(engine, [None, "lora"])
    count = len(counted)
    assert answers(engine, [None, "lora"]) == first
    assert len(counted) == count


def test_an_adapter_replaced_is_not_remembered(places, tmp_path, counted) -> None:
    engine = engine_over(places, "fp32")
    before = answers(engine, ["lora"])
    engine.drop_adapter("lora")
    wear(engine, "lora", save_adapter(tmp_path / "other", places[None], "lora", std=0.4, seed=9))
    after = answers(engine, ["lora"])
    assert after != before
    fresh = engine_of(places[None])
    wear(fresh, "lora", tmp_path / "other")
    assert answers(fresh, ["lora"]) == after


def test_work_of_torch_is_not_recorded(places, counted, monkeypatch) -> None:
    engine = engine_over(places, "fp32")
    plain = answers(engine, [None])
    kind = type(engine.network)
    whole = kind.logits

    def doubled(self: object, x: Tensor, step: Step) -> Tensor:
        return whole(self, x * (step.positions[:, None] % 2 + 0.5), step)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "logits", doubled)
    strange = engine_over(places, "fp32")
    found = answers(strange, [None])
    assert counted[-1] is None
    assert found != plain
    monkeypatch.setattr(recording, "_MOST_ROWS", 0)
    assert answers(engine_over(places, "fp32"), [None]) == found


def test_memory_is_used_again_from_layer_to_layer(tmp_path, counted) -> None:
    taken = []
    for layers in (2, 8):
        base = save_base(tmp_path / str(layers), "llama", **{**SHAPES["llama"], "num_hidden_layers": layers})
        answers(engine_of(base), [None])
        recorded = counted[-1]
        assert isinstance(recorded, recording._Recorded)
        taken.append(sum(block.nbytes for block in recorded.memory))
    assert taken[0] == taken[1] > 0


def test_few_layouts_are_remembered(places, counted) -> None:
    engine = engine_over(places, "fp32")
    for rows in range(1, 9):
        answers(engine, [None] * rows)
    assert len(engine.network._recordings._found) == recording._REMEMBERED
    first = answers(engine, [None])
    assert answers(engine, [None]) == first


def test_a_recording_needs_the_steps_it_met(places, counted) -> None:
    engine = engine_over(places, "fp32")
    answers(engine, [None])
    recorded = counted[-1]
    assert isinstance(recorded, recording._Recorded)
    with pytest.raises(ValueError, match="a step for each"):
        recorded.native.run([])


def test_recording_ends_with_an_error(places, monkeypatch) -> None:
    engine = engine_over(places, "fp32")
    kind = type(engine.network)
    whole, fails = kind.logits, [False]

    def failing(self: object, x: Tensor, step: Step) -> Tensor:
        y = whole(self, x, step)  # type: ignore[arg-type]
        if fails[0]:
            raise MemoryError("no room")
        return y

    monkeypatch.setattr(kind, "logits", failing)
    x = torch.ones(1, 4)
    ticket = engine.submit([1, 2, 3], sampling=Sampling(max_new_tokens=8))
    engine.step()
    engine.step()
    fails[0] = True
    engine.step()
    assert str(ticket.error) == "the request failed: MemoryError: no room"
    fails[0] = False
    module = current()
    assert module is not None
    programme = module.Programme()
    programme.begin()
    programme.end()
    module.activate(4, x.data_ptr(), 4)  # goes nowhere but here
    programme.run([])
    run(engine)


@pytest.mark.parametrize("line", ["try:", "native.begin()", "native.end()", "if mode.unknown:"])
def test_ctrl_c_while_a_step_is_recorded(places: dict[str | None, Path], line: str) -> None:
    lines, first = inspect.getsourcelines(recording._recorded)
    place = first + next(number for number, text in enumerate(lines) if text.strip() == line)

    def interrupt(frame: FrameType, event: str, _: object) -> Any:
        if event == "line" and frame.f_lineno == place:
            sys.settrace(before)
            raise KeyboardInterrupt
        return interrupt

    def begins(frame: FrameType, event: str, _: object) -> Any:
        return interrupt if frame.f_code is recording._recorded.__code__ else None

    rows: list[str | None] = [None, "lora"]
    expected = answers(engine_over(places, "int8"), rows)
    engine = engine_over(places, "int8")
    ticket = engine.submit(range(1, 20), sampling=Sampling(max_new_tokens=12, min_new_tokens=12))
    before = sys.gettrace()
    sys.settrace(begins)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(engine)
    finally:
        sys.settrace(before)
    engine.cancel(ticket)
    for _ in range(3):
        assert answers(engine, rows) == expected
