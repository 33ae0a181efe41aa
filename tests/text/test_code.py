"""The code in an answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.text import extract_code

CODE = "def f(x):\n    return x"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (f"```python\n{CODE}\n```", CODE),
        (f"Sure!\n```py\n{CODE}\n```\nThat is it.", CODE),
        (f"```\n{CODE}\n```", CODE),
        (f"~~~python\n{CODE}\n~~~", CODE),
        (f"```python title='a.py'\n{CODE}\n```", CODE),
        (f"```{{.python}}\n{CODE}\n```", CODE),
        (f"```python\n{CODE}", CODE),
        (f"```bash\nls\n```\n```python\n{CODE}\n```", CODE),
        ("```bash\nls\n```", "ls"),
        (f"- like so:\n  ```python\n  {CODE.replace(chr(10), chr(10) + '  ')}\n  ```", CODE),
        ("````python\nx = '''\n```\n'''\n````", "x = '''\n```\n'''"),
        (f" Answer: is this\n{CODE}\n\nThis returns x.", CODE),
        (f"{CODE}\n\nQuestion: another?\n\nAnswer: no", CODE),
        (f"import os\n\n{CODE}\n\ndef broken(", f"import os\n\n{CODE}"),
        ("There is no code here.", "There is no code here."),
        ("", ""),
        ("a `span` is no fence ```x``` here", "a `span` is no fence ```x``` here"),
    ],
)
def test_answers(answer: str, expected: str) -> None:
    assert extract_code(answer) == expected


def test_another_language_and_none() -> None:
    answer = f"```python\n{CODE}\n```\n```js\nlet x = 1\n```"
    assert extract_code(answer, "javascript") == "let x = 1"
    assert extract_code(answer, None) == CODE


@given(text=st.text(alphabet="`~ \n abdef:()#", max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_a_text(text: str) -> None:
    assert isinstance(extract_code(text), str)


@given(lines=st.lists(st.text(alphabet="abc =().", min_size=1, max_size=12), min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_one_fenced_block_comes_back_as_it_was(lines: list[str]) -> None:
    body = "\n".join(lines)
    assert extract_code(f"text\n```python\n{body}\n```\ntext") == body
