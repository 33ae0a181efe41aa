"""Rows from documented functions: the documentation asks, the function answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from astrarium.core.errors import DataError
from astrarium.data import python_code, python_functions, tree_code
from astrarium.data.filters.sieve import Filters, Sieve
from astrarium.data.found import FoundFunction
from astrarium.data.languages import ALL, language_of, languages_named
from astrarium.data.languages.language import Language
from astrarium.data.licensing import FolderTree, RepositoryLicences
from astrarium.data.repository import SourceFile, source_files
from astrarium.data.rows import Report, Row, Rows, unwritable

_MAX_FILE_BYTES = 1 << 20
_GENERATED_NAME = re.compile(
    r"_pb2(?:_grpc)?\.py$|\.pb(?:\.gw)?\.(?:go|cc)$|(?:^|[._])generated\.\w+$|\.min\.[cm]?js$|\.d\.ts$"
)
_GENERATED = re.compile(
    r"(?:#|//|^\s*/?\*).*(?:@generated|\bdo not edit\b|\b(?:auto-?|automatically )generated\b)", re.IGNORECASE
)  # fmt: skip
_HEAD_LINES = 10
"""Where a generated file says that it is one."""
_LONGEST_LINE = 2000
"""Characters; a longer one is code that was packed, or data."""
_VENDORED = re.compile(r"(?:^|/)(?:_?vendor(?:ed)?|third[_-]?party|node_modules|bower_components)/")
_MIN_WORDS = 3


@dataclass(frozen=True, slots=True)
class FunctionLimits:
    """Which functions are worth a row."""

    min_lines: int = 3
    """Lines of the function without its documentation, its signature included."""
    max_lines: int = 60
    max_characters: int = 3000
    methods: bool = False
    """Take methods too; they often need their class to make sense. A static method of Java is taken either way."""
    languages: tuple[str, ...] = (ALL,)
    """`python`, `javascript`, `typescript`, `java`, `go`, `c++`, `rust`, or `all` of them."""


def functions(
    where: str | Path | Sequence[str | Path],
    limits: FunctionLimits | None = None,
    *,
    limit: int | None = None,
    filters: Filters | None = None,
) -> Rows:
    """Rows from the documented functions of a repository, a folder or a file, or of several.

    The prompt is an instruction made of the name, the signature and the documentation's first paragraph; the completion
    is the whole function without its indentation, with decorators or attributes (and in Python its docstring). Left
    out, and counted in the report: functions without prose in their documentation, trivial bodies, stubs, tests, the
    too short and the too long, bodies that were seen before, and what the filters drop. Passed over whole: files of
    tests, vendored and generated ones, those over 1 MiB, those that cannot be read.

    Args:
        where: a git repository (the files that git tracks), a folder, a file of code, or a list of those.
        limits: which functions to take.
        limit: stop at so many rows.
        filters: what to drop rows for; by default everything that `Filters` knows.

    Returns:
        Rows in order of file and line, the same ones each time; the source of each is `path:line`.

    Raises:
        DataError: nothing there, no files of these languages, nothing left of them, an unknown language, a limit below
            1, or what a `Sieve` refuses.
    """
    if limit is not None and limit < 1:
        raise DataError(f"the limit is {limit} rows; expected 1 or more")
    limits = limits or FunctionLimits()
    languages = languages_named(limits.languages)
    several = [where] if isinstance(where, str | Path) else list(where)
    rows, seen, files = Rows(), set[str](), 0
    rows.report = report = Report()
    sieve = Sieve(filters or Filters(), report)
    for file, licences in _all_files(several, languages):
        files += 1
        if limit is not None and len(rows) >= limit:
            break
        language = language_of(file.name, languages)
        opened = _opened(file, language, report) if language is not None else None
        if language is None or opened is None:
            continue
        code, found = opened
        licence = licences.of(file.inside, code)
        for function in found:
            if limit is not None and len(rows) >= limit:
                break
            report.looked_at += 1
            row = _row(function, language, file.name, licence, limits, seen)
            reason = row if isinstance(row, str) else sieve.reason(row)
            if reason is not None:
                report.drop(reason)
            elif not isinstance(row, str):
                rows.append(row)
                report.keep(row)
    sieve.close()
    named = ", ".join(map(str, several)) or "an empty list"
    if not files:
        titles = ", ".join(language.title for language in languages)
        raise DataError(f"{named} has no {titles if len(languages) == 1 else 'source'} files (looked for {titles})")
    if not rows:
        raise DataError(f"{named} gave no rows: {report.summary()}")
    return rows


def _all_files(
    several: list[str | Path], languages: Sequence[Language]
) -> Iterator[tuple[SourceFile, RepositoryLicences]]:
    """The files of every place; of several places, each name begins with its place's."""
    endings = tuple(ending for language in languages for ending in language.endings)
    for where in several:
        licences: dict[Path, RepositoryLicences] = {}
        for file in source_files(where, endings):
            known = licences.setdefault(file.root, RepositoryLicences(FolderTree(file.root)))
            yield (file if len(several) == 1 else replace(file, name=f"{Path(where).name}/{file.name}")), known


