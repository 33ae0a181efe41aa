"""The hub, over HTTP, in a process of its own: huggingface_hub reads its settings when it is imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bases import save_adapter, save_base
from tests.hub_server import hub

OPEN = """
import json, sys
from astrarium.core.errors import AstrariumError
from astrarium.sources import open_base, open_adapter
what, name, revision = json.loads(sys.argv[1])
try:
    source = (open_base if what == "base" else open_adapter)(name, revision=revision)
    if what == "base":
        out = {"origin": source.origin, "tensors": sorted(t.name for t in source.tensors()),
               "ids": source.tokenizer()("def f")["input_ids"], "digest": source.digest()}
    else:
        out = {"peft_type": source.config["peft_type"], "weights": source.weights.name}
except AstrariumError as error:
    out = {"error": type(error).__name__, "message": str(error)}
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hub")
    base = save_base(folder / "tiny")
    sharded = save_base(folder / "sharded")
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(base).save_pretrained(sharded, max_shard_size="40kB")
    (sharded / "model.safetensors").unlink(missing_ok=True)
    (base / "modeling_evil.py").write_text("raise SystemExit('code from the hub was run')")
    return {
        "owner/tiny": base,
        "owner/sharded": sharded,
        "bigcode/starcoderbase-7b": base,
        "owner/adapter": save_adapter(folder / "adapter", base),
    }


@pytest.fixture
def server(models: dict[str, Path]) -> Iterator[tuple[str, list[str]]]:
    with hub(models, gated=("bigcode/starcoderbase-7b",)) as running:
        yield running


def run(home: Path, endpoint: str, what: str, name: str, revision: str | None = None, **env: str) -> dict[str, Any]:
    environment = {**os.environ, "HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", **env}
    done = subprocess.run(
        [sys.executable, "-c", OPEN, json.dumps([what, name, revision])],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "hf_right" not in done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_base_and_then_the_same_from_the_cache(server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, requests = server
    first = run(tmp_path, endpoint, "base", "owner/tiny")
    assert first["origin"] == "hub"
    assert "transformer.wte.weight" in first["tensors"]
    assert not any(".py" in request for request in requests)
    assert run(tmp_path, "http://127.0.0.1:9", "base", "owner/tiny") == first
    assert run(tmp_path, endpoint, "base", "owner/tiny", HF_HUB_OFFLINE="1") == first


def test_shards(server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, requests = server
    sharded = run(tmp_path, endpoint, "base", "owner/sharded")
    assert len({r for r in requests if "model-0000" in r and r.startswith("GET")}) > 1
    assert sharded["tensors"] == run(tmp_path, endpoint, "base", "owner/tiny")["tensors"]


def test_an_adapter(server: tuple[str, list[str]], tmp_path: Path) -> None:
    found = run(tmp_path, server[0], "adapter", "owner/adapter")
    assert found == {"peft_type": "BOTTLENECK", "weights": "adapter_model.safetensors"}


def test_a_gated_base_says_what_to_accept_and_how_to_log_in(server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, _ = server
    name = "bigcode/starcoderbase-7b"
    refused = run(tmp_path, endpoint, "base", name)
    assert refused["error"] == "GatedError"
    assert f"open {endpoint}/{name}, accept its terms" in refused["message"]
    assert "hf auth login" in refused["message"]
    assert run(tmp_path, endpoint, "base", name, HF_TOKEN="hf_right")["origin"] == "hub"


def test_what_is_not_there(server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, _ = server
    unknown = run(tmp_path, endpoint, "base", "owner/nothing")
    assert unknown["error"] == "NotFoundError"
    assert f"no such repository at {endpoint}" in unknown["message"]
    assert run(tmp_path, endpoint, "base", "owner/tiny", "v9")["error"] == "NotFoundError"
    assert "no adapter_config.json" in run(tmp_path, endpoint, "adapter", "owner/tiny")["message"]
    assert (
        "owner/adapter is an adapter, not a base model" in run(tmp_path, endpoint, "base", "owner/adapter")["message"]
    )


def test_no_network_says_what_was_looked_for_and_where(tmp_path: Path) -> None:
    for environment in ({}, {"HF_HUB_OFFLINE": "1"}):
        refused = run(tmp_path, "http://127.0.0.1:9", "base", "owner/tiny", **environment)
        assert refused["error"] == "OfflineError"
        for part in ("owner/tiny", str(tmp_path), "http://127.0.0.1:9"):
            assert part in refused["message"]
