"""A machine without a compiler installs all the same."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from astrarium.engine.native import _built

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_failed_build_still_installs(tmp_path):
    place = tmp_path / "site"
    command = ["-m", "pip", "install", "--no-build-isolation", "--no-deps", "--target", str(place), str(ROOT)]
    options = ["--config-settings", f"build-dir={tmp_path / 'build'}", "--disable-pip-version-check"]
    environment = {**os.environ, "CXX": "/bin/false"}
    done = subprocess.run([sys.executable, *command, *options], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    code = (
        "import torch, astrarium; from astrarium.engine.native import kernels, why_not;"
        "from astrarium.engine.formats import layers, rounding;"
        "print(astrarium.__file__); print(kernels(), '|', why_not());"
        "print(layers.QuantisedLinear(rounding.int8(torch.ones(4, 32)))(torch.ones(1, 32)).tolist())"
    )
    # Without `site`, so that an editable installation does not come before the folder.
    path = os.pathsep.join([str(place), sysconfig.get_path("platlib")])
    shown = subprocess.run(
        [sys.executable, "-S", "-c", code], env={**environment, "PYTHONPATH": path}, capture_output=True, text=True
    )
    lines = shown.stdout.splitlines()
    assert lines[0].startswith(str(place)), shown.stderr
    assert lines[1].startswith("None | the compiled kernels are not there")
    assert "torch's are slower" in lines[1]
    assert json.loads(lines[2]) == [pytest.approx([32.0] * 4, rel=1e-3)]


@pytest.mark.skipif(not shutil.which("c++"), reason="there is no C++ compiler")
def test_the_kernels_are_built_where_there_is_a_compiler():
    module, reason = _built()
    assert module is not None, reason
    assert set(module.supported()) <= {"amx", "avx512bf16", "avx512", "avxvnni", "avx2"}
