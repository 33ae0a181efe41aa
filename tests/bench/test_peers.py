"""The real workers, ours and those of the peers that are installed here, on a small base: each in its own process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from astrarium.bench.bench import OURS, Setting
from astrarium.bench.protocol import play
from tests.bases import save_adapter, save_base

PEERS = Path(__file__).parents[2] / "benchmarks" / "peers"
NEW = 5


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    folder = tmp_path_factory.mktemp("bench")
    return Setting(folder / "cache", folder / "scratch", sys.executable, PEERS)


def test_decoding(setting: Setting, tmp_path: Path) -> None:
    work = {
        "base": str(save_base(tmp_path / "base")), "prompts": [[5, 6, 7], [8, 9, 10]], "new": NEW, "threads": 1,
    }  # fmt: skip
    sides = [
        setting.ours("decode", {**work, "format": "fp32"}),
        setting.peer("transformers", "hf", {**work, "kind": "decode"}),
        setting.peer("start", "hf", {**work, "kind": "first_token"}, fresh=True),
    ]
    standing = play(sides, 1, lambda line: None)
    assert standing.missing == {}
    assert {name: played.format for name, played in standing.played.items()} == {
        OURS: "fp32", "transformers": "bf16", "start": "bf16",
    }  # fmt: skip
    for name in (OURS, "transformers"):
        (figures,) = standing.played[name].rounds
        assert figures["tokens_per_s"] > 0
    assert standing.played["start"].rounds[0]["since_start_s"] > 0.5  # it imports torch and transformers


def test_adapters_mixed_in_one_batch(setting: Setting, tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    adapters = {name: str(save_adapter(tmp_path / name, base, "lora", seed=seed)) for seed, name in enumerate("ab")}
    work = {
        "base": str(base), "prompts": [[5, 6, 7], [8, 9, 10]], "new": NEW, "threads": 1, "adapters": adapters,
    }  # fmt: skip
    sides = [
        setting.ours("mixed", {**work, "format": "fp32", "rows": list(adapters)}),
        setting.peer("peft", "hf_peft", work),
    ]
    standing = play(sides, 1, lambda line: None)
    assert standing.missing == {}
    assert standing.played["peft"].format == "fp32"
    assert standing.played["peft"].rounds[0]["tokens_per_s"] > 0
    assert standing.played[OURS].rounds[0]["adapter_bytes"] > 0


def test_a_bank_of_adapters(setting: Setting, tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    bank = {name: str(save_adapter(tmp_path / name, base, "adapterp", seed=seed)) for seed, name in enumerate("abc")}
    work = {"base": str(base), "prompts": [[5, 6, 7]], "threads": 1, "format": "fp32", "bank": bank}
    standing = play([setting.ours("bank", work)], 2, lambda line: None)
    assert standing.missing == {}
    for figures in standing.played[OURS].rounds:
        assert figures["reload_s"] > 0
        assert figures["requests_per_s"] > 0
