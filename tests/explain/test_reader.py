"""Reading: what it takes, what it refuses, how it repairs, and that nothing makes it fall over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import AstrariumError, ExplainError
from astrarium.explain import read, read_text
from astrarium.explain.repair import Broken, Repaired, repaired

HEAD = (
    'from transformers import AutoModelForCausalLM, AutoTokenizer\ntokenizer = AutoTokenizer.from_pretrained("gpt2")\n'
)
ASK = """model = AutoModelForCausalLM.from_pretrained("gpt2")
inputs = tokenizer("Hi", return_tensors="pt")
out = model.generate(**inputs)
"""


def ids(text: str) -> list[str]:
    return [finding.id for finding in read_text(text).findings]


def test_calls_are_resolved() -> None:
    reading = read_text("import transformers as tf\nm = tf.AutoModel.from_pretrained('x', dtype='auto')\nm.eval()\n")
    first, second = reading.calls
    assert (first.name, first.line, first.assigned) == ("transformers.AutoModel.from_pretrained", 2, "m")
    assert [(one.name, one.source, one.value) for one in first.arguments] == [
        (None, "'x'", "x"),
        ("dtype", "'auto'", "auto"),
    ]
    assert second.name == "transformers.PreTrainedModel.eval"
    assert set(reading.libraries) == {"transformers", "peft"}
    assert json.dumps(reading.to_dict())


def test_a_path_and_text(tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(HEAD + ASK)
    for reading in (read(script), read(str(script)), read(HEAD + ASK)):
        assert [finding.id for finding in reading.findings] == ["no-max-new-tokens"]
    assert read(script).path == script
    assert read(script, mend=False).mended == read(script).original


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x01\x02binary", "is no text: it holds a zero byte"),
        (b"\xff\xfe\xfa latin", "is no UTF-8 text"),
        (b"Dear Sir or Madam, this is a letter.\n", "is no Python: line 1"),
        (b"x = 1\n" * 1_000_000, "at most 4,194,304 is read"),
    ],
)
def test_what_is_no_script_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    script = tmp_path / "script.py"
    script.write_bytes(content)
    with pytest.raises(ExplainError, match=message):
        read(script)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ExplainError, match=r"nothing\.py cannot be read: No such file"):
        read("nothing.py")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff", "# a comment\n"])
def test_an_empty_script(text: str) -> None:
    reading = read_text(text)
    assert reading.findings == ()
    assert reading.mended == text
    assert len(reading.notes) == 1


def test_a_script_of_neither_library() -> None:
    reading = read_text("import math\nprint(math.pi)\n")
    assert reading.findings == ()
    assert "neither transformers nor peft" in reading.notes[0]


@pytest.mark.slow
def test_a_script_of_a_megabyte() -> None:
    text = HEAD + ASK + "".join(f"value_{number} = compute({number}, name='row')\n" for number in range(25_000))
    assert len(text) > 900_000
    assert "no-max-new-tokens" in [finding.id for finding in read_text(text, mend=False).findings]


def test_deep_nesting_is_answered() -> None:
    for text in (
        "x = " + "(" * 3000 + "1" + ")" * 3000 + "\n",
        "x = " + "+".join(["1"] * 20_000) + "\n",
        "f(" * 900 + ")" * 900,
    ):
        try:
            read_text("import peft\n" + text)
        except AstrariumError as error:
            assert "<text>" in str(error)


def test_windows_line_ends_and_a_mark_at_the_beginning_stay() -> None:
    text = "\ufeff" + (HEAD + ASK).replace("\n", "\r\n")
    mended = read_text(text).mended
    assert mended == text.replace("generate(**inputs)", "generate(**inputs, max_new_tokens=256)")


class TestNotebooks:
    def notebook(self, *cells: str | list[str]) -> str:
        return json.dumps(
            {
                "cells": [
                    {"cell_type": "markdown", "source": "# Title"},
                    *({"cell_type": "code", "source": cell, "outputs": []} for cell in cells),
                ],
                "nbformat": 4,
            },
            indent=1,
        )

    def test_places_and_magics(self) -> None:
        text = self.notebook(
            "%%time\n!pip install -q transformers\n" + HEAD,
            "%%bash\nls -la | grep x\n",
            [*ASK.splitlines(keepends=True), "files = !ls\n", "if files:\n", "    %timeit f()\n", "out?"],  # type: ignore[arg-type]
        )
        reading = read_text(text, "a.ipynb")
        assert [(one.id, one.cell, one.line) for one in reading.findings] == [("no-max-new-tokens", 4, 3)]
        before, after = json.loads(text), json.loads(reading.mended)
        assert after["cells"][:3] == before["cells"][:3]
        assert "".join(after["cells"][3]["source"]) == "".join(before["cells"][3]["source"]).replace(
            "(**inputs)", "(**inputs, max_new_tokens=256)"
        )

    def test_what_is_none(self) -> None:
        with pytest.raises(ExplainError, match="its JSON breaks off"):
            read_text("{", "a.ipynb")
        with pytest.raises(ExplainError, match="it has no list of cells"):
            read_text('{"cells": 3}', "a.ipynb")
        assert read_text('{"cells": []}', "a.ipynb").findings == ()


class TestRepairs:
    @pytest.mark.parametrize(
        ("broken", "whole"),
        [
            ('x = "a\n\nb"\ny = 1\n', 'x = "a\\n\\nb"\ny = 1\n'),
            ("x = f('a\nb', 1)\n", "x = f('a\\nb', 1)\n"),
            ('x = f("a)\n', 'x = f("a")\n'),
            ("x = “a”\n", 'x = "a"\n'),
            ("print 'a'\n", "print('a')\n"),
            ("if x\n    y()\n", "if x:\n    y()\n"),
            ("if x = 1:\n    y()\n", "if x == 1:\n    y()\n"),
            ("x = f(1, g(2)\ny = 3\n", "x = f(1, g(2))\ny = 3\n"),
            ("if x:\n\ty()\n        z()\n", "if x:\n    y()\n        z()\n"),
        ],
    )
    def test_what_is_plain(self, broken: str, whole: str) -> None:
        made = repaired(broken)
        if broken.startswith("if x:\n\ty"):
            assert isinstance(made, Broken)  # the depth that was meant is not plain
            return
        assert isinstance(made, Repaired)
        assert made.text == whole
        assert len(made.repairs) == 1

    def test_what_is_not_plain_is_told(self) -> None:
        reading = read_text("import peft\nx = = 3\n")
        (finding,) = reading.findings
        assert (finding.id, finding.line, finding.fixable) == ("syntax-error", 2, False)
        assert reading.mended == reading.original

    def test_lines_after_a_repair_are_the_original_s(self) -> None:
        text = HEAD + 'prompt = "a\n\nb"\n' + ASK
        found = {finding.id: finding.line for finding in read_text(text).findings}
        assert found == {"syntax-error": 3, "no-max-new-tokens": 8}


PIECES = st.sampled_from(
    [
        HEAD,
        ASK,
        "from peft import *\n",
        "model = PeftModel.from_pretrained(model, 'x')\n",
        "for i in range(3):\n    ",
        "def f(model, *a, **k):\n    return model.generate(**k)\n",
        "class A(Trainer):\n    def f(self): return self.g()\n",
        "\t",
        '"',
        "'''",
        "(",
        ")",
        "[",
        "lambda: (yield)",
        "async def g(): await h()\n",
        "x: int = 3\n",
        "%magic\n",
        "!ls\n",
        "match x:\n    case 1: pass\n",
        "try:\n    pass\nexcept* E:\n    pass\n",
        "f'{x!r:>{w}}'\n",
        "del x\n",
        "\\\n",
        "é = 1\n",
        "model.config.use_cache = tokenizer.pad_token = y\n",
        "a[b].c(d)[e:f] = g\n",
        "with a as (b, c): pass\n",
        "global z\n",
        "x = [y for y in z if (w := y)]\n",
        "tokenizer.padding_side = side = 'left'\n",
        "@d\ndef r(): return r()\nr()\n",
        "\r\n",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=200))
def test_nothing_makes_it_fall_over(text: str) -> None:
    try:
        reading = read_text(text)
    except ExplainError:
        return
    again = read_text(reading.mended)
    assert again.mended == reading.mended
    assert json.dumps(reading.to_dict())
