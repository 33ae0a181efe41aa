"""Rows from a repository's history: the commit's subject and the file before ask, the file after answers.

Source: CommitPackFT (OctoPack, arXiv 2308.07124; bigcode-project/octopack, `dataset/commitpackft/`). Its bound of 50 to
768 StarCoder tokens for both states of the file is taken in characters here, at four a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from astrarium.core.errors import DataError
from astrarium.data.repository import open_repository
from astrarium.data.rows import Report, Rows
from astrarium.data.verbs import IMPERATIVES

if TYPE_CHECKING:
    import pygit2

EXTENSIONS = {
    "python": (".py",),
    "javascript": (".js", ".mjs"),
    "typescript": (".ts", ".tsx"),
    "java": (".java",),
    "go": (".go",),
    "c++": (".cpp", ".cc", ".hpp"),
    "rust": (".rs",),
}
_NOISE = (
    "auto commit", "merge branch", "merge pull request", "signed-off-by", "cherry picked from", "code review",
    "work in progress", "wip", "http://", "https://", "thanks to",
)  # fmt: skip
_REFERENCE = re.compile(r"#|\b(?:issue|bug|feature)\s*\d+|\b[0-9a-f]{40}\b", re.IGNORECASE)
_SHORTEST_NAME = 3  # `a.py` would forbid the word "a"
_FIRST_PERSON = re.compile(r"\bi\b|\bi'(?:m|ve)\b", re.IGNORECASE)
_VERSION = re.compile(r"^(?:bump|set version|update version)\b|\bv?\d+\.\d+\.\d+\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """Which commits are worth a row."""

    language: str = "python"
    min_characters: int = 200
    """Of the file before and after together."""
    max_characters: int = 3072
    min_words: int = 4
    """Of the subject."""
    max_subject: int = 1000
    """Characters."""


def commits(where: str | Path, limits: CommitLimits | None = None, *, limit: int | None = None) -> Rows:
    """Rows from the commits of a git repository that change one file, newest first.

    Args:
        where: a work tree, a folder in it, or a bare repository.
        limits: which commits to take.
        limit: stop at so many rows.

    Raises:
        DataError: no repository, no commits, an unknown language, or nothing left.
    """
    limits = limits or CommitLimits()
    if limits.language not in EXTENSIONS:
        raise DataError(f"language {limits.language!r} is not known; known are {', '.join(EXTENSIONS)}")
    repository = open_repository(where)
    if repository.is_empty or repository.head_is_unborn:
        raise DataError(f"{where} is a repository without commits")
    rows, report, seen = Rows(), Report(), set[tuple[str, str]]()
    for commit in _history(repository):
        if limit is not None and len(rows) >= limit:
            break
        report.looked_at += 1
        change = _single_change(repository, commit, limits)
        if isinstance(change, str):
            report.drop(change)
            continue
        path, before, after = change
        subject = _cleaned(commit.message)
        reason = _unfit_subject(subject, path, limits) or _unfit_size(before, after, limits)
        if reason is None and (before, after) in seen:
            reason = "the same change again"
        if reason is not None:
            report.drop(reason)
            continue
        seen.add((before, after))
        source = f"commit {str(commit.id)[:12]} {path}"
        rows.append({"prompt": f"{subject}\n\n{before}", "completion": after, "source": source})
    report.kept = len(rows)
    rows.report = report
    if not rows:
        raise DataError(f"{where} gave no rows: {report.summary()}")
    return rows


def _history(repository: pygit2.Repository) -> Iterator[pygit2.Commit]:
    import pygit2
    from pygit2.enums import SortMode

    try:
        yield from repository.walk(repository.head.target, SortMode.TOPOLOGICAL | SortMode.TIME)
    except (KeyError, pygit2.GitError):
        return  # a shallow clone: the history ends here


def _single_change(
    repository: pygit2.Repository, commit: pygit2.Commit, limits: CommitLimits
) -> tuple[str, str, str] | str:
    """The one file a commit changes, with its content before and after; or why it is left out."""
    if len(commit.parents) != 1:
        return "a merge or a first commit"
    # Trees differ in one entry of one folder, all the way down, where a commit changes one file: no diff is needed.
    deltas = list(repository.diff(commit.parents[0], commit).deltas)
    if len(deltas) != 1:
        return "more than one file"
    delta = deltas[0]
    if delta.status_char() != "M":
        return "a file added, removed or renamed"
    path = delta.new_file.path
    if PurePosixPath(path).suffix not in EXTENSIONS[limits.language]:
        return f"no {limits.language}"
    before, after = (_text(repository, side.id) for side in (delta.old_file, delta.new_file))
    if before is None or after is None:
        return "no text"
    return path, before, after


def _text(repository: pygit2.Repository, number: pygit2.Oid) -> str | None:
    import pygit2

    blob = repository.get(number)
    if not isinstance(blob, pygit2.Blob) or blob.is_binary:
        return None
    try:
        return blob.data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _cleaned(message: str) -> str:
    """The subject without tags in brackets at either end and without a leading `module:`."""
    subject = message.strip().splitlines()[0] if message.strip() else ""
    words = subject.replace("[skip ci]", "").replace("[ci skip]", "").split()
    if words and words[0].startswith("[") and words[0].endswith("]"):
        words = words[1:]
    if words and words[0].endswith(":"):
        words = words[1:]
    if words and words[-1].startswith("[") and words[-1].endswith("]"):
        words = words[:-1]
    return " ".join(words)


def _unfit_subject(subject: str, path: str, limits: CommitLimits) -> str | None:
    lower = subject.lower()
    if len(subject.split()) < limits.min_words:
        return "too short a subject"
    if len(subject) > limits.max_subject:
        return "too long a subject"
    if not subject[0].isupper() or re.split(r"\W", lower, maxsplit=1)[0] not in IMPERATIVES:
        return "no imperative subject"
    if _REFERENCE.search(subject) or _VERSION.search(subject):
        return "a reference or a version in the subject"
    stem = PurePosixPath(path).stem.lower()
    if len(stem) >= _SHORTEST_NAME and stem in lower.split():
        return "the file's name in the subject"
    if any(noise in lower for noise in _NOISE) or _FIRST_PERSON.search(subject):
        return "noise in the subject"
    return None


def _unfit_size(before: str, after: str, limits: CommitLimits) -> str | None:
    if before == after:
        return "nothing changed but the mode"
    if not before.strip() or not after.strip():
        return "an empty file"
    size = len(before) + len(after)
    if size < limits.min_characters:
        return "too short a file"
    return "too long a file" if size > limits.max_characters else None
