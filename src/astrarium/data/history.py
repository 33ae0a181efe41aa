"""Rows from a repository's history: the commit's subject and the file before ask, the file after answers.

Source: CommitPackFT (OctoPack, arXiv 2308.07124, Tables 5 and 6; bigcode-project/octopack, `dataset/commitpackft/`), as
the mixture that OctoCoder and Astraios were tuned on lays it out. Its bound of 50 to 768 StarCoder tokens for both
states of the file is taken in characters here, at four a token. It also has commits that add a file; here there
is always a before.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from astrarium.core.errors import DataError
from astrarium.data.filters.sieve import Filters, Sieve
from astrarium.data.languages import ALL, language_of, languages_named
from astrarium.data.languages.language import Language
from astrarium.data.licensing import CommitTree, RepositoryLicences
from astrarium.data.repository import open_repository
from astrarium.data.rows import Report, Row, Rows, unwritable
from astrarium.data.subjects import MAX_CHARACTERS, MIN_WORDS, cleaned, unfit

if TYPE_CHECKING:
    import pygit2

_SHALLOW = "the repository is a shallow clone: the history before it is not here (git fetch --unshallow brings it)"


@dataclass(frozen=True, slots=True)
class CommitLimits:
    """Which commits are worth a row."""

    language: str = ALL
    """Of the files; `all` takes those of every language that is known."""
    min_characters: int = 200
    """Of the file before and after together."""
    max_characters: int = 3072
    min_words: int = MIN_WORDS
    """Of the subject."""
    max_subject: int = MAX_CHARACTERS
    """Characters."""


def commits(
    where: str | Path,
    limits: CommitLimits | None = None,
    *,
    limit: int | None = None,
    filters: Filters | None = None,
) -> Rows:
    """Rows from the commits of a git repository that change one file, newest first.

    The prompt is the subject, a line end, and the file before; the completion is the file after. The source of a row is
    `commit <its first twelve digits> <path>`; its licence is the one that the file states after the commit, else the
    one of the newest commit's tree.

    Args:
        where: a work tree, a folder in it (its whole repository counts), or a bare repository.
        limits: which commits to take.
        limit: stop at so many rows.
        filters: what to drop rows for; by default everything that `Filters` knows.

    Raises:
        DataError: no repository, no commits, objects that cannot be read, an unknown language, a limit below 1, nothing
            left, or what a `Sieve` refuses.
    """
    limits = limits or CommitLimits()
    languages = languages_named([limits.language])
    if limit is not None and limit < 1:
        raise DataError(f"the limit is {limit} rows; expected 1 or more")
    repository = open_repository(where)
    if repository.is_empty or repository.head_is_unborn:
        raise DataError(f"{where} is a repository without commits")
    rows, seen = Rows(), set[tuple[str, str]]()
    rows.report = report = Report()
    if repository.is_shallow:
        report.notes.append(_SHALLOW)
    sieve = Sieve(filters or Filters(), report)
    licences = _licences(repository)
    for commit in _history(repository, where):
        if limit is not None and len(rows) >= limit:
            break
        report.looked_at += 1
        row = _row(repository, commit, limits, languages, licences, seen)
        reason = row if isinstance(row, str) else sieve.reason(row)
        if reason is not None:
            report.drop(reason)
        elif not isinstance(row, str):
            rows.append(row)
            report.keep(row)
    sieve.close()
    if not rows:
        raise DataError(f"{where} gave no rows: {report.summary()}")
    return rows


def _history(repository: pygit2.Repository, where: str | Path) -> Iterator[pygit2.Commit]:
    import pygit2
    from pygit2.enums import SortMode

    try:
        walker = repository.walk(repository.head.target, SortMode.TOPOLOGICAL | SortMode.TIME)
    except (KeyError, pygit2.GitError) as error:
        raise DataError(f"{where} has a history that cannot be read: {error}; git fsck says more") from error
    while True:
        try:
            commit = next(walker, None)
        except (KeyError, pygit2.GitError) as error:
            raise DataError(f"{where} has a history that cannot be read: {error}; git fsck says more") from error
        if commit is None:
            return
        yield commit


def _licences(repository: pygit2.Repository) -> RepositoryLicences:
    import pygit2

    try:
        return RepositoryLicences(CommitTree(repository.head.peel(pygit2.Commit).tree))
    except (KeyError, pygit2.GitError) as error:
        raise DataError(f"the newest commit cannot be read: {error}; git fsck says more") from error


def _row(
    repository: pygit2.Repository,
    commit: pygit2.Commit,
    limits: CommitLimits,
    languages: Sequence[Language],
    licences: RepositoryLicences,
    seen: set[tuple[str, str]],
) -> Row | str:
    """The row of a commit, or why it makes none."""
    change = _single_change(repository, commit, languages)
    if isinstance(change, str):
        return change
    path, language, before, after = change
    subject = cleaned(_message(commit))
    reason = unfit(subject, path, limits.min_words, limits.max_subject) or _unfit_size(before, after, limits)
    if reason is not None:
        return reason
    if (before, after) in seen:
        return "the same change again"
    if unwritable(subject + before + after) is not None:
        return "no text"
    seen.add((before, after))
    name = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    source = f"commit {str(commit.id)[:12]} {name}"
    row: Row = {"prompt": f"{subject}\n{before}", "completion": after, "source": source, "language": language.name}
    if (licence := licences.of(path, after)) is not None:
        row["licence"] = licence
    return row


def _single_change(
    repository: pygit2.Repository, commit: pygit2.Commit, languages: Sequence[Language]
) -> tuple[str, Language, str, str] | str:
    """The one file a commit changes, its language, and its content before and after; or why it is left out."""
    import pygit2

    if len(commit.parent_ids) != 1:
        return "a merge or a first commit"
    try:
        deltas = list(repository.diff(commit.parents[0], commit).deltas)
    except (KeyError, pygit2.GitError):
        return "with objects that are missing or broken"
    if len(deltas) != 1:
        return "more than one file" if deltas else "no file"
    delta = deltas[0]
    if delta.status_char() != "M":
        return "a file added, removed or renamed"
    path = delta.new_file.path
    language = language_of(path, languages)
    if language is None:
        return f"no {languages[0].name}" if len(languages) == 1 else "no code"
    if delta.old_file.id == delta.new_file.id:
        return "nothing changed but the mode"
    sides = (delta.old_file, delta.new_file)
    if not all(stat.S_ISREG(side.mode) for side in sides):
        return "a link or a submodule"
    try:
        before, after = (_text(repository, side.id) for side in sides)
    except (KeyError, pygit2.GitError):
        return "with objects that are missing or broken"
    return "no text" if before is None or after is None else (path, language, before, after)


def _text(repository: pygit2.Repository, number: pygit2.Oid) -> str | None:
    import pygit2

    blob = repository[number]
    if not isinstance(blob, pygit2.Blob) or blob.is_binary:
        return None
    try:
        return blob.data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _message(commit: pygit2.Commit) -> str:
    """A commit's message; one that is not in the encoding it names, or names none that there is, is read as UTF-8."""
    try:
        return commit.raw_message.decode(commit.message_encoding or "utf-8")
    except (LookupError, UnicodeError):
        return commit.raw_message.decode("utf-8", "replace")


def _unfit_size(before: str, after: str, limits: CommitLimits) -> str | None:
    if not before.strip() or not after.strip():
        return "an empty file"
    size = len(before) + len(after)
    if size < limits.min_characters:
        return "too short a file"
    return "too long a file" if size > limits.max_characters else None
