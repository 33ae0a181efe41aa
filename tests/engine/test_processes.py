"""The engine where a process ends or is forked while it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.bases import save_base

LOAD = """
import os, sys, threading, time
import astrarium
model = astrarium.load(sys.argv[1], format="fp32", cache_tokens=1024)
options = {"max_new_tokens": 60, "min_new_tokens": 60, "template": "plain"}
"""
ENDS = """
def ask():
    while True:
        model.ask("hello " * 20, **options)
threading.Thread(target=ask, daemon=True).start()
time.sleep(0.3)
print("over")
"""
OPEN = """
stream = model.stream("hello", **options)
next(stream)
print("over")
"""
FORKED = """
before = model.ask("hello", **options)
model.engine._lock.acquire()  # as another thread may hold it
if (child := os.fork()) == 0:
    try:
        os._exit(0 if model.ask("hello", **options) == before else 3)
    finally:
        os._exit(4)
for _ in range(300):
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        break
    time.sleep(0.1)
else:
    os.kill(child, 9)
    sys.exit("the forked process hangs")
model.engine._lock.release()
assert status == 0, status
assert model.ask("hello", **options) == before
print("over")
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_base(tmp_path_factory.mktemp("processes") / "base", n_layer=4)


@pytest.mark.parametrize("script", [ENDS, OPEN, FORKED], ids=["thread", "generator", "fork"])
def test_the_process_ends_well(base: Path, tmp_path: Path, script: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", LOAD + script, str(base)],
        capture_output=True, text=True, timeout=100, env={**os.environ, "ASTRARIUM_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout.strip()) == (0, "over"), done.stderr[-1500:]
    assert "Exception ignored" not in done.stderr
    assert ("it computes in one thread" in done.stderr) == (script is FORKED)
