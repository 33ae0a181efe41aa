"""Repairs what keeps a script from parsing, where the intention is plain."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

import libcst as cst

_ATTEMPTS = 8
_STRING_START = re.compile(r"""(?P<prefix>[rbfuRBFU]{0,2})(?P<quote>["'])""")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A script that parses, and what was done."""

    text: str
    module: cst.Module
    lines: tuple[int, ...]
    """For each of its lines, from 1, the line of the original."""
    repairs: tuple[tuple[int, str, str], ...]
    """Line, message, mend."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A script that does not parse and whose intention is not plain."""

    line: int
    reason: str
    repairs: tuple[tuple[int, str, str], ...] = ()
    """What else keeps it from parsing, above that line: line, message, mend."""


def repaired(text: str) -> Repaired | Broken:
    """Make a script parse."""
    lines = list(range(1, text.count("\n") + 2))
    done: list[tuple[int, str, str]] = []
    for _ in range(_ATTEMPTS):
        error = _parsed(text)
        if isinstance(error, cst.Module):
            return Repaired(text, error, tuple(lines), tuple(done))
        for candidate in (
            _unfinished_string, _unended_string, _curly_quotes, _print_statement, _missing_colon, _single_equals,
            _tabs, _open_bracket, _missing_comma,
        ):  # fmt: skip
            made = candidate(text, error[0])
            if made is None:
                continue
            new, line, message, mend, map_lines = made
            after = _parsed(new)
            if isinstance(after, cst.Module) or map_lines[min(after[0], len(map_lines)) - 1] > error[0]:
                done.append((lines[min(line, len(lines)) - 1], message, mend))
                lines = [lines[min(one, len(lines)) - 1] for one in map_lines]
                text = new
                break
        else:
            line = min(error[0], len(lines))
            row = text.split("\n")[line - 1]
            reason = (
                "a closing parenthesis is missing, and there are several places where it may have stood"
                if len(_unclosed(_bare(row))) and _several_places(_bare(row))
                else error[1]
            )
            return Broken(lines[line - 1], reason, tuple(done))
    return Broken(lines[0], "more than eight places do not parse")


_Made = tuple[str, int, str, str, list[int]]


def _parsed(text: str) -> cst.Module | tuple[int, str]:
    """The text parsed; line and reason where it does not parse."""
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        return _place(text, error)
    except Exception as error:  # libcst passes on what its parser raises on odd input
        return 1, f"{type(error).__name__}: {str(error)[:120]}"


def _place(text: str, error: cst.ParserSyntaxError) -> tuple[int, str]:
    """Line and reason; Python's own, where it refuses the text too: libcst's tokenizer tells no line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except SyntaxError as told:
        return told.lineno or 1, told.msg
    except (ValueError, MemoryError, RecursionError):
        pass
    return max(error.raw_line, 1), " ".join(error.message.split())[:160]


def _same(text: str) -> list[int]:
    return list(range(1, text.count("\n") + 2))


def _unfinished_string(text: str, line: int) -> _Made | None:
    """A string in simple quotes that breaks across lines: its line breaks were meant to be in it."""
    rows = text.split("\n")
    for first in [*range(max(line - 12, 1), min(line + 2, len(rows) + 1))]:
        opened = _open_string(rows[first - 1])
        if opened is None:
            continue
        column, prefix, quote = opened
        for last in range(first + 1, min(first + 40, len(rows)) + 1):
            if re.search(rf"(?<!\\){quote}", rows[last - 1]):
                whole = "\n".join(rows[first - 1 : last])
                if "r" in prefix.lower():
                    return None
                end = re.search(rf"(?<!\\){quote}", rows[last - 1])
                assert end is not None
                inner = "\n".join([rows[first - 1][column:], *rows[first : last - 1], rows[last - 1][: end.start()]])
                joined = rows[first - 1][:column] + inner.rstrip("\r").replace("\r", "").replace("\n", "\\n")
                joined += rows[last - 1][end.start() :]
                new = [*rows[: first - 1], joined, *rows[last:]]
                mapped = [*range(1, first + 1), *range(last + 1, len(rows) + 1)]
                count = whole.count("\n")
                return (
                    "\n".join(new), first,
                    f"a string in {quote} quotes breaks across {count + 1} lines, so that the script does not parse",
                    f"write its {count} line breaks as \\n", mapped,
                )  # fmt: skip
    return None


def _unended_string(text: str, line: int) -> _Made | None:
    """A string in simple quotes without its last one: it was meant to end with its line, before what closes a call."""
    rows = text.split("\n")
    for first in range(max(line - 1, 1), min(line + 1, len(rows)) + 1):
        opened = _open_string(rows[first - 1])
        if opened is None:
            continue
        column, _, quote = opened
        row = rows[first - 1].rstrip()
        for end in _ends(row, column):
            new = "\n".join([*rows[: first - 1], row[:end] + quote + row[end:], *rows[first:]])
            after = _parsed(new)
            if isinstance(after, cst.Module) or after[0] > first:
                return (
                    new, first, f"a string that begins with {quote} never ends", f"end it with {quote}", _same(text)
                )  # fmt: skip
    return None


def _ends(row: str, column: int) -> list[int]:
    """Where a string that begins at a column may end: before what closes a call, there or before a comment."""
    found: list[int] = []
    comment = re.search(r"\s{2,}#", row[column:])
    for length in (len(row), *((column + comment.start(),) if comment is not None else ())):
        closers = re.search(r"[)\]}\s,:]*$", row[column:length])
        found += range(column + closers.start() if closers is not None else length, length + 1)
    return found


def _open_string(row: str) -> tuple[int, str, str] | None:
    """Where a simple-quoted string begins that the row does not end: column after the quote, prefix, quote."""
    position = 0
    while position < len(row):
        if row[position] == "#":
            return None
        found = _STRING_START.match(row, position)
        if found is None:
            position += 1
            continue
        quote = found.group("quote")
        begin = found.end()
        if row.startswith(quote * 2, begin):
            end = row.find(quote * 3, begin + 2)
            if end < 0:
                return None
            position = end + 3
            continue
        end = begin
        while end < len(row) and row[end] != quote:
            end += 2 if row[end] == "\\" else 1
        if end >= len(row):
            return (begin, found.group("prefix"), quote) if not row.endswith("\\") else None
        position = end + 1
    return None


def _curly_quotes(text: str, line: int) -> _Made | None:
    rows = text.split("\n")
    row = rows[line - 1] if line <= len(rows) else ""
    if not re.search("[“”‘’]", row):
        return None
    new = re.sub("[“”]", '"', re.sub("[‘’]", "'", row))
    rows[line - 1] = new
    return (
        "\n".join(rows),
        line,
        "the quotes are curly, as a word processor makes them",
        "write straight quotes",
        _same(text),
    )


def _print_statement(text: str, line: int) -> _Made | None:
    rows = text.split("\n")
    for number in (line, line - 1):
        found = re.match(r"^(\s*)print\s+(?![=(])(\S.*?)\s*$", rows[number - 1]) if 0 < number <= len(rows) else None
        if found:
            rows[number - 1] = f"{found.group(1)}print({found.group(2)})"
            return "\n".join(rows), number, "print is a statement of Python 2", "call it: `print(…)`", _same(text)
    return None


def _missing_colon(text: str, line: int) -> _Made | None:
    rows = text.split("\n")
    for number in (line, line - 1):
        row = rows[number - 1] if 0 < number <= len(rows) else ""
        found = re.match(r"^\s*(if|elif|else|for|while|def|class|with|try|except|finally)\b[^#]*?(?=\s*(#.*)?$)", row)
        if found and not found.group().endswith((":", ",", "(", "[", "{", "\\")):
            rows[number - 1] = f"{found.group()}:{row[found.end() :]}"
            return "\n".join(rows), number, f"the colon after {found.group(1)} is missing", "add it", _same(text)
    return None


def _single_equals(text: str, line: int) -> _Made | None:
    rows = text.split("\n")
    row = rows[line - 1] if line <= len(rows) else ""
    found = re.match(r"^(\s*(?:if|elif|while)\s+[\w.\[\]\"']+)\s*=\s*(?!=)(.*)$", row)
    if not found:
        return None
    rows[line - 1] = f"{found.group(1)} == {found.group(2)}"
    return "\n".join(rows), line, "a comparison with a single =", "compare with ==", _same(text)


def _tabs(text: str, line: int) -> _Made | None:
    if not re.search(r"^ *\t", text, re.MULTILINE) or not re.search(r"^ +\S", text, re.MULTILINE):
        return None
    new = "\n".join(re.sub(r"^[ \t]+", lambda m: m.group().expandtabs(4), row) for row in text.split("\n"))
    return new, line, "tabs and spaces are mixed in the indentation", "indent with four spaces", _same(text)


def _open_bracket(text: str, line: int) -> _Made | None:
    """A bracket that is never closed, on a line whose next line begins a new statement."""
    rows = text.split("\n")
    for number in range(min(line, len(rows)), max(line - 3, 0), -1):
        row = rows[number - 1]
        if row.rstrip().endswith((",", "(", "[", "{", "\\")):
            continue
        bare = _bare(row)
        stack = _unclosed(bare)
        if stack and bare.strip():
            if _several_places(bare):
                return None
            end = len(bare.rstrip())
            colon = (
                ":" if bare[:end].endswith(":") and re.match(r"\s*(def|if|for|while|class|with|elif)\b", bare) else ""
            )
            end -= len(colon)
            closing = "".join(reversed(stack))
            rows[number - 1] = row[:end] + closing + row[end:]
            return "\n".join(rows), number, f"{closing} is missing at the end of the line", "close it", _same(text)
    return None


def _missing_comma(text: str, line: int) -> _Made | None:
    """Two arguments or items on lines of their own with nothing between, the second begun by `name=` or `"key":`."""
    rows = text.split("\n")
    for number in range(max(line - 1, 1), min(line + 1, len(rows) - 1) + 1):
        bare = _bare(rows[number - 1]).rstrip()
        if not re.search(r"[\w)\]}]$", bare) or not re.match(r"\s*(\w+\s*=(?!=)|[\"'][^\"']+[\"']\s*:)", rows[number]):
            continue
        row = rows[number - 1]
        new = "\n".join([*rows[: number - 1], f"{row[: len(bare)]},{row[len(bare) :]}", *rows[number:]])
        after = _parsed(new)
        if isinstance(after, cst.Module) or after[0] > number + 1:
            return new, number, "the comma at the end of the line is missing", "add it", _same(text)
    return None


def _bare(row: str) -> str:
    """A line with spaces in the place of its strings and comment."""
    strings = r"(\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')|#.*"
    return re.sub(strings, lambda m: (" " if m.group().startswith("#") else "_") * len(m.group()), row)


def _unclosed(bare: str) -> list[str]:
    """What would close the brackets that a line leaves open, the outermost first."""
    stack: list[str] = []
    for mark in bare:
        if mark in "([{":
            stack.append({"(": ")", "[": "]", "{": "}"}[mark])
        elif mark in ")]}" and stack and stack[-1] == mark:
            stack.pop()
    return stack


def _several_places(bare: str) -> bool:
    """Whether the parenthesis that is missing may have stood before one of the arguments of a call that ends the line.

    `load(make(name, adapter)`: the second name may be `make`'s or `load`'s. A keyword argument is `make`'s.
    """
    open_calls: list[tuple[int, bool]] = []
    closed: list[tuple[int, bool]] = []
    for place, mark in enumerate(bare):
        if mark in "([{":
            called = mark == "(" and bool(re.search(r"[\w\])]$", bare[:place]))
            open_calls.append((place, called))
            closed = []
        elif mark in ")]}" and open_calls:
            closed.append(open_calls.pop())
        elif not mark.isspace() and mark != ":":
            closed = []
    if not any(called for _, called in open_calls):
        return False
    return any(called and _second_positional(bare, place) for place, called in closed)


def _second_positional(bare: str, place: int) -> bool:
    """Whether a call whose parenthesis opens there is given an argument by position after its first."""
    depth, start = 0, None
    for at in range(place, len(bare)):
        mark = bare[at]
        if mark in "([{":
            depth += 1
        elif mark in ")]}":
            depth -= 1
        if (mark == "," and depth == 1) or depth == 0:
            if start is not None and bare[start:at].strip() and not re.match(r"\s*(\w+\s*=(?!=)|\*)", bare[start:at]):
                return True
            start = at + 1
        if depth == 0:
            return False
    return False
