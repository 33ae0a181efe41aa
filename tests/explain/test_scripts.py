"""The scripts of `benchmarks/explain`: what is found in them, and what their mended copies are."""

from __future__ import annotations

import json
from pathlib import Path

import libcst as cst
import pytest

from astrarium.bench.scripts import LINES, expected, long_script, score
from astrarium.explain import all_rules, read, read_text
from astrarium.explain.source import script_of

FOLDER = Path(__file__).parents[2] / "benchmarks" / "explain"
EXPECTED = expected(FOLDER)


def test_there_are_enough() -> None:
    assert len(EXPECTED) >= 60
    assert sum(not findings for findings in EXPECTED.values()) >= 30
    assert {str(id) for findings in EXPECTED.values() for id, _ in findings} == {rule.id for rule in all_rules()}
    listed = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*") if path.suffix in (".py", ".ipynb")}
    assert listed == set(EXPECTED)


def test_precision_and_recall() -> None:
    figures = score(FOLDER)
    assert figures["precision"] >= 0.95
    assert figures["recall"] >= 0.9


@pytest.mark.parametrize("name", EXPECTED)
def test_the_mended_copy(name: str) -> None:
    reading = read(FOLDER / name)
    if "clean/" in name:
        assert reading.mended == reading.original
        return
    if any(finding.id == "syntax-error" and not finding.fixable for finding in reading.findings):
        assert reading.mended == reading.original
        return
    again = read_text(reading.mended, name)
    assert again.mended == reading.mended
    cst.parse_module(script_of(reading.mended, name).code)
    assert not [finding for finding in again.findings if finding.fixable]


def test_the_long_script_is_long_and_parses() -> None:
    text = long_script(FOLDER)
    assert LINES * 0.8 < text.count("\n") <= LINES
    assert "syntax-error" not in {finding.id for finding in read_text(text, mend=False).findings}


def test_expectations_are_told_line_by_line() -> None:
    raw = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    for name, findings in raw.items():
        lines = (FOLDER / name).read_text(encoding="utf-8").count("\n")
        assert all(1 <= line <= lines for _, line in findings)
