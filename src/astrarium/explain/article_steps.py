"""The steps of a script, told from top to bottom: the code, what the installed library says, who says what of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from astrarium.explain.article_library import InstalledLibraries
from astrarium.explain.index.library import Signature
from astrarium.explain.reading import Call, Finding, Reading
from astrarium.report.citations import Source

_SHORTEST, _LONGEST = 50, 420
# These say nothing of themselves in the source: transformers writes their docstrings when it is imported.
_OWN_WORDS = {
    "from_pretrained": "finds the files of that name (a folder, the cache or the hub) and makes the object from them.",
    "to": "moves to the device that is named: a model in place, a tensor as a copy.",
}


@dataclass(frozen=True, slots=True)
class Described:
    """One call of a step, as the library describes it."""

    name: str
    """Class and method."""
    signature: Signature | None
    summary: str
    """The library's own, or ours where it has none."""
    ours: bool
    """Whether the summary is ours."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """What a source says of a step, letter for letter."""

    words: str
    source: Source


@dataclass(frozen=True, slots=True)
class Told:
    """One step of the script."""

    first: int
    last: int
    title: str
    code: str
    calls: tuple[Described, ...]
    findings: tuple[Finding, ...]
    again: tuple[tuple[str, int], ...]
    """Findings that were told before: the rule, and the line."""
    quotes: tuple[Quoted, ...]

    @property
    def cited(self) -> tuple[int, ...]:
        """Numbers of the sources that are quoted."""
        return tuple(quoted.source.number for quoted in self.quotes)


def told_steps(reading: Reading, libraries: InstalledLibraries, sources: Sequence[Source]) -> list[Told]:
    """The steps of a script: each line, or run of lines, that does something.

    Comments and assignments of plain values that follow one another are one step.
    """
    lines = reading.text.splitlines()
    calls = [call for call in reading.calls if call.name.startswith(("transformers.", "peft.", "torch."))]
    begins: dict[int, list[Call]] = {}
    for call in calls:
        begins.setdefault(call.line, []).append(call)
    spoken: set[str] = set()
    known: dict[tuple[str, str], int] = {}
    told = []
    ends = {line: max(call.end_line for call in group) for line, group in begins.items()}
    for finding in reading.findings:  # a string that breaks across lines is one step
        if finding.id == "syntax-error" and finding.line in ends:
            ends[finding.line] = _closing(lines, finding)
    for first, last in _spans(lines, ends):
        group = [call for line in range(first, last + 1) for call in begins.get(line, [])]
        here = [finding for finding in reading.findings if first <= finding.line <= last]
        findings = tuple(finding for finding in here if (finding.id, finding.message) not in known)
        again = tuple((f.id, known[f.id, f.message]) for f in here if (f.id, f.message) in known)
        known |= {(finding.id, finding.message): finding.line for finding in findings}
        quotes = _quotes(group, "\n".join(lines[first - 1 : last]), sources, spoken)
        described = tuple({call.name: _described(call, libraries) for call in group}.values())
        code = "\n".join(lines[first - 1 : last])
        told.append(Told(first, last, _title(first, last, described, code), code, described, findings, again, quotes))
    return told


def _closing(lines: Sequence[str], finding: Finding) -> int:
    """The line on which a string ends that breaks across lines; the finding's own where none does."""
    mark = re.search(r"string in (\S+) quotes", finding.message)
    if mark is not None:
        for number in range(finding.line + 1, len(lines) + 1):
            if mark[1] in lines[number - 1]:
                return number
    return finding.line


def _spans(lines: Sequence[str], calls: dict[int, int]) -> list[tuple[int, int]]:
    """First and last line of each step."""
    spans: list[tuple[int, int]] = []
    number, open_from = 1, 0
    while number <= len(lines):
        if number in calls:
            if open_from:
                spans.append((open_from, number - 1))
            spans.append((number, calls[number]))
            number, open_from = calls[number], 0
        elif not lines[number - 1].strip():
            if open_from:
                spans.append((open_from, number - 1))
            open_from = 0
        elif not open_from:
            open_from = number
        number += 1
    if open_from:
        spans.append((open_from, len(lines)))
    return spans


def _title(first: int, last: int, calls: Sequence[Described], code: str) -> str:
    where = f"Line {first}" if first == last else f"Lines {first} to {last}"
    if calls:
        return f"{where}: {', then '.join(f'`{call.name}`' for call in calls)}"
    if re.search(r"^\s*(from|import)\b", code, re.MULTILINE):
        return f"{where}: what is imported"
    if all(line.lstrip().startswith("#") for line in code.splitlines()):
        return f"{where}: comments"
    return f"{where}: names and values"


def _described(call: Call, libraries: InstalledLibraries) -> Described:
    short = ".".join(call.name.split(".")[-2:])
    signature = libraries.signature(call.name)
    method = call.name.rsplit(".", 1)[-1]
    summary = signature.summary if signature is not None else ""
    if summary and method != "to":
        return Described(short, signature, " ".join(summary.split()), False)
    return Described(short, signature, _OWN_WORDS.get(method, ""), True)


def _quotes(group: Sequence[Call], code: str, sources: Sequence[Source], spoken: set[str]) -> tuple[Quoted, ...]:
    """One sentence of the sources for a step: of an answer before that of a page, the first that names the call."""
    wanted = [name for call in group for name in _spellings(call)]
    wanted += re.findall(r"^\w+ *= *(\"[\w.-]+/[\w.-]+\")", code, re.MULTILINE)
    for kind in ("answer", "page"):
        for source in sources:
            if source.kind != kind:
                continue
            for sentence in source.sentences():
                fits = _SHORTEST <= len(sentence) <= _LONGEST and sentence not in spoken
                if fits and any(name in sentence for name in wanted) and _plain(sentence):
                    source.quote(sentence)  # raises where the words are not there letter for letter
                    spoken.add(sentence)
                    return (Quoted(sentence, source),)
    return ()


def _spellings(call: Call) -> list[str]:
    """How a text would name a call: with its class, or with the variable that has it here."""
    owner, method = call.name.split(".")[-2:]
    if call.name.startswith("torch.") or method == "to":
        return []
    names = [f"{owner}.{method}"]
    if written := re.match(r"(\w+)\.(\w+)\(", call.source):
        names.append(f"{written[1]}.{written[2]}")
    return [*names, f"`{owner}`"] if owner.startswith("Auto") else names


def _plain(sentence: str) -> bool:
    """Whether a sentence can stand in Markdown as it is: no HTML, no link, no picture, nothing left open."""
    if re.search(r"[<>|$]|\]\(|!\[|^#|^>", sentence):
        return False
    if sentence.endswith(":"):  # it announces what is not quoted with it
        return False
    return sentence.count("`") % 2 == 0 and sentence.count("**") % 2 == 0
