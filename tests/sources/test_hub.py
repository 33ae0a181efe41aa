"""The hub, over HTTP, in a process of its own: huggingface_hub reads its settings when it is imported."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

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
               "ids": source.tokenizer().encode("def f"), "digest": source.digest()}
    else:
        out = {"peft_type": source.config["peft_type"], "weights": source.weights.name, "notes": source.notes}
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


@pytest.mark.slow
def test_shards(server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, requests = server
    sharded = run(tmp_path, endpoint, "base", "owner/sharded")
    assert len({r for r in requests if "model-0000" in r and r.startswith("GET")}) > 1
    assert sharded["tensors"] == run(tmp_path, endpoint, "base", "owner/tiny")["tensors"]


def test_an_adapter(server: tuple[str, list[str]], tmp_path: Path) -> None:
    found = run(tmp_path, server[0], "adapter", "owner/adapter")
    assert found == {"peft_type": "BOTTLENECK", "weights": "adapter_model.safetensors", "notes": []}


@pytest.mark.slow
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


def as_bin(folder: Path, file: str, to: Path) -> Path:
    shutil.copytree(folder, to)
    torch.save(load_file(to / f"{file[0]}.safetensors"), to / f"{file[1]}.bin")
    (to / f"{file[0]}.safetensors").unlink()
    return to


@pytest.mark.slow
def test_what_lies_in_the_cache_needs_no_network(models: dict[str, Path], tmp_path: Path) -> None:
    """A repository rarely has every file that may be there: the cache's lack of the others is no reason to refuse."""
    served = {
        "o/adapter": models["owner/adapter"],
        "o/old-adapter": as_bin(models["owner/adapter"], ("adapter_model", "adapter_model"), tmp_path / "a"),
        "o/old-base": as_bin(models["owner/tiny"], ("model", "pytorch_model"), tmp_path / "b"),
    }
    (served["o/old-base"] / "onnx").mkdir()
    (served["o/old-base"] / "onnx" / "config.json").write_text("{}")
    home = tmp_path / "home"
    with hub(served) as (endpoint, requests):
        for name in served:
            what = "base" if name.endswith("base") else "adapter"
            first = run(home, endpoint, what, name)
            assert "error" not in first
            assert run(home, "http://127.0.0.1:9", what, name) == first
            assert run(home, endpoint, what, name, HF_HUB_OFFLINE="1") == first
    assert not any("onnx" in request for request in requests)


@pytest.mark.slow
def test_an_adapter_without_our_own_file_in_the_cache_says_so_offline(models: dict[str, Path], tmp_path: Path) -> None:
    with hub({"o/a": models["owner/adapter"]}) as (endpoint, _):
        run(tmp_path, endpoint, "adapter", "o/a")
        for known_absent in (tmp_path / "hub").rglob(".no_exist"):
            shutil.rmtree(known_absent)  # as a download of the whole repository by other means leaves the cache
        found = run(tmp_path, endpoint, "adapter", "o/a", HF_HUB_OFFLINE="1")
    assert found["weights"] == "adapter_model.safetensors"
    assert "from the cache without astrarium.json" in found["notes"][0]


def test_weights_that_the_cache_lacks_are_told_offline(server: tuple[str, list[str]], tmp_path: Path) -> None:
    endpoint, _ = server
    run(tmp_path, endpoint, "base", "owner/tiny")
    for file in (tmp_path / "hub").rglob("model.safetensors"):
        file.unlink()
    assert run(tmp_path, endpoint, "base", "owner/tiny", HF_HUB_OFFLINE="1")["error"] == "OfflineError"


@pytest.mark.slow
def test_an_index_that_leads_out_of_the_repository(models: dict[str, Path], tmp_path: Path) -> None:
    shutil.copytree(models["owner/tiny"], tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    (tmp_path / "m" / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../x.safetensors"}}')
    with hub({"o/m": tmp_path / "m"}) as (endpoint, _):
        refused = run(tmp_path / "home", endpoint, "base", "o/m")
    assert refused["error"] == "CorruptFileError"
    assert "names the shard '../../x.safetensors'" in refused["message"]


def test_a_cache_that_cannot_be_written_is_not_called_a_lack_of_network(
    server: tuple[str, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    refused = run(tmp_path / "file", server[0], "base", "owner/tiny")
    assert refused["error"] == "SourceError"
    assert "cannot be kept in the cache" in refused["message"]
