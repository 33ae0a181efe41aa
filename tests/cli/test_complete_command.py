"""`astrarium complete FILE:LINE[:COLUMN]` through the engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.model.test_complete import TEXT, based, by_hand


@pytest.mark.parametrize(("place", "at"), [("2", 24), ("2:5", 17), ("1:1", 0)])
def test_the_astrarium(astrarium: Command, tmp_path: Path, place: str, at: int) -> None:
    base, marks, tokenizer = based(tmp_path, "qwen2")
    file = tmp_path / "area.py"
    file.write_text(TEXT)
    options = ["--base", base, "--format", "fp32", "--max-new-tokens", 6]
    shown = astrarium("complete", f"{file}:{place}", *options, "--json")
    assert shown.status == 0, shown.err
    expected = by_hand(base, marks, tokenizer, TEXT[:at], TEXT[at:], 6)
    told = json.loads(shown.out)
    assert told["completion"] == expected
    assert (told["reason"], told["new_tokens"], told["format"]) == ("length", 6, "fp32")
    assert told["prompt_tokens"] > 0
    assert astrarium("complete", f"{file}:{place}", *options).out == expected + "\n"
