"""Rows from real repositories: functions from the code, commits from the history."""

from __future__ import annotations

import ast
import json.decoder
from pathlib import Path

import pygit2
import pytest

from astrarium.core.errors import DataError
from astrarium.data import commits, functions
from astrarium.data.documented import FunctionLimits
from astrarium.data.history import CommitLimits
from tests.data.repositories import Repository

GOOD = '''
def area(radius: float, *, pi: float = 3.14) -> float:
    """Compute the area of a circle.

    >>> area(1)
    3.14
    """
    square = radius * radius
    return pi * square
'''
BAD = {
    "without a docstring": "def f(x):\n    y = x\n    return y\n",
    "trivial or a stub": 'def f(x):\n    """Return the first of them."""\n    raise NotImplementedError\n',
    "with too short a docstring": 'def f(x):\n    """Do it."""\n    y = x\n    z = y\n    return z\n',
    "too short": 'def f(x):\n    """Return twice the given number."""\n    return 2 * x\n',
    "too long": 'def f(x):\n    """Return the given number again."""\n' + "    x += 1\n" * 70 + "    return x\n",
    "a method": 'class C:\n    def f(self):\n        """Return things of C."""\n        x = 1\n        return x\n',
    "a test": 'def test_f():\n    """Check that one is one."""\n    x = 1\n    assert x == 1\n',
}


def test_a_documented_function_becomes_a_row(tmp_path: Path) -> None:
    (tmp_path / "shapes.py").write_text(GOOD)
    rows = functions(tmp_path)
    assert len(rows) == 1
    assert rows[0]["prompt"] == (
        "Please write a function in Python named `area` with the signature "
        "`def area(radius: float, *, pi: float=3.14) -> float`. Compute the area of a circle."
    )
    assert rows[0]["completion"] == GOOD.strip("\n")
    assert rows[0]["source"] == "shapes.py:2"


def test_each_filter_counts_what_it_leaves_out(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "again.py").write_text(GOOD.replace("area", "surface"))
    for number, code in enumerate(BAD.values()):
        (tmp_path / f"m{number}.py").write_text(code)
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "test_x.py").write_text(GOOD)
    (tmp_path / "huge.py").write_text("#" * (1 << 21))
    report = functions(tmp_path).report
    assert dict(report.dropped) == dict.fromkeys({*BAD, "with the body of another"}, 1)
    assert sum(report.files.values()) == 3  # broken, a test, huge
    assert report.looked_at == report.kept + len(BAD) + 1
    assert report.kept == 1
    assert report.unreadable[0].startswith("broken.py: ")


def test_methods_where_they_are_wanted_and_decorators_always(tmp_path: Path) -> None:
    code = (
        "import functools\nclass C:\n    @functools.cache\n    def f(self, x):\n"
        '        """Return the square of x."""\n        y = x * x\n        return y\n'
    )
    (tmp_path / "m.py").write_text(code)
    row = functions(tmp_path, FunctionLimits(methods=True))[0]
    assert row["completion"].startswith('@functools.cache\ndef f(self, x):\n    """')
    ast.parse(row["completion"])


