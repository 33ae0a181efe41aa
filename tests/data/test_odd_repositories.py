"""Repositories as git itself makes them: shallow, broken, linked, in other encodings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from astrarium.core.errors import DataError
from astrarium.data import commits, digest, functions
from tests.data.repositories import Repository

BEFORE = "def greet(name):\n    print('hello ' + name)\n\n\n" + "# padding, so that the file is long enough\n" * 4
SUBJECT = "Use another number at the end"


def git(folder: Path, *arguments: str, standard_input: bytes | None = None) -> str:
    """Run git, away from the user's settings."""
    who = {f"GIT_{role}_{part}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, input=standard_input, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "work")
    for number in range(5):
        made.commit(SUBJECT, {"hello.py": f"{BEFORE}# {number}\n"})
    return made


def test_newest_first_and_the_same_each_time(repository: Repository) -> None:
    rows = commits(repository.path)
    assert [row["completion"][-2] for row in rows] == ["4", "3", "2", "1"]
    assert digest(rows) == digest(commits(repository.path))
    assert commits(repository.path, limit=2) == rows[:2]
    with pytest.raises(DataError, match="the limit is 0 rows"):
        commits(repository.path, limit=0)


def test_a_shallow_clone_says_so(repository: Repository, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "3", repository.path.as_uri(), "shallow")
    rows = commits(tmp_path / "shallow")
    assert [row["completion"][-2] for row in rows] == ["4", "3"]
    assert "shallow clone" in rows.report.notes[0]


def test_modes_submodules_links_and_empty_commits(repository: Repository, tmp_path: Path) -> None:
    folder = repository.path
    os.chmod(folder / "hello.py", 0o755)
    git(folder, "commit", "-qam", "Make the file run for everyone")
    git(folder, "commit", "--allow-empty", "-qm", "Add nothing at all to it")
    other = Repository(tmp_path / "other")
    old = other.commit("Begin", {"a.txt": "1"})
    other.commit("Go on", {"a.txt": "2"})
    git(folder, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other.path), "sub.py")
    (folder / "link.py").symlink_to("hello.py")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Add two")
    git(folder / "sub.py", "checkout", "-q", old)
    git(folder, "commit", "-qam", "Update the thing to an older one")
    (folder / "link.py").unlink()
    (folder / "link.py").symlink_to("nowhere.py")
    git(folder, "commit", "-qam", "Point it to another place now")
    dropped = commits(folder).report.dropped
    assert dropped["nothing changed but the mode"] == 1
    assert dropped["no file"] == 1
    assert dropped["a link or a submodule"] == 2


@pytest.mark.parametrize(("encoding", "shown"), [("latin-1", "größere"), ("nonsense", "gr��ere"), (None, "größere")])
def test_messages_in_other_encodings(encoding: str | None, shown: str, repository: Repository) -> None:
    shown = shown.replace("��", "\ufffd\ufffd")
    folder = repository.path
    if encoding is not None:
        git(folder, "config", "i18n.commitEncoding", encoding)
    (folder / "hello.py").write_text(BEFORE + "# 9\n")
    git(folder, "add", ".")
    message = "Use größere numbers at the end".encode("utf-8" if encoding is None else "latin-1")
    git(folder, "commit", "-q", "-F", "-", standard_input=message)
    assert commits(folder, limit=1)[0]["prompt"].startswith("Use gr")
    assert "numbers at the end\ndef greet" in commits(folder, limit=1)[0]["prompt"]
    assert shown in commits(folder, limit=1)[0]["prompt"]


def test_broken_repositories_are_named(repository: Repository, tmp_path: Path) -> None:
    folder = repository.path
    parent = git(folder, "rev-parse", "HEAD~2")
    broken = folder / ".git" / "objects" / parent[:2] / parent[2:]
    broken.chmod(0o644)
    broken.write_bytes(b"broken")
    with pytest.raises(DataError, match="work has a history that cannot be read: .*git fsck"):
        commits(folder)
    (folder / ".git" / "index").write_bytes(b"broken")
    with pytest.raises(DataError, match="work has a git index that cannot be read"):
        functions(folder)
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q", "--object-format=sha256")
    for read in (commits, functions):
        with pytest.raises(DataError, match="new is a git repository that cannot be opened: .*sha256"):
            read(tmp_path / "new")


def test_a_missing_file_of_a_commit_is_counted(repository: Repository) -> None:
    folder = repository.path
    number = git(folder, "rev-parse", "HEAD~1:hello.py")
    (folder / ".git" / "objects" / number[:2] / number[2:]).unlink()
    rows = commits(folder)
    assert rows.report.dropped["with objects that are missing or broken"] == 2
    assert len(rows) == 2


def test_code_of_a_bare_repository_is_refused(repository: Repository, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository.path), "bare")
    assert len(commits(tmp_path / "bare")) == 4
    with pytest.raises(DataError, match="bare is a bare repository, without files; clone it"):
        functions(tmp_path / "bare")


def test_neither_torch_nor_transformers_is_needed(repository: Repository) -> None:
    code = (
        "import sys; from astrarium.data import commits, functions, split_rows;"
        f"rows = commits({str(repository.path)!r}); split_rows(rows[:1] * 1 + rows[1:], 0.5);"
        "print([name for name in ('torch', 'transformers', 'peft', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
