"""The code in an answer."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

# A line that opens or closes a block: up to three spaces or a list's indent, three or more ` or ~, an info string.
_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)$")
_ALIASES = {"python": {"python", "py", "python3", "py3", "pycon"}, "javascript": {"javascript", "js", "node"}}
_STARTS = ("def ", "class ", "import ", "from ", "async def ", "@", "#", '"""')


@dataclass(slots=True)
class _Block:
    language: str
    lines: list[str]


def extract_code(answer: str, language: str | None = "python") -> str:
    """The code in a model's answer.

    A fenced block of the wanted language comes first, then any fenced block, then the longest run of lines that Python
    can parse, then the answer itself. A question that the model has gone on to write itself is cut off.

    Args:
        answer: what the model wrote.
        language: the language of the block to prefer; None takes the first block.

    Returns:
        The code, without fences; an empty text where there is none.
    """
    text = answer.removeprefix("Answer:")
    blocks = _blocks(text)
    if blocks:
        wanted = _ALIASES.get(language or "", {language})
        chosen = next((block for block in blocks if block.language in wanted), blocks[0])
        return "\n".join(chosen.lines)
    text = re.split(r"^Question:", text, maxsplit=1, flags=re.MULTILINE)[0]
    if language == "python":
        return _longest_python(text) or text.strip("\n")
    return text.strip("\n")


def _blocks(text: str) -> list[_Block]:
    blocks: list[_Block] = []
    opened: re.Match[str] | None = None
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if opened is None:
            # A backtick fence whose info string has a backtick is a code span, not a fence (CommonMark 4.5).
            if fence and not (fence["mark"][0] == "`" and "`" in fence["info"]):
                opened = fence
                words = fence["info"].replace("{", " ").split()
                blocks.append(_Block(words[0].strip(".}").lower() if words else "", []))
        elif fence and fence["mark"].startswith(opened["mark"]) and not fence["info"].strip():
            opened = None
        else:
            blocks[-1].lines.append(line.removeprefix(opened["indent"]))
    return [block for block in blocks if block.lines]


def _longest_python(text: str) -> str:
    """The longest run of lines that begins like code and parses; an answer cut short loses its broken end."""
    lines = text.splitlines()
    best: list[str] = []
    for start, line in enumerate(lines):
        if not line.startswith(_STARTS) or len(lines) - start <= len(best):
            continue
        end = len(lines)
        while end > start + len(best):
            broken = _first_broken_line(lines[start:end])
            if broken is None:
                best = lines[start:end]
                break
            end = start + min(broken, end - start - 1)
    return "\n".join(best).strip("\n")


def _first_broken_line(lines: list[str]) -> int | None:
    """The number, from 0, of the line Python stops at; None where all parses."""
    try:
        ast.parse("\n".join(lines))
    except SyntaxError as error:
        return max(0, (error.lineno or 1) - 1)
    except (ValueError, RecursionError, MemoryError):
        return 0
    return None
