"""What sources say in code, checked against the installed libraries. Their prose is never judged."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from astrarium.report.citations import Source

_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_BARE = re.compile(r"\b(?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*\b|\b[a-z]+(?:_[a-z0-9]+)+\b(?!\()")
_NAME = re.compile(r"[A-Za-z_]\w*")
_DOTTED = re.compile(r"\.?[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_ARGUMENT = re.compile(r"([A-Za-z_]\w*)\s*=\s*(['\"])([^'\"]*)\2")
_QUOTED = re.compile(r"^(['\"])([a-z]{1,12})\1$")
_RECEIVERS = {"tokenizer": "PreTrainedTokenizerBase", "model": "PreTrainedModel"}
_CHOICES = {"return_tensors": "TensorType"}


class Libraries(Protocol):
    """What there is to ask of the installed libraries."""

    def releases(self) -> str:
        """Their names and versions, in words."""

    def has_class(self, name: str) -> bool:
        """Whether there is a class of that name."""

    def has_function(self, name: str) -> bool:
        """Whether there is a function of that name."""

    def has_member(self, class_name: str, member: str) -> bool | None:
        """Whether a class has a member; None where it is not known."""

    def has_name(self, name: str) -> bool:
        """Whether anything has that name: a class, function, method, attribute or parameter."""

    def choices(self, enumeration: str) -> Sequence[str]:
        """The values of an enumeration; empty where it is not known."""

    def where(self, name: str) -> str:
        """File and line of a name, in words; empty where it is not known."""

    def arguments(self, code: str) -> Iterator[tuple[str, bool, str]]:
        """Of a piece of code the arguments, and the names it imports: what stands there, whether it holds, why."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a source says in code."""

    code: str
    """As it stands in the source."""
    sources: tuple[int, ...]
    """Numbers of the sources that say it."""
    holds: bool
    finding: str
    """What the installed libraries say, as Markdown."""


def check_claims(sources: Sequence[Source], libraries: Libraries, known: frozenset[str] = frozenset()) -> list[Claim]:
    """Check every code span and block of the sources.

    Args:
        sources: the sources.
        libraries: the installed libraries.
        known: names of the script's own, which no library need have.

    Returns:
        The claims that the libraries can answer, contradictions first; what they cannot answer is left out.
    """
    found: dict[str, tuple[bool, str, list[int]]] = {}
    for source in sources:
        for code in _codes(source):
            _note(found, source, _judged(code, source, libraries, known))
        for code in _pieces(source):
            _note(found, source, libraries.arguments(code))
    claims = [Claim(code, tuple(numbers), holds, finding) for code, (holds, finding, numbers) in found.items()]
    return sorted(claims, key=lambda claim: (claim.holds, claim.code.lower()))


def _note(
    found: dict[str, tuple[bool, str, list[int]]], source: Source, judged: Iterator[tuple[str, bool, str]]
) -> None:
    for shown, holds, finding in judged:
        numbers = found.setdefault(shown, (holds, finding, []))[2]
        if source.number not in numbers:
            numbers.append(source.number)


def _pieces(source: Source) -> Iterator[str]:
    """What can be read as a whole: each block of code (its lines, where it does not parse), and each code span."""
    for passage in source.passages:
        for block in _FENCED.findall(passage.text):
            yield from [block] if _parses(block) else block.splitlines()
        yield from (match[2].strip() for match in _SPAN.finditer(_FENCED.sub("", passage.text)))


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _codes(source: Source) -> Iterator[str]:
    for passage in source.passages:
        rest = passage.text
        for block in _FENCED.findall(rest):
            yield from (line.strip() for line in block.splitlines() if line.strip() and not line.startswith("#"))
        rest = _FENCED.sub("", rest)
        yield from (match[2].strip() for match in _SPAN.finditer(rest))
        bare = _SPAN.sub(" ", rest)
        yield from (match[0] for match in _ARGUMENT.finditer(bare))
        if source.kind == "page":
            yield from _BARE.findall(re.sub(r"https?://\S+", "", bare))
            if "return_tensors" in bare:
                yield from (f'return_tensors="{value}"' for value in re.findall(r"'([a-z]{2})'", bare))


def _judged(code: str, source: Source, libraries: Libraries, known: frozenset[str]) -> Iterator[tuple[str, bool, str]]:
    quoted = _QUOTED.match(code)
    if quoted and any("return_tensors" in passage.text for passage in source.passages):
        code = f'return_tensors="{quoted[2]}"'
    for name, _, value in _ARGUMENT.findall(code):
        if name in _CHOICES:
            yield _choice(name, value, libraries)
    call = _parsed(code)
    if call is not None:
        for node in ast.walk(call):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                receiver = node.func.value
                if isinstance(receiver, ast.Name):
                    yield from _member(receiver.id, node.func.attr, libraries)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield from _bare(node.func.id, libraries, known)
    elif _DOTTED.fullmatch(code):
        owner, _, member = code.strip(".").rpartition(".")
        if "." in owner:
            return
        yield from _member(owner, member, libraries) if owner else _bare(member, libraries, known)


def _parsed(code: str) -> ast.AST | None:
    """A call or an assignment of one, also where its last bracket is missing; None for anything else."""
    if "(" not in code:
        return None
    for attempt in (code, code + ")"):
        try:
            return ast.parse(attempt.strip("."))
        except (SyntaxError, ValueError, RecursionError):
            continue
    return None


def _choice(name: str, value: str, libraries: Libraries) -> tuple[str, bool, str]:
    enumeration = _CHOICES[name]
    allowed = list(libraries.choices(enumeration))
    listed = ", ".join(f'`"{choice}"`' for choice in allowed)
    where = f"`{enumeration}` in {libraries.where(enumeration)}"
    word = "accepts" if value in allowed else "accepts only"
    return f'{name}="{value}"', value in allowed, f"{where} {word} {listed}"


def _member(receiver: str, member: str, libraries: Libraries) -> Iterator[tuple[str, bool, str]]:
    owner = _RECEIVERS.get(receiver, receiver)
    if not libraries.has_class(owner):
        return
    has = libraries.has_member(owner, member)
    if has is None:
        return
    if has:
        yield f"{receiver}.{member}", True, f"`{owner}.{member}`, {libraries.where(f'{owner}.{member}')}"
    else:
        yield f"{receiver}.{member}", False, f"`{owner}` has no `{member}` in {libraries.releases()}"


def _bare(name: str, libraries: Libraries, known: frozenset[str]) -> Iterator[tuple[str, bool, str]]:
    snake = "_" in name.strip("_") and name.islower()
    camel = bool(re.fullmatch(r"(?:[A-Z][a-z0-9]+){2,}\w*", name))
    if name in known or name.startswith("__") or not _NAME.fullmatch(name):
        return
    if libraries.has_class(name) or libraries.has_function(name):
        if snake or camel:
            yield name, True, libraries.where(name)
        return
    for owner in (*_RECEIVERS.values(), "GenerationMixin", "PeftModel"):
        if libraries.has_member(owner, name):
            yield name, True, f"`{owner}.{name}`, {libraries.where(f'{owner}.{name}')}"
            return
    if snake and not libraries.has_name(name):
        yield name, False, f"nothing of that name in {libraries.releases()} (files of single models apart)"
