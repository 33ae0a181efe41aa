"""`astrarium explain`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from astrarium.explain import all_rules
from tests.cli.conftest import Command

FAULTY = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("gpt2")
model = AutoModelForCausalLM.from_pretrained("gpt2")
model = PeftModel.from_pretrained(model, "me/a, b: c")
model = AutoModelForCausalLM.from_pretrained("gpt2")  # [bold]again
inputs = tokenizer("Hi", return_tensors="pt")
out = model.generate(**inputs)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "ask.py"
    path.write_text(FAULTY)
    return path


def test_for_people(astrarium: Command, script: Path) -> None:
    outcome = astrarium("explain", script)
    assert outcome.status == 1
    for text in (
        ":7: error adapter-lost",
        "# [bold]again",
        "mend: Keep the model of line 6",
        "1 error, 1 warning; --fix mends 2 of 2",
    ):
        assert text in outcome.out
    script.write_text(FAULTY.replace('model = AutoModelForCausalLM.from_pretrained("gpt2")  # [bold]again\n', ""))
    outcome = astrarium("explain", script)
    assert (outcome.status, ":8: warning no-max-new-tokens" in outcome.out) == (0, True)
    script.write_text("import peft\n")
    outcome = astrarium("explain", script)
    assert (outcome.status, outcome.out) == (0, "Nothing found.\n")


def test_for_machines(astrarium: Command, script: Path) -> None:
    outcome = astrarium("explain", script, "--json")
    told = json.loads(outcome.out)
    assert outcome.status == 1
    assert [(one["id"], one["line"], one["severity"]) for one in told["findings"]] == [
        ("adapter-lost", 7, "error"), ("no-max-new-tokens", 9, "warning"),
    ]  # fmt: skip
    assert {"id", "severity", "line", "message", "mend"} <= set(told["findings"][0])
    assert "mended" not in told
    run = json.loads(astrarium("explain", script, "--sarif").out)["runs"][0]
    assert [result["ruleId"] for result in run["results"]] == ["adapter-lost", "no-max-new-tokens"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] > 0
    lines = astrarium("explain", script, "--github").out.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning"]
    assert "line=7,endLine=7,col=9,title=adapter-lost::the base is loaded again" in lines[0]


def test_fix_and_write(astrarium: Command, script: Path) -> None:
    shown = astrarium("explain", script, "--fix")
    assert '-model = AutoModelForCausalLM.from_pretrained("gpt2")  # [bold]again' in shown.out
    assert "+out = model.generate(**inputs, max_new_tokens=256)" in shown.out
    assert script.read_text() == FAULTY
    mended = json.loads(astrarium("explain", script, "--fix", "--json").out)["mended"]
    astrarium("explain", script, "--write")
    assert script.read_text() == mended != FAULTY
    outcome = astrarium("explain", script, "--write")
    assert (outcome.status, script.read_text()) == (0, mended)
    assert "nothing to mend" in outcome.err


def test_standard_input(astrarium: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FAULTY.encode())))
    told = json.loads(astrarium("explain", "-", "--json").out)
    assert (told["script"], len(told["findings"])) == ("<stdin>", 2)


def test_rules(astrarium: Command) -> None:
    out = astrarium("explain", "--rules").out
    assert len(out.splitlines()) == len(all_rules()) > 30
    assert out.startswith("syntax-error")
    assert [rule["id"] for rule in json.loads(astrarium("explain", "--rules", "--json").out)["rules"]] == [
        rule.id for rule in all_rules()
    ]


def test_wrong_usage_and_refusals(astrarium: Command, tmp_path: Path) -> None:
    assert astrarium("explain").status == 2
    assert astrarium("explain", "a.py", "--json", "--sarif").status == 2
    outcome = astrarium("explain", tmp_path / "none.py")
    assert (outcome.status, outcome.err.count("\n")) == (1, 1)
    assert "No such file" in outcome.err
    letter = tmp_path / "letter.py"
    letter.write_text("Dear Sir or Madam,\n")
    assert "is no Python: line 1" in astrarium("explain", letter).err
    letter.write_bytes(b"\x00")
    assert "is no text" in astrarium("explain", letter).err


def test_the_hook_runs_it() -> None:
    hooks = (Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text()
    assert "entry: astrarium explain\n" in hooks
    assert "types_or: [python, jupyter]" in hooks