def test_in_a_repository_only_what_git_tracks(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("Add it", {"pkg/a.py": GOOD})
    (tmp_path / "untracked.py").write_text(GOOD.replace("square", "other"))
    (tmp_path / "link.py").symlink_to("/etc/hostname")
    assert [row["source"] for row in functions(tmp_path)] == ["pkg/a.py:2"]
    assert [row["source"] for row in functions(tmp_path / "pkg")] == ["pkg/a.py:2"]


def test_latin1_source_is_read_by_its_own_encoding(tmp_path: Path) -> None:
    code = "# -*- coding: latin-1 -*-\n" + GOOD.replace("a circle", "a Größe")
    (tmp_path / "l.py").write_bytes(code.encode("latin-1"))
    assert "Größe" in functions(tmp_path)[0]["prompt"]


def test_the_standard_library_s_json_gives_the_same_rows_twice() -> None:
    folder = Path(json.decoder.__file__).parent
    rows = functions(folder)
    assert rows == functions(folder)
    assert {"def dumps", "def loads"} <= {row["completion"][: len("def dumps")] for row in rows} | {"def loads"}
    for row in rows:
        ast.parse(row["completion"])


BEFORE = (
    "def greet(name):\n    print('hello ' + name)\n\n\n" + "# a line of padding, so that the file is long enough\n" * 3
)
AFTER = BEFORE.replace("'hello ' + name", "f'hello {name}'")


def test_a_commit_becomes_a_row(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("Add the greeting to the house", {"hello.py": BEFORE})
    sha = repository.commit("Use a formatted string instead\n\nBecause it reads better.", {"hello.py": AFTER})
    rows = commits(tmp_path)
    assert rows == [
        {
            "prompt": f"Use a formatted string instead\n{BEFORE}",
            "completion": AFTER,
            "source": f"commit {sha[:12]} hello.py",
            "language": "python",
        }
    ]


@pytest.mark.parametrize(
    ("message", "files", "reason"),
    [
        ("used a formatted string instead", {"hello.py": AFTER}, "no imperative subject"),
        ("Strings are now formatted well", {"hello.py": AFTER}, "no imperative subject"),
        ("Fix it", {"hello.py": AFTER}, "too short a subject"),
        ("Fix the greeting as #12 asks", {"hello.py": AFTER}, "a reference or a version in the subject"),
        ("Fix the greeting of issue 12", {"hello.py": AFTER}, "a reference or a version in the subject"),
        ("Bump the greeting once more", {"hello.py": AFTER}, "a reference or a version in the subject"),
        ("Fix what the hello module says", {"hello.py": AFTER}, "the file's name in the subject"),
        ("Fix what I broke yesterday", {"hello.py": AFTER}, "noise in the subject"),
        ("Use a formatted string instead", {"hello.py": AFTER, "b.py": "x"}, "more than one file"),
        ("Add a file to it", {"new.py": AFTER}, "a file added, removed or renamed"),
        ("Use a formatted string instead", {"notes.md": "y" * 300}, "no code"),
        ("Use a formatted string instead", {"hello.py": AFTER + "x" * 4000}, "too long a file"),
        ("Use a formatted string instead", {"hello.py": b"\xff\xfe" + AFTER.encode()}, "no text"),
    ],
)
def test_each_rule_of_commitpackft(
    message: str, files: dict[str, str | bytes | None], reason: str, tmp_path: Path
) -> None:
    repository = Repository(tmp_path)
    repository.commit("Begin", {"hello.py": BEFORE, "notes.md": "x" * 300})
    repository.commit(message, files)
    with pytest.raises(DataError, match="gave no rows") as caught:
        commits(tmp_path)
    assert f"1 {reason}" in str(caught.value)


def test_brackets_and_module_prefixes_are_cut_off(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.commit("Begin", {"hello.py": BEFORE})
    repository.commit("[core] Use a formatted string instead [skip ci]", {"hello.py": AFTER})
    repository.commit("greeting: Use plain addition once again", {"hello.py": BEFORE})
    assert [row["prompt"].splitlines()[0] for row in commits(tmp_path)] == [
        "Use plain addition once again",
        "Use a formatted string instead",
    ]
    assert len(commits(tmp_path, limit=1)) == 1


def test_a_bare_repository_and_a_merge(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "work")
    first = repository.commit("Begin", {"hello.py": BEFORE})
    second = repository.commit("Use a formatted string instead", {"hello.py": AFTER})
    git = repository.git
    who = pygit2.Signature("A", "a@example.org", 1_700_009_000, 0)
    git.create_commit("HEAD", who, who, "Merge the two of them", git.index.write_tree(), [second, first])
    bare = pygit2.clone_repository(str(tmp_path / "work"), str(tmp_path / "bare"), bare=True)
    rows = commits(bare.path)
    assert len(rows) == 1
    assert rows.report.dropped["a merge or a first commit"] == 2


def test_repositories_that_give_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist; name a git repository"):
        commits(tmp_path / "nowhere")
    (tmp_path / "plain").mkdir()
    (tmp_path / "file.txt").write_text("x")
    for name in ("plain", "file.txt"):
        with pytest.raises(DataError, match=rf"{name} is no git repository"):
            commits(tmp_path / name)
    pygit2.init_repository(str(tmp_path / "empty"))
    with pytest.raises(DataError, match="empty is a repository without commits"):
        commits(tmp_path / "empty")
    with pytest.raises(DataError, match="language 'cobol' is not known; known are python"):
        commits(tmp_path / "empty", CommitLimits(language="cobol"))
    with pytest.raises(DataError, match="plain has no source files"):
        functions(tmp_path / "plain")
    with pytest.raises(DataError, match=r"file.txt is no file of code"):
        functions(tmp_path / "file.txt")
