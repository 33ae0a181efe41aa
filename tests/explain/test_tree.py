"""Where nodes stand, which names are read, and what literals say: held against libcst's and Python's own answers."""

from __future__ import annotations

import ast
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcst.metadata import MetadataWrapper, PositionProvider

from astrarium.explain import read_text
from astrarium.explain.spelling import spelt
from astrarium.explain.tree import Tree

ROOT = Path(__file__).parents[2]
CODE = (
    "@dec\nclass A(B, c=1):  # a\n\n    def f(self, *, a: int = 1, **k) -> None: return (\n"
    "        (yield), [x for x in y if z]\n    )\n\n\n# between\nwith a as b, (c): pass\n"
    "x: int = -1 if not y else {**a, 'b': (1,)}\nfor i in j:\n\tprint(i); k = i\n"
    "try:\n    import a.b as c\nexcept (E, F) as e:\n    raise G from e\nelse:\n    lambda *a: a[1:2, ::3]",
    'a = 1\r\nb = f\'{a!r:>{b}} é\' + """x\r\ny"""\r\nif a:\r\n  pass\r\n',
    "",
    "# a comment alone",
)


def scripts() -> list[str]:
    """Scripts as people write them, and odd ones."""
    files = sorted((ROOT / "benchmarks" / "explain").rglob("*.py"))[::7] + sorted((ROOT / "src").rglob("*.py"))[::40]
    return [*CODE, *(file.read_bytes().decode() for file in files if "syntax" not in file.name)]


@pytest.mark.parametrize("number", range(len(scripts())))
def test_places_are_those_that_libcst_tells(number: int) -> None:
    text = scripts()[number]
    try:
        tree = Tree(text)
    except cst.ParserSyntaxError:
        pytest.skip("a script that does not parse")
    told = MetadataWrapper(tree.module, unsafe_skip_copy=True).resolve(PositionProvider)
    assert told
    for node, place in told.items():
        if node is tree.module:
            continue
        assert (tree.line(node), tree.column(node)) == (place.start.line, place.start.column + 1)
        assert tree.last_line(node) == place.end.line or tree.span(node)[1] >= len(text)
        if isinstance(node, cst.Name | cst.Integer | cst.SimpleString):
            assert tree.code(node).strip("()") == node.value.strip("()")


def test_names_that_are_read() -> None:
    tree = Tree("import torch\ndevice = torch.device('cuda')\nf(device=1, x=device)\n")
    assert tree.read["device"] == 2
    assert tree.read["x"] == 0
    assert tree.read["torch"] == 2


LITERALS = [
    "''", "'a'", '""', '"a"', "'''a\nb'''", '""""""', r"'\n\t\\\'\"'", r"'\x41\u00e9'", r"r'\n'", "b'a'", "u'a'",
    r"'a\0'", "'a\\\nb'",
]  # fmt: skip


@pytest.mark.parametrize("text", LITERALS)
def test_what_a_literal_says(text: str) -> None:
    assert spelt(cst.SimpleString(text)) == ast.literal_eval(text)


@given(st.text(alphabet="ab'\"\\\ntr0x4é \u2028", max_size=8), st.sampled_from(["'", '"', '"""']))
def test_what_any_literal_says(body: str, quote: str) -> None:
    text = f"{quote}{body}{quote}"
    try:
        told = ast.literal_eval(text)
        node = cst.parse_expression(text)
    except Exception:
        return
    if isinstance(node, cst.SimpleString):
        assert spelt(node) == told


def test_a_number_that_python_does_not_read() -> None:
    assert read_text(f"import peft\nx = {'9' * 5000}\n").findings == ()
