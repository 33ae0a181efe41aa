"""`astrarium data`: rows on stdout or in a file, the account on stderr."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from astrarium.data import digest, read_rows
from tests.data.repositories import Repository
from tests.data.test_odd_repositories import BEFORE, SUBJECT

AREA = 'def area(r):\n    """Compute the area of a circle."""\n    square = r * r\n    return square\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = Repository(tmp_path / "work")
    made.commit("Begin", {"hello.py": BEFORE, "area.py": AREA})
    for number in range(3):
        made.commit(SUBJECT, {"hello.py": f"{BEFORE}# {number}\n"})
    return made.path


def astrarium(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "astrarium", "data", *map(str, arguments)], capture_output=True, text=True
    )


def test_rows_on_stdout_and_the_account_on_stderr(folder: Path) -> None:
    done = astrarium("commits", folder, "--limit", 2)
    assert done.returncode == 0
    assert [json.loads(line)["completion"][-2] for line in done.stdout.splitlines()] == ["2", "1"]
    assert "looked at" in done.stderr
    digests = [line for line in done.stderr.splitlines() if line.startswith("digest sha256:")]
    assert len(digests) == 1
    assert len(digests[0].removeprefix("digest sha256:")) == 64


def test_rows_in_a_file_and_the_account_as_json(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "rows.jsonl"
    done = astrarium("functions", folder, "--output", out, "--json")
    summary = json.loads(done.stdout)
    assert summary["digest"] == digest(read_rows(out))
    assert (summary["looked_at"], summary["kept"]) == (2, 1)
    assert summary["dropped"] == {"without a docstring": 1}
    assert read_rows(out)[0]["source"] == "area.py:1"


def test_failures_are_one_line_and_write_nothing(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    for arguments, message in (
        (("commits", tmp_path), "is no git repository"),
        (("functions", folder, "--min-lines", 50), "gave no rows: 2 looked at, 0 kept; left out: 1 "),
        (("commits", folder, "--language", "cobol"), "language 'cobol' is not known"),
    ):
        done = astrarium(*arguments, "--output", out)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert message in done.stderr
        assert not out.exists()
    assert astrarium("commits", folder, "--limit", 0).returncode == 2


def test_rows_of_a_file_are_filtered_split_and_counted(tmp_path: Path) -> None:
    token = "ghp_" + "Ab3" * 12
    rows = [{"prompt": f"Say {n} in words", "completion": f"the number {n} is said so\n" * 3} for n in range(10)]
    rows += [{"prompt": "Log in to the house", "completion": f"login('{token}')"}, rows[0]]
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "out.jsonl"
    options = ("-o", out, "--validation", 0.2, "--fim-rate", 1, "--near-duplicates", 0.9)
    done = astrarium("filter", tmp_path / "x.jsonl", *options, "--json")
    summary = json.loads(done.stdout)
    assert summary["dropped"] == {"with a secret (GitHub Token)": 1, "nearly the same as another": 1}
    assert (summary["rows"], summary["validation"]["rows"], summary["middles"]) == (8, 2, 10)
    assert summary["digest"] == digest(read_rows(out))
    assert token not in done.stdout + done.stderr + out.read_text()
    table = astrarium("filter", tmp_path / "x.jsonl", *options)
    assert table.stdout == ""
    for words in ("held back for validation", "left out: with a secret (GitHub Token)", "turned into middles"):
        assert words in table.stderr
    assert f"digest {summary['digest']}, 8 rows written to {out}" in table.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--validation", 0.5), 2, "--validation writes two files"),
        (("--fim-rate", 2), 2, "--fim-rate"),
        (("--allow-licence", "Nonsense"), 1, "licence 'Nonsense' is none of SPDX's names"),
        (("--decontaminate", "none.jsonl"), 1, "none.jsonl does not exist"),
        (("-o", "out.jsonl", "--validation", 1), 1, "the share held back is 1.0; expected above 0 and below 1"),
    ],
)
def test_wrong_options(arguments: tuple[object, ...], status: int, message: str, folder: Path) -> None:
    done = astrarium("functions", folder, *arguments)
    assert done.returncode == status
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""
