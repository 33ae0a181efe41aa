"""How findings are told: where, with which line, and in which words."""

from __future__ import annotations

import json
import re

import pytest

from astrarium.explain import all_rules, read, read_text
from astrarium.explain.sarif import github_lines
from tests.explain.test_rules import examples
from tests.explain.test_scripts import EXPECTED, FOLDER

CELLS = (
    "%pip install \\\n  peft\nfrom peft import PeftModel\n"
    "from transformers import AutoModelForCausalLM, AutoTokenizer\n",
    "model = AutoModelForCausalLM.from_pretrained('gpt2')\nmodel = PeftModel.from_pretrained(model, 'me/adapter')",
    "# again\nmodel = AutoModelForCausalLM.from_pretrained('gpt2')\nmodel.generate(max_new_tokens=8)",
)


def notebook(*cells: str) -> str:
    """A notebook of these cells, behind one of text."""
    made = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": []} for cell in cells]
    text = {"cell_type": "markdown", "source": "# A title", "metadata": {}}
    return json.dumps({"cells": [text, *made], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})


def test_a_notebook_is_told_by_cell_and_line() -> None:
    reading = read_text(notebook(*CELLS), "book.ipynb")
    lost = next(one for one in reading.findings if one.id == "adapter-lost")
    assert (lost.cell, lost.line, lost.place) == (4, 2, " cell 4, line 2")
    assert lost.code == "model = AutoModelForCausalLM.from_pretrained('gpt2')"
    assert "attached on line 2 of cell 3 " in lost.message
    assert lost.mend.startswith("keep the model of line 2 of cell 3 ")
    assert "::cell 4, line 2: the base is loaded again" in github_lines(reading)[0]


def test_a_line_of_a_cell_with_a_magic_is_quoted_as_it_stands() -> None:
    reading = read_text(notebook("!pip install peft==0.3.0 \\\n  more\nimport peft\n"), "book.ipynb")
    assert [(one.id, one.line, one.code) for one in reading.findings] == [
        ("peft-fork", 1, "!pip install peft==0.3.0 \\")
    ]


def test_lines_in_a_message_are_those_of_the_script_as_it_was() -> None:
    text = "x = 'a\nb'\n" + "\n".join(CELLS).split("peft\n", 1)[1]
    lost = next(one for one in read_text(text).findings if one.id == "adapter-lost")
    lines = text.split("\n")
    assert lines[lost.line - 1] == lost.code
    told = re.search(r"attached on line (\d+) ", lost.message)
    assert told is not None
    assert lines[int(told[1]) - 1] == "model = PeftModel.from_pretrained(model, 'me/adapter')"


CODE = re.compile(r"\w+\(…?[^)]*\)|\b\w+=\S|\b[a-z]+_[a-z_]+\b|\w\.\w+\(")
"""What is code: a call, an argument, a name with an underscore."""
NAMES = re.compile(r"'[^']*'|\"[^\"]*\"|\[[\w, ]+\]|[\w.-]+/[\w.-]+")


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_code_stands_in_backticks(rule: object) -> None:
    """In every sentence of a finding, and in a rule's own."""
    id = getattr(rule, "id", "")
    told = [one for one in read_text(examples(id)[0]).findings if one.id == id]
    for name, findings in EXPECTED.items():
        if id in {found for found, _ in findings}:
            told += [one for one in read(FOLDER / name, mend=False).findings if one.id == id]
    assert told
    for text in {part for one in told for part in (one.message, one.mend, one.why)}:
        assert text.count("`") % 2 == 0
        bare = NAMES.sub("", re.sub(r"`[^`]*`", "", text))
        assert not CODE.search(bare.replace("target_modules", "")), text
