"""The original code's numbers, through the engine: every public case, whole rows and left-padded ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.engine.engines import engine_of, run, wear

from astrarium.engine.engine import Engine
from astrarium.engine.sampling import Sampling

GOLDEN = Path(__file__).parents[1] / "methods" / "golden"
CASES = json.loads((GOLDEN / "index.json").read_text())["cases"]
pytestmark = pytest.mark.usefixtures("instructions")


def _engine(case: dict[str, Any]) -> Engine:
    engine = engine_of(GOLDEN / case["base"])
    wear(engine, "a", GOLDEN / case["adapter"])
    return engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_logits_and_tokens_of_the_original(case: dict[str, Any]) -> None:
    expected = load_file(GOLDEN / case["expected"])
    engine = _engine(case)
    virtual = engine.bank.virtual_tokens("a")
    for row, (ids, mask) in enumerate(zip(expected["input_ids"], expected["attention_mask"], strict=True)):
        kept = ids[mask.bool()].tolist()
        found = engine.logits(kept, adapter="a")
        theirs = expected["logits"][row][virtual:][mask.bool()]
        assert torch.allclose(found, theirs, atol=1e-4), (found - theirs).abs().max()
    for row in (0, 1):
        ids = expected[f"row{row}_input_ids"].flatten().tolist()
        generated = expected[f"row{row}_generated"].flatten().tolist()[len(ids) :]
        ticket = engine.submit(ids, sampling=Sampling(max_new_tokens=len(generated)), adapter="a")
        run(engine)
        assert ticket.tokens == generated


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_left_padded_rows_are_rows_alone(case: dict[str, Any]) -> None:
    """P-Tuning's too: the engine has no padding, so that a row's positions are its own."""
    expected = load_file(GOLDEN / case["expected"])
    engine = _engine(case)
    rows = [
        ids[m.bool()].tolist()
        for ids, m in zip(expected["left_input_ids"], expected["left_attention_mask"], strict=True)
    ]
    width = expected["left_input_ids"].shape[1]
    new = expected["left_generated"].shape[1] - width
    tickets = [engine.submit(ids, sampling=Sampling(max_new_tokens=new), adapter="a") for ids in rows]
    run(engine)
    for row, ticket in enumerate(tickets):
        assert ticket.tokens == expected["left_generated"][row, width:].tolist()


@pytest.mark.parametrize("base", ["bigcode-mha", "bigcode-mqa"])
def test_the_bare_base(base: str) -> None:
    expected = load_file(GOLDEN / "expected" / f"base-{base}.safetensors")
    engine = engine_of(GOLDEN / "bases" / base)
    for row, (ids, mask) in enumerate(zip(expected["input_ids"], expected["attention_mask"], strict=True)):
        found = engine.logits(ids[mask.bool()].tolist())
        assert torch.allclose(found, expected["logits"][row][mask.bool()], atol=1e-4)
