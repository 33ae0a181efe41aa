"""Scripts as they come: files, notebooks, text. Line magics are masked while a notebook is read, and put back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astrarium.core.errors import ExplainError

LARGEST = 4 * 1024 * 1024
"""Bytes of the largest script that is read."""

_MAGIC = re.compile(r"^(\s*)(?:[!%?]|[\w.]+\?{1,2}\s*$)")
_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w, ]+=\s*)([!%])")
_OTHER_LANGUAGE = re.compile(r"^%%(?!time\b|timeit\b|capture\b|prun\b|memit\b)")


@dataclass(slots=True)
class Cell:
    """One code cell of a notebook."""

    number: int
    """Among all cells of the notebook, from 1."""
    first: int
    """Its first line in the joined code, from 1."""
    lines: int


@dataclass(slots=True)
class Script:
    """A script's code, and how to write it back."""

    name: str
    code: str
    """What is parsed; magics are masked."""
    original: str
    path: Path | None = None
    cells: list[Cell] = field(default_factory=list)
    masks: dict[str, str] = field(default_factory=dict)
    """Placeholder line → the line of the notebook that it stands for."""
    notebook: dict[str, Any] | None = None
    bom: str = ""
    _lines: list[str] = field(default_factory=list, repr=False)

    def place(self, line: int) -> tuple[int, int | None]:
        """Line within its cell and the cell's number; for a plain script the line and None."""
        for cell in reversed(self.cells):
            if line >= cell.first:
                return line - cell.first + 1, cell.number
        return line, None

    def shown_line(self, line: int) -> str:
        """A line of the joined code, as it stands in the file."""
        self._lines = self._lines or self.code.split("\n")
        return self.shown(self._lines[line - 1].rstrip("\r")) if 0 < line <= len(self._lines) else ""

    def shown(self, code: str) -> str:
        """Code with the magics put back."""
        for placeholder, line in self.masks.items():
            code = code.replace(placeholder, line)
        return code

    def written(self, code: str) -> str:
        """The file that holds this code, in place of the one that was read."""
        if self.notebook is None:
            return self.bom + self.shown(code)
        notebook = json.loads(self.original)
        for cell, text in zip(self.cells, _parts(code), strict=True):
            whole = notebook["cells"][cell.number - 1]
            text = self.shown(text)
            whole["source"] = text.splitlines(keepends=True) if isinstance(whole["source"], list) else text
        indent = re.search(r"\n( +)\"", self.original)
        end = "\n" if self.original.endswith("\n") else ""
        return json.dumps(notebook, ensure_ascii=False, indent=len(indent.group(1)) if indent else None) + end


_SEAM = "# %% astrarium-cell\n"


def _parts(code: str) -> list[str]:
    parts = code.split(_SEAM)[1:]
    return [part.removesuffix("\n") for part in parts]


def open_script(path: Path) -> Script:
    """Read a file.

    Raises:
        ExplainError: it is missing, a folder, no text, or too large.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ExplainError(f"{path} has {path.stat().st_size:,} bytes; a script of at most {LARGEST:,} is read")
        raw = path.read_bytes()
    except OSError as error:
        raise ExplainError(f"{path} cannot be read: {error.strerror}") from error
    return script_of(decoded(raw, str(path)), str(path), path)


def decoded(raw: bytes, name: str) -> str:
    """Bytes as text.

    Raises:
        ExplainError: they are no UTF-8 text.
    """
    if b"\0" in raw:
        raise ExplainError(f"{name} is no text: it holds a zero byte; expected a Python script or a notebook")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ExplainError(f"{name} is no UTF-8 text (byte {error.start}); expected a Python script") from error


def script_of(text: str, name: str, path: Path | None = None) -> Script:
    """Text as a script; JSON with cells is a notebook.

    Raises:
        ExplainError: the file is called a notebook and is none, or the text is too long or holds a zero character.
    """
    if len(text) > LARGEST:
        raise ExplainError(f"{name} has {len(text):,} characters; a script of at most {LARGEST:,} is read")
    if "\0" in text:
        raise ExplainError(f"{name} is no text: it holds a zero character; expected a Python script or a notebook")
    if (text.lstrip("\ufeff \t\r\n").startswith("{") and '"cells"' in text) or name.endswith(".ipynb"):
        return _notebook(text, name, path)
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    code = text.removeprefix(bom)
    masks: dict[str, str] = {}
    if re.search(r"^\s*(?:!\s*\w|%\w|%%\w)", code, re.MULTILINE):
        code = _masked(code, masks)  # a notebook's code, exported or pasted
    return Script(name, code, text, path, masks=masks, bom=bom)


def _notebook(text: str, name: str, path: Path | None) -> Script:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ExplainError(f"{name} is no notebook: its JSON breaks off ({str(error)[:80]})") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise ExplainError(f"{name} is no notebook: it has no list of cells (nbformat 4 is read)")
    script = Script(name, "", text, path, notebook=notebook)
    joined, line = [], 1
    for number, cell in enumerate(cells, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = cell.get("source", "")
        code = "".join(map(str, source)) if isinstance(source, list) else str(source)
        code = _SEAM + _masked(code.replace("\0", ""), script.masks) + "\n"
        script.cells.append(Cell(number, line + 1, code.count("\n") - 1))
        joined.append(code)
        line += code.count("\n")
    script.code = "".join(joined)
    return script


def _masked(code: str, masks: dict[str, str]) -> str:
    """Code whose magics are lines that Python reads, one for one."""
    if _OTHER_LANGUAGE.match(code):
        return "\n".join(_mask("pass", line, masks) for line in code.split("\n"))
    shown: list[str] = []
    depth, goes_on = 0, None
    for line in code.split("\n"):
        assigned, magic = _ASSIGNED_MAGIC.match(line), _MAGIC.match(line)
        if goes_on is not None:
            shown.append(_mask(f"{goes_on}pass", line, masks))
            goes_on = goes_on if line.endswith("\\") else None
            continue
        if depth <= 0 and (assigned or magic) and line.endswith("\\"):
            goes_on = line[: len(line) - len(line.lstrip())]
        if depth <= 0 and assigned:
            shown.append(assigned.group(1) + _mask("None", line[len(assigned.group(1)) :], masks))
        elif depth <= 0 and magic:
            shown.append(magic.group(1) + _mask("pass", line[len(magic.group(1)) :], masks))
        else:
            shown.append(line)
            bare = re.sub(r"(\"[^\"]*\"|'[^']*')|#.*", "", line)
            depth += sum(bare.count(mark) for mark in "([{") - sum(bare.count(mark) for mark in ")]}")
    return "\n".join(shown)


def _mask(word: str, line: str, masks: dict[str, str]) -> str:
    placeholder = f"{word}  # astrarium-magic-{len(masks)}-"
    masks[placeholder] = line
    return placeholder