def _opened(file: SourceFile, language: Language, report: Report) -> tuple[str, Iterator[FoundFunction]] | None:
    """A file's code and its functions; None where it is passed over."""
    if language.test_file.search(file.below):
        report.files["of tests"] += 1
        return None
    if _VENDORED.search(file.below):
        report.files["vendored"] += 1
        return None
    try:
        if file.path.stat().st_size > _MAX_FILE_BYTES:
            report.files["over 1 MiB"] += 1
            return None
        lines, found = _read(file, language)
    except (OSError, ValueError) as error:
        reason = "that cannot be read" if isinstance(error, OSError) else "that does not parse"
        report.files[reason] += 1
        report.unreadable.append(f"{file.name}: {' '.join(str(error).split())}")
        return None
    if _GENERATED_NAME.search(file.name) or any(map(_GENERATED.search, lines[:_HEAD_LINES])):
        report.files["generated"] += 1
        return None
    if language.grammar is not None and max(map(len, lines)) > _LONGEST_LINE:
        report.files["packed"] += 1
        return None
    return "\n".join(lines), found


def _read(file: SourceFile, language: Language) -> tuple[list[str], Iterator[FoundFunction]]:
    """A file's lines, and its functions, which are found when they are asked for.

    Raises:
        ValueError: it is not in its language, or no text.
        OSError: it cannot be read.
    """
    if language.grammar is None:
        tree, lines = python_code.parse(file.path)
        return lines, python_functions.found_in(tree, lines)
    content = file.path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 text ({error.reason} at byte {error.start})") from error
    return text.splitlines() or [""], tree_code.functions_in(content, file.path.name, language)


def _row(
    function: FoundFunction, language: Language, name: str, licence: str | None, limits: FunctionLimits, seen: set[str]
) -> Row | str:
    """The row of a function, or why it makes none."""
    if (reason := _unfit(function, limits)) is not None:
        return reason
    code = function.cut()
    if code is None:
        return "not whole when taken out of its file"
    if function.lines > limits.max_lines or len(code) > limits.max_characters:
        return "too long"
    prompt = (
        f"Please write a {function.noun} in {language.title} named `{function.name}` with the signature "
        f"`{function.signature}`. {function.doc}"
    )
    if unwritable(prompt + code) is not None:
        return "with text that is no Unicode"
    if (body := function.body()) in seen:
        return "with the body of another"
    seen.add(body)
    row: Row = {"prompt": prompt, "completion": code, "source": f"{name}:{function.line}", "language": language.name}
    if licence is not None:
        row["licence"] = licence
    return row


def _unfit(function: FoundFunction, limits: FunctionLimits) -> str | None:
    """Why a function makes no row; None where it makes one."""
    if function.method and not limits.methods:
        return "a method"
    if function.doc is None:
        return "without a docstring"
    if function.test:
        return "a test"
    if not function.whole:
        return "that does not parse"
    if function.trivial:
        return "trivial or a stub"
    if len(function.doc.split()) < _MIN_WORDS:
        return "with too short a docstring"
    return "too short" if function.lines < limits.min_lines else None
