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
    assert json.loads(shown.out)["completion"] == expected
    assert astrarium("complete", f"{file}:{place}", *options).out == expected + "\n"
