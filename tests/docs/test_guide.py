"""The guide: every block of code in it runs, what is made from the program is up to date, and the site builds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from astrarium.explain import all_rules

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [DOCS / "index.md", *sorted((DOCS / "guide").glob("*.md"))]
_BLOCK = re.compile(r"(?:<!-- (slow|not run: [^>]+) -->\n)?```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code of a page."""

    language: str
    code: str
    slow: bool


def blocks_of(page: Path) -> list[Block]:
    """The blocks that run, in order."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    assert all(language in ("bash", "python", "text") for _, language, _ in found), page
    return [
        Block(language, code, mark == "slow")
        for mark, language, code in found
        if language != "text" and not mark.startswith("not run")
    ]


def run(blocks: list[Block], folder: Path) -> None:
    """Run blocks one after the other in a folder with a small repository; the Python ones share their names."""
    shutil.copytree(ROOT / "src" / "astrarium" / "core", folder / "path" / "to" / "repository" / "core")
    shutil.copytree(ROOT / "src" / "astrarium" / "text", folder / "path" / "to" / "repository" / "text")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    python = ""
    for block in blocks:
        if block.language == "python":
            python += block.code
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block.code],
            cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block.code}\n{done.stdout}\n{done.stderr}"
    if python:
        done = subprocess.run([sys.executable, "-c", python], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{python}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_quick_blocks_run(page: Path, tmp_path: Path) -> None:
    run([block for block in blocks_of(page) if not block.slow], tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_runs(page: Path, tmp_path: Path) -> None:
    blocks = blocks_of(page)
    if not any(block.slow for block in blocks):
        pytest.skip("it has no slow block")
    run(blocks, tmp_path)


@pytest.mark.slow
def test_the_pages_that_the_program_makes_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_rule_has_a_page() -> None:
    pages = {page.stem for page in (DOCS / "rules").glob("*.md")} - {"index"}
    assert pages == {rule.id for rule in all_rules()}


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "guide" / "methods" / "index.html").read_text(encoding="utf-8")
    assert "<math" in page
    assert not re.findall(r'<(?:script|img)[^>]*src="https?:|<link[^>]*rel="stylesheet"[^>]*href="https?:', page)
