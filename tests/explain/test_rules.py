"""Every rule has a page, and the page's examples are what it says: the wrong one fires, the right one is silent."""

from __future__ import annotations

import re
from pathlib import Path

import libcst as cst
import pytest

from astrarium.explain import all_rules, read_text
from astrarium.explain.rules.registry import GROUPS

PAGES = Path(__file__).parents[2] / "docs" / "rules"
RULES = {rule.id: rule for rule in all_rules()}


def examples(id: str) -> tuple[str, str]:
    """The wrong and the right example of a rule's page."""
    page = (PAGES / f"{id}.md").read_text(encoding="utf-8")
    wrong, right = (
        re.findall(r"```python\n(.*?)```", part, re.DOTALL)[0]
        for part in page.split("\n## Wrong\n")[1].split("\n## Right\n")
    )
    return wrong, right


def test_pages_and_rules_are_the_same() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {*RULES, "index"}
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    for rule in RULES.values():
        assert f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} |" in index
        assert rule.group in GROUPS
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", rule.id)
        page = (PAGES / f"{rule.id}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {rule.id}\n\n*{rule.severity}*: {rule.title}.\n\n{rule.why}\n")


@pytest.mark.parametrize("id", RULES)
def test_the_wrong_example_fires_and_the_right_one_is_silent(id: str) -> None:
    wrong, right = examples(id)
    assert id in {finding.id for finding in read_text(wrong).findings}
    assert read_text(right).findings == ()


@pytest.mark.parametrize("id", RULES)
def test_mending_the_wrong_example(id: str) -> None:
    reading = read_text(examples(id)[0])
    cst.parse_module(reading.mended)
    again = read_text(reading.mended)
    assert again.mended == reading.mended
    assert not [finding for finding in again.findings if finding.fixable]
    mended = {finding.id for finding in reading.findings if finding.fixable}
    assert mended.isdisjoint({finding.id for finding in again.findings})


@pytest.mark.parametrize("id", RULES)
def test_ignoring_it(id: str) -> None:
    wrong = examples(id)[0]
    if id in ("syntax-error", "peft-fork"):
        pytest.skip("no line of code to write it on")
    first = next(finding for finding in read_text(wrong).findings if finding.id == id)
    lines = wrong.split("\n")
    lines[first.line - 1] += f"  # astrarium: ignore[{id}]"
    left = read_text("\n".join(lines)).findings
    assert not [finding for finding in left if finding.id == id and finding.line == first.line]
    lines[first.line - 1] = lines[first.line - 1].replace(f"[{id}]", "[another-rule]")
    assert [finding for finding in read_text("\n".join(lines)).findings if finding.id == id]


def test_a_finding_tells_everything() -> None:
    finding = next(one for one in read_text(examples("adapter-lost")[0]).findings if one.id == "adapter-lost")
    told = finding.to_dict()
    assert list(told)[:5] == ["id", "severity", "line", "message", "mend"]
    assert told["why"] == RULES["adapter-lost"].why
    assert (Path(__file__).parents[2] / told["link"]).is_file()
