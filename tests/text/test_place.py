"""A place in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astrarium.core.errors import TextError
from astrarium.text import split_at


def test_the_end_of_a_line_and_a_column(tmp_path: Path) -> None:
    file = tmp_path / "a:b.py"
    file.write_text("def f():\n    return \nx = 1")
    assert split_at(f"{file}:2") == ("def f():\n    return ", "\nx = 1")
    assert split_at(f"{file}:1:5") == ("def ", "f():\n    return \nx = 1")
    assert split_at(f"{file}:3") == ("def f():\n    return \nx = 1", "")


def test_lines_are_an_editor_s(tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("a = 1\n\x0c\nb = '\x1c\u2028\x85'\nc = 3\n", encoding="utf-8")
    assert split_at(f"{file}:4") == ("a = 1\n\x0c\nb = '\x1c\u2028\x85'\nc = 3", "\n")
    assert split_at(f"{file}:2") == ("a = 1\n\x0c", "\nb = '\x1c\u2028\x85'\nc = 3\n")
    with pytest.raises(TextError, match="is no place in a file"):
        split_at(f"{file}:{'9' * 5000}")


@given(lines=st.lists(st.text("ab ", max_size=5), min_size=1, max_size=5), data=st.data())
@settings(max_examples=60, deadline=None)
def test_the_two_parts_are_the_file(
    lines: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "place.py"
    file.write_text("".join(line + "\n" for line in lines))
    number = data.draw(st.integers(1, len(lines)))
    column = data.draw(st.integers(1, len(lines[number - 1]) + 1))
    before, after = split_at(f"{file}:{number}:{column}")
    assert before + after == file.read_text()
    assert before.count("\n") == number - 1
    assert len(before.rpartition("\n")[2]) == column - 1


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("x.py", r"'x.py' is no place in a file"),
        ("x.py:a", r"is no place in a file"),
        ("none.py:1", r"none.py cannot be read"),
        ("f.py:0", r"f.py has no line 0; it has the lines 1 to 2"),
        ("f.py:3", r"f.py has no line 3"),
        ("f.py:1:9", r"f.py has no column 9 in line 1; it has the columns 1 to 4"),
        ("b.py:1", r"b.py is no UTF-8 text"),
    ],
)
def test_places_that_are_not_there(place: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.py").write_text("abc\nd\n")
    Path("b.py").write_bytes(b"\xff")
    with pytest.raises(TextError, match=message):
        split_at(place)
