"""Rows from a data set on the hub, over HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from astrarium.data import write_rows
from tests.hub_server import hub

READ = "import json, sys; from astrarium.data import read_rows; print(json.dumps(read_rows('owner/data')))"


def test_a_data_set_on_the_hub(tmp_path: Path) -> None:
    rows = [{"prompt": f"p{n}", "completion": f"c{n}", "source": f"s{n}"} for n in range(3)]
    write_rows(tmp_path / "data" / "rows.jsonl", rows)  # type: ignore[arg-type]
    with hub({"datasets/owner/data": tmp_path / "data"}) as (endpoint, _):
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
        done = subprocess.run([sys.executable, "-c", READ], env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == rows
