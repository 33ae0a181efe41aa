"""What `make demo` runs, with fewer steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


@pytest.mark.slow
def test_the_demo_ends_with_lower_losses_and_three_answers() -> None:
    run = subprocess.run(
        [sys.executable, str(DEMO), "4"], capture_output=True, text=True, encoding="utf-8", timeout=600, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "ask parallel …" in run.stdout
    panels = next(line for line in run.stdout.splitlines() if line.startswith("╭"))
    assert [word for word in panels.split() if word.isalpha()] == ["base", "lora", "parallel"]
