"""GitHub-flavoured Markdown: text made safe for it, anchors as GitHub makes them, a table of contents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})(.*)$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading of a document."""

    level: int
    text: str
    """As it is written, marks included."""
    anchor: str
    """What stands after the # of a link to it."""


def text(value: object) -> str:
    """Words of somebody else's, so that they read as they are: no mark-up, no HTML, on one line."""
    return _escaped(" ".join(str(value).split()))


def prose(value: object) -> str:
    """Words of our own: code spans stay, everything else reads as it is."""
    parts = re.split(r"(`[^`]+`)", " ".join(str(value).split()))
    return "".join(part if index % 2 else _escaped(part) for index, part in enumerate(parts))


def code(value: object) -> str:
    """A code span, whatever backticks are in it."""
    content = " ".join(str(value).split())
    ticks = "`" * (1 + max((len(run) for run in re.findall(r"`+", content)), default=0))
    padded = f" {content} " if content.startswith("`") or content.endswith("`") or not content else content
    return f"{ticks}{padded}{ticks}"


def fence(content: str, language: str = "") -> str:
    """A block of code, whatever fences are in it."""
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", content)), default=0))
    return f"{ticks}{language}\n{content.rstrip(chr(10))}\n{ticks}"


def quote(lines: str, alert: str | None = None) -> str:
    """A quotation, or an alert: `NOTE`, `TIP`, `IMPORTANT`, `WARNING`, `CAUTION`."""
    marked = [f"> {line}".rstrip() for line in lines.strip().splitlines()]
    return "\n".join([f"> [!{alert}]", *marked] if alert else marked)


def quotation(words: str) -> str:
    """Somebody's words in a quotation, line for line, so that they read as they are."""
    lines = [text(line) for line in words.strip().splitlines()]
    broken = [
        f"{line}\\" if line and following else line for line, following in zip(lines, [*lines[1:], ""], strict=True)
    ]
    return quote("\n".join(broken))


def table(header: Sequence[str], rows: Iterable[Sequence[object]], align: str = "") -> str:
    """A table. Cells are Markdown already; a bar in one is escaped where it is not yet.

    Args:
        header: of the columns.
        rows: as many cells each.
        align: one letter a column, `l`, `r` or `c`; left where there is none.
    """
    marks = {"l": "---", "r": "--:", "c": ":-:"}
    ruled = [marks[align[index]] if index < len(align) else "---" for index in range(len(header))]
    lines = [header, ruled, *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading: lower case, punctuation and pictures dropped, spaces as hyphens."""
    plain = _LINK.sub(r"\1", heading)
    plain = re.sub(r"&(amp|lt|gt|quot);", "", plain)
    plain = re.sub(r"\\(.)", r"\1", plain).replace("`", "").replace("*", "")
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


def headings(document: str) -> list[Heading]:
    """The headings of a document with their anchors; a second one of the same name gets `-1`, as on GitHub."""
    seen: dict[str, int] = {}
    found = []
    for line in outside_code(document):
        if match := _HEADING.match(line):
            base = slug(match[2])
            number = seen.get(base, 0)
            seen[base] = number + 1
            found.append(Heading(len(match[1]), match[2], f"{base}-{number}" if number else base))
    return found


def contents(document: str, deepest: int = 3) -> str:
    """A table of contents: a list of links to the headings below the title."""
    listed = [heading for heading in headings(document) if 2 <= heading.level <= deepest and heading.text != "Contents"]
    return "\n".join(f"{'  ' * (h.level - 2)}- [{_unlinked(h.text)}](#{h.anchor})" for h in listed)


def outside_code(document: str) -> Iterator[str]:
    """The lines of a document that are in no block of code."""
    opened = ""
    for line in document.splitlines():
        match = _FENCE.match(line)
        if opened:
            if match and match[1].startswith(opened) and not match[2].strip():
                opened = ""
        elif match:
            opened = match[1]
        else:
            yield line


def tidy(document: str) -> str:
    """A document without trailing blanks and without more than one empty line in a row, blocks of code apart."""
    kept: list[str] = []
    opened = ""
    for line in document.splitlines():
        match = _FENCE.match(line)
        if opened:
            if match and match[1].startswith(opened) and not match[2].strip():
                opened = ""
            kept.append(line)
            continue
        if match:
            opened = match[1]
        line = line.rstrip()
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip("\n") + "\n"


def _escaped(words: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", words)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unlinked(heading: str) -> str:
    return _LINK.sub(r"\1", heading)


def _cell(value: object) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(str(value).split()))
