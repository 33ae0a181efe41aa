"""A row, a list of rows with an account of what was left out, and rows on disk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from astrarium.core.digests import digest_rows
from astrarium.core.errors import DataError
from astrarium.core.files import atomic_open


class Message(TypedDict):
    """One turn of a conversation."""

    role: str
    """`system`, `user` or `assistant`."""
    content: str


class Row(TypedDict):
    """One thing to learn. Its kind follows from its keys (see `kind`).

    | kind | prompt | completion | more |
    | --- | --- | --- | --- |
    | instruction | the question | the answer | |
    | chat | the last question | the last answer | `messages`: the whole conversation, those two at its end |
    | text | empty | the text | |
    | fim | what stands before | the middle | `suffix`: what stands after, not empty; the prompt may be |
    """

    prompt: str
    completion: str
    source: str
    """Where it comes from, such as `path:line`."""
    messages: NotRequired[list[Message]]
    suffix: NotRequired[str]
    language: NotRequired[str]
    """Of the code, such as `go`; absent where it is not known."""
    licence: NotRequired[str]
    """An SPDX expression; absent where none was found."""


Kind = Literal["instruction", "chat", "text", "fim"]


def kind(row: Row) -> Kind:
    """What kind of row it is."""
    if "messages" in row:
        return "chat"
    if "suffix" in row:
        return "fim"
    return "instruction" if row["prompt"] else "text"


def texts(row: Row) -> list[str]:
    """Everything that a row would teach, piece by piece."""
    if "messages" in row:
        return [message["content"] for message in row["messages"]]
    return [text for text in (row["prompt"], row["completion"], row.get("suffix", "")) if text]


NO_LICENCE = "none found"


@dataclass(slots=True)
class Report:
    """What was looked at, and why some of it was left out."""

    looked_at: int = 0
    """Functions, commits or rows: those kept and those dropped."""
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason → how many."""
    files: Counter[str] = field(default_factory=Counter)
    """Reason → how many files were passed over whole, so that nothing in them was looked at."""
    languages: Counter[str] = field(default_factory=Counter)
    """Language → rows kept; only where it is known."""
    licences: Counter[str] = field(default_factory=Counter)
    """SPDX expression → rows kept; `none found` where there is none."""
    middles: int = 0
    """Rows that were turned into middles to fill in."""
    unreadable: list[str] = field(default_factory=list)
    """Files that could not be read, with the reason."""
    notes: list[str] = field(default_factory=list)
    """What else the user should know."""

    def drop(self, reason: str) -> None:
        """Count one that is left out."""
        self.dropped[reason] += 1

    def keep(self, row: Row) -> None:
        """Count one that is kept."""
        self.kept += 1
        if "language" in row:
            self.languages[row["language"]] += 1
        self.licences[row.get("licence", NO_LICENCE)] += 1

    def summary(self) -> str:
        """In one line."""
        parts = [f"{self.looked_at} looked at, {self.kept} kept"]
        for title, counts in (("left out", self.dropped), ("files passed over", self.files)):
            if counts:
                parts.append(f"{title}: {', '.join(f'{count} {reason}' for reason, count in counts.most_common())}")
        return "; ".join([*parts, *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "looked_at": self.looked_at,
            "kept": self.kept,
            "dropped": dict(self.dropped.most_common()),
            "files": dict(self.files.most_common()),
            "languages": dict(self.languages.most_common()),
            "licences": dict(self.licences.most_common()),
            "middles": self.middles,
            "unreadable": self.unreadable,
            "notes": self.notes,
        }


class Rows(list[Row]):
    """Rows, with a report of how they came about."""

    def __init__(self, rows: Iterable[Row] = (), report: Report | None = None) -> None:
        super().__init__(rows)
        self.report = report or Report(looked_at=len(self), kept=len(self))


def digest(rows: Sequence[Row]) -> str:
    """A digest of rows in their order."""
    return digest_rows(rows)


def record_of(row: Row) -> dict[str, Any]:
    """A row as it is written: a conversation by its `messages` alone, a text as `text`, everything else as it is.

    That is how other trainers tell them apart too, and `read_rows` gives the same row again.
    """
    found = kind(row)
    if found == "chat":
        return {key: value for key, value in row.items() if key not in ("prompt", "completion")}
    if found == "text":
        return {"text" if key == "completion" else key: value for key, value in row.items() if key != "prompt"}
    return dict(row)


def write_rows(path: str | Path, rows: Iterable[Row]) -> None:
    """Write rows as JSON lines, atomically.

    Raises:
        DataError: a row with text that is no Unicode; nothing is written then.
    """
    with atomic_open(path) as file:
        for number, row in enumerate(rows, 1):
            line = json.dumps(record_of(row), ensure_ascii=False)
            if (found := unwritable(line)) is not None:
                raise DataError(f"row {number} holds {found}; {path} is not written")
            file.write(line + "\n")


def unwritable(text: str) -> str | None:
    """What keeps a text out of a row: half a surrogate pair, or a NUL; None where nothing does."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"half a surrogate pair (U+{ord(text[error.start]):04X})"
    return "a NUL character" if "\0" in text else None
