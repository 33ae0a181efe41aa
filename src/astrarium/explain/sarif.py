"""Findings for machines: SARIF 2.1.0, and GitHub's annotations."""

from __future__ import annotations

from typing import Any

from astrarium.explain.reading import Finding, Reading
from astrarium.explain.rules.registry import all_rules

_LEVELS = {"error": "error", "warning": "warning", "note": "note"}
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def sarif(reading: Reading, version: str) -> dict[str, Any]:
    """One run with the rules and the findings of one script.

    Args:
        reading: the script, read.
        version: astrarium's.
    """
    rules = [
        {
            "id": rule.id,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "help": {"text": f"{rule.why} See {rule.link}."},
            "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        }
        for rule in all_rules()
    ]
    places = {rule["id"]: position for position, rule in enumerate(rules)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "astrarium explain", "version": version, "rules": rules}},
                "results": [_result(reading, finding, places) for finding in reading.findings],
                "columnKind": "unicodeCodePoints",
            }
        ],
    }


def _result(reading: Reading, finding: Finding, places: dict[Any, int]) -> dict[str, Any]:
    region = {"startLine": finding.line, "endLine": max(finding.end_line, finding.line), "startColumn": finding.column}
    where: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": reading.name}, "region": region}}
    if finding.cell is not None:
        where["logicalLocations"] = [{"name": f"cell {finding.cell}", "kind": "module"}]
    return {
        "ruleId": finding.id,
        "ruleIndex": places[finding.id],
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}. {finding.mend}."},
        "locations": [where],
    }


def github_lines(reading: Reading) -> list[str]:
    """A workflow command of GitHub's for each finding."""
    return [
        f"::{_COMMANDS[finding.severity]} file={_property(reading.name)},line={finding.line},"
        f"endLine={max(finding.end_line, finding.line)},col={finding.column},title={_property(finding.id)}"
        f"::{_escaped(_in_cell(finding) + finding.message + '; ' + finding.mend)}"
        for finding in reading.findings
    ]


def _in_cell(finding: Finding) -> str:
    return "" if finding.cell is None else f"cell {finding.cell}, line {finding.line}: "


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
