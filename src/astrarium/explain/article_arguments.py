"""What a source's code passes to the installed libraries, read by the rules that read scripts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from astrarium.core.errors import AstrariumError
from astrarium.explain.reader import read_text
from astrarium.explain.rules.successors import DROPPED, NEW_ARGUMENTS, OPEN_CALLS
from astrarium.report import markdown

if TYPE_CHECKING:
    from astrarium.explain.article_library import InstalledLibraries
    from astrarium.explain.reading import Finding, Reading

_GONE = ("argument-gone", "name-gone")
_USED_TO_BE = frozenset([*NEW_ARGUMENTS, *DROPPED, *(name for names in OPEN_CALLS.values() for name in names)])
_BARE = re.compile(r"([a-z]\w*)\s*=\s*([\w.\"']+)")
_LONGEST = 48
# What a source that shows a few lines takes for granted: as the usual names have it.
_GIVEN = (
    'tokenizer = transformers.AutoTokenizer.from_pretrained("base")',
    'model = transformers.AutoModelForCausalLM.from_pretrained("base")',
)


def arguments(code: str, libraries: InstalledLibraries) -> Iterator[tuple[str, bool, str]]:
    """Look up the arguments of a piece of code, and the names it imports.

    Args:
        code: a code span or a whole block.
        libraries: the installed ones.

    Yields:
        What stands there, whether it holds, and what the libraries say (Markdown); what they cannot answer is left out.
    """
    bare = _BARE.fullmatch(code.strip())
    if bare and bare[1] in _USED_TO_BE and not libraries.has_name(bare[1]):
        new = f"; it is called `{NEW_ARGUMENTS[bare[1]]}` now" if bare[1] in NEW_ARGUMENTS else ""
        yield code.strip(), False, f"nothing takes `{bare[1]}` in {libraries.releases()}{new}"
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    keywords = [(call, one) for call in calls for one in call.keywords if one.arg]
    imports = any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))
    if not keywords and not imports:
        return
    before = _before(tree, libraries)
    try:
        reading = read_text("\n".join([*before, code]), mend=False)
    except AstrariumError:
        return
    gone = {(one.line - len(before), one.column - 1): one for one in reading.findings if one.id in _GONE}
    taken = _taken(reading, len(before), libraries)
    for call, keyword in keywords:
        shown = _shown(call, keyword, code)
        finding = gone.pop((keyword.lineno, keyword.col_offset), None)
        if finding is not None:
            yield shown, False, _finding(finding)
        elif said := taken.get((call.end_lineno or call.lineno, str(keyword.arg))):
            yield shown, True, said
    for (line, column), finding in gone.items():
        name = re.match(r"\w+", code.splitlines()[line - 1][column:]) if 0 < line <= code.count("\n") + 1 else None
        if name is not None:
            yield name[0], False, _finding(finding)


def _before(tree: ast.AST, libraries: InstalledLibraries) -> list[str]:
    """Imports of the libraries' names that the code uses, and the objects that it takes for granted."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    lines = ["import transformers, peft", *_GIVEN]
    for name in sorted(used):
        home = libraries.home(name)
        if home:
            lines.append(f"from {home} import {name}")
    return lines


def _taken(reading: Reading, shift: int, libraries: InstalledLibraries) -> dict[tuple[int, str], str]:
    """Last line of a call and argument → where the library's signature names that argument."""
    found: dict[tuple[int, str], str] = {}
    for call in reading.calls:
        if call.line <= shift or not call.name.startswith(("transformers.", "peft.")):
            continue
        signature = libraries.signature(call.name)
        named = {parameter.name for parameter in signature.parameters} if signature else set()
        short = ".".join(call.name.split(".")[1:][-2:])
        where = libraries.where(short)
        for argument in call.arguments:
            # the values of return_tensors are looked up on their own
            if where and argument.name in named and argument.name not in (None, "return_tensors"):
                found[call.end_line - shift, argument.name] = f"`{short}` takes it, {where}"
    return found


def _shown(call: ast.Call, keyword: ast.keyword, code: str) -> str:
    called, value = (ast.get_source_segment(code, node) or "…" for node in (call.func, keyword.value))
    called, value = (part if len(part) <= _LONGEST and "\n" not in part else "…" for part in (called, value))
    return f"{called}({keyword.arg}={value})"


def _finding(finding: Finding) -> str:
    return markdown.prose(f"{finding.message}; {finding.mend}")
