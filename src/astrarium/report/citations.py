"""Sources: saved search results, pages and earlier answers become numbered citations; a quotation is verified.

Three forms are read:

- search results, each `Title: …`, `URL: …`, `Snippet: …` on lines of their own;
- answers, after a line `====== Assistant Response ======`, each begun by `assistant:`; and an article after
  `**Response:**`, with the model's name where the file gives it;
- anything else is a page: its first heading is the title, a line `URL: …` its link.

What stands between (a prompt, a guide) is no source and is not quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from astrarium.core.errors import ReportError

_ANSWERS = re.compile(r"^=+ *Assistant Response *=+ *$")
_RESPONSE = re.compile(r"^\*\*Response:\*\* *$")
_OTHER = re.compile(r"^(\*\*[A-Z][^*]*\*\*:|=+ .* =+ *$|A THOROUGH|\*\*Options)")
_MODEL = re.compile(r"^- Model: *(\S+)", re.MULTILINE)
_VIDEO = re.compile(r"https?://(?:www\.)?(?:youtu\.be/|youtube\.com/watch\?v=)([\w-]{6,20})")
_FENCED = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.DOTALL | re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z`\"'*\[(])|\n+")
_LONGEST_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a source, as it stands there."""

    text: str
    line: int
    """Where it begins in the file, from 1."""


@dataclass(frozen=True, slots=True)
class Source:
    """One source with its number in the list of an article."""

    number: int
    kind: str
    """`page` (a search result or a saved page) or `answer`."""
    title: str
    url: str
    """Empty where the source has none."""
    passages: tuple[Passage, ...]
    file: str

    @property
    def video(self) -> str | None:
        """The id of the video that the link leads to, if it does."""
        found = _VIDEO.match(self.url)
        return found[1] if found else None

    def quote(self, words: str) -> Passage:
        """The passage that has these words, letter for letter.

        Raises:
            ReportError: none of them has.
        """
        for passage in self.passages:
            if words in passage.text:
                return passage
        raise ReportError(
            f"source {self.number} ({self.title}, {self.file}) does not say {words!r}; "
            "a quotation must be in its source letter for letter"
        )

    def line_of(self, words: str) -> int:
        """The line of the file on which a quotation begins.

        Raises:
            ReportError: as `quote`.
        """
        passage = self.quote(words)
        return passage.line + passage.text[: passage.text.index(words)].count("\n")

    def code_lines(self) -> set[str]:
        """The lines of its blocks of code."""
        blocks = (match[0] for passage in self.passages for match in _FENCED.finditer(passage.text))
        return {line.strip() for block in blocks for line in block.splitlines()[1:-1] if line.strip()}

    def sentences(self) -> Iterable[str]:
        """Its sentences, in order; what stands in blocks of code is left out."""
        for passage in self.passages:
            for sentence in _SENTENCE.split(_FENCED.sub("\n", passage.text)):
                words = re.sub(r"^(?:[-*+]|\d+\.)\s+", "", sentence.strip())
                if words:
                    yield words


def read_sources(files: Sequence[str | Path]) -> list[Source]:
    """Read sources and number them, in the order in which they stand; what comes twice is listed once.

    Raises:
        ReportError: a file that is missing, no text, empty or too large.
    """
    found: list[Source] = []
    for file in files:
        found += _sources(Path(file), _read(Path(file)))
    merged: dict[tuple[str, str, str], Source] = {}
    for source in found:
        key = (source.kind, source.url, "" if source.url else source.passages[0].text)
        known = merged.get(key)
        if known is None:
            merged[key] = source
        else:
            new = tuple(p for p in source.passages if all(p.text != old.text for old in known.passages))
            merged[key] = replace(known, passages=known.passages + new)
    return [replace(source, number=number) for number, source in enumerate(merged.values(), start=1)]


