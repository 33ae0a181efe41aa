"""Functions cut out of odd files: what comes out is the function, or nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from astrarium.core.errors import DataError
from astrarium.data import functions, write_rows
from astrarium.data.documented import FunctionLimits

METHODS = FunctionLimits(methods=True)
AREA = 'def area(r):\n    """Compute the area of a circle."""\n    square = r * r\n    return square'


@pytest.mark.parametrize("before", ["\x0c", "x = 'a\u2028b\x0bc\x1cd\x85e'\n", "\x0c\n\x0c\n", "\ufeff"])
def test_what_ends_no_line_of_python_moves_no_line(before: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{before}{AREA}\n", encoding="utf-8")
    assert functions(tmp_path)[0]["completion"] == AREA


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_other_line_ends(end: str, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes((AREA + "\n").replace("\n", end).encode())
    assert functions(tmp_path)[0]["completion"] == AREA


def test_functions_under_a_condition_count_without_their_indentation(tmp_path: Path) -> None:
    inside = AREA.replace("\n", "\n    ")
    for number, head in enumerate(["if True:", "try:\n    pass\nexcept ValueError:", "if x:\n    pass\nelse:"]):
        tail = "\nfinally:\n    pass" if "try" in head else ""
        (tmp_path / f"m{number}.py").write_text(f"{head}\n    {inside}{tail}\n".replace("square", f"s{number}"))
    assert [row["completion"] for row in functions(tmp_path)] == [AREA.replace("square", f"s{n}") for n in range(3)]


def test_indentation_within_a_text_stays(tmp_path: Path) -> None:
    method = (
        "class C:\n    def f(self, name):\n"
        '        """Return a greeting for a name."""\n'
        '        text = """\n            hello\n        """\n'
        '        more = f"""\n            {name}"""\n'
        "        return text + more\n"
    )
    (tmp_path / "a.py").write_text(method)
    code = functions(tmp_path, METHODS)[0]["completion"]
    taken, own = ast.parse(code).body[0], ast.parse(method).body[0]
    assert isinstance(taken, ast.FunctionDef)
    assert isinstance(own, ast.ClassDef)
    inner = own.body[0]
    assert isinstance(inner, ast.FunctionDef)
    assert [ast.dump(part) for part in taken.body[1:]] == [ast.dump(part) for part in inner.body[1:]]
    assert code.startswith("def f(self, name):\n    ")


def test_a_decorator_that_begins_on_an_earlier_line_is_not_cut_in_two(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{AREA}\n\n\n@(\n    cache\n)\n{AREA.replace('square', 'other')}\n")
    rows = functions(tmp_path)
    assert [row["completion"] for row in rows] == [AREA]
    assert dict(rows.report.dropped) == {"not whole when taken out of its file": 1}


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        b"# coding: nonsense\n",
        b"# coding: rot13\n",
        b"# coding: utf-8\n\xff",
        b"x = " + b"-" * 100_000 + b"1",
        b"x = " + b"(" * 500 + b")" * 500,
    ],
)
def test_files_that_do_not_parse_are_named_and_passed_over(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(AREA)
    (tmp_path / "b.py").write_bytes(content)
    rows = functions(tmp_path)
    assert len(rows) == 1
    assert dict(rows.report.files) == {"that does not parse": 1}
    assert rows.report.unreadable[0].startswith("b.py: ")


def test_text_that_is_no_unicode_makes_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(AREA.replace("a circle", "a \\ud800 circle"))
    with pytest.raises(DataError, match="1 with text that is no Unicode"):
        functions(tmp_path)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    for name, word in (("inside", "square"), ("outside", "other")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text(AREA.replace("square", word))
    (tmp_path / "inside" / "b.py").symlink_to(tmp_path / "outside" / "a.py")
    (tmp_path / "inside" / "more").symlink_to(tmp_path / "outside")
    assert [row["source"] for row in functions(tmp_path / "inside")] == ["a.py:1"]


def test_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    with open(bytes(tmp_path) + b"/gr\xf6.py", "w") as file:
        file.write(AREA)
    rows = functions(tmp_path)
    assert rows[0]["source"] == "gr\ufffd.py:1"
    write_rows(tmp_path / "rows.jsonl", rows)
