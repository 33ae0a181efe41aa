"""What a reading of a script gives: the calls that were found, the findings, and the mended text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From the gravest to the mildest: what is wrong, what is likely wrong, what could be better."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call, as it stands in the script."""

    name: str | None
    """The keyword; None where it is given by position, `*` or `**` where it is unpacked."""
    source: str
    value: Any = None
    """Its value where the reading knows it (text, number, truth value), else None."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"name": self.name, "source": self.source, "value": self.value}


@dataclass(frozen=True, slots=True)
class Call:
    """One call in the script."""

    name: str
    """What is called, resolved through imports and data flow: `transformers.AutoModelForCausalLM.from_pretrained`;
    for a method of an object that the reading follows, the class of the installed library that has it."""
    line: int
    end_line: int
    source: str
    arguments: tuple[Argument, ...]
    assigned: str | None = None
    """The variable that its result goes to."""
    cell: int | None = None
    """In a notebook: the cell, counted from 1; `line` then counts within the cell."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        shown: dict[str, Any] = {
            "name": self.name,
            "line": self.line,
            "end_line": self.end_line,
            "source": self.source,
            "arguments": [argument.to_dict() for argument in self.arguments],
            "assigned": self.assigned,
        }
        return shown if self.cell is None else {**shown, "cell": self.cell}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or that could be better."""

    id: str
    """The rule's name, in words, such as `adapter-lost`."""
    severity: Severity
    line: int
    message: str
    why: str
    mend: str
    end_line: int = 0
    column: int = 1
    cell: int | None = None
    """In a notebook: the cell, counted from 1; `line` then counts within the cell."""
    fixable: bool = False
    """Whether the mended copy mends it."""
    code: str = ""
    """The line, as it stands in the script."""

    @property
    def place(self) -> str:
        """Where it is, behind the file's name: `:12`, or ` cell 3, line 2` in a notebook."""
        return f":{self.line}" if self.cell is None else f" cell {self.cell}, line {self.line}"

    @property
    def link(self) -> str:
        """The page that explains the rule."""
        return f"docs/rules/{self.id}.md"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        shown: dict[str, Any] = {
            "id": self.id,
            "severity": self.severity,
            "line": self.line,
            "message": self.message,
            "mend": self.mend,
            "why": self.why,
            "end_line": self.end_line or self.line,
            "column": self.column,
            "fixable": self.fixable,
            "code": self.code,
            "link": self.link,
        }
        return shown if self.cell is None else {**shown, "cell": self.cell}


@dataclass(frozen=True, slots=True)
class Reading:
    """A script, read."""

    name: str
    """The file's path, or `<text>`."""
    text: str
    """The code that was read; for a notebook the code cells, joined."""
    calls: tuple[Call, ...] = ()
    findings: tuple[Finding, ...] = ()
    mended: str = ""
    """The script with its findings mended where that is plain; for a notebook the whole notebook as JSON. The original
    where nothing is mended."""
    original: str = ""
    """What the file holds."""
    notes: tuple[str, ...] = ()
    """What the reader should know: what was not read, what is not at hand."""
    libraries: Mapping[str, str] = field(default_factory=dict)
    """The installed libraries that it was read against, with their versions."""
    path: Path | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings of severity `error`."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "script": self.name,
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
            "libraries": dict(self.libraries),
        }