def quoting(words: str, sources: Sequence[Source]) -> Source:
    """The first source that has these words, letter for letter.

    Raises:
        ReportError: none of them has, or there are no words.
    """
    if not words.strip():
        raise ReportError("a quotation is empty; give the words that are to be quoted")
    for source in sources:
        if any(words in passage.text for passage in source.passages):
            return source
    where = ", ".join(dict.fromkeys(source.file for source in sources)) or "no file"
    shown = words if len(words) <= 120 else f"{words[:119]}…"
    raise ReportError(
        f"no source says {shown!r} (looked for in {where}); a quotation must be in its source letter for letter"
    )


def _read(path: Path) -> str:
    if not path.is_file():
        raise ReportError(f"there is no source {path}")
    if path.stat().st_size > _LONGEST_BYTES:
        raise ReportError(f"source {path} has {path.stat().st_size} bytes; at most {_LONGEST_BYTES} are read")
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ReportError(f"source {path} is no UTF-8 text (byte {error.start})") from None
    if not content.strip():
        raise ReportError(f"source {path} is empty")
    return content


def _sources(path: Path, content: str) -> list[Source]:
    lines = content.splitlines()
    found = [*_results(path, lines), *_answers(path, lines), *_response(path, lines, content)]
    if found:
        return sorted(found, key=lambda source: source.passages[0].line)
    heading = next((line.lstrip("# ").strip() for line in lines if line.strip()), path.name)
    url = next((line[4:].strip() for line in lines if line.startswith("URL:")), "")
    return [Source(0, "page", heading[:200], url, (Passage(content, 1),), path.name)]


def _results(path: Path, lines: Sequence[str]) -> list[Source]:
    found = []
    for index, line in enumerate(lines[:-1]):
        if not (line.startswith("Title: ") and lines[index + 1].startswith("URL: ")):
            continue
        snippet = lines[index + 2] if index + 2 < len(lines) else ""
        if snippet.startswith("Snippet: "):
            passage = Passage(snippet.removeprefix("Snippet: "), index + 3)
        else:
            passage = Passage(line.removeprefix("Title: "), index + 1)
        title, url = line.removeprefix("Title: ").strip(), lines[index + 1].removeprefix("URL: ").strip()
        found.append(Source(0, "page", title, url, (passage,), path.name))
    return found


def _answers(path: Path, lines: Sequence[str]) -> list[Source]:
    found: list[Source] = []
    gathered: list[str] = []
    begun, inside, fenced = 0, False, False

    def close() -> None:
        words = "\n".join(gathered).strip()
        if words:
            passage = Passage(words, begun)
            first = " ".join(words.replace("`", "").split()[:9])
            found.append(Source(0, "answer", f"an earlier answer: “{first} …”", "", (passage,), path.name))
        gathered.clear()

    for number, line in enumerate(lines, start=1):
        if not fenced and (_ANSWERS.match(line) or _OTHER.match(line) or _RESPONSE.match(line)):
            close()
            inside = bool(_ANSWERS.match(line))
        elif inside and not fenced and line.startswith("assistant:"):
            close()
            begun = number
            gathered.append(line.removeprefix("assistant:").lstrip())
        elif inside and begun:
            gathered.append(line)
        if inside and line.startswith("```"):
            fenced = not fenced
    close()
    return found


def _response(path: Path, lines: Sequence[str], content: str) -> list[Source]:
    begin = next((number for number, line in enumerate(lines, start=1) if _RESPONSE.match(line)), None)
    if begin is None:
        return []
    end = next(
        (
            number
            for number in range(begin, len(lines))
            if lines[number].startswith(("**Options", "<details><summary>M"))
        ),
        len(lines),
    )
    words = "\n".join(lines[begin:end]).strip()
    if not words:
        return []
    model = _MODEL.search("\n".join(lines[begin:]))
    title = "the article that was written before" + (f", by {model[1]}" if model else "")
    return [Source(0, "answer", title, "", (Passage(words, begin + 1),), path.name)]
