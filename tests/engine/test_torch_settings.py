"""torch's process-wide settings, which a caller or another library in another thread may change at any moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.bases import save_adapter, save_base
from tests.engine.engines import run

import astrarium
from astrarium.engine.engine import Engine
from astrarium.engine.sampling import Sampling

FORMS = ["fp32", "bf16", "int8", "int4"]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("settings")
    base = save_base(folder / "base", n_embd=64)
    return base, save_adapter(folder / "adapter", base, "parallel")


SETTINGS = {
    "bf16": lambda: torch.set_default_dtype(torch.bfloat16),
    "fp64": lambda: torch.set_default_dtype(torch.float64),
    "meta": lambda: torch.set_default_device("meta"),
}


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)


def answers(engine: Engine) -> list[object]:
    options = Sampling(max_new_tokens=6, min_new_tokens=6, temperature=0.9, seed=3, logprobs=3, repetition_penalty=1.1)
    tickets = [engine.submit([5, 9, 200, 3 + n], sampling=options, adapter=("a", None)[n % 2]) for n in range(3)]
    run(engine)
    assert [ticket.error for ticket in tickets] == [None] * 3
    return [(ticket.tokens, [one.value for one in ticket.logprobs]) for ticket in tickets]


def opened(places: tuple[Path, Path], form: str) -> Engine:
    runner = astrarium.load(str(places[0]), {"a": str(places[1])}, format=form, cache_tokens=1024)
    engine: Engine = runner.engine
    return engine


@pytest.fixture(scope="module")
def expected(places: tuple[Path, Path]) -> dict[str, list[object]]:
    return {form: answers(opened(places, form)) for form in FORMS}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("form", FORMS)
def test_changed_while_it_runs(
    places: tuple[Path, Path], expected: dict[str, list[object]], form: str, setting: str
) -> None:
    engine = opened(places, form)
    answers(engine)
    SETTINGS[setting]()
    assert answers(engine) == expected[form]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("form", FORMS)
def test_changed_before_it_is_opened(
    places: tuple[Path, Path], expected: dict[str, list[object]], form: str, setting: str
) -> None:
    SETTINGS[setting]()
    assert answers(opened(places, form)) == expected[form]
